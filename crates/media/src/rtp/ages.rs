//! How old sound and pictures were when they were played or shown.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// From the beginning of the NTP era to that of Unix time (RFC 5905, section 6).
const UNIX_IN_NTP: Duration = Duration::from_secs(2_208_988_800);

/// This side's wall clock, since the NTP era began, as sender reports tell it of the other's.
pub fn wall_now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().saturating_add(UNIX_IN_NTP)
}

/// Ages added up: each is from when something was taken by its sender's clock to when it was shown by
/// this side's, and so off by as much as the two clocks are apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ages {
    /// How many.
    pub count: u64,
    /// Microseconds in all. Clocks may be years apart: the sum wraps, and only the difference of two
    /// of them means something.
    pub total_us: i64,
    /// When the latest was taken.
    pub latest: Option<Duration>,
}

impl Ages {
    /// What was taken at one time was shown at the other.
    pub fn note(&mut self, taken: Duration, shown: Duration) {
        let age = shown.as_micros() as i64 - taken.as_micros() as i64;
        self.count += 1;
        self.total_us = self.total_us.wrapping_add(age);
        self.latest = Some(taken);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_ahead_makes_ages_below_nought() {
        let mut ages = Ages::default();
        ages.note(Duration::from_millis(5_000), Duration::from_millis(3_000));
        ages.note(Duration::from_millis(5_100), Duration::from_millis(3_300));
        assert_eq!((ages.count, ages.total_us), (2, -3_800_000));
        assert_eq!(ages.latest, Some(Duration::from_millis(5_100)));
    }
}
