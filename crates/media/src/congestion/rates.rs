//! How much arrives at the far side, by its own clock.

use super::Fate;
use std::collections::VecDeque;
use std::time::Duration;

/// What arrived longer ago than this is forgotten.
const KEPT: Duration = Duration::from_secs(1);
/// A rate needs as long a time of arrivals.
const LEAST_SPAN: Duration = Duration::from_millis(80);

/// Packets that arrived of late.
#[derive(Debug, Default)]
pub struct Arrivals {
    packets: VecDeque<(Duration, usize)>,
    newest: Duration,
}

impl Arrivals {
    /// Takes what one report says.
    pub fn note(&mut self, fates: &[Fate]) {
        for fate in fates {
            if let Some(arrived) = fate.arrived {
                self.packets.push_back((arrived, fate.bytes));
                self.newest = self.newest.max(arrived);
            }
        }
        while self.packets.front().is_some_and(|(at, _)| *at + KEPT < self.newest) {
            self.packets.pop_front();
        }
    }

    /// Bits a second over the last `span` of arrivals; none if there are too few.
    pub fn rate(&self, span: Duration) -> Option<f64> {
        let since = self.newest.saturating_sub(span);
        let within = || self.packets.iter().filter(|(at, _)| *at >= since);
        let first = within().map(|(at, _)| *at).min()?;
        let covered = self.newest - first;
        if covered < LEAST_SPAN.min(span) {
            return None;
        }
        // The first packet's bytes belong to the time before it.
        let bytes: usize = within().filter(|(at, _)| *at > first).map(|(_, bytes)| bytes).sum();
        Some(bytes as f64 * 8.0 / covered.as_secs_f64())
    }

    /// Forgets everything: what arrived before an outage says nothing of now.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn the_rate_is_that_of_arrivals_and_follows_a_drop_at_once() {
        let (mut arrivals, departed) = (Arrivals::default(), Instant::now());
        let mut at = Duration::ZERO;
        for n in 0..200 {
            at += Duration::from_millis(if n < 150 { 5 } else { 20 });
            arrivals.note(&[Fate { departed, arrived: Some(at), bytes: 1000 }]);
        }
        let rate = |ms| arrivals.rate(Duration::from_millis(ms)).expect("enough");
        assert!((rate(300) - 400_000.0).abs() < 5_000.0, "{}", rate(300));
        assert!(arrivals.rate(Duration::from_millis(10)).is_none());
    }
}
