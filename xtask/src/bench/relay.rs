//! `cargo xtask bench relay`: the server's relay beside coturn, on this machine and in turns.

mod contestant;
mod traffic;

use crate::job::{Job, Jobs};
use crate::packages::{self, Purpose};
use crate::workspace::{Profile, Workspace};
use anyhow::{Context, Result};
use clap::Args;
use contestant::{Contestant, Echo, Maker};
use std::fmt::Write as _;
use std::fs;
use traffic::{Sums, Traffic};

/// One call's worth and a busy office's worth, both well within what a core relays, and a flood
/// that shows where it ends. Gaps are the pauses between two messages of one allocation.
const TRAFFICS: [Traffic; 3] = [
    Traffic { allocations: 1, gap_ms: 1, messages: 5000 },
    Traffic { allocations: 50, gap_ms: 20, messages: 250 },
    Traffic { allocations: 50, gap_ms: 1, messages: 1500 },
];

/// What `bench relay` takes.
#[derive(Args)]
pub struct Options {
    /// How often both relays get each kind of traffic.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Do not install anything: name what is missing and stop.
    #[arg(long)]
    no_install: bool,
}

/// Builds the server and measures; true if both relays relayed each time.
pub fn run(options: &Options) -> Result<bool> {
    let workspace = Workspace::find()?;
    let jobs = Jobs::new(&workspace, "bench")?;
    packages::ensure(&jobs, Purpose::Lab, &[], !options.no_install)?;
    let mut build = workspace.cargo();
    build.args(["build", "--workspace", "--bin", "tincan-server", "--locked"]);
    build.args(["--profile", Profile::Measure.name()]);
    jobs.run(Job::new("Build of the server", build, 60))?;
    let server = workspace.program(Profile::Measure, "tincan-server");

    let before = load()?;
    let echo = Echo::start()?;
    let relays = [
        Contestant::start(Maker::Tincan, server.as_os_str(), jobs.logs())?,
        Contestant::start(Maker::Coturn, "turnserver".as_ref(), jobs.logs())?,
    ];
    let mut sums = [[Sums::default(); 2]; TRAFFICS.len()];
    for round in 0..options.rounds {
        println!("· Round {} of {}", round + 1, options.rounds);
        for (traffic, sums) in TRAFFICS.iter().zip(&mut sums) {
            // who goes first changes: neither always finds the machine as the other left it
            let mut turns: Vec<_> = relays.iter().zip(sums).collect();
            if round % 2 == 1 {
                turns.reverse();
            }
            for (relay, sum) in turns {
                sum.add(traffic.run(relay, echo.port())?);
            }
        }
    }
    let load = format!("load {before} before and {} after, {} cores", load()?, cores());
    println!("\n{} rounds, {load}\n{}", options.rounds, table(&sums));
    Ok(sums.iter().flatten().all(|sum| sum.echoed > 0))
}

fn table(sums: &[[Sums; 2]; TRAFFICS.len()]) -> String {
    let mut text = String::from(
        "| allocations | each sends | relay | relayed Mbit/s | lost | CPU ms/Mbit | to coturn's |\n\
         |---|---|---|---|---|---|---|",
    );
    for (traffic, [tincan, coturn]) in TRAFFICS.iter().zip(sums) {
        for (name, it) in [("tincan-server", tincan), ("coturn", coturn)] {
            // writing to a string does not fail
            let _ = write!(
                text,
                "\n| {} | every {} ms | {name} | {:.1} | {:.2} % | {:.3} | {:.2} |",
                traffic.allocations,
                traffic.gap_ms,
                it.mbit_per_second(),
                it.lost_percent(),
                it.cpu_ms_per_mbit(),
                it.cpu_ms_per_mbit() / coturn.cpu_ms_per_mbit(),
            );
        }
    }
    text
}

/// The machine's load over the last minute.
fn load() -> Result<String> {
    let text = fs::read_to_string("/proc/loadavg").context("while reading the load")?;
    Ok(text.split(' ').next().unwrap_or_default().to_owned())
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
