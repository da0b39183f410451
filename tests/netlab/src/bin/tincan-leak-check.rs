//! Restarts ICE and makes calls, many times, and says whether the peers hold on to more with each:
//! `tincan-leak-check FOLDER RESTARTS CALLS`; `cargo xtask soak` calls it.
#![allow(clippy::print_stdout, reason = "a command line program talks on standard output")]

use anyhow::{Context, Result};
use std::path::Path;
use std::process::ExitCode;
use tincan_netlab_tests::leaks;
use tincan_test_support::{Call, Maker};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Vec<usize> = arguments.iter().skip(1).flat_map(|text| text.parse()).collect();
    let (Some(folder), [restarts, calls]) = (arguments.first(), numbers.as_slice()) else {
        println!("Usage: tincan-leak-check FOLDER RESTARTS CALLS");
        return ExitCode::FAILURE;
    };
    match check(Path::new(folder), *restarts, *calls).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            println!("{problem:#}");
            ExitCode::FAILURE
        }
    }
}

async fn check(folder: &Path, restarts: usize, calls: usize) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("while making {folder:?}"))?;
    let mut call = Call::on_this_machine([Maker::Tincan; 2], folder).await?;
    let mut parts = Vec::new();
    if restarts > 0 {
        let readings = leaks::restarts(&mut call, restarts).await?;
        println!("{restarts} ICE restarts on one connection, both peers:\n{readings}");
        parts.push(("ICE restarts", readings));
    }
    if calls > 0 {
        let readings = leaks::calls(&mut call, calls).await?;
        println!("{calls} calls made and ended, both peers:\n{readings}");
        parts.push(("calls", readings));
    }
    call.quit().await?;
    leaks::judge(&parts)?;
    println!("Memory, file descriptors and threads are flat");
    Ok(())
}
