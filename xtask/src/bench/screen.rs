//! `cargo xtask bench screen`: the capture of a screen beside ffmpeg's, and what codecs leave of
//! text, on a screen that nobody sees.

use crate::job::{Job, Jobs};
use crate::packages::{self, Purpose};
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use clap::Args;

/// What `bench screen` takes.
#[derive(Args)]
pub struct Options {
    /// Do not install anything: name what is missing and stop.
    #[arg(long)]
    no_install: bool,
}

/// Builds the measuring program and runs it; true if all was measured.
pub fn run(options: &Options) -> Result<bool> {
    let workspace = Workspace::find()?;
    let jobs = Jobs::new(&workspace, "bench")?;
    packages::ensure(&jobs, Purpose::Unseen, &["ffmpeg"], !options.no_install)?;
    let measure = super::build(&workspace, &jobs, "screen_bench")?;
    let log = jobs.run(Job::new("Screens", measure, 10))?;
    let figures = std::fs::read_to_string(log).context("while reading the figures")?;
    println!("\n{figures}");
    Ok(true)
}
