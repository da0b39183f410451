//! Packets of one picture stream that have not come, and when each is asked for.

use super::lossiness::Lossiness;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A packet is asked for at most as often, each time a round trip later: at a tenth of loss a fifth of
/// the attempts fails, and with fewer a picture would freeze every few minutes.
const TIMES: usize = 8;
/// What is missing for longer than this and a round trip comes too late to be shown.
const AGE: Duration = Duration::from_millis(500);
/// The answer to a request may take this much longer than a round trip.
const MARGIN: Duration = Duration::from_millis(10);
/// A hole of more packets is not mended but begun anew behind, with a key frame.
const MOST: u64 = 256;

#[derive(Debug)]
struct Wanted {
    noticed: Instant,
    asked: Vec<Instant>,
}

/// What is missing.
#[derive(Debug, Default)]
pub struct Missing {
    newest: Option<u64>,
    wanted: BTreeMap<u64, Wanted>,
    lossiness: Lossiness,
}

impl Missing {
    /// A packet came. What is missing before the beginning of a key frame is needed no longer.
    pub fn arrived(&mut self, now: Instant, sequence: u16, begins_key_frame: bool) {
        let Some(newest) = self.newest else {
            // Room to go back.
            self.newest = Some((1 << 32) + u64::from(sequence));
            return;
        };
        let ahead = i64::from(sequence.wrapping_sub(newest as u16) as i16);
        let number = newest.saturating_add_signed(ahead);
        if ahead.unsigned_abs() > MOST {
            self.wanted.clear();
            self.newest = Some(number);
            return;
        }
        self.wanted.remove(&number);
        self.lossiness.passed();
        for missing in newest + 1..number {
            self.wanted.insert(missing, Wanted { noticed: now, asked: Vec::new() });
            self.lossiness.missed();
        }
        self.newest = Some(newest.max(number));
        if begins_key_frame {
            self.wanted = self.wanted.split_off(&number);
        }
    }

    /// A packet came on request: how long that took. Of several requests it answers the last one that
    /// is old enough for half a usual round trip; the first, if none is.
    pub fn repaired(
        &mut self,
        now: Instant,
        sequence: u16,
        round_trip: Duration,
    ) -> Option<Duration> {
        let newest = self.newest?;
        let behind = (newest as u16).wrapping_sub(sequence);
        let wanted = self.wanted.remove(&newest.checked_sub(u64::from(behind))?)?;
        let mut took = wanted.asked.iter().map(|asked| now.saturating_duration_since(*asked));
        took.clone().rfind(|took| *took >= round_trip / 2).or_else(|| took.next())
    }

    /// What is to be asked for now, in order.
    pub fn ask(&mut self, now: Instant, round_trip: Duration) -> Vec<u16> {
        self.wanted.retain(|_, wanted| {
            wanted.asked.len() < TIMES
                && now.saturating_duration_since(wanted.noticed) <= AGE + round_trip
        });
        let due = self.wanted.iter_mut().filter(|(_, wanted)| wanted.due(round_trip) <= now);
        due.map(|(number, wanted)| {
            wanted.asked.push(now);
            *number as u16
        })
        .collect()
    }

    /// How often each request is to go.
    pub fn copies(&self) -> usize {
        self.lossiness.copies()
    }

    /// When to ask next.
    pub fn next(&self, round_trip: Duration) -> Option<Instant> {
        let open = self.wanted.values().filter(|wanted| wanted.asked.len() < TIMES);
        open.map(|wanted| wanted.due(round_trip)).min()
    }
}

impl Wanted {
    fn due(&self, round_trip: Duration) -> Instant {
        self.asked.last().map_or(self.noticed, |last| *last + round_trip + MARGIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Duration = Duration::from_millis(100);

    fn ms(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    /// One came, and a later one.
    fn hole(start: Instant, from: u16, to: u16) -> Missing {
        let mut missing = Missing::default();
        missing.arrived(start, from, false);
        missing.arrived(start, to, false);
        missing
    }

    #[test]
    fn what_is_missing_is_asked_for_at_once_and_over_the_wrap() {
        let start = Instant::now();
        let mut missing = hole(start, 65_534, 1);
        assert_eq!(missing.next(RTT), Some(start));
        assert_eq!(missing.ask(start, RTT), [65_535, 0]);
        assert!(missing.ask(ms(start, 100), RTT).is_empty(), "the answer is on its way");
    }

    #[test]
    fn a_packet_is_asked_for_once_in_a_round_trip_and_a_few_times_in_all() {
        for round_trip in [4, 40, 150, 400, 1000] {
            let (start, round_trip) = (Instant::now(), Duration::from_millis(round_trip));
            let mut missing = hole(start, 10, 12);
            let mut asked = Vec::new();
            while let Some(next) = missing.next(round_trip) {
                let numbers = missing.ask(next, round_trip);
                asked.extend(numbers.iter().map(|_| next));
                if numbers.is_empty() {
                    break;
                }
            }
            assert!((1..=TIMES).contains(&asked.len()), "{round_trip:?}: {asked:?}");
            let spaced = asked.windows(2).all(|two| two[1] - two[0] > round_trip);
            assert!(spaced, "{round_trip:?}: {asked:?}");
            assert!(asked.iter().all(|at| *at - start <= AGE + round_trip), "{asked:?}");
        }
    }

    #[test]
    fn what_comes_late_or_on_request_is_not_asked_for_again() {
        let start = Instant::now();
        let mut missing = hole(start, 10, 13);
        assert_eq!(missing.ask(start, RTT), [11, 12]);
        missing.arrived(ms(start, 20), 11, false);
        assert_eq!(missing.repaired(ms(start, 90), 12, RTT), Some(Duration::from_millis(90)));
        assert_eq!(missing.repaired(ms(start, 91), 12, RTT), None, "a second time");
        assert_eq!(missing.next(RTT), None);
    }

    #[test]
    fn an_answer_belongs_to_the_request_that_it_can_belong_to() {
        let start = Instant::now();
        let asked = || {
            let mut missing = hole(start, 10, 12);
            missing.ask(start, RTT);
            assert_eq!(missing.ask(ms(start, 140), RTT), [11]);
            missing
        };
        let took = |at, round_trip| asked().repaired(ms(start, at), 11, round_trip);
        assert_eq!(took(150, RTT), Some(Duration::from_millis(150)), "too soon for the second");
        assert_eq!(took(230, RTT), Some(Duration::from_millis(90)));
        let longer = Duration::from_secs(1);
        assert_eq!(took(300, longer), Some(Duration::from_millis(300)), "shorter than thought");
    }

    #[test]
    fn a_key_frame_needs_nothing_before_it_and_a_large_hole_is_left() {
        let start = Instant::now();
        let mut missing = hole(start, 10, 14);
        missing.arrived(start, 16, true);
        assert!(missing.ask(start, RTT).is_empty());
        missing.arrived(start, 18, false);
        assert_eq!(missing.ask(start, RTT), [17]);
        missing.arrived(start, 18 + 300, false);
        assert!(missing.ask(start, RTT).is_empty());
    }
}
