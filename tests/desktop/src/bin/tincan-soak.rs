//! Holds a video call between two windows and watches their memory: `tincan-soak FOLDER MINUTES`.
//! Leaves `memory.csv`, and says whether memory is flat after the warm-up; `cargo xtask soak`
//! calls it.
#![allow(clippy::print_stdout, reason = "a command line program talks on standard output")]

use anyhow::{Context, Result, bail};
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tincan_desktop_tests::canvas::{self, REMOTE};
use tincan_desktop_tests::memory::{self, Memory};
use tincan_desktop_tests::place::free_port;
use tincan_desktop_tests::whole_call::{self, Rooms};
use tincan_desktop_tests::{App, Desktop, Story};

/// Caches fill and allocators settle in this time.
const WARM_UP: Duration = Duration::from_secs(180);
/// Time between two readings.
const INTERVAL: Duration = Duration::from_secs(30);
/// Growth between the first and the last quarter after the warm-up that still counts as flat: what
/// garbage collection and allocators swing by.
const FLAT: f64 = 0.05;
/// How long a moving picture may take to be seen at the end.
const PICTURES: Duration = Duration::from_secs(20);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, minutes] = arguments.as_slice() else {
        println!("Usage: tincan-soak FOLDER MINUTES");
        return ExitCode::FAILURE;
    };
    let Ok(minutes) = minutes.parse::<u64>() else {
        println!("{minutes:?} is no number of minutes");
        return ExitCode::FAILURE;
    };
    match soak(Path::new(folder), Duration::from_secs(minutes * 60)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            println!("{problem:#}");
            ExitCode::FAILURE
        }
    }
}

async fn soak(folder: &Path, time: Duration) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("while making {folder:?}"))?;
    let folder = folder.canonicalize().context("while finding the folder's whole path")?;
    let desktop = Desktop::start_in("soak", &folder)?;
    let server = format!("127.0.0.1:{}", free_port()?);
    let rooms = Rooms::new()?;
    let alice = desktop.app("alice")?.room(&rooms.alice).listen(&server).start().await?;
    let bob = desktop.app("bob")?.room(&rooms.bob).server(&server).place(1, 0).start().await?;
    let mut story = Story::new(&folder);
    whole_call::meet(&mut story, &alice, &bob).await?;
    whole_call::connect(&mut story, &alice, &bob).await?;

    let begun = Instant::now();
    let mut readings: Vec<(Duration, Memory)> = Vec::new();
    while begun.elapsed() < time {
        tokio::time::sleep(INTERVAL).await;
        let memory = both(&alice, &bob)?;
        println!("{:>5} s  {}", begun.elapsed().as_secs(), in_words(&memory));
        readings.push((begun.elapsed(), memory));
        std::fs::write(folder.join("memory.csv"), csv(&readings)?)?;
    }
    // Flat memory would be no news from a call that had stopped.
    canvas::watch(&alice, REMOTE, 6, PICTURES).await?;
    canvas::watch(&bob, REMOTE, 6, PICTURES).await?;
    judge(&readings)
}

fn both(alice: &App, bob: &App) -> Result<Memory> {
    let mut sum = Memory::new();
    for (who, app) in [("alice", alice), ("bob", bob)] {
        for (program, mebibytes) in memory::of(&app.processes())? {
            sum.insert(format!("{who}/{program}"), mebibytes);
        }
    }
    Ok(sum)
}

fn judge(readings: &[(Duration, Memory)]) -> Result<()> {
    let settled: Vec<&Memory> =
        readings.iter().filter(|(at, _)| *at >= WARM_UP).map(|(_, memory)| memory).collect();
    if settled.len() < 8 {
        bail!("Too short to judge: {} s of warm-up and some minutes more", WARM_UP.as_secs());
    }
    let quarter = settled.len() / 4;
    let mut growing = Vec::new();
    for program in settled[0].keys() {
        let mean = |part: &[&Memory]| {
            part.iter().filter_map(|memory| memory.get(program)).sum::<f64>() / part.len() as f64
        };
        let (first, last) = (mean(&settled[..quarter]), mean(&settled[settled.len() - quarter..]));
        let growth = last / first - 1.0;
        println!("{program}: {first:.1} -> {last:.1} MiB ({:+.1} %)", growth * 100.0);
        // A small process may swing by more than its share without anybody noticing.
        if growth > FLAT && last - first > 4.0 {
            growing.push(program.as_str());
        }
    }
    if growing.is_empty() {
        println!("Memory is flat after the warm-up");
        return Ok(());
    }
    bail!("Memory grows in {}", growing.join(", "))
}

fn in_words(memory: &Memory) -> String {
    let parts = memory.iter().map(|(program, mebibytes)| format!("{program} {mebibytes:.1}"));
    parts.collect::<Vec<_>>().join("  ")
}

fn csv(readings: &[(Duration, Memory)]) -> Result<String> {
    let mut text = String::from("seconds,program,mebibytes\n");
    for (at, memory) in readings {
        for (program, mebibytes) in memory {
            writeln!(text, "{},{program},{mebibytes:.2}", at.as_secs())?;
        }
    }
    Ok(text)
}
