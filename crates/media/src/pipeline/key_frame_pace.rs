//! How often key frames are asked for or made: each costs as much as ten other pictures.

use std::time::{Duration, Instant};

/// After so many intervals without one, those that follow the next may come soon: the first after
/// a calm time are the ones most likely lost, for the far side was not ready for them.
const CALM: u32 = 3;
/// How soon the second one may follow: requests that crossed the first ask for the same. Each
/// further pause is twice as long, up to the interval.
const SECOND_AFTER: Duration = Duration::from_millis(30);

/// Lets the first through at once and later ones not closer than an interval.
#[derive(Clone, Copy, Debug)]
pub struct KeyFramePace {
    interval: Duration,
    last: Option<Instant>,
    /// Others may follow soon where there was calm.
    eager: bool,
    /// The pause after the last one.
    pause: Duration,
    wanted: bool,
}

impl KeyFramePace {
    /// A pace that has let nothing through yet.
    pub const fn new(interval: Duration) -> Self {
        Self { interval, last: None, eager: false, pause: interval, wanted: false }
    }

    /// Lets others follow soon after a calm time, and ever later.
    pub const fn eager(self) -> Self {
        Self { eager: true, ..self }
    }

    /// Notes that one is wanted, until [`take`](Self::take) lets it through.
    pub fn want(&mut self) {
        self.wanted = true;
    }

    /// Begins anew with one: what went through before reached nobody.
    pub fn renew(&mut self) {
        self.last = None;
        self.wanted = true;
    }

    /// Notes that none is wanted any more: one has come.
    pub fn forget(&mut self) {
        self.wanted = false;
    }

    /// Whether one is wanted and due.
    pub fn is_due(&self, now: Instant) -> bool {
        self.wanted && self.opens_at().is_none_or(|at| now >= at)
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
        let calm = self.last.is_none_or(|last| now >= last + self.interval * CALM);
        self.pause = match (self.eager, calm) {
            (true, true) => SECOND_AFTER,
            (true, false) => (self.pause * 2).min(self.interval),
            (false, _) => self.interval,
        };
        self.last = Some(now);
        self.wanted = false;
    }

    /// When a wanted one is due.
    pub fn deadline(&self) -> Option<Instant> {
        self.opens_at().filter(|_| self.wanted)
    }

    fn opens_at(&self) -> Option<Instant> {
        self.last.map(|last| last + self.pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    #[test]
    fn who_just_came_gets_one_at_once_and_others_soon() {
        let start = Instant::now();
        let mut pace = KeyFramePace::new(Duration::from_millis(300)).eager();
        pace.passed(start);
        pace.want();
        assert!(pace.take(at(start, 30)), "the second after calm");
        pace.want();
        assert!(!pace.take(at(start, 89)));
        pace.renew();
        assert!(pace.take(at(start, 89)), "somebody else came");
        pace.want();
        assert!(pace.take(at(start, 119)), "the first was not seen whole");
    }

    #[test]
    fn the_first_passes_at_once_and_the_next_waits_its_turn() {
        let start = Instant::now();
        let mut pace = KeyFramePace::new(Duration::from_millis(300));
        assert!(!pace.take(start), "nobody asked");
        pace.want();
        assert!(pace.take(start));
        pace.want();
        assert!(!pace.take(at(start, 299)));
        assert_eq!(pace.deadline(), Some(at(start, 300)));
        assert!(pace.take(at(start, 300)), "a request is not forgotten");
        assert!(!pace.take(at(start, 900)), "but answered once");
        pace.want();
        pace.forget();
        assert_eq!(pace.deadline(), None, "nobody waits for what came by itself");
    }

    #[test]
    fn others_follow_ever_later_after_a_calm_time() {
        let start = Instant::now();
        let mut pace = KeyFramePace::new(Duration::from_millis(300)).eager();
        for calm in [0, 4000] {
            let mut due = calm;
            for pause in [0, 30, 60, 120, 240, 300, 300] {
                due += pause;
                pace.want();
                assert!(pause == 0 || !pace.take(at(start, due - 1)), "{pause}");
                assert!(pace.take(at(start, due)), "{pause}");
            }
        }
    }
}
