//! `cargo xtask package`: what people install. Decides what goes in which order; cargo-deb and
//! cargo-generate-rpm build the files from the packages' metadata, and lintian judges them.

mod changelog;

use crate::job::{Job, Jobs};
use crate::packages::{self, Purpose};
use crate::tools::{self, Subcommand};
use crate::ui;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// The cargo packages that become files, with their folders.
const APP: (&str, &str) = ("tincan", "src-tauri");
const SERVER: (&str, &str) = ("tincan-server", "crates/server");

/// What `package` takes.
#[derive(Args)]
pub struct Options {
    /// Do not install anything: name what is missing and stop.
    #[arg(long)]
    no_install: bool,
}

/// Builds the packages into `target/package`; true if lintian finds no error in them.
pub fn run(options: &Options) -> Result<bool> {
    let workspace = Workspace::find()?;
    let jobs = Jobs::new(&workspace, "package")?;
    let node = tools::packages_for_node()?;
    packages::ensure(&jobs, Purpose::Package, node, !options.no_install)?;
    tools::ensure_nasm()?;
    tools::ensure_subcommand(&workspace, &jobs, Subcommand::Deb)?;
    tools::ensure_subcommand(&workspace, &jobs, Subcommand::GenerateRpm)?;
    describe(&workspace, &jobs)?;
    ui::install(&workspace, &jobs)?;
    ui::build(&workspace, &jobs)?;
    build(&workspace, &jobs)?;
    let made = bundle(&workspace, &jobs)?;
    let debs: Vec<_> = made.iter().filter(|path| has_ending(path, "deb")).collect();
    let mut lintian = Command::new("lintian");
    // Binaries of Rust bring their libraries along, as their licences allow.
    lintian.args(["--fail-on", "error", "--suppress-tags", "embedded-library"]).args(debs);
    jobs.run(Job::new("Judge the packages", lintian, 5))?;
    println!();
    for path in &made {
        let size = fs::metadata(path).with_context(|| format!("while looking at {path:?}"))?.len();
        println!("{:6.1} MB  {}", size as f64 / 1e6, path.display());
    }
    Ok(true)
}

/// Checks what desktops and software centres are told, and writes the changelogs.
fn describe(workspace: &Workspace, jobs: &Jobs) -> Result<()> {
    let app = workspace.root.join("packaging/app");
    let mut desktop = Command::new("desktop-file-validate");
    desktop.arg(app.join("org.tincan.Tincan.desktop"));
    jobs.run(Job::new("Check the desktop entry", desktop, 1))?;
    let mut metadata = Command::new("appstreamcli");
    metadata.args(["validate", "--no-net"]).arg(app.join("org.tincan.Tincan.metainfo.xml"));
    jobs.run(Job::new("Check the AppStream metadata", metadata, 1))?;
    let text = fs::read_to_string(workspace.root.join("CHANGELOG.md"))
        .context("while reading the changelog")?;
    let folder = output(workspace)?;
    for (package, _) in [APP, SERVER] {
        let version = env!("CARGO_PKG_VERSION");
        let debian = changelog::debian(&text, package, version, SystemTime::now());
        fs::write(folder.join(format!("{package}.changelog")), debian)
            .context("while writing a changelog")?;
    }
    Ok(())
}

fn build(workspace: &Workspace, jobs: &Jobs) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--release", "--locked", "-p", APP.0, "-p", SERVER.0]);
    jobs.run(Job::new("Build for release", cargo, 60)).map(drop)
}

/// Makes the files anew and returns their paths.
fn bundle(workspace: &Workspace, jobs: &Jobs) -> Result<Vec<PathBuf>> {
    let folder = output(workspace)?;
    for path in files(&folder)? {
        if has_ending(&path, "deb") || has_ending(&path, "rpm") {
            fs::remove_file(&path).with_context(|| format!("while removing {path:?}"))?;
        }
    }
    for (package, _) in [APP, SERVER] {
        let mut deb = workspace.cargo();
        deb.args(["deb", "--no-build", "--locked", "-p", package, "--output"]).arg(&folder);
        jobs.run(Job::new(format!("Make {package}.deb"), deb, 10))?;
    }
    let mut rpm = workspace.cargo();
    rpm.args(["generate-rpm", "-p", APP.1, "--output"]).arg(&folder);
    rpm.arg("--target-dir").arg(&workspace.build);
    jobs.run(Job::new("Make tincan.rpm", rpm, 10))?;
    let made = files(&folder)?;
    Ok(made.into_iter().filter(|path| has_ending(path, "deb") || has_ending(path, "rpm")).collect())
}

/// `target/package` in the repository, made if need be.
fn output(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.output.join("package");
    fs::create_dir_all(&folder).with_context(|| format!("while making {folder:?}"))?;
    Ok(folder)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("while listing {folder:?}"))?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.context("while listing the packages")?.path());
    }
    paths.sort();
    Ok(paths)
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|it| it == ending)
}
