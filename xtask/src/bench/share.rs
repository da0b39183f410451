//! `cargo xtask bench share`: what sharing a screen costs the sharer and the viewer, beside
//! Chromium, on screens that nobody sees.

use crate::job::{Job, Jobs};
use crate::packages::{self, Purpose};
use crate::workspace::Workspace;
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
    let workspace = Workspace::find()?;
    let jobs = Jobs::new(&workspace, "bench")?;
    let node = tools::packages_for_node()?;
    packages::ensure(&jobs, Purpose::Beside, node, !options.no_install)?;
    tools::ensure_nasm()?;
    ui::install(&workspace, &jobs)?;
    ui::build(&workspace, &jobs)?;
    let profile = demo::build(&workspace, &jobs, true)?;

    let mut measure = Command::new(workspace.program(profile, "tincan-share-bench"));
    measure
        .arg(workspace.program(profile, "tincan"))
        .arg(workspace.output.join("bench").join("share"))
        .args([options.seconds.to_string(), options.rounds.to_string()])
        // The pages that Chromium shows lie in the package of the measuring program.
        .env("CARGO_MANIFEST_DIR", workspace.root.join("tests/interop"));
    // Four contents a round, each with its warm-up, and the starts of all programs.
    let minutes = 5 + options.rounds * (4 * (options.seconds + 10) + 120) / 60;
    let log = jobs.run(Job::new("Shared screens", measure, minutes))?;
    let figures = std::fs::read_to_string(log).context("while reading the figures")?;
    println!("\n{figures}");
    Ok(true)
}
