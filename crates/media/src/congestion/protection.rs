//! How many packets of pictures go along that make up for lost ones (forward error correction): where
//! sending those again takes so long that pictures would freeze. Pure.

use std::time::Duration;

/// Where a repair takes less than this, it is as good and costs less.
const LONG: Duration = Duration::from_millis(110);
/// The same where there is protection already, so that it does not come and go.
const STILL_LONG: Duration = Duration::from_millis(85);
/// Less loss is not worth it ...
const SOME: f64 = 0.008;
/// ... nor is this, once there is protection.
const STILL_SOME: f64 = 0.004;
/// So many times as many packets as are lost go along ...
const TIMES: f64 = 3.0;
/// ... and shares no smaller and no larger than these.
const LEAST: f64 = 0.1;
const MOST: f64 = 0.3;
/// A block is closed after this share of a round trip: later, sending again is as fast.
const WITHIN: f64 = 0.3;

/// How pictures are protected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Protection {
    /// Packets that go along, as a share of those that they make up for.
    pub share: f64,
    /// The longest that packets of pictures wait to be made up for.
    pub within: Duration,
}

impl Protection {
    /// What is good where `loss` (0 to 1) is usual and a repair takes `round_trip`; `before`: what was
    /// good until now.
    pub fn of(before: Option<Self>, loss: f64, round_trip: Option<Duration>) -> Option<Self> {
        let (long, some) = match before {
            None => (LONG, SOME),
            Some(_) => (STILL_LONG, STILL_SOME),
        };
        let round_trip = round_trip.filter(|round_trip| *round_trip >= long && loss >= some)?;
        let share = (TIMES * loss).clamp(LEAST, MOST);
        Some(Self { share, within: round_trip.mul_f64(WITHIN) })
    }

    /// How many packets make up for this block of `packets` that began `age` ago; none: more of them
    /// are waited for.
    pub fn close(&self, packets: usize, age: Duration) -> Option<usize> {
        let due = packets as f64 * self.share;
        // A picture later the next one would be late.
        (due >= 0.75 || age >= self.within).then(|| (due.round() as usize).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn only_ways_that_are_long_and_lose_packets_are_worth_it() {
        let of = |loss, ms| Protection::of(None, loss, Some(MS * ms)).map(|found| found.share);
        assert_eq!(of(0.05, 40), None);
        assert_eq!(of(0.0, 300), None);
        assert_eq!(Protection::of(None, 0.1, None), None);
        assert_eq!(of(0.02, 200), Some(LEAST));
        assert!(of(0.06, 200) > of(0.04, 200));
        assert_eq!(of(0.5, 200), Some(MOST));
    }

    #[test]
    fn what_is_there_stays_a_little_longer_than_it_takes_to_begin() {
        let before = Protection::of(None, 0.01, Some(MS * 120));
        assert!(before.is_some());
        assert!(Protection::of(before, 0.006, Some(MS * 90)).is_some());
        assert_eq!(Protection::of(None, 0.006, Some(MS * 90)), None);
        assert_eq!(Protection::of(before, 0.003, Some(MS * 90)), None);
    }

    #[test]
    fn small_pictures_share_a_packet_as_long_as_none_waits_long() {
        let protection = Protection { share: 0.1, within: MS * 60 };
        assert_eq!(protection.close(3, MS * 10), None);
        assert_eq!(protection.close(8, MS * 30), Some(1));
        assert_eq!(protection.close(3, MS * 60), Some(1));
        assert_eq!(protection.close(42, MS), Some(4));
    }
}
