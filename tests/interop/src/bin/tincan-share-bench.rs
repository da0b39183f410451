//! Measures what sharing a screen costs in two windows of the app and in two of Chromium:
//! `tincan-share-bench APP FOLDER SECONDS ROUNDS`; `cargo xtask bench share` calls it.
#![allow(clippy::print_stdout, reason = "a command line program talks on standard output")]

use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use tincan_interop_tests::share::{Plan, measure};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            println!("Not all pictures of the whole screen arrived");
            ExitCode::FAILURE
        }
        Err(problem) => {
            println!("{problem:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<bool> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [program, folder, seconds, rounds] = arguments.as_slice() else {
        bail!("Usage: tincan-share-bench APP FOLDER SECONDS ROUNDS");
    };
    let folder = Path::new(folder);
    std::fs::create_dir_all(folder).with_context(|| format!("while making {folder:?}"))?;
    let folder = folder.canonicalize().context("while finding the folder's whole path")?;
    let seconds = seconds.parse().context("the seconds are no number")?;
    let plan = Plan {
        program: Path::new(program),
        folder: &folder,
        span: Duration::from_secs(seconds),
        rounds: rounds.parse().context("the rounds are no number")?,
    };
    let before = load()?;
    let table = measure(&plan).await?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "{} rounds of {seconds} s, load {before} before and {} after, {cores} cores",
        plan.rounds,
        load()?
    );
    println!(
        "Processor time as a share of one core; 1920x1080 shared, shown in windows of 960x640\n"
    );
    println!("{table}");
    std::fs::write(folder.join("details.txt"), table.details())
        .context("while writing the details")?;
    println!("By program and thread: {}", folder.join("details.txt").display());
    Ok(table.is_whole())
}

/// The machine's load over the last minute.
fn load() -> Result<String> {
    let text = std::fs::read_to_string("/proc/loadavg").context("while reading the load")?;
    Ok(text.split(' ').next().unwrap_or_default().to_owned())
}
