//! Speech over bad networks, by Tincan and Chromium in turns: `tincan-speech-bench FOLDER ROUNDS MAKERS
//! PYTHON [NETWORK...]`, where MAKERS is `both`, `tincan` or `chromium`, PYTHON has what
//! `speech/requirements.txt` names, and a network is part of a name; `cargo xtask bench speech` calls it.
#![allow(clippy::print_stdout, reason = "a command line program talks on standard output")]

use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::ExitCode;
use tincan_netlab_tests::bench::makers;
use tincan_netlab_tests::bench::speech::{Network, Order, Record, Score, Table, measure};
use tincan_test_support::figures::percentile;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, rounds, whose, python, networks @ ..] = arguments.as_slice() else {
        println!("Usage: tincan-speech-bench FOLDER ROUNDS MAKERS PYTHON [NETWORK...]");
        return ExitCode::FAILURE;
    };
    match bench(Path::new(folder), rounds, whose, Path::new(python), networks).await {
        Ok(table) => {
            println!("\n{table}");
            if table.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(problem) => {
            println!("{problem:#}");
            ExitCode::FAILURE
        }
    }
}

async fn bench(
    folder: &Path,
    rounds: &str,
    whose: &str,
    python: &Path,
    networks: &[String],
) -> Result<Table> {
    let rounds = rounds.parse().with_context(|| format!("{rounds:?} is no number of rounds"))?;
    let networks = Network::named(networks);
    ensure!(!networks.is_empty(), "No network is called so");
    let order = Order { networks, makers: makers(whose)?, rounds, python: python.to_path_buf() };
    measure(folder, &order, tell).await
}

fn tell(record: &Record) {
    let what = format!("{} {} ({}):", record.network, record.maker, record.round + 1);
    if let Some(problem) = &record.failed {
        return println!("{what} {problem}");
    }
    let median = |figure: fn(&Score) -> f64| {
        let sentences = record.heard.iter().flat_map(|heard| &heard.sentences);
        percentile(&sentences.map(figure).collect::<Vec<f64>>(), 0.5).unwrap_or(f64::NAN)
    };
    println!(
        "{what} STOI {:.3}, PESQ {:.2}, mouth to ear {:.0} ms, {:.0} kbit/s",
        median(|score| score.stoi),
        median(|score| score.pesq),
        median(|score| score.delay_ms),
        record.kbps,
    );
}
