//! One layer at a time is broken, and the doctors of both sides name it.

use anyhow::{Result, ensure};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tincan_connectivity::nat::Nat;
use tincan_netlab_tests::{Impairment, Lab, Plan, RelayKind, lab_or_skip};
use tincan_test_support::running::signal;
use tincan_test_support::{Call, CallOptions, Maker, Picture, Side};

/// How long a call may take to be seen on both sides.
const SEEN: Duration = Duration::from_secs(20);
/// How long the doctors may take to be sure.
const NAMED: Duration = Duration::from_secs(40);
/// How often they are asked.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Seconds in which a call that goes well begins.
const QUIET: u32 = 20;
/// A starved process waits for so long, and then runs for so long.
const WAITS: Duration = Duration::from_millis(190);
const RUNS: Duration = Duration::from_millis(10);

const LOSSY_UP: Impairment = Impairment {
    delay: Duration::from_millis(10),
    jitter: Duration::ZERO,
    loss: 0.12,
    burst: 1.0,
    rate_kbps: None,
    queue: None,
    cut: false,
    up_only: true,
};

fn troubles(stats: &[Value; 2]) -> [Option<&str>; 2] {
    stats.each_ref().map(|side| side["diagnosis"]["trouble"].as_str())
}

/// Waits until A and B name these.
async fn named(call: &mut Call, expected: [Option<&str>; 2]) -> Result<()> {
    let begun = Instant::now();
    loop {
        call.hold(ASK_EVERY).await?;
        let stats = call.stats().await?;
        let found = troubles(&stats);
        if found == expected {
            eprintln!("{expected:?} after {:?}", begun.elapsed());
            return Ok(());
        }
        ensure!(begun.elapsed() < NAMED, "{found:?} instead of {expected:?}: {stats:?}");
    }
}

async fn begin(lab: &Lab, options: &CallOptions) -> Result<Call> {
    let mut call = lab.call(Maker::Tincan, "peer").await?;
    call.begin(options).await?;
    call.until_seen(SEEN).await?;
    Ok(call)
}

#[tokio::test]
async fn a_lossy_uplink_is_named_on_both_sides_as_its_owners() -> Result<()> {
    let Some(mut lab) = lab_or_skip("doctor-uplink", Plan::default())? else { return Ok(()) };
    let mut call = begin(&lab, &CallOptions::default()).await?;
    lab.impair(Side::A, LOSSY_UP)?;
    named(&mut call, [Some("myUplink"), Some("theirUplink")]).await?;
    lab.impair(Side::A, Impairment::default())?;
    named(&mut call, [None, None]).await?;
    lab.impair(Side::B, LOSSY_UP)?;
    named(&mut call, [Some("theirUplink"), Some("myUplink")]).await?;
    call.quit().await
}

#[tokio::test]
async fn loss_in_both_directions_and_a_long_way_are_the_path() -> Result<()> {
    let Some(mut lab) = lab_or_skip("doctor-path", Plan::default())? else { return Ok(()) };
    let mut call = begin(&lab, &CallOptions::default()).await?;
    lab.impair(Side::A, Impairment { up_only: false, ..LOSSY_UP })?;
    named(&mut call, [Some("path"); 2]).await?;
    lab.impair(Side::A, Impairment::default())?;
    named(&mut call, [None, None]).await?;
    let far = Impairment { delay: Duration::from_millis(250), ..Impairment::default() };
    lab.impair(Side::A, far)?;
    named(&mut call, [Some("path"); 2]).await?;
    call.quit().await
}

#[tokio::test]
async fn a_relay_far_away_is_named() -> Result<()> {
    let Some(mut lab) = lab_or_skip("doctor-relay", Plan::default())? else { return Ok(()) };
    lab.set_nat(Side::A, Nat::SYMMETRIC)?;
    lab.set_nat(Side::B, Nat::SYMMETRIC)?;
    lab.start_relay(RelayKind::Tincan)?;
    let mut call = begin(&lab, &lab.call_options()?).await?;
    let far = Impairment { delay: Duration::from_millis(250), ..Impairment::default() };
    lab.impair(Side::A, far)?;
    named(&mut call, [Some("relay"); 2]).await?;
    call.quit().await
}

#[tokio::test]
async fn a_narrow_uplink_without_loss_is_named_with_what_it_carries() -> Result<()> {
    let Some(mut lab) = lab_or_skip("doctor-narrow", Plan::default())? else { return Ok(()) };
    let picture = Picture { width: 1280, height: 720, rate: 30 };
    let options = CallOptions { picture: Some(picture), ..CallOptions::default() };
    // Wide enough: from the first second on nothing is named.
    let mut call = begin(&lab, &options).await?;
    for _ in 0..QUIET {
        call.hold(ASK_EVERY).await?;
        let found = call.stats().await?;
        ensure!(troubles(&found) == [None, None], "a false alarm: {found:?}");
    }
    let narrow = Impairment {
        rate_kbps: Some(400),
        queue: Some(Duration::from_millis(300)),
        up_only: true,
        ..Impairment::default()
    };
    lab.impair(Side::A, narrow)?;
    named(&mut call, [Some("myUplinkNarrow"), Some("theirUplinkNarrow")]).await?;
    for side in call.stats().await? {
        let kbps = side["diagnosis"]["kbps"].as_u64();
        ensure!(kbps.is_some_and(|kbps| (200..=450).contains(&kbps)), "{}", side["diagnosis"]);
    }
    lab.impair(Side::A, Impairment::default())?;
    named(&mut call, [None, None]).await?;
    call.quit().await
}

#[tokio::test]
async fn a_computer_that_does_not_keep_up_is_named_as_its_owners() -> Result<()> {
    let Some(lab) = lab_or_skip("doctor-processor", Plan::default())? else { return Ok(()) };
    let mut call = begin(&lab, &CallOptions::default()).await?;
    let [a, _] = call.processes()?;
    let starved = Starved::start(a);
    named(&mut call, [Some("myProcessor"), Some("theirProcessor")]).await?;
    drop(starved);
    named(&mut call, [None, None]).await?;
    call.quit().await
}

/// A process that gets a small share of the time, as on a machine with too much to do.
struct Starved {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Starved {
    fn start(process: u32) -> Self {
        let over = Arc::<AtomicBool>::default();
        let theirs = over.clone();
        let thread = std::thread::spawn(move || {
            while !theirs.load(Ordering::Relaxed) {
                signal("STOP", &[process]);
                std::thread::sleep(WAITS);
                signal("CONT", &[process]);
                std::thread::sleep(RUNS);
            }
        });
        Self { over, thread: Some(thread) }
    }
}

impl Drop for Starved {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It ends with the process running.
            let _ = thread.join();
        }
    }
}
