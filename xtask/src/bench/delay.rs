//! `cargo xtask bench delay`: how late a voice is heard, from microphone to speaker, beside Chromium,
//! through virtual cables.

use super::share::Windows;
use anyhow::{Context, Result};
use clap::Args;
use std::process::Stdio;

/// What `bench delay` takes.
#[derive(Args)]
pub struct Options {
    /// How many clicks each call has.
    #[arg(long, default_value_t = 40)]
    clicks: u64,
    /// How many calls are made, Tincan and Chromium in turns.
    #[arg(long, default_value_t = 3)]
    rounds: u64,
    /// Do not install anything: name what is missing and stop.
    #[arg(long)]
    no_install: bool,
}

/// Builds the app and measures; true if Tincan is not later than Chromium.
pub fn run(options: &Options) -> Result<bool> {
    let windows = Windows::build(!options.no_install)?;
    let mut measure = windows.program("tincan-delay-bench", "delay");
    measure.args([options.clicks.to_string(), options.rounds.to_string()]);
    let status = measure.stdin(Stdio::null()).status().context("while measuring")?;
    Ok(status.success())
}
