//! Measures how late a voice is heard, from microphone to speaker, in two windows of the app and in two
//! of Chromium: `tincan-delay-bench APP FOLDER CLICKS ROUNDS`; `cargo xtask bench delay` calls it.
#![allow(clippy::print_stdout, reason = "a command line program talks on standard output")]

use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::ExitCode;
use tincan_interop_tests::delay::{Plan, measure};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            println!("{problem:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<bool> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [program, folder, clicks, rounds] = arguments.as_slice() else {
        bail!("Usage: tincan-delay-bench APP FOLDER CLICKS ROUNDS");
    };
    let folder = Path::new(folder);
    std::fs::create_dir_all(folder).with_context(|| format!("while making {folder:?}"))?;
    let folder = folder.canonicalize().context("while finding the folder's whole path")?;
    let plan = Plan {
        program: Path::new(program),
        folder: &folder,
        clicks: clicks.parse().context("the clicks are no number")?,
        rounds: rounds.parse().context("the rounds are no number")?,
    };
    let table = measure(&plan, |line| println!("{line}")).await?;
    println!("\n{table}");
    let file = folder.join("delay.json");
    let record = serde_json::to_string(&table.record()).context("while writing the delays")?;
    std::fs::write(&file, record).with_context(|| format!("while writing {file:?}"))?;
    let file = folder.join("delay.md");
    std::fs::write(&file, table.to_string()).with_context(|| format!("while writing {file:?}"))?;
    Ok(table.is_good())
}
