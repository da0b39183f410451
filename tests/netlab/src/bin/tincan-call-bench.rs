//! Calls over bad networks, by Tincan and Chromium in turns: `tincan-call-bench FOLDER ROUNDS MAKERS
//! [SCENARIO...]`, where MAKERS is `both`, `tincan` or `chromium` and a scenario is part of a name;
//! `cargo xtask bench call` calls it.
#![allow(clippy::print_stdout, reason = "a command line program talks on standard output")]

use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::ExitCode;
use tincan_netlab_tests::bench::{Order, Scenario, Table, makers, measure};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, rounds, makers, scenarios @ ..] = arguments.as_slice() else {
        println!("Usage: tincan-call-bench FOLDER ROUNDS MAKERS [SCENARIO...]");
        return ExitCode::FAILURE;
    };
    match bench(Path::new(folder), rounds, makers, scenarios).await {
        Ok(table) => {
            println!("\n{table}");
            if table.is_whole() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(problem) => {
            println!("{problem:#}");
            ExitCode::FAILURE
        }
    }
}

async fn bench(folder: &Path, rounds: &str, whose: &str, scenarios: &[String]) -> Result<Table> {
    let rounds = rounds.parse().with_context(|| format!("{rounds:?} is no number of rounds"))?;
    let makers = makers(whose)?;
    let scenarios = Scenario::named(scenarios);
    ensure!(!scenarios.is_empty(), "No scenario is called so");
    measure(folder, &Order { scenarios, makers, rounds }, |record| {
        let what = format!("{} {} ({}):", record.scenario, record.maker, record.round + 1);
        match &record.failed {
            Some(problem) => println!("{what} {problem}"),
            None => println!(
                "{what} latency {:.0} / {:.0} ms, {:.1} pictures a second, {} freezes, {:.0} kbit/s",
                record.ab.p50.unwrap_or(f64::NAN),
                record.ab.p95.unwrap_or(f64::NAN),
                record.ab.fps,
                record.ab.freezes,
                record.up_kbps,
            ),
        }
    })
    .await
}
