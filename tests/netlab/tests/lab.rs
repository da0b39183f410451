//! The lab is what it says: wires are exact, translators behave as they are named.

use anyhow::{Context, Result, ensure};
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tincan_netlab_tests::figures::percentile;
use tincan_netlab_tests::{Impairment, Lab, Plan, Side, lab_or_skip};

const PROBES: usize = 100;
/// Time between two of them.
const SPACING: Duration = Duration::from_millis(5);
/// Longer than any round trip here.
const PATIENCE: Duration = Duration::from_secs(1);

#[test]
fn wire_keeps_the_delay_and_the_loss_that_it_is_told() -> Result<()> {
    let Some(mut lab) = lab_or_skip("wire", Plan::default())? else { return Ok(()) };
    let whole = median(&round_trips(&lab, PROBES)?)?;
    ensure!(whole < 2.0, "a whole wire takes {whole} ms");
    for delay in [25, 150] {
        let delay = Duration::from_millis(delay);
        lab.impair(Side::A, Impairment { delay, ..Default::default() })?;
        let measured = median(&round_trips(&lab, PROBES)?)?;
        let told = 2.0 * delay.as_secs_f64() * 1000.0;
        eprintln!("told {told} ms, measured {measured:.2} ms");
        ensure!((told..told + 2.0).contains(&measured), "told {told} ms, measured {measured} ms");
    }
    lab.impair(Side::A, Impairment { loss: 0.5, ..Default::default() })?;
    let passed = round_trips(&lab, PROBES)?.len();
    // A quarter comes back; never or always, it would be another wire.
    ensure!((1..PROBES * 2 / 3).contains(&passed), "{passed} of {PROBES} passed");
    lab.impair(Side::A, Impairment { cut: true, ..Default::default() })?;
    ensure!(round_trips(&lab, 3)?.is_empty(), "something passed a cut wire");
    lab.impair(Side::A, Impairment::default())?;
    ensure!(round_trips(&lab, 3)?.len() == 3, "the wire did not mend");
    Ok(())
}

fn median(values: &[f64]) -> Result<f64> {
    percentile(values, 0.5).context("nothing came back")
}

/// Sends packets from A to B and back: milliseconds of those that came back.
fn round_trips(lab: &Lab, count: usize) -> Result<Vec<f64>> {
    let bind = |side: Side| {
        let client = lab.client(side);
        let address = SocketAddr::from((client.address()?, 0));
        client.namespace().enter(|| UdpSocket::bind(address).context("while binding"))
    };
    let (here, there) = (bind(Side::A)?, bind(Side::B)?);
    there.set_read_timeout(Some(SPACING))?;
    here.set_read_timeout(Some(SPACING))?;
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut buffer = [0; 8];
            while !done.load(Ordering::Relaxed) {
                if let Ok((length, from)) = there.recv_from(&mut buffer) {
                    let _ = there.send_to(&buffer[..length], from);
                }
            }
        });
        let mut sent = Vec::new();
        let mut times = Vec::new();
        let begun = Instant::now();
        while sent.len() < count || begun.elapsed() < SPACING * count as u32 + PATIENCE {
            if sent.len() < count && begun.elapsed() >= SPACING * sent.len() as u32 {
                sent.push(Instant::now());
                let number = sent.len() as u64 - 1;
                here.send_to(&number.to_be_bytes(), there.local_addr()?)?;
            }
            let mut number = [0; 8];
            if here.recv(&mut number).is_ok() {
                let number = u64::from_be_bytes(number) as usize;
                times.push(sent[number].elapsed().as_secs_f64() * 1000.0);
            }
            if times.len() == count {
                break;
            }
        }
        done.store(true, Ordering::Relaxed);
        Ok(times)
    })
}
