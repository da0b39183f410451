//! `cargo xtask bench share`: what sharing a screen costs the sharer and the viewer, beside
//! Chromium, on screens that nobody sees.

use crate::job::{Job, Jobs};
use crate::packages::{self, Purpose};
use crate::workspace::{Profile, Workspace};
use crate::{demo, tools, ui};
use anyhow::{Context, Result};
use clap::Args;
use std::process::Command;

/// What `bench share` takes.
#[derive(Args)]
pub struct Options {
    /// How long each content is measured, in seconds.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// How often all is measured, Tincan and Chromium in turns.
    #[arg(long, default_value_t = 2)]
    rounds: u64,
    /// Do not install anything: name what is missing and stop.
    #[arg(long)]
    no_install: bool,
}

/// Builds the app and measures; true if the whole screen arrived everywhere.
pub fn run(options: &Options) -> Result<bool> {
    let windows = Windows::build(!options.no_install)?;
    let mut measure = windows.program("tincan-share-bench", "share");
    measure.args([options.seconds.to_string(), options.rounds.to_string()]);
    // Four contents a round, each with its warm-up, and the starts of all programs.
    let minutes = 5 + options.rounds * (4 * (options.seconds + 10) + 120) / 60;
    let log = windows.jobs.run(Job::new("Shared screens", measure, minutes))?;
    let figures = std::fs::read_to_string(log).context("while reading the figures")?;
    println!("\n{figures}");
    Ok(true)
}

/// What measures in windows of the app and of Chromium, which nobody sees.
pub struct Windows {
    workspace: Workspace,
    jobs: Jobs,
}

impl Windows {
    /// Builds it all.
    pub fn build(install: bool) -> Result<Self> {
        let workspace = Workspace::find()?;
        let jobs = Jobs::new(&workspace, "bench")?;
        let node = tools::packages_for_node()?;
        packages::ensure(&jobs, Purpose::Beside, node, install)?;
        tools::ensure_nasm()?;
        ui::install(&workspace, &jobs)?;
        ui::build(&workspace, &jobs)?;
        demo::build(&workspace, &jobs, Profile::Measure)?;
        Ok(Self { workspace, jobs })
    }

    /// A measuring program with its first arguments: the app, and where it leaves its logs.
    pub fn program(&self, name: &str, folder: &str) -> Command {
        let mut measure = Command::new(self.workspace.program(Profile::Measure, name));
        measure
            .arg(self.workspace.program(Profile::Measure, "tincan"))
            .arg(self.workspace.output.join("bench").join(folder))
            // The pages that Chromium shows lie in the package of the measuring program.
            .env("CARGO_MANIFEST_DIR", self.workspace.root.join("tests/interop"));
        measure
    }
}
