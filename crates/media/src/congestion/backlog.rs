//! What is on its way, and how fast the way lets through what waits for it: that is its rate, however
//! short the time that it is looked at.

use super::Fate;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A rate needs as long a time of arrivals ...
const LEAST_SPAN: Duration = Duration::from_millis(40);
/// ... and as many of them after the first.
const LEAST_PACKETS: usize = 3;

/// Arrivals since packets wait.
#[derive(Debug, Default)]
pub struct Backlog {
    first: Option<Duration>,
    newest: Duration,
    bytes: usize,
    packets: usize,
}

impl Backlog {
    /// A packet has arrived, having waited or not.
    pub fn note(&mut self, arrived: Duration, bytes: usize, waited: bool) {
        if !waited {
            *self = Self::default();
            return;
        }
        match self.first {
            None => (self.first, self.newest) = (Some(arrived), arrived),
            // The first packet's bytes belong to the time before it.
            Some(_) => {
                self.newest = self.newest.max(arrived);
                self.bytes += bytes;
                self.packets += 1;
            }
        }
    }

    /// Bits a second that came through while all of them waited; none if there were too few.
    pub fn rate(&self) -> Option<f64> {
        let span = self.newest.saturating_sub(self.first?);
        let enough = span >= LEAST_SPAN && self.packets >= LEAST_PACKETS;
        enough.then(|| self.bytes as f64 * 8.0 / span.as_secs_f64())
    }
}

/// Packets of which nothing was reported yet.
#[derive(Debug, Default)]
pub struct InFlight {
    packets: VecDeque<(Instant, usize)>,
    bytes: usize,
    /// When the first of those left that were sent without a pause.
    begun: Option<Instant>,
}

/// A pause is as long.
const PAUSE: Duration = Duration::from_millis(200);
/// What was sent longer ago than this is no longer on its way, whether it was reported or not.
const FORGOTTEN: Duration = Duration::from_secs(2);

impl InFlight {
    /// A packet leaves.
    pub fn send(&mut self, now: Instant, bytes: usize) {
        if self.until().is_none_or(|before| now.saturating_duration_since(before) > PAUSE) {
            self.begun = Some(now);
        }
        self.packets.push_back((now, bytes));
        self.bytes += bytes;
        self.forget(now);
    }

    /// Leaves out what nobody will report any more.
    pub fn forget(&mut self, now: Instant) {
        self.drop_until(now.checked_sub(FORGOTTEN));
    }

    /// Takes what was reported: reports are in the order of sending.
    pub fn report(&mut self, fates: &[Fate]) {
        self.drop_until(fates.iter().map(|fate| fate.departed).max());
    }

    /// Bits that are out.
    pub fn bits(&self) -> f64 {
        self.bytes as f64 * 8.0
    }

    /// When the newest of them left.
    pub fn until(&self) -> Option<Instant> {
        self.packets.back().map(|(departed, _)| *departed)
    }

    /// When the oldest of them left.
    pub fn since(&self) -> Option<Instant> {
        self.packets.front().map(|(departed, _)| *departed)
    }

    /// The same of those that were sent without a pause: one that was lost before it says nothing.
    pub fn waiting_since(&self) -> Option<Instant> {
        Some(self.since()?.max(self.begun?))
    }

    fn drop_until(&mut self, last: Option<Instant>) {
        let gone = |packet: &(Instant, usize)| last.is_some_and(|last| packet.0 <= last);
        while let Some((_, bytes)) = self.packets.pop_front_if(|packet| gone(packet)) {
            self.bytes -= bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn what_waited_tells_the_rate_of_the_way_at_once() {
        let mut backlog = Backlog::default();
        for n in 0..100 {
            backlog.note(MS * 5 * n, 1000, false);
        }
        assert_eq!(backlog.rate(), None);
        for n in 0..4 {
            backlog.note(MS * (500 + 20 * n), 1000, true);
        }
        let rate = backlog.rate().expect("three that waited behind another");
        assert!((rate - 400_000.0).abs() < 1.0, "{rate}");
        backlog.note(MS * 700, 1000, false);
        assert_eq!(backlog.rate(), None, "the queue is gone");
    }

    #[test]
    fn what_was_reported_or_is_long_gone_is_not_on_its_way() {
        let (mut flying, start) = (InFlight::default(), Instant::now());
        for n in 0..10 {
            flying.send(start + MS * n, 100);
        }
        let fate = |n| Fate { departed: start + MS * n, arrived: None, bytes: 100 };
        flying.report(&[fate(0), fate(1), fate(2)]);
        assert_eq!((flying.bits(), flying.since()), (5600.0, Some(start + MS * 3)));
        flying.send(start + FORGOTTEN + MS * 8, 100);
        assert_eq!(flying.bits(), 1600.0);
        flying.forget(start + 2 * FORGOTTEN + MS * 8);
        assert_eq!(flying.since(), None, "also while nothing is sent");
        flying.send(start, 100);
        flying.send(start + PAUSE * 2, 100);
        flying.send(start + PAUSE * 3, 100);
        assert_eq!(flying.since(), Some(start));
        assert_eq!(flying.waiting_since(), Some(start + PAUSE * 2));
    }
}
