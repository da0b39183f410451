//! `cargo xtask bench speech`: how well speech is understood over bad networks, beside Chromium, in
//! the network lab.

use super::call::Makers;
use crate::job::{Job, Jobs};
use crate::packages::{self, Purpose};
use crate::workspace::{Profile, Workspace};
use crate::{demo, tools};
use anyhow::{Context, Result, ensure};
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Speech, and Python for the measures, of which one is compiled.
const PACKAGES: &[&str] = &["espeak-ng", "python3", "python3-dev", "python3-venv"];

/// What `bench speech` takes.
#[derive(Args)]
pub struct Options {
    /// How often each network is measured, Tincan and Chromium in turns.
    #[arg(long, default_value_t = 3)]
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

/// Builds and measures; true if every call came to its end and every goal was met.
pub fn run(options: &Options) -> Result<bool> {
    ensure!(cfg!(target_os = "linux"), "The lab is made of Linux' network namespaces");
    let workspace = Workspace::find()?;
    let jobs = Jobs::new(&workspace, "bench")?;
    packages::ensure(&jobs, Purpose::LabBeside, PACKAGES, !options.no_install)?;
    tools::ensure_nasm()?;
    let output = workspace.output.join("bench").join("speech");
    let python = measures(&workspace, &jobs, &output.join("python"))?;
    demo::build(&workspace, &jobs, Profile::Measure)?;
    let program = workspace.program(Profile::Measure, "tincan-speech-bench");
    let status = Command::new(&program)
        .arg(&output)
        .args([&options.rounds.to_string(), options.makers.name()])
        .arg(&python)
        .args(&options.only)
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("while starting {program:?} (the lab needs root)"))?;
    Ok(status.success())
}

/// A Python of the bench's own that has the published measures.
fn measures(workspace: &Workspace, jobs: &Jobs, folder: &Path) -> Result<PathBuf> {
    let python = folder.join("bin/python");
    if !python.exists() {
        let mut make = Command::new("python3");
        make.args(["-m", "venv"]).arg(folder);
        jobs.run(Job::new("Python for the measures", make, 5))?;
    }
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--disable-pip-version-check", "-r"]);
    install.arg(workspace.root.join("tests/netlab/speech/requirements.txt"));
    jobs.run(Job::new("Measures of speech", install, 15))?;
    Ok(python)
}
