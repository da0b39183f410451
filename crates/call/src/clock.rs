//! How far the other side's clock is ahead of this one: by questions and answers over the data
//! channel, each stamped when it leaves and when it comes (RFC 5905, section 8).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// So many exchanges are remembered; the one whose answer came soonest is believed.
const REMEMBERED: usize = 8;
/// Questions at first: a call's figures want a clock soon ...
const SOON: u32 = 5;
/// ... in this pause.
const SOON_EVERY: Duration = Duration::from_millis(300);
/// Then clocks only drift.
const LATER_EVERY: Duration = Duration::from_secs(4);
/// Two clocks of computers drift apart by less than this share of the time (RFC 5905's PHI is 15
/// ppm; cheap quartz has up to 100).
const DRIFT: f64 = 100e-6;

/// One question and its answer, in microseconds: of this side's clock when it was asked and when the
/// answer came, of the other side's when it was heard and answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Asked, here.
    pub asked: u64,
    /// Heard, there.
    pub heard: u64,
    /// Answered, there.
    pub answered: u64,
    /// Come back, here.
    pub came: u64,
}

/// What is known of the other side's clock, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ClockOffset {
    /// How far it is ahead of this one; below nought: behind.
    pub ahead: f64,
    /// It may be so much more or less: half of the way that was measured over, as nobody knows how
    /// much of that each direction took, and what clocks drift meanwhile.
    pub uncertainty: f64,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Instant,
    ahead: f64,
    round_trip: f64,
}

impl Sample {
    fn offset(&self, now: Instant) -> ClockOffset {
        let age = now.saturating_duration_since(self.at).as_secs_f64();
        ClockOffset { ahead: self.ahead, uncertainty: self.round_trip / 2.0 + age * DRIFT }
    }
}

/// The clock of one other side.
#[derive(Clone, Debug, Default)]
pub struct ClockSync {
    asked: u32,
    waiting: Option<u64>,
    samples: VecDeque<Sample>,
}

impl ClockSync {
    /// A question is sent at `clock`; returns when the next one is due.
    pub fn ask(&mut self, clock: u64) -> Duration {
        self.waiting = Some(clock);
        self.asked = self.asked.saturating_add(1);
        if self.asked < SOON { SOON_EVERY } else { LATER_EVERY }
    }

    /// Takes an answer; one to a question that does not wait for it is passed over.
    pub fn answer(&mut self, now: Instant, exchange: Exchange) {
        if self.waiting.take_if(|asked| *asked == exchange.asked).is_none() {
            return;
        }
        let Exchange { asked, heard, answered, came } = exchange;
        let seconds = |from: u64, to: u64| (i128::from(to) - i128::from(from)) as f64 / 1e6;
        let round_trip = seconds(asked, came) - seconds(heard, answered);
        if round_trip < 0.0 {
            // A clock was set meanwhile, or they make it up.
            return;
        }
        let ahead = (seconds(asked, heard) + seconds(came, answered)) / 2.0;
        let sample = Sample { at: now, ahead, round_trip };
        let contradicts = self.offset(now).is_some_and(|known| {
            (ahead - known.ahead).abs() > known.uncertainty + round_trip / 2.0
        });
        if contradicts {
            // One of the clocks was set.
            self.samples.clear();
        }
        if self.samples.len() == REMEMBERED {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }

    /// What is known; none before the first answer.
    pub fn offset(&self, now: Instant) -> Option<ClockOffset> {
        let offsets = self.samples.iter().map(|sample| sample.offset(now));
        offsets.min_by(|one, other| one.uncertainty.total_cmp(&other.uncertainty))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng, rngs::StdRng};

    /// Asks at `now`, when this clock shows `clock`, over a way of so many microseconds there and
    /// back, to a clock that is `ahead`.
    fn exchange(
        sync: &mut ClockSync,
        now: Instant,
        clock: u64,
        (there, back): (u64, u64),
        ahead: i64,
    ) {
        sync.ask(clock);
        let theirs = |clock: u64| clock.saturating_add_signed(ahead);
        let (heard, answered) = (theirs(clock + there), theirs(clock + there + 300));
        let came = clock + there + 300 + back;
        sync.answer(now, Exchange { asked: clock, heard, answered, came });
    }

    #[test]
    fn over_an_even_way_the_difference_is_exact() {
        for ahead in [-7_200_000_000, -1, 0, 250_000, 3_000_000_000_000] {
            let (mut sync, now) = (ClockSync::default(), Instant::now());
            exchange(&mut sync, now, 9_000_000_000, (20_000, 20_000), ahead);
            let known = sync.offset(now).expect("an answer has come");
            assert!((known.ahead - ahead as f64 / 1e6).abs() < 1e-6, "{ahead}: {known:?}");
            assert!((known.uncertainty - 0.02).abs() < 1e-9, "half of what it took");
        }
    }

    #[test]
    fn it_is_never_further_off_than_it_says_on_uneven_and_drifting_ways() {
        for seed in 0..200 {
            let mut random = StdRng::seed_from_u64(seed);
            let (mut sync, start) = (ClockSync::default(), Instant::now());
            let drift = random.random_range(-80e-6..80e-6);
            let begins = random.random_range(-5_000_000_000..5_000_000_000i64);
            let base = (random.random_range(500..80_000), random.random_range(500..80_000));
            let mut since = 0u64;
            for _ in 0..60 {
                let ahead = begins + (since as f64 * drift) as i64;
                let way = (
                    base.0 + random.random_range(0..200_000),
                    base.1 + random.random_range(0..200_000),
                );
                let now = start + Duration::from_micros(since);
                exchange(&mut sync, now, 20_000_000_000 + since, way, ahead);
                let known = sync.offset(now).expect("an answer has come");
                let off = (known.ahead - ahead as f64 / 1e6).abs();
                assert!(off <= known.uncertainty + 1e-4, "seed {seed}: off by {off}, {known:?}");
                since += 4_000_000;
            }
        }
    }

    #[test]
    fn the_answer_that_came_soonest_is_believed() {
        let (mut sync, now) = (ClockSync::default(), Instant::now());
        exchange(&mut sync, now, 1_000_000, (180_000, 2_000), 500_000);
        exchange(&mut sync, now, 2_000_000, (2_000, 2_000), 500_000);
        exchange(&mut sync, now, 3_000_000, (2_000, 90_000), 500_000);
        let known = sync.offset(now).expect("answers have come");
        assert!((known.ahead - 0.5).abs() < 1e-9 && known.uncertainty < 0.003, "{known:?}");
    }

    #[test]
    fn a_clock_that_was_set_is_noticed_at_the_next_answer() {
        let (mut sync, now) = (ClockSync::default(), Instant::now());
        exchange(&mut sync, now, 1_000_000, (2_000, 2_000), 0);
        exchange(&mut sync, now, 2_000_000, (30_000, 30_000), 90_000_000);
        let known = sync.offset(now).expect("answers have come");
        assert!((known.ahead - 90.0).abs() < 1e-6, "{known:?}");
    }

    #[test]
    fn what_was_not_asked_or_cannot_be_is_passed_over() {
        let (mut sync, now) = (ClockSync::default(), Instant::now());
        let told = Exchange { asked: 7, heard: 1, answered: 2, came: 9 };
        sync.answer(now, told);
        assert_eq!(sync.offset(now), None, "nothing was asked");
        sync.ask(7);
        sync.answer(now, Exchange { asked: 7, heard: 5, answered: 5_000_000, came: 90 });
        assert_eq!(sync.offset(now), None, "it would have been answered before it was asked");
        sync.ask(u64::MAX);
        sync.answer(now, Exchange { asked: u64::MAX, heard: 0, answered: 0, came: u64::MAX });
        assert!(sync.offset(now).is_some_and(|known| known.ahead.is_finite()));
        sync.answer(now, Exchange { asked: u64::MAX, heard: 1, answered: 1, came: u64::MAX });
        assert_eq!(sync.samples.len(), 1, "one answer to each question");
    }
}
