//! One layer at a time is broken, and the doctors of both sides name it.

use anyhow::{Result, ensure};
use serde_json::Value;
use std::time::{Duration, Instant};
use tincan_connectivity::nat::Nat;
use tincan_netlab_tests::{Impairment, Lab, Plan, RelayKind, lab_or_skip};
use tincan_test_support::{Call, CallOptions, Maker, Side};

/// How long a call may take to be seen on both sides.
const SEEN: Duration = Duration::from_secs(20);
/// How long the doctors may take to be sure.
const NAMED: Duration = Duration::from_secs(40);
/// How often they are asked.
const ASK_EVERY: Duration = Duration::from_secs(1);

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
