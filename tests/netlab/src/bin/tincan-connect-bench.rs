//! How long calls take to set up over ways of many kinds: `tincan-connect-bench FOLDER CALLS
//! RELAY`; `cargo xtask bench connect` calls it.
#![allow(clippy::print_stdout, reason = "a command line program talks on standard output")]

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use tincan_netlab_tests::{Impairment, Lab, Plan, RelayKind, Transport};
use tincan_test_support::figures::{SetUp, percentile};
use tincan_test_support::{Call, CallOptions, Maker, Side};

/// A call that takes longer has failed.
const LIMIT: Duration = Duration::from_secs(30);
/// After so many failures in a row a way is given up.
const GIVE_UP: usize = 3;

/// A kind of way between the clients.
struct Way {
    name: &'static str,
    relay: Option<Transport>,
    impairment: Impairment,
}

/// What became of the calls over a way.
struct Outcome {
    set_ups: Vec<SetUp>,
    /// Of these, how many found a relayed path although a direct one was there.
    detours: usize,
    tried: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, calls, relay] = arguments.as_slice() else {
        println!("Usage: tincan-connect-bench FOLDER CALLS RELAY");
        return ExitCode::FAILURE;
    };
    match bench(Path::new(folder), calls, relay).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            println!("{problem:#}");
            ExitCode::FAILURE
        }
    }
}

fn ways() -> [Way; 7] {
    let whole = Impairment::default();
    let round_trip = |ms| Impairment { delay: Duration::from_millis(ms) / 2, ..whole };
    let direct = |name, impairment| Way { name, relay: None, impairment };
    let relayed = |name, over| Way { name, relay: Some(over), impairment: whole };
    [
        direct("direct", whole),
        relayed("relayed over UDP", Transport::Udp),
        relayed("relayed over TCP", Transport::Tcp),
        relayed("relayed over TLS", Transport::Tls),
        direct("50 ms round trip", round_trip(50)),
        direct("300 ms round trip", round_trip(300)),
        direct("5 % loss both ways", Impairment { loss: 0.05, ..whole }),
    ]
}

/// Measures all ways; true if every call connected.
async fn bench(folder: &Path, calls: &str, relay: &str) -> Result<bool> {
    let calls: usize = calls.parse().with_context(|| format!("{calls:?} is no number of calls"))?;
    ensure!(calls > 0, "no calls, no figures");
    std::fs::create_dir_all(folder).with_context(|| format!("while making {folder:?}"))?;
    let mut lab = Lab::build_in(folder, Plan::default())?;
    lab.start_relay(RelayKind::named(relay).with_context(|| format!("no relay is {relay:?}"))?)?;
    let mut call = lab.call(Maker::Tincan, "peer").await?;
    let mut table = String::from(
        "| way | connected | ICE p50 / p95 | connected p50 / p95 | first picture p50 / p95 / max |\n\
         |---|---|---|---|---|\n",
    );
    print!("{table}");
    let mut all = true;
    for way in ways() {
        let line = match servers(&lab, &way)? {
            None => format!("| {} | the relay does not offer it | | | |\n", way.name),
            Some(options) => {
                lab.impair(Side::A, way.impairment)?;
                let outcome = measure(&mut call, &options, calls).await?;
                all &= outcome.set_ups.len() == calls;
                row(&way, &outcome)?
            }
        };
        print!("{line}");
        table.push_str(&line);
    }
    println!("\nMilliseconds from the offer until both sides had it; relay: {relay}");
    let file = folder.join("connect.md");
    std::fs::write(&file, table).with_context(|| format!("while writing {file:?}"))?;
    call.quit().await?;
    Ok(all)
}

/// How calls over a way are made; none if the relay has no such way.
fn servers(lab: &Lab, way: &Way) -> Result<Option<CallOptions>> {
    let options = lab.call_options()?;
    let Some(over) = way.relay else { return Ok(Some(options)) };
    let options = CallOptions { relay_only: true, ..over.only(options) };
    let offered = |servers: &Value| servers.as_array().is_some_and(|all| !all.is_empty());
    Ok(options.ice_servers.iter().all(offered).then_some(options))
}

async fn measure(call: &mut Call, options: &CallOptions, calls: usize) -> Result<Outcome> {
    let mut outcome = Outcome { set_ups: Vec::new(), detours: 0, tried: 0 };
    let mut failed = 0;
    while outcome.tried < calls && failed < GIVE_UP {
        outcome.tried += 1;
        call.begin(options).await?;
        match call.until_seen(LIMIT).await {
            Ok(set_up) => {
                let relayed = call.is_relayed().await?;
                ensure!(relayed || !options.relay_only, "a call that may only relay is direct");
                outcome.detours += usize::from(relayed && !options.relay_only);
                outcome.set_ups.push(set_up);
                failed = 0;
            }
            Err(problem) => {
                println!("  call {}: {problem:#}", outcome.tried);
                failed += 1;
            }
        }
        call.close().await?;
    }
    Ok(outcome)
}

fn row(way: &Way, outcome: &Outcome) -> Result<String> {
    let mut line = String::new();
    let given_up = outcome.tried - outcome.set_ups.len() >= GIVE_UP;
    write!(
        line,
        "| {} | {} of {}{}{} |",
        way.name,
        outcome.set_ups.len(),
        outcome.tried,
        if given_up && outcome.set_ups.is_empty() { ", given up" } else { "" },
        match outcome.detours {
            0 => String::new(),
            detours => format!(", {detours} relayed"),
        }
    )?;
    for (what, shares) in [
        ((|set_up| set_up.ice) as fn(&SetUp) -> f64, &[0.5, 0.95][..]),
        (|set_up| set_up.connected, &[0.5, 0.95]),
        (|set_up| set_up.first_picture, &[0.5, 0.95, 1.0]),
    ] {
        let values: Vec<f64> = outcome.set_ups.iter().map(what).collect();
        let told = shares.iter().filter_map(|share| percentile(&values, *share));
        let told: Vec<String> = told.map(|ms| format!("{ms:.0}")).collect();
        write!(line, " {} |", told.join(" / "))?;
    }
    line.push('\n');
    Ok(line)
}
