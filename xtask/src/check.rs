//! `cargo xtask check`: what can be said about the code without running it.

use crate::job::{Job, Jobs};
use crate::packages::{self, Purpose};
use crate::tools::{self, Subcommand};
use crate::ui;
use crate::workspace::Workspace;
use anyhow::Result;
use clap::Args;

/// What `check` takes.
#[derive(Args)]
pub struct Options {
    /// Repair what can be repaired.
    #[arg(long)]
    fix: bool,
    /// Do not install anything: name what is missing and stop.
    #[arg(long)]
    no_install: bool,
}

/// Runs all checks, also after one has failed; true if all passed.
pub fn run(options: &Options) -> Result<bool> {
    let workspace = Workspace::find()?;
    let jobs = Jobs::new(&workspace, "check")?;
    let node = tools::packages_for_node()?;
    if cfg!(target_os = "linux") {
        packages::ensure(&jobs, Purpose::Build, node, !options.no_install)?;
    }
    tools::ensure_nasm()?;
    tools::ensure_subcommand(&workspace, &jobs, Subcommand::Deny)?;
    ui::install(&workspace, &jobs)?;

    let mut problems = Vec::new();
    let mut gate = |outcome: Result<()>| {
        if let Err(problem) = outcome {
            println!("{problem:#}");
            problems.push(problem);
        }
    };
    gate(format(&workspace, &jobs, options.fix));
    gate(ui::lint(&workspace, &jobs, options.fix));
    gate(ui::types(&workspace, &jobs));
    // The shell's build embeds the built UI, and fails without one.
    gate(ui::build(&workspace, &jobs));
    gate(clippy(&workspace, &jobs, options.fix));
    gate(deny(&workspace, &jobs));
    match problems.len() {
        0 => println!("\nAll checks passed"),
        count => println!("\n{count} of the checks failed"),
    }
    Ok(problems.is_empty())
}

/// Checks the formatting of all Rust code, or repairs it.
pub fn format(workspace: &Workspace, jobs: &Jobs, fix: bool) -> Result<()> {
    let mut command = workspace.cargo();
    command.args(["fmt", "--all"]);
    if !fix {
        command.arg("--check");
    }
    let hint = "run: cargo xtask check --fix";
    jobs.run(Job::new("Rust formatting", command, 2).hint(hint)).map(drop)
}

fn clippy(workspace: &Workspace, jobs: &Jobs, fix: bool) -> Result<()> {
    let mut command = workspace.cargo();
    command.args(["clippy", "--workspace", "--all-targets", "--locked"]);
    if fix {
        command.args(["--fix", "--allow-dirty", "--allow-staged"]);
    }
    command.args(["--", "-D", "warnings"]);
    jobs.run(Job::new("Rust lint", command, 40)).map(drop)
}

fn deny(workspace: &Workspace, jobs: &Jobs) -> Result<()> {
    let mut command = workspace.cargo();
    // Advisories need a database from the network: not a matter of this code's state.
    command.args(["deny", "--workspace", "--locked", "check", "bans", "licenses", "sources"]);
    let hint = "each exception needs its reason in deny.toml";
    jobs.run(Job::new("Dependencies' licences and sources", command, 5).hint(hint)).map(drop)
}
