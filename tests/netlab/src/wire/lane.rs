//! One direction of a wire, pure: when a packet comes out, if it does.

use rand::{Rng, SeedableRng, rngs::StdRng};
use std::time::Duration;

/// What a wire does to packets, in each direction.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Impairment {
    /// How long each packet takes, one way.
    pub delay: Duration,
    /// The share of packets that are lost, at random: 0 to 1.
    pub loss: f64,
    /// Kilobits a second; none: without bound.
    pub rate_kbps: Option<u32>,
    /// Nothing passes.
    pub cut: bool,
}

/// How much may wait for its turn on a wire with a rate; more is lost.
const QUEUE: Duration = Duration::from_millis(300);

/// The state of one direction.
#[derive(Debug)]
pub struct Lane {
    random: StdRng,
    busy_until: i64,
    last_due: i64,
}

impl Lane {
    /// An idle lane.
    pub fn new(seed: u64) -> Self {
        Self { random: StdRng::seed_from_u64(seed), busy_until: 0, last_due: 0 }
    }

    /// When a packet of `bytes` that arrived at `at` comes out, in nanoseconds; none if it is lost.
    pub fn pass(&mut self, at: i64, bytes: usize, wire: &Impairment) -> Option<i64> {
        if wire.cut || (wire.loss > 0.0 && self.random.random::<f64>() < wire.loss) {
            return None;
        }
        let mut due = at;
        if let Some(kbps) = wire.rate_kbps {
            let begins = self.busy_until.max(at);
            if begins - at > QUEUE.as_nanos() as i64 {
                return None;
            }
            self.busy_until = begins + bytes as i64 * 8_000_000 / i64::from(kbps.max(1));
            due = self.busy_until;
        }
        due += wire.delay.as_nanos() as i64;
        // Packets stay in order when the delay shrinks.
        self.last_due = due.max(self.last_due);
        Some(self.last_due)
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
    fn nothing_passes_a_cut_wire() {
        let cut = Impairment { cut: true, ..Default::default() };
        assert_eq!(Lane::new(1).pass(0, 100, &cut), None);
    }
}
