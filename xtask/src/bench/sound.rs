//! `cargo xtask bench sound`: the microphone's chain on made-up voices in made-up rooms, against
//! goals.

use crate::job::{Job, Jobs};
use crate::packages::{self, Purpose};
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use clap::Args;

/// What `bench sound` takes.
#[derive(Args)]
pub struct Options {
    /// Do not install anything: name what is missing and stop.
    #[arg(long)]
    no_install: bool,
}

/// Builds the measuring program and runs it; true if all goals were met.
pub fn run(options: &Options) -> Result<bool> {
    let workspace = Workspace::find()?;
    let jobs = Jobs::new(&workspace, "bench")?;
    packages::ensure(&jobs, Purpose::Build, &["espeak-ng"], !options.no_install)?;
    let measure = super::build(&workspace, &jobs, "sound_bench")?;
    let log = jobs.run(Job::new("Sound", measure, 10))?;
    let figures = std::fs::read_to_string(log).context("while reading the figures")?;
    println!("\n{figures}");
    Ok(figures.contains("\n0 goals missed"))
}
