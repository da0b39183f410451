//! How often a screen is looked at and a picture of it taken. Pure.

use std::time::{Duration, Instant};

/// Thirty pictures a second: what a screen shows looks smooth.
const FASTEST: Duration = Duration::from_nanos(1_000_000_000 / 30);
/// Five: fewer are no motion any more.
const SLOWEST: Duration = Duration::from_millis(200);
/// Pictures that cost much come less often, so that they take a quarter of a core at most.
const SHARE: u32 = 4;
/// A screen that was still for this long is looked at half as often.
const STILL: Duration = Duration::from_secs(1);

/// The pace of one capture.
#[derive(Debug)]
pub(super) struct Pace {
    /// When the last picture was begun.
    last: Option<Instant>,
    /// What pictures cost of late.
    cost: Duration,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { last: None, cost: Duration::ZERO }
    }

    /// Whether a picture of what has changed may be taken.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.last.is_none_or(|last| now >= last + self.interval())
    }

    /// Notes a picture.
    pub(super) fn taken(&mut self, began: Instant, ended: Instant) {
        let cost = ended.saturating_duration_since(began);
        self.cost = if self.last.is_none() { cost } else { (self.cost * 7 + cost) / 8 };
        self.last = Some(began);
    }

    /// When to look again whether something has changed, or to take a picture of what has.
    pub(super) fn next_look(&self, now: Instant) -> Instant {
        let Some(last) = self.last else { return now + FASTEST };
        let due = last + self.interval();
        if due > now {
            due
        } else if now.saturating_duration_since(last) > STILL {
            now + 2 * FASTEST
        } else {
            now + FASTEST
        }
    }

    fn interval(&self) -> Duration {
        (self.cost * SHARE).clamp(FASTEST, SLOWEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pictures in ten seconds of constant change.
    fn rate(cost: Duration) -> u32 {
        let start = Instant::now();
        let (mut now, mut pace, mut pictures) = (start, Pace::new(), 0);
        while now < start + Duration::from_secs(10) {
            if pace.is_due(now) {
                pace.taken(now, now + cost);
                now += cost;
                pictures += 1;
            }
            now = pace.next_look(now);
        }
        pictures
    }

    #[test]
    fn changes_are_shown_thirty_times_a_second_and_five_times_on_a_slow_machine() {
        assert!((298..=301).contains(&rate(Duration::from_millis(3))));
        assert!((120..=130).contains(&rate(Duration::from_millis(20))));
        assert!((48..=51).contains(&rate(Duration::from_millis(90))));
    }

    #[test]
    fn a_still_screen_is_looked_at_less_often_and_shown_at_once_when_it_changes() {
        let start = Instant::now();
        let mut pace = Pace::new();
        assert!(pace.is_due(start), "the first picture waits for nothing");
        pace.taken(start, start + Duration::from_millis(2));
        assert!(!pace.is_due(start + Duration::from_millis(20)));
        let later = start + Duration::from_secs(5);
        assert_eq!(pace.next_look(later) - later, 2 * FASTEST);
        assert!(pace.is_due(later));
    }
}
