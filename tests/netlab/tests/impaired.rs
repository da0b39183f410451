//! What networks do to calls: loss, long ways, outages, and addresses that change.

use anyhow::{Context, Result, ensure};
use std::time::Duration;
use tincan_connectivity::nat::Nat;
use tincan_netlab_tests::{Impairment, Lab, Plan, RelayKind, lab_or_skip};
use tincan_test_support::{Call, CallOptions, Maker, Side, call};

/// How long a call may take to be seen on both sides; loss on the way costs some seconds.
const SEEN: Duration = Duration::from_secs(30);
/// How long pictures may take to come back once the network has.
const BACK: Duration = Duration::from_secs(15);
/// How long a call runs before something happens to it.
const SETTLED: Duration = Duration::from_secs(2);
/// Calls under loss: each loses other packets.
const LOSSY_CALLS: usize = 10;

async fn ready(test: &str, plan: Plan) -> Result<Option<(Lab, Call, CallOptions)>> {
    let Some(mut lab) = lab_or_skip(test, plan)? else { return Ok(None) };
    lab.start_relay(RelayKind::Tincan)?;
    let call = lab.call(Maker::Tincan, "peer").await?;
    let options = lab.call_options()?;
    Ok(Some((lab, call, options)))
}

#[tokio::test]
async fn calls_connect_although_packets_are_lost_both_ways() -> Result<()> {
    let Some((mut lab, mut call, options)) = ready("loss", Plan::default()).await? else {
        return Ok(());
    };
    lab.impair(Side::A, Impairment { loss: 0.05, ..Default::default() })?;
    for number in 1..=LOSSY_CALLS {
        call.begin(&options).await?;
        let set_up = call.until_seen(SEEN).await.with_context(|| format!("call {number}"))?;
        eprintln!("call {number}: {set_up}");
        call.close().await?;
    }
    call.quit().await
}

#[tokio::test]
async fn calls_connect_over_a_round_trip_of_300_ms() -> Result<()> {
    let Some((mut lab, mut call, options)) = ready("far", Plan::default()).await? else {
        return Ok(());
    };
    let delay = Duration::from_millis(150);
    lab.impair(Side::A, Impairment { delay, ..Default::default() })?;
    for (a, b) in [(Nat::NONE, Nat::NONE), (Nat::SYMMETRIC, Nat::SYMMETRIC)] {
        lab.set_nat(Side::A, a)?;
        lab.set_nat(Side::B, b)?;
        call.begin(&options).await?;
        let set_up = call.until_seen(SEEN).await.with_context(|| format!("{a:?} to {b:?}"))?;
        eprintln!("{a:?} to {b:?}: {set_up}");
        call.close().await?;
    }
    call.quit().await
}

#[tokio::test]
async fn pictures_come_back_after_an_outage_of_5_s() -> Result<()> {
    let Some((mut lab, mut call, options)) = ready("outage", Plan::default()).await? else {
        return Ok(());
    };
    lab.set_nat(Side::A, Nat::PORT_RESTRICTED)?;
    lab.set_nat(Side::B, Nat::PORT_RESTRICTED)?;
    call.begin(&options).await?;
    call.until_seen(SEEN).await?;
    call.hold(SETTLED).await?;
    lab.impair(Side::A, Impairment { cut: true, ..Default::default() })?;
    let cut = call::now();
    call.hold(Duration::from_secs(5)).await?;
    let slipped = call.seen.iter().any(|side| side.first_made_after(cut + 100.0).is_some());
    ensure!(!slipped, "pictures passed a cut wire");
    lab.impair(Side::A, Impairment::default())?;
    let gap = call.until_seen_after(call::now(), BACK).await?;
    eprintln!("pictures again {gap:.0} ms after the network");
    ensure!(!call.is_relayed().await?, "the direct path did not come back");
    call.close().await?;
    call.quit().await
}

#[tokio::test]
async fn pictures_come_back_after_a_change_of_address() -> Result<()> {
    for (name, nat) in [("address-public", Nat::NONE), ("address-private", Nat::PORT_RESTRICTED)] {
        moved(name, nat, |lab| lab.change_address(Side::A)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn pictures_come_back_in_another_network() -> Result<()> {
    for (name, nat) in [("network-public", Nat::NONE), ("network-symmetric", Nat::SYMMETRIC)] {
        moved(name, nat, |lab| lab.move_to_other_router(Side::A)).await?;
    }
    Ok(())
}

/// A call in which A's address changes as told; A restarts ICE.
async fn moved(test: &str, nat: Nat, change: impl FnOnce(&mut Lab) -> Result<()>) -> Result<()> {
    let Some((mut lab, mut call, options)) = ready(test, Plan::default()).await? else {
        return Ok(());
    };
    lab.set_nat(Side::A, nat)?;
    lab.set_nat(Side::B, nat)?;
    call.begin(&options).await?;
    call.until_seen(SEEN).await.context("before the change")?;
    call.hold(SETTLED).await?;
    change(&mut lab)?;
    let changed = call::now();
    call.restart(Side::A).await?;
    let gap = call.until_seen_after(changed, BACK).await.context("after the change")?;
    eprintln!("{test}: pictures again {gap:.0} ms after the change");
    call.close().await?;
    call.quit().await
}

#[tokio::test]
async fn clients_whose_ipv4_is_shut_meet_over_ipv6() -> Result<()> {
    let Some((mut lab, mut call, options)) = ready("ipv6", Plan { ipv6: true }).await? else {
        return Ok(());
    };
    lab.set_nat(Side::A, Nat::UDP_BLOCKED)?;
    lab.set_nat(Side::B, Nat::UDP_BLOCKED)?;
    call.begin(&options).await?;
    let set_up = call.until_seen(SEEN).await?;
    eprintln!("over IPv6: {set_up}");
    ensure!(!call.is_relayed().await?, "not direct: {:?}", call.stats().await?);
    call.close().await?;
    call.quit().await
}
