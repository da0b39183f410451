//! `cargo xtask soak`: a long call between two windows, and whether their memory stays flat.

use crate::job::Jobs;
use crate::packages::{self, Purpose};
use crate::workspace::Workspace;
use crate::{demo, tools, ui};
use anyhow::{Context, Result, ensure};
use clap::Args;
use std::process::{Command, Stdio};

/// What `soak` takes.
#[derive(Args)]
pub struct Options {
    /// How long the call lasts.
    #[arg(long, default_value_t = 30)]
    minutes: u64,
    /// Do not install anything: name what is missing and stop.
    #[arg(long)]
    no_install: bool,
    /// Build with optimisation.
    #[arg(long)]
    release: bool,
}

/// Builds, holds the call and judges; true if memory stayed flat.
pub fn run(options: &Options) -> Result<bool> {
    ensure!(
        cfg!(target_os = "linux"),
        "The windows are driven through Xvfb and WebKitWebDriver, which only Linux has"
    );
    let workspace = Workspace::find()?;
    let jobs = Jobs::new(&workspace, "soak")?;
    let node = tools::packages_for_node()?;
    packages::ensure(&jobs, Purpose::Unseen, node, !options.no_install)?;
    tools::ensure_nasm()?;
    ui::install(&workspace, &jobs)?;
    ui::build(&workspace, &jobs)?;
    let profile = demo::build(&workspace, &jobs, options.release)?;
    let program = workspace.program(profile, "tincan-soak");
    let status = Command::new(&program)
        .arg(workspace.output.join("soak"))
        .arg(options.minutes.to_string())
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("while starting {program:?}"))?;
    Ok(status.success())
}
