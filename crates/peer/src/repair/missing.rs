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
/// The last packet of a picture leaves no hole, and the next picture comes a thirtieth of a second
/// later: if a picture is open for this long, or longer than its packets are apart, it is asked for.
const OPEN: Duration = Duration::from_millis(4);
/// A packet that may not exist is asked for only so often.
const GUESSES: usize = 3;

/// A packet that came.
#[derive(Clone, Copy, Debug)]
pub struct Arrived {
    /// Its number in its stream.
    pub sequence: u16,
    /// Whether it is the last of its picture (RFC 6184, 5.1).
    pub marker: bool,
    /// Whether a key frame begins with it.
    pub begins_key_frame: bool,
}

#[derive(Debug)]
struct Wanted {
    noticed: Instant,
    asked: Vec<Instant>,
}

/// What is missing.
#[derive(Debug, Default)]
pub struct Missing {
    newest: Option<u64>,
    /// When the newest came, if its picture goes on behind it.
    open: Option<Instant>,
    /// Whether what is behind the newest was asked for.
    guessed: bool,
    apart: Apart,
    wanted: BTreeMap<u64, Wanted>,
    lossiness: Lossiness,
}

/// How far the packets of a picture are apart, in seconds: the mean of late, and by how much others
/// differ from it.
#[derive(Debug, Default)]
struct Apart {
    mean: f64,
    differs: f64,
}

impl Apart {
    /// Takes one measurement (weights as in RFC 6298).
    fn note(&mut self, apart: Duration) {
        let apart = apart.as_secs_f64();
        self.differs += ((apart - self.mean).abs() - self.differs) / 4.0;
        self.mean += (apart - self.mean) / 8.0;
    }

    /// What hardly any two are apart.
    fn most(&self) -> Duration {
        OPEN.max(Duration::from_secs_f64(self.mean + 4.0 * self.differs))
    }
}

impl Missing {
    /// A packet came. What is missing before the beginning of a key frame is needed no longer.
    pub fn arrived(&mut self, now: Instant, packet: Arrived) {
        let Some(newest) = self.newest else {
            // Room to go back.
            self.newest = Some((1 << 32) + u64::from(packet.sequence));
            return;
        };
        let number = number(newest, packet.sequence);
        if number.abs_diff(newest) > MOST {
            self.wanted.clear();
            (self.newest, self.open) = (Some(number), None);
            return;
        }
        self.wanted.remove(&number);
        self.lossiness.passed();
        if number == newest + 1
            && let Some(before) = self.open
        {
            self.apart.note(now.saturating_duration_since(before));
        }
        self.advance(now, number, packet.marker);
        if packet.begins_key_frame {
            self.wanted = self.wanted.split_off(&number);
        }
    }

    /// A packet of this number is there: all before it are, or are missing.
    fn advance(&mut self, now: Instant, number: u64, marker: bool) {
        let Some(newest) = self.newest.filter(|newest| *newest < number) else { return };
        for missing in newest + 1..number {
            self.wanted
                .entry(missing)
                .or_insert_with(|| Wanted { noticed: now, asked: Vec::new() });
            self.lossiness.missed();
        }
        // Where so many are missing, the oldest are no use any more.
        while self.wanted.len() as u64 > MOST {
            self.wanted.pop_first();
        }
        (self.newest, self.open) = (Some(number), (!marker).then_some(now));
        self.guessed = false;
    }

    /// A packet came on request: how long that took. Of several requests it answers the last one that
    /// is old enough for half a usual round trip; the first, if none is.
    pub fn repaired(
        &mut self,
        now: Instant,
        packet: Arrived,
        round_trip: Duration,
    ) -> Option<Duration> {
        let number = number(self.newest?, packet.sequence);
        let wanted = self.wanted.remove(&number)?;
        if Some(number) > self.newest {
            self.lossiness.missed();
            self.advance(now, number, packet.marker);
        }
        if packet.begins_key_frame {
            self.wanted = self.wanted.split_off(&number);
        }
        let mut took = wanted.asked.iter().map(|asked| now.saturating_duration_since(*asked));
        took.clone().rfind(|took| *took >= round_trip / 2).or_else(|| took.next())
    }

    /// What is to be asked for now, in order.
    pub fn ask(&mut self, now: Instant, round_trip: Duration) -> Vec<u16> {
        if let Some((guess, at)) = self.guess()
            && at <= now
        {
            self.wanted.insert(guess, Wanted { noticed: now, asked: Vec::new() });
            self.guessed = true;
        }
        let newest = self.newest.unwrap_or_default();
        self.wanted.retain(|number, wanted| {
            let times = if *number > newest { GUESSES } else { TIMES };
            wanted.asked.len() < times
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
        let guess = self.guess().map(|(_, at)| at);
        open.map(|wanted| wanted.due(round_trip)).chain(guess).min()
    }

    /// The packet behind the newest, if that is not the last of its picture, and when it is late.
    fn guess(&self) -> Option<(u64, Instant)> {
        let (next, open) = (self.newest? + 1, self.open.filter(|_| !self.guessed)?);
        Some((next, open + self.apart.most()))
    }
}

/// A sequence number without its wrap: the one that is nearest to the newest.
fn number(newest: u64, sequence: u16) -> u64 {
    let ahead = i64::from(sequence.wrapping_sub(newest as u16) as i16);
    newest.saturating_add_signed(ahead)
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

    /// The last packet of a picture.
    const fn last(sequence: u16) -> Arrived {
        Arrived { sequence, marker: true, begins_key_frame: false }
    }

    /// A packet with more of its picture behind it.
    const fn inner(sequence: u16) -> Arrived {
        Arrived { marker: false, ..last(sequence) }
    }

    /// One came, and a later one.
    fn hole(start: Instant, from: u16, to: u16) -> Missing {
        let mut missing = Missing::default();
        missing.arrived(start, last(from));
        missing.arrived(start, last(to));
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
        missing.arrived(ms(start, 20), last(11));
        assert_eq!(missing.repaired(ms(start, 90), last(12), RTT), Some(Duration::from_millis(90)));
        assert_eq!(missing.repaired(ms(start, 91), last(12), RTT), None, "a second time");
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
        let took = |at, round_trip| asked().repaired(ms(start, at), last(11), round_trip);
        assert_eq!(took(150, RTT), Some(Duration::from_millis(150)), "too soon for the second");
        assert_eq!(took(230, RTT), Some(Duration::from_millis(90)));
        let longer = Duration::from_secs(1);
        assert_eq!(took(300, longer), Some(Duration::from_millis(300)), "shorter than thought");
    }

    #[test]
    fn a_key_frame_needs_nothing_before_it_and_a_large_hole_is_left() {
        let start = Instant::now();
        let mut missing = hole(start, 10, 14);
        missing.arrived(start, Arrived { begins_key_frame: true, ..last(16) });
        assert!(missing.ask(start, RTT).is_empty());
        missing.arrived(start, last(18));
        assert_eq!(missing.ask(start, RTT), [17]);
        missing.arrived(start, last(18 + 300));
        assert!(missing.ask(start, RTT).is_empty());
    }

    #[test]
    fn the_lost_end_of_a_picture_is_asked_for_before_the_next_picture_comes() {
        let start = Instant::now();
        let mut missing = Missing::default();
        missing.arrived(start, last(9));
        missing.arrived(start, inner(10));
        missing.arrived(start, inner(11));
        let late = missing.next(RTT).expect("the picture is open");
        assert!(late <= start + OPEN, "{:?}", late - start);
        assert!(missing.ask(start, RTT).is_empty(), "it may still come");
        assert_eq!(missing.ask(late, RTT), [12]);
        assert_eq!(missing.repaired(late + RTT, inner(12), RTT), Some(RTT));
        let end = missing.next(RTT).expect("still open");
        assert_eq!(missing.ask(end, RTT), [13]);
        missing.arrived(end + RTT / 2, last(13));
        assert_eq!(missing.next(RTT), None, "it came by itself");
    }

    #[test]
    fn what_a_sender_may_never_have_sent_is_asked_for_a_few_times_only() {
        let start = Instant::now();
        let mut missing = Missing::default();
        missing.arrived(start, inner(1));
        missing.arrived(start, inner(2));
        let mut asked = 0;
        while let Some(next) = missing.next(RTT) {
            asked += missing.ask(next, RTT).len();
        }
        assert_eq!(asked, GUESSES);
    }

    #[test]
    fn packets_that_come_one_by_one_are_waited_for() {
        let (mut at, mut missing) = (Instant::now(), Missing::default());
        let mut early = 0;
        for n in 0..400u16 {
            missing.arrived(at, if n % 8 == 7 { last(n) } else { inner(n) });
            let next = at + Duration::from_millis(15 + u64::from(n % 3) * 5);
            while missing.next(RTT).is_some_and(|ask| ask < next) {
                let ask = missing.next(RTT).expect("as before");
                early += if n > 40 { missing.ask(ask, RTT).len() } else { 0 };
                missing.ask(ask, RTT);
            }
            at = next;
        }
        assert_eq!(early, 0, "they are 15 to 25 ms apart");
    }
}
