//! `cargo xtask bench call`: calls over bad networks, beside Chromium, in the network lab.

use crate::job::Jobs;
use crate::packages::{self, Purpose};
use crate::workspace::{Profile, Workspace};
use crate::{demo, tools};
use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use std::process::{Command, Stdio};

/// What `bench call` takes.
#[derive(Args)]
pub struct Options {
    /// How often each network is measured, Tincan and Chromium in turns.
    #[arg(long, default_value_t = 5)]
    rounds: u64,
    /// Whose programs.
    #[arg(long, value_enum, default_value_t = Makers::Both)]
    makers: Makers,
    /// Only the networks whose names contain this; may be given more than once.
    #[arg(long)]
    only: Vec<String>,
    /// Do not install anything: name what is missing and stop.
    #[arg(long)]
    no_install: bool,
}

/// Whose programs are measured.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Makers {
    Both,
    Tincan,
    Chromium,
}

impl Makers {
    /// As the measuring programs call them.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Tincan => "tincan",
            Self::Chromium => "chromium",
        }
    }
}

/// Builds and measures; true if every call came to its end.
pub fn run(options: &Options) -> Result<bool> {
    ensure!(cfg!(target_os = "linux"), "The lab is made of Linux' network namespaces");
    let workspace = Workspace::find()?;
    let jobs = Jobs::new(&workspace, "bench")?;
    packages::ensure(&jobs, Purpose::LabBeside, &[], !options.no_install)?;
    tools::ensure_nasm()?;
    demo::build(&workspace, &jobs, Profile::Measure)?;
    let program = workspace.program(Profile::Measure, "tincan-call-bench");
    let status = Command::new(&program)
        .arg(workspace.output.join("bench").join("call"))
        .args([&options.rounds.to_string(), options.makers.name()])
        .args(&options.only)
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("while starting {program:?} (the lab needs root)"))?;
    Ok(status.success())
}
