//! The lab is what it says: a wire keeps to what it is told.

use anyhow::{Context, Result, ensure};
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tincan_netlab_tests::{Client, Impairment, Lab, Plan, lab_or_skip};
use tincan_test_support::Side;
use tincan_test_support::figures::percentile;

const PROBES: usize = 100;
/// Time between two of them.
const SPACING: Duration = Duration::from_millis(5);
/// Longer than any way here.
const PATIENCE: Duration = Duration::from_secs(1);
/// What our probes begin with; other packets arrive too.
const MARK: u64 = 0x7469_6e63_616e_6c61;

#[test]
fn wire_keeps_the_delay_and_the_loss_that_it_is_told() -> Result<()> {
    let Some(mut lab) = lab_or_skip("wire", Plan::default())? else { return Ok(()) };
    let whole = round_trip(&lab)?;
    ensure!(whole < 2.0, "a whole wire takes {whole} ms");
    for delay in [25, 150] {
        let delay = Duration::from_millis(delay);
        lab.impair(Side::A, Impairment { delay, ..Default::default() })?;
        let measured = round_trip(&lab)?;
        let told = 2.0 * delay.as_secs_f64() * 1000.0;
        eprintln!("told {told} ms, measured {measured:.2} ms");
        ensure!((told..told + 2.0).contains(&measured), "told {told} ms, measured {measured} ms");
    }
    lab.impair(Side::A, Impairment { loss: 0.5, ..Default::default() })?;
    for from in [Side::A, Side::B] {
        let passed = one_way(&lab, from, PROBES)?.len();
        // Half of them, give or take five standard deviations.
        ensure!((25..=75).contains(&passed), "{passed} of {PROBES} passed from {from:?}");
    }
    lab.impair(Side::A, Impairment { cut: true, ..Default::default() })?;
    ensure!(one_way(&lab, Side::A, 3)?.is_empty(), "something passed a cut wire");
    lab.impair(Side::A, Impairment::default())?;
    ensure!(one_way(&lab, Side::A, 3)?.len() == 3, "the wire did not mend");
    Ok(())
}

/// The medians of both ways together, in milliseconds.
fn round_trip(lab: &Lab) -> Result<f64> {
    let median =
        |from: Side| percentile(&one_way(lab, from, PROBES)?, 0.5).context("nothing arrived");
    Ok(median(Side::A)? + median(Side::B)?)
}

/// How long packets take from one side to the other, in milliseconds: those that arrive.
fn one_way(lab: &Lab, from: Side, count: usize) -> Result<Vec<f64>> {
    let (here, there) = (lab.client(from), lab.client(from.other()));
    let bind = |client: &Client| {
        let address = SocketAddr::from((client.address()?, 0));
        client.namespace().enter(|| UdpSocket::bind(address).context("while binding"))
    };
    let (sender, receiver) = (bind(here)?, bind(there)?);
    let mut arrivals = there.arrivals()?;
    let mut times = Vec::new();
    let begun = Instant::now();
    for number in 0..count as u32 {
        let sent = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() as i64;
        let probe = [MARK.to_be_bytes(), sent.to_be_bytes()].concat();
        sender.send_to(&probe, receiver.local_addr()?)?;
        std::thread::sleep((SPACING * (number + 1)).saturating_sub(begun.elapsed()));
    }
    let deadline = Instant::now() + PATIENCE;
    while times.len() < count && Instant::now() < deadline {
        for arrival in arrivals.drain()? {
            if let Some(sent) = sent_at(&arrival.packet) {
                times.push((arrival.at - sent) as f64 / 1e6);
            }
        }
        std::thread::sleep(SPACING);
    }
    Ok(times)
}

/// When a probe was sent, in nanoseconds since the epoch; none if the packet is not one.
fn sent_at(packet: &[u8]) -> Option<i64> {
    let (rest, sent) = packet.split_last_chunk::<8>()?;
    let mark = rest.last_chunk::<8>()?;
    (u64::from_be_bytes(*mark) == MARK).then(|| i64::from_be_bytes(*sent))
}
