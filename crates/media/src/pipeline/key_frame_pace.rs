//! How often key frames are asked for or made: each costs as much as ten other pictures.

use std::time::{Duration, Instant};

/// Lets the first through at once and later ones not closer than an interval.
#[derive(Clone, Copy, Debug)]
pub struct KeyFramePace {
    interval: Duration,
    last: Option<Instant>,
    wanted: bool,
}

impl KeyFramePace {
    /// A pace that has let nothing through yet.
    pub const fn new(interval: Duration) -> Self {
        Self { interval, last: None, wanted: false }
    }

    /// Notes that one is wanted, until [`take`](Self::take) lets it through.
    pub fn want(&mut self) {
        self.wanted = true;
    }

    /// Whether one is wanted and due.
    pub fn is_due(&self, now: Instant) -> bool {
        self.wanted && self.last.is_none_or(|last| now >= last + self.interval)
    }

    /// Lets one through if it is wanted and due; the next is due an interval later.
    pub fn take(&mut self, now: Instant) -> bool {
        let due = self.is_due(now);
        if due {
            self.passed(now);
        }
        due
    }

    /// Notes that one went through by itself.
    pub fn passed(&mut self, now: Instant) {
        self.last = Some(now);
        self.wanted = false;
    }

    /// When a wanted one is due.
    pub fn deadline(&self) -> Option<Instant> {
        self.last.filter(|_| self.wanted).map(|last| last + self.interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_passes_at_once_and_the_next_waits_its_turn() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut pace = KeyFramePace::new(Duration::from_millis(300));
        assert!(!pace.take(start), "nobody asked");
        pace.want();
        assert!(pace.take(start));
        pace.want();
        assert!(!pace.take(at(299)));
        assert_eq!(pace.deadline(), Some(at(300)));
        assert!(pace.take(at(300)), "a request is not forgotten");
        assert!(!pace.take(at(900)), "but answered once");
    }
}
