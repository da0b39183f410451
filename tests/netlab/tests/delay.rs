//! The delays that a call's figures tell are those that pictures and beeps have really had.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::time::Duration;
use tincan_netlab_tests::{Impairment, Plan, lab_or_skip};
use tincan_test_support::{CallOptions, FarSide, Maker, Side, call};

/// How long a call may take to be seen on both sides.
const SEEN: Duration = Duration::from_secs(20);
/// Clocks are compared and sender reports have come.
const SETTLED: Duration = Duration::from_secs(5);
/// Seconds that are compared.
const COMPARED: u32 = 8;
/// How far off the mean may be: stamps are whole milliseconds, and threads wait for each other.
const OFF: f64 = 0.02;
/// Sound is told from the first sample of its block, a beep's time from when that block was whole.
const BLOCK: f64 = 0.01;

/// Delays of one side, in seconds.
#[derive(Debug)]
struct Delays {
    told: f64,
    measured: f64,
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn told(stats: &[Value], kind: &str) -> Result<f64> {
    let of = |stats: &Value| stats["figures"][kind]["endToEndDelay"].as_f64();
    let told: Vec<f64> = stats.iter().filter_map(of).collect();
    ensure!(told.len() == stats.len(), "{kind}: no delay in {stats:?}");
    mean(&told).context("seconds were compared")
}

/// From the stamps of the pictures that were delivered since then.
fn of_pictures(seen: &FarSide, since: f64) -> Option<f64> {
    let ages = seen.pictures.iter().filter(|picture| picture.at >= since);
    let ages: Vec<f64> = ages.filter_map(|picture| Some(picture.at - picture.made?)).collect();
    mean(&ages).map(|millis| millis / 1000.0)
}

/// From the beeps, which are made at each full second.
fn of_beeps(seen: &FarSide, since: f64) -> Option<f64> {
    let ages: Vec<f64> =
        seen.beeps.iter().filter(|at| **at >= since).map(|at| at % 1000.0 / 1000.0).collect();
    mean(&ages)
}

#[tokio::test]
async fn told_delays_are_those_of_stamps_and_beeps() -> Result<()> {
    let Some(mut lab) = lab_or_skip("delay", Plan::default())? else { return Ok(()) };
    let mut call = lab.call(Maker::Tincan, "peer").await?;
    let delay = Duration::from_millis(60);
    let even = Impairment { delay, ..Impairment::default() };
    // Nobody can tell from outside which direction takes longer: then the difference is uncertain.
    for (name, impairment) in [("even", even), ("uneven", Impairment { up_only: true, ..even })] {
        lab.impair(Side::A, impairment)?;
        call.begin(&CallOptions::default()).await?;
        call.until_seen(SEEN).await?;
        call.hold(SETTLED).await?;
        let since = call::now();
        let mut seconds: [Vec<Value>; 2] = Default::default();
        for _ in 0..COMPARED {
            call.hold(Duration::from_secs(1)).await?;
            for (side, stats) in seconds.iter_mut().zip(call.stats().await?) {
                side.push(stats);
            }
        }
        for (side, (stats, seen)) in seconds.iter().zip(&call.seen).enumerate() {
            let clock = &stats[0]["figures"]["clock"];
            let offset = clock["offset"].as_f64().context("the clocks are compared")?;
            let uncertainty = clock["uncertainty"].as_f64().context("it is told how well")?;
            ensure!(offset.abs() <= uncertainty + 0.001, "one clock, two of it: {clock}");
            let picture = Delays {
                told: told(stats, "videoReceived")?,
                measured: of_pictures(seen, since).context("pictures came")?,
            };
            let sound = Delays {
                told: told(stats, "audioReceived")? - BLOCK,
                measured: of_beeps(seen, since).context("beeps came")?,
            };
            eprintln!("{name}, side {side}: {picture:?}, {sound:?}, {clock}");
            for delays in [picture, sound] {
                // Both sides are on this machine: what the clocks seem to differ is an error.
                let off = (delays.told - offset - delays.measured).abs();
                ensure!(off < OFF, "{name}, side {side}: off by {off} s: {delays:?}");
                ensure!((delays.told - delays.measured).abs() < OFF + uncertainty, "{delays:?}");
            }
            // What the other side sees of this one, as it tells it.
            let (back, there) =
                (told(stats, "videoSent")?, told(&seconds[1 - side], "videoReceived")?);
            ensure!((back - there).abs() < 2.0 * OFF, "{there} s there, {back} s as it is told");
        }
        call.close().await?;
    }
    call.quit().await
}
