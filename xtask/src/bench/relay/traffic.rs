//! What is sent through a relay, by coturn's own client, and what came of it.

use super::contestant::{Contestant, SECRET};
use anyhow::{Context, Result, ensure};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Bytes of a message: a video packet.
const MESSAGE: u32 = 1000;

/// So many allocations, each of which sends so many messages to a peer that echoes them.
#[derive(Clone, Copy, Debug)]
pub struct Traffic {
    pub allocations: u32,
    /// Between two messages of one allocation.
    pub gap_ms: u32,
    pub messages: u32,
}

/// What was measured, added up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sums {
    sent: u32,
    /// Each was relayed twice.
    pub echoed: u32,
    cpu_seconds: f64,
    runs: u32,
    /// Of each run: messages echoed in the second that saw most of them.
    peaks_per_second: u32,
}

/// What the client told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    sent: u32,
    echoed: u32,
    peak_per_second: u32,
}

impl Traffic {
    /// Sends it through a relay.
    pub fn run(&self, relay: &Contestant, peer: u16) -> Result<Sums> {
        let cpu = relay.cpu_seconds()?;
        let begun = Instant::now();
        let output = Command::new("turnutils_uclient")
            // user and secret, no pairs of ports for RTCP, the peer
            .args(["-u", "bench", "-W", SECRET, "-c", "-e", "127.0.0.1"])
            // indications: its channels have numbers of RFC 5766, of which RFC 8656, section 12,
            // has a server refuse three in four
            .arg("-s")
            .args(["-r", &peer.to_string(), "-p", &relay.port().to_string()])
            .args(["-m", &self.allocations.to_string(), "-n", &self.messages.to_string()])
            .args(["-l", &MESSAGE.to_string(), "-z", &self.gap_ms.to_string()])
            .arg("127.0.0.1")
            .stdin(Stdio::null())
            .output()
            .context("while starting turnutils_uclient")?;
        let cpu_seconds = relay.cpu_seconds()? - cpu;
        let text = String::from_utf8_lossy(&output.stdout);
        let told = read(&text).filter(|told| told.echoed > 0);
        ensure!(told.is_some(), "nothing came back, {} s:\n{text}", begun.elapsed().as_secs());
        let Told { sent, echoed, peak_per_second } = told.context("checked above")?;
        Ok(Sums { sent, echoed, cpu_seconds, runs: 1, peaks_per_second: peak_per_second })
    }
}

impl Sums {
    pub fn add(&mut self, other: Self) {
        self.sent += other.sent;
        self.echoed += other.echoed;
        self.cpu_seconds += other.cpu_seconds;
        self.runs += other.runs;
        self.peaks_per_second += other.peaks_per_second;
    }

    /// In each run's best second, there and back.
    pub fn mbit_per_second(&self) -> f64 {
        mbit(self.peaks_per_second) / f64::from(self.runs.max(1))
    }

    pub fn lost_percent(&self) -> f64 {
        100.0 * f64::from(self.sent.saturating_sub(self.echoed)) / f64::from(self.sent.max(1))
    }

    /// Of processor time, for what was relayed to its end.
    pub fn cpu_ms_per_mbit(&self) -> f64 {
        self.cpu_seconds * 1e3 / mbit(self.echoed)
    }
}

/// Of so many messages, there and back.
fn mbit(messages: u32) -> f64 {
    2.0 * f64::from(messages) * f64::from(MESSAGE) * 8.0 / 1e6
}

/// Reads the client's lines: one a second with the totals so far, and one at the end.
fn read(text: &str) -> Option<Told> {
    let number = |line: &str, name: &str| -> Option<u32> {
        let (_, rest) = line.split_once(name)?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    let totals: Vec<(u32, u32)> = text
        .lines()
        .filter_map(|line| Some((number(line, "tot_send_msgs=")?, number(line, "tot_recv_msgs=")?)))
        .collect();
    let (&(sent, echoed), seconds) = totals.split_last()?;
    let steps = seconds.windows(2).map(|pair| pair[1].1.saturating_sub(pair[0].1));
    Some(Told { sent, echoed, peak_per_second: steps.max().unwrap_or(0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
6: : start_mclient: msz=1, tot_send_msgs=0, tot_recv_msgs=0, tot_send_bytes ~ 0
7: : start_mclient: msz=1, tot_send_msgs=782, tot_recv_msgs=777, tot_send_bytes ~ 782000
8: : start_mclient: msz=1, tot_send_msgs=1782, tot_recv_msgs=1778, tot_send_bytes ~ 1782000
8: : start_mclient: tot_send_msgs=2000, tot_recv_msgs=1990
8: : start_mclient: tot_send_bytes ~ 2000000, tot_recv_bytes ~ 1990000
8: : Total lost packets 10 (0.5%), total send dropped 0 (0.000000%)";

    #[test]
    fn totals_and_the_best_second_are_read_from_what_the_client_prints() {
        let told = read(OUTPUT).expect("totals");
        assert_eq!(told, Told { sent: 2000, echoed: 1990, peak_per_second: 1001 });
        assert_eq!(read("Cannot connect"), None);
    }

    #[test]
    fn figures_count_both_ways_of_a_message() {
        let once =
            Sums { sent: 1000, echoed: 500, cpu_seconds: 0.25, runs: 1, peaks_per_second: 250 };
        let mut sums = once;
        sums.add(once);
        assert!((sums.mbit_per_second() - 4.0).abs() < 1e-9);
        assert!((sums.lost_percent() - 50.0).abs() < 1e-9);
        assert!((sums.cpu_ms_per_mbit() - 31.25).abs() < 1e-9);
    }
}
