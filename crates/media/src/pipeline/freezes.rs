//! Freezes as W3C webrtc-stats counts them (`freezeCount`, `totalFreezesDuration`).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The usual time between pictures is that of the last so many.
const LOOKED_AT: usize = 30;
/// A gap this much longer than the usual one is a freeze ...
const LONGER_BY: Duration = Duration::from_millis(150);
/// ... if it is this many times as long, too.
const TIMES: u32 = 3;

/// Counts them.
#[derive(Debug, Default)]
pub struct Freezes {
    last: Option<Instant>,
    gaps: VecDeque<Duration>,
    count: u64,
    total: Duration,
}

impl Freezes {
    /// A picture is shown.
    pub fn shown(&mut self, now: Instant) {
        let Some(last) = self.last.replace(now) else { return };
        let gap = now.saturating_duration_since(last);
        if self.gaps.len() == LOOKED_AT {
            let usual = self.gaps.iter().sum::<Duration>() / LOOKED_AT as u32;
            if gap > (usual * TIMES).max(usual + LONGER_BY) {
                self.count += 1;
                self.total += gap;
            }
            self.gaps.pop_front();
        }
        self.gaps.push_back(gap);
    }

    /// None is to be shown now: the gap is no freeze.
    pub fn excuse(&mut self) {
        self.last = None;
    }

    /// How often, and how long in all.
    pub fn so_far(&self) -> (u64, Duration) {
        (self.count, self.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_counts_by_what_is_usual() {
        let mut freezes = Freezes::default();
        let mut now = Instant::now();
        let mut show = |freezes: &mut Freezes, gaps: &[u64]| {
            for gap in gaps {
                now += Duration::from_millis(*gap);
                freezes.shown(now);
            }
            freezes.so_far()
        };
        show(&mut freezes, &[33; 60]);
        assert_eq!(show(&mut freezes, &[180, 33]).0, 0, "a stutter");
        assert_eq!(show(&mut freezes, &[300, 33]), (1, Duration::from_millis(300)));
        show(&mut freezes, &[1000; 60]);
        let (before, _) = freezes.so_far();
        assert_eq!(show(&mut freezes, &[1100, 1000]).0, before, "a slow source");
    }

    #[test]
    fn a_gap_while_nothing_is_to_come_is_no_freeze() {
        let mut freezes = Freezes::default();
        let mut now = Instant::now();
        for _ in 0..60 {
            now += Duration::from_millis(33);
            freezes.shown(now);
        }
        freezes.excuse();
        freezes.shown(now + Duration::from_secs(60));
        assert_eq!(freezes.so_far().0, 0);
        freezes.shown(now + Duration::from_secs(61));
        assert_eq!(freezes.so_far().0, 1, "from then on it counts");
    }
}
