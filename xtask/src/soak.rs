//! `cargo xtask soak`: a long call between two windows, and whether their memory stays flat; or many
//! ICE restarts and calls between peers without windows, and whether they leave something behind.

use crate::job::Jobs;
use crate::packages::{self, Purpose};
use crate::workspace::{Profile, Workspace};
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
    /// Restart ICE so many times on one connection, without windows.
    #[arg(long)]
    restarts: Option<u64>,
    /// Make and end so many calls, without windows.
    #[arg(long)]
    calls: Option<u64>,
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
    if options.restarts.is_some() || options.calls.is_some() {
        return without_windows(&workspace, &jobs, options);
    }
    let node = tools::packages_for_node()?;
    packages::ensure(&jobs, Purpose::Unseen, node, !options.no_install)?;
    tools::ensure_nasm()?;
    ui::install(&workspace, &jobs)?;
    ui::build(&workspace, &jobs)?;
    let profile = if options.release { Profile::Release } else { Profile::Dev };
    demo::build(&workspace, &jobs, profile)?;
    let program = workspace.program(profile, "tincan-soak");
    let status = Command::new(&program)
        .arg(workspace.output.join("soak"))
        .arg(options.minutes.to_string())
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("while starting {program:?}"))?;
    Ok(status.success())
}

/// Restarts and calls; none of those that no number is given for.
fn without_windows(workspace: &Workspace, jobs: &Jobs, options: &Options) -> Result<bool> {
    packages::ensure(jobs, Purpose::Build, &[], !options.no_install)?;
    tools::ensure_nasm()?;
    let profile = if options.release { Profile::Release } else { Profile::Dev };
    demo::build(workspace, jobs, profile)?;
    let program = workspace.program(profile, "tincan-leak-check");
    let status = Command::new(&program)
        .arg(workspace.output.join("soak"))
        .args([options.restarts, options.calls].map(|count| count.unwrap_or(0).to_string()))
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("while starting {program:?}"))?;
    Ok(status.success())
}
