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
/// So few of the blocks may lose more than goes along with them: at 30 pictures a second one in six
/// seconds then waits for a round trip.
const LEFT: f64 = 0.006;
/// At most as many go along, as a share of those that they make up for: more would take too much from
/// all pictures.
const MOST: f64 = 0.4;
/// In blocks of so many packets what goes along is well used.
const WELL_USED: usize = 6;
/// A block is closed after this share of a round trip: later, sending again is as fast.
const WITHIN: f64 = 0.3;

/// How pictures are protected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Protection {
    /// The share of packets that is usually lost, 0 to 1.
    pub loss: f64,
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
        Some(Self { loss, within: round_trip.mul_f64(WITHIN) })
    }

    /// What goes along, as a share of what it makes up for.
    pub fn share(&self) -> f64 {
        self.count(2 * WELL_USED) as f64 / (2 * WELL_USED) as f64
    }

    /// How many packets make up for this block of `packets` that began `age` ago; none: more of them
    /// are waited for.
    pub fn close(&self, packets: usize, age: Duration) -> Option<usize> {
        // A picture later the next one would be late.
        (packets >= WELL_USED || age >= self.within).then(|| self.count(packets))
    }

    /// How many go along so that hardly any block of so many packets loses more, by chance.
    fn count(&self, packets: usize) -> usize {
        let most = ((packets as f64 * MOST).round() as usize).max(1);
        (1..most).find(|count| self.loses_more(packets + count, *count) < LEFT).unwrap_or(most)
    }

    /// How likely it is that more than `count` of `packets` are lost.
    fn loses_more(&self, packets: usize, count: usize) -> f64 {
        let odds = self.loss / (1.0 - self.loss);
        let mut exactly = (1.0 - self.loss).powi(packets as i32);
        let mut at_most = exactly;
        for lost in 1..=count.min(packets) {
            exactly *= odds * (packets - lost + 1) as f64 / lost as f64;
            at_most += exactly;
        }
        1.0 - at_most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn only_ways_that_are_long_and_lose_packets_are_worth_it() {
        let of = |loss, ms| Protection::of(None, loss, Some(MS * ms)).map(|found| found.share());
        assert_eq!(of(0.05, 40), None);
        assert_eq!(of(0.0, 300), None);
        assert_eq!(Protection::of(None, 0.1, None), None);
        assert!(of(0.02, 200) < Some(0.2));
        assert!(of(0.08, 200) > of(0.03, 200));
        assert!(of(0.5, 200) <= Some(MOST + 0.05));
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
    fn small_pictures_share_packets_as_long_as_none_waits_long() {
        let protection = Protection { loss: 0.01, within: MS * 60 };
        assert_eq!(protection.close(3, MS * 10), None);
        assert_eq!(protection.close(8, MS * 30), Some(1));
        assert_eq!(protection.close(3, MS * 60), Some(1));
    }

    #[test]
    fn hardly_any_block_loses_more_than_goes_along() {
        use rand::{Rng, SeedableRng, rngs::StdRng};
        let mut random = StdRng::seed_from_u64(1);
        for loss in [0.01, 0.03, 0.05] {
            let protection = Protection { loss, within: MS };
            for packets in [6, 9, 20, 60] {
                let count = protection.close(packets, MS).expect("it is old");
                let mut failed = |_: &usize| {
                    let lost = (0..packets + count).filter(|_| random.random_bool(loss)).count();
                    lost > count
                };
                let failed = (0..4_000).filter(&mut failed).count();
                assert!(failed < 60, "{loss}: {count} for {packets}: {failed} of 4000 fail");
            }
        }
    }
}
