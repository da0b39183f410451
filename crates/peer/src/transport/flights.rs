//! DTLS flights that are sent again until they have arrived.
//!
//! `rtc-dtls` 0.21.1 repeats a flight after a whole second, and after some losses never: a
//! client whose last flight got lost while the server repeated its own waits for ever. So the
//! last flight is kept here and sent again, byte for byte, soon and then ever more slowly.
//! A receiver that has it already drops the copy (RFC 6347, section 4.1.2.6); one that has not
//! goes on. A flight of the other side that comes again says that ours is missing there.

use super::framing::Dtls;
use bytes::Bytes;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::time::{Duration, Instant};

/// First pause. More than most round trips; a copy too many costs little.
const FIRST_PAUSE: Duration = Duration::from_millis(80);
/// Longest pause.
const LAST_PAUSE: Duration = Duration::from_millis(800);
/// A flight is repeated so often by itself: for about ten seconds.
const MAX_REPEATS: u32 = 15;
/// And so often because the other side repeats its own.
const MAX_PROMPTED: u32 = 30;
/// Two datagrams of one flight leave within this time.
const ONE_FLIGHT: Duration = Duration::from_millis(50);
/// Most datagrams of a flight; a chain of certificates takes three.
const MAX_DATAGRAMS: usize = 16;
/// Most datagrams of the other side that are remembered.
const MAX_SEEN: usize = 128;

/// The handshake of one connection, as far as repeating goes. `V` tells where a datagram was
/// sent from and to.
#[derive(Debug)]
pub struct Flights<V> {
    flight: Vec<(V, Bytes)>,
    last_sent: Option<Instant>,
    /// Something new was heard since the last datagram was sent: the next begins a flight.
    answered: bool,
    next_at: Option<Instant>,
    pause: Duration,
    repeats: u32,
    prompted: u32,
    seen: Vec<u64>,
    sent_data: bool,
    heard_data: bool,
}

impl<V: Clone> Flights<V> {
    /// Nothing sent yet.
    pub fn new() -> Self {
        Self {
            flight: Vec::new(),
            last_sent: None,
            answered: false,
            next_at: None,
            pause: FIRST_PAUSE,
            repeats: 0,
            prompted: 0,
            seen: Vec::new(),
            sent_data: false,
            heard_data: false,
        }
    }

    /// When [`Flights::due`] has something to send.
    pub fn deadline(&self) -> Option<Instant> {
        self.next_at
    }

    /// A record was sent. True: [`Flights::deadline`] has changed.
    pub fn sent(&mut self, now: Instant, via: &V, kind: Dtls, datagram: &[u8]) -> bool {
        if kind == Dtls::Data {
            self.sent_data = true;
            return self.settle();
        }
        let pause_before = self.last_sent.map(|last| now.saturating_duration_since(last));
        if self.answered || pause_before.is_none_or(|pause| pause > ONE_FLIGHT) {
            self.flight.clear();
            self.pause = FIRST_PAUSE;
            self.repeats = 0;
            self.answered = false;
        }
        if self.flight.len() < MAX_DATAGRAMS {
            self.flight.push((via.clone(), Bytes::copy_from_slice(datagram)));
        }
        self.last_sent = Some(now);
        self.next_at = Some(now + self.pause);
        true
    }

    /// A record came, which is `content`. True: [`Flights::deadline`] has changed.
    pub fn heard(&mut self, now: Instant, kind: Dtls, content: &[u8]) -> bool {
        if kind == Dtls::Data {
            self.heard_data = true;
            return self.settle();
        }
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        let hash = hasher.finish();
        if !self.seen.contains(&hash) {
            if self.seen.len() < MAX_SEEN {
                self.seen.push(hash);
            }
            self.answered = true;
            return false;
        }
        let recent = self.last_sent.is_none_or(|last| last + ONE_FLIGHT > now);
        if self.flight.is_empty() || recent || self.prompted >= MAX_PROMPTED {
            return false;
        }
        self.prompted += 1;
        self.next_at = Some(now);
        true
    }

    /// The last flight, if an answer to it is still awaited.
    pub fn last(&self) -> Vec<(V, Bytes)> {
        if self.answered { Vec::new() } else { self.flight.clone() }
    }

    /// What is to be sent again at `now`.
    pub fn due(&mut self, now: Instant) -> Vec<(V, Bytes)> {
        if self.next_at.is_none_or(|at| at > now) {
            return Vec::new();
        }
        self.repeats += 1;
        self.pause = (self.pause * 2).min(LAST_PAUSE);
        self.last_sent = Some(now);
        self.next_at = (self.repeats < MAX_REPEATS).then_some(now + self.pause);
        self.flight.clone()
    }

    /// Whoever sends data has all that they need; when both do, nothing is missing anywhere.
    fn settle(&mut self) -> bool {
        let over = self.sent_data && self.heard_data && !self.flight.is_empty();
        if over {
            self.flight = Vec::new();
            self.seen = Vec::new();
            self.next_at = None;
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HANDSHAKE: Dtls = Dtls::Handshake;
    const MS: Duration = Duration::from_millis(1);

    fn contents(sent: &[((), Bytes)]) -> Vec<&[u8]> {
        sent.iter().map(|((), datagram)| datagram.as_ref()).collect()
    }

    #[test]
    fn a_flight_is_repeated_whole_and_ever_more_slowly_and_not_for_ever() {
        let (mut flights, start) = (Flights::new(), Instant::now());
        flights.sent(start, &(), HANDSHAKE, b"one");
        flights.sent(start + MS, &(), HANDSHAKE, b"two");
        let (mut now, mut pauses) = (start + MS, Vec::new());
        while let Some(at) = flights.deadline() {
            assert!(flights.due(at - MS).is_empty(), "too early");
            assert_eq!(contents(&flights.due(at)), [b"one", b"two"]);
            pauses.push(at - now);
            now = at;
        }
        assert_eq!(pauses.len(), MAX_REPEATS as usize);
        assert!(pauses.is_sorted());
        assert_eq!((pauses[0], pauses[14]), (FIRST_PAUSE, LAST_PAUSE));
    }

    #[test]
    fn an_answer_begins_a_new_flight() {
        let (mut flights, start) = (Flights::new(), Instant::now());
        flights.sent(start, &(), HANDSHAKE, b"hello");
        flights.heard(start + MS, HANDSHAKE, b"their hello");
        flights.sent(start + 2 * MS, &(), HANDSHAKE, b"finished");
        assert_eq!(contents(&flights.due(start + 500 * MS)), [b"finished"]);
    }

    #[test]
    fn a_flight_whose_answer_came_in_part_is_repeated_on() {
        let (mut flights, start) = (Flights::new(), Instant::now());
        flights.sent(start, &(), HANDSHAKE, b"hello");
        flights.heard(start + MS, HANDSHAKE, b"half of their flight");
        assert_eq!(contents(&flights.due(start + 500 * MS)), [b"hello"]);
    }

    #[test]
    fn a_repeated_flight_of_the_other_side_is_answered_at_once() {
        let (mut flights, start) = (Flights::new(), Instant::now());
        flights.heard(start, HANDSHAKE, b"their last flight");
        flights.sent(start + MS, &(), HANDSHAKE, b"ours");
        let later = start + 70 * MS;
        assert!(flights.due(later).is_empty());
        assert!(flights.heard(later, HANDSHAKE, b"their last flight"));
        assert_eq!(contents(&flights.due(later)), [b"ours"]);
        assert!(!flights.heard(later + MS, HANDSHAKE, b"their last flight"), "not for each copy");
    }

    #[test]
    fn the_last_flight_is_at_hand_until_something_answers_it() {
        let (mut flights, start) = (Flights::new(), Instant::now());
        assert!(flights.last().is_empty());
        flights.sent(start, &(), HANDSHAKE, b"hello");
        assert_eq!(contents(&flights.last()), [b"hello"]);
        flights.heard(start + MS, HANDSHAKE, b"their hello");
        assert!(flights.last().is_empty());
    }

    #[test]
    fn data_both_ways_ends_it() {
        let (mut flights, start) = (Flights::new(), Instant::now());
        flights.sent(start, &(), HANDSHAKE, b"finished");
        assert!(!flights.heard(start, Dtls::Data, b""), "they may be done while we are not");
        assert!(flights.deadline().is_some());
        assert!(flights.sent(start, &(), Dtls::Data, b""));
        assert_eq!(flights.deadline(), None);
        assert!(flights.due(start + LAST_PAUSE).is_empty());
    }
}
