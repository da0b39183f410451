//! How long it takes until packets are reported, and whether a report is overdue: on a way that has
//! suddenly become narrow both ways, reports wait in the far side's queue while ours fills up.

use super::Fate;
use std::time::{Duration, Instant};

/// As much longer the shortest time to a report becomes with each of them.
const LONGER: Duration = Duration::from_micros(200);
/// Before anything is known, the oldest packet of a report is so much older than the shortest time.
const USUAL: Duration = Duration::from_millis(60);
/// Of what is more, this part is learned from each report: one that is late says little.
const LEARNED: u32 = 2;
/// With each report this part is forgotten: half in three seconds.
const FORGOTTEN: u32 = 80;
/// A report is overdue when the oldest packet is as many times older than usual, and this.
const TIMES: f64 = 1.2;
const AND: Duration = Duration::from_millis(40);

/// When reports came.
#[derive(Debug, Default)]
pub struct Reports {
    round_trip: Option<Duration>,
    /// The shortest time from a packet's leaving to the report of it, of late.
    shortest: Option<Duration>,
    /// By how much the oldest packet of a report is older than that, when they are late.
    oldest: Option<Duration>,
}

impl Reports {
    /// A report has come. `oldest`: when the first packet left that was sent without a pause and not yet
    /// reported before; `last`: the last that arrived.
    pub fn note(&mut self, now: Instant, oldest: Option<Instant>, last: &Fate) {
        let took = now.saturating_duration_since(last.departed);
        self.round_trip = Some(self.round_trip.map_or(took, |before| (before * 7 + took) / 8));
        // A way that has become longer is believed in the end.
        let shortest = self.shortest.map_or(took, |before| took.min(before + LONGER));
        self.shortest = Some(shortest);
        let Some(oldest) = oldest else { return };
        let older = now.saturating_duration_since(oldest).saturating_sub(shortest);
        let before = self.oldest.unwrap_or(USUAL);
        self.oldest = Some(match older.checked_sub(before) {
            Some(more) => before + more / LEARNED,
            None => older.max(before - before / FORGOTTEN),
        });
    }

    /// The time from a packet's leaving to the report of it, on average.
    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// The shortest of late.
    pub fn shortest(&self) -> Option<Duration> {
        self.shortest
    }

    /// Whether a packet that left then should have been reported by now; never while there was none.
    pub fn is_overdue(&self, now: Instant, departed: Instant) -> bool {
        let Some((shortest, oldest)) = self.shortest.zip(self.oldest) else { return false };
        now.saturating_duration_since(departed) > shortest + oldest.mul_f64(TIMES) + AND
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Packets all the time, reported every `every`, `delay` after the last.
    fn reported(every: Duration, delay: Duration, count: u32) -> (Reports, Instant) {
        let (mut reports, start) = (Reports::default(), Instant::now());
        for report in 1..=count {
            let last = start + every * report;
            let fate = Fate { departed: last, arrived: Some(MS), bytes: 1200 };
            reports.note(last + delay, Some(last - every), &fate);
        }
        (reports, start + every * count)
    }

    #[test]
    fn a_report_is_overdue_when_it_takes_longer_than_they_usually_do() {
        let (reports, next) = reported(MS * 50, MS * 20, 400);
        assert!((20..25).contains(&reports.round_trip().map_or(0, |took| took.as_millis())));
        assert!(!reports.is_overdue(next + MS * 100, next));
        assert!(reports.is_overdue(next + MS * 150, next));
    }

    #[test]
    fn ways_on_which_reports_get_lost_have_patience() {
        let (reports, next) = reported(MS * 150, MS * 100, 400);
        assert!(!reports.is_overdue(next + MS * 300, next));
        assert!(reports.is_overdue(next + MS * 350, next));
        assert!(!Reports::default().is_overdue(next + MS * 1000, next), "nothing is known");
    }
}
