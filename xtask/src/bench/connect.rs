//! `cargo xtask bench connect`: how long calls take to set up, in the network lab.

use crate::job::Jobs;
use crate::packages::{self, Purpose};
use crate::workspace::{Profile, Workspace};
use crate::{demo, tools};
use anyhow::{Context, Result, ensure};
use clap::Args;
use std::process::{Command, Stdio};

/// What `bench connect` takes.
#[derive(Args)]
pub struct Options {
    /// Calls over each way.
    #[arg(long, default_value_t = 200)]
    calls: u64,
    /// Whose relay: tincan or coturn (which has no TLS here).
    #[arg(long, default_value = "tincan")]
    relay: String,
    /// Build without optimisation, which is quicker.
    #[arg(long)]
    debug: bool,
    /// Do not install anything: name what is missing and stop.
    #[arg(long)]
    no_install: bool,
}

/// Builds and measures; true if every call connected.
pub fn run(options: &Options) -> Result<bool> {
    ensure!(cfg!(target_os = "linux"), "The lab is made of Linux' network namespaces");
    let workspace = Workspace::find()?;
    let jobs = Jobs::new(&workspace, "bench")?;
    packages::ensure(&jobs, Purpose::Lab, &[], !options.no_install)?;
    tools::ensure_nasm()?;
    let profile = if options.debug { Profile::Dev } else { Profile::Measure };
    demo::build(&workspace, &jobs, profile)?;
    let program = workspace.program(profile, "tincan-connect-bench");
    let status = Command::new(&program)
        .arg(workspace.output.join("bench"))
        .args([&options.calls.to_string(), &options.relay])
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("while starting {program:?} (the lab needs root)"))?;
    Ok(status.success())
}
