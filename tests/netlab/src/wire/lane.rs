//! One direction of a wire, pure: when a packet comes out, if it does.

use rand::{Rng, SeedableRng, rngs::StdRng};
use std::time::Duration;

/// What a wire does to packets, in each direction.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Impairment {
    /// How long each packet takes, one way.
    pub delay: Duration,
    /// How much longer or shorter a packet may take, all alike likely. Packets stay in order, so that
    /// many a second take longer on the whole.
    pub jitter: Duration,
    /// The share of packets that are lost, at random: 0 to 1.
    pub loss: f64,
    /// How many packets are lost in a row, on average (Gilbert's model); up to 1: each by itself.
    pub burst: f64,
    /// Kilobits a second; none: without bound.
    pub rate_kbps: Option<u32>,
    /// How much may wait for its turn on a wire with a rate; none: 300 ms. More is lost.
    pub queue: Option<Duration>,
    /// Nothing passes.
    pub cut: bool,
    /// All this is done to what the client sends alone.
    pub up_only: bool,
}

/// The queue of a wire with a rate unless told otherwise.
const QUEUE: Duration = Duration::from_millis(300);

/// The state of one direction.
#[derive(Debug)]
pub struct Lane {
    random: StdRng,
    /// The last packet was lost.
    losing: bool,
    busy_until: i64,
    last_due: i64,
}

impl Lane {
    /// An idle lane.
    pub fn new(seed: u64) -> Self {
        Self { random: StdRng::seed_from_u64(seed), losing: false, busy_until: 0, last_due: 0 }
    }

    /// When a packet of `bytes` that arrived at `at` comes out, in nanoseconds; none if it is lost.
    pub fn pass(&mut self, at: i64, bytes: usize, wire: &Impairment) -> Option<i64> {
        if wire.cut || self.loses(wire) {
            return None;
        }
        let mut due = at;
        if let Some(kbps) = wire.rate_kbps {
            let begins = self.busy_until.max(at);
            if begins - at > wire.queue.unwrap_or(QUEUE).as_nanos() as i64 {
                return None;
            }
            self.busy_until = begins + bytes as i64 * 8_000_000 / i64::from(kbps.max(1));
            due = self.busy_until;
        }
        due += wire.delay.as_nanos() as i64;
        if !wire.jitter.is_zero() {
            let jitter = wire.jitter.as_nanos() as i64;
            due = (due + self.random.random_range(-jitter..=jitter)).max(at);
        }
        // Packets stay in order when the delay shrinks.
        self.last_due = due.max(self.last_due);
        Some(self.last_due)
    }

    fn loses(&mut self, wire: &Impairment) -> bool {
        if wire.loss <= 0.0 {
            return false;
        }
        let burst = wire.burst.max(1.0);
        let chance = match self.losing {
            // As likely as ever where losses do not come in rows.
            _ if burst <= 1.0 => wire.loss,
            true => 1.0 - 1.0 / burst,
            false => wire.loss / (burst * (1.0 - wire.loss).max(f64::EPSILON)),
        };
        self.losing = self.random.random::<f64>() < chance;
        self.losing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    #[test]
    fn packets_come_out_after_the_delay_and_in_order() {
        let mut lane = Lane::new(1);
        let slow = Impairment { delay: Duration::from_millis(25), ..Default::default() };
        assert_eq!(lane.pass(0, 100, &slow), Some(25 * MS));
        assert_eq!(lane.pass(MS, 100, &Impairment::default()), Some(25 * MS));
        assert_eq!(lane.pass(30 * MS, 100, &Impairment::default()), Some(30 * MS));
    }

    #[test]
    fn rate_spaces_packets_and_loses_what_does_not_fit_the_queue() {
        let mut lane = Lane::new(1);
        let narrow = Impairment { rate_kbps: Some(80), ..Default::default() };
        // 1000 bytes at 80 kbit/s take 100 ms.
        let out: Vec<_> = (0..6).map(|_| lane.pass(0, 1000, &narrow)).collect();
        let expected = [100, 200, 300, 400].map(|ms| Some(ms * MS));
        assert_eq!(out[..4], expected);
        assert_eq!(out[4..], [None, None]);
        assert_eq!(lane.pass(500 * MS, 1000, &narrow), Some(600 * MS));
    }

    #[test]
    fn loss_takes_its_share() {
        let mut lane = Lane::new(7);
        let lossy = Impairment { loss: 0.05, ..Default::default() };
        let lost = (0..20_000).filter(|at| lane.pass(*at, 100, &lossy).is_none()).count();
        assert!((900..1100).contains(&lost), "{lost} of 20000");
    }

    #[test]
    fn losses_in_a_row_take_the_same_share() {
        let mut lane = Lane::new(7);
        let lossy = Impairment { loss: 0.1, burst: 3.0, ..Default::default() };
        let lost: Vec<bool> = (0..60_000).map(|at| lane.pass(at, 100, &lossy).is_none()).collect();
        let share = lost.iter().filter(|lost| **lost).count() as f64 / lost.len() as f64;
        let rows = lost.windows(2).filter(|pair| !pair[0] && pair[1]).count() as f64;
        assert!((0.09..0.11).contains(&share), "{share}");
        let length = share * lost.len() as f64 / rows;
        assert!((2.8..3.2).contains(&length), "{length} in a row");
    }

    #[test]
    fn jitter_keeps_the_order_and_the_bounds() {
        let mut lane = Lane::new(3);
        let ms = Duration::from_millis;
        let shaky = Impairment { delay: ms(100), jitter: ms(30), ..Default::default() };
        let waits: Vec<i64> =
            (0..1000).map(|n| lane.pass(n * 20 * MS, 100, &shaky).unwrap() - n * 20 * MS).collect();
        assert!(waits.iter().all(|wait| (70 * MS..=130 * MS).contains(wait)));
        assert!(waits.iter().any(|wait| *wait < 80 * MS), "some are early");
        assert!(waits.iter().any(|wait| *wait > 120 * MS), "some are late");
        let due = |n: usize| waits[n] + n as i64 * 20 * MS;
        assert!((1..1000).all(|n| due(n) >= due(n - 1)));
    }

    #[test]
    fn a_longer_queue_holds_more() {
        let mut lane = Lane::new(1);
        let queue = Some(Duration::from_secs(1));
        let narrow = Impairment { rate_kbps: Some(80), queue, ..Default::default() };
        let passed = (0..20).filter(|_| lane.pass(0, 1000, &narrow).is_some()).count();
        assert_eq!(passed, 11);
    }

    #[test]
    fn nothing_passes_a_cut_wire() {
        let cut = Impairment { cut: true, ..Default::default() };
        assert_eq!(Lane::new(1).pass(0, 100, &cut), None);
    }
}
