//! When each packet goes: sound at once, packets that are sent again within a budget, pictures evenly
//! at somewhat more than their rate.

use std::collections::VecDeque;
use std::time::{Duration, Instant};
use tincan_proto::units::Bitrate;

/// What goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Sound and control: never held back.
    Sound,
    /// Packets that are sent again.
    Repair,
    /// Pictures.
    Picture,
}

/// What may go at once after a pause, in seconds at the pace.
const CREDIT: f64 = 0.005;
/// Packets sent again take at most this share of what the network carries.
const REPAIR_SHARE: f64 = 0.25;
/// What may be sent again at once, in bytes.
const REPAIR_CREDIT: f64 = 12_000.0;
/// Nothing waits longer: what is left of pictures by then is worth nothing.
const LONGEST: Duration = Duration::from_millis(250);
/// A repair that waited longer comes too late.
const LONGEST_REPAIR: Duration = Duration::from_millis(150);

#[derive(Debug)]
struct Waiting<P> {
    packet: P,
    bytes: usize,
    since: Instant,
}

/// Packets that wait to go.
#[derive(Debug)]
pub struct Pacer<P> {
    sound: VecDeque<P>,
    repair: VecDeque<Waiting<P>>,
    pictures: VecDeque<Waiting<P>>,
    /// Bytes of pictures.
    bytes: usize,
    available: f64,
    /// Of pictures, in bits a second.
    pace: f64,
    /// Bytes that may go; below zero: what went on credit.
    credit: f64,
    repair_credit: f64,
    at: Option<Instant>,
    /// Pictures were dropped, and what follows is worthless without a key frame.
    stale: bool,
}

impl<P> Pacer<P> {
    /// For a way that carries so much, with pictures at this pace.
    pub fn new(available: Bitrate, pace: Bitrate) -> Self {
        Self {
            sound: VecDeque::new(),
            repair: VecDeque::new(),
            pictures: VecDeque::new(),
            bytes: 0,
            available: f64::from(available.bps()),
            pace: f64::from(pace.bps()),
            credit: 0.0,
            repair_credit: REPAIR_CREDIT,
            at: None,
            stale: false,
        }
    }

    /// The way carries so much from now on, and pictures leave at this pace.
    pub fn set_available(&mut self, available: Bitrate, pace: Bitrate) {
        self.available = f64::from(available.bps());
        self.pace = f64::from(pace.bps());
    }

    /// Takes a packet of `bytes`.
    pub fn push(&mut self, now: Instant, priority: Priority, bytes: usize, packet: P) {
        match priority {
            Priority::Sound => self.sound.push_back(packet),
            Priority::Repair => self.repair.push_back(Waiting { packet, bytes, since: now }),
            Priority::Picture => {
                self.bytes += bytes;
                self.pictures.push_back(Waiting { packet, bytes, since: now });
            }
        }
    }

    /// The next packet that goes now.
    pub fn pop(&mut self, now: Instant) -> Option<P> {
        self.refill(now);
        if let Some(packet) = self.sound.pop_front() {
            return Some(packet);
        }
        let late = |waiting: &Waiting<P>| now.saturating_duration_since(waiting.since);
        while self.repair.front().is_some_and(|first| late(first) > LONGEST_REPAIR) {
            self.repair.pop_front();
        }
        if self.repair_credit > 0.0
            && self.credit > -REPAIR_CREDIT
            && let Some(Waiting { packet, bytes, .. }) = self.repair.pop_front()
        {
            self.repair_credit -= bytes as f64;
            self.credit -= bytes as f64;
            return Some(packet);
        }
        if self.pictures.front().is_some_and(|first| late(first) > LONGEST) {
            self.drop_pictures();
        }
        if self.credit <= 0.0 {
            return None;
        }
        let Waiting { packet, bytes, .. } = self.pictures.pop_front()?;
        self.bytes -= bytes;
        self.credit -= bytes as f64;
        Some(packet)
    }

    /// When to ask again; none while nothing waits.
    pub fn next(&self, now: Instant) -> Option<Instant> {
        if !self.sound.is_empty() {
            return Some(now);
        }
        let wait = |credit: f64, rate: f64| {
            let seconds = if credit > 0.0 { 0.0 } else { (1.0 - credit) / rate };
            now + Duration::from_secs_f64(seconds.min(1.0))
        };
        let picture = (!self.pictures.is_empty()).then(|| wait(self.credit, self.pace()));
        let repair =
            (!self.repair.is_empty()).then(|| wait(self.repair_credit, self.repair_rate()));
        picture.into_iter().chain(repair).min()
    }

    /// How long it takes until all that waits has gone.
    pub fn backlog(&self) -> Duration {
        Duration::from_secs_f64(self.bytes as f64 / self.pace())
    }

    /// Whether pictures were dropped since the last time: a key frame is due.
    pub fn take_stale(&mut self) -> bool {
        std::mem::take(&mut self.stale)
    }

    /// Drops all that waits of pictures.
    fn drop_pictures(&mut self) {
        self.pictures.clear();
        self.bytes = 0;
        self.stale = true;
    }

    /// Bytes a second.
    fn pace(&self) -> f64 {
        self.pace.max(1.0) / 8.0
    }

    fn repair_rate(&self) -> f64 {
        (self.available * REPAIR_SHARE / 8.0).max(1.0)
    }

    fn refill(&mut self, now: Instant) {
        let passed =
            self.at.replace(now).map_or(1.0, |at| now.saturating_duration_since(at).as_secs_f64());
        let pace = self.pace();
        self.credit = (self.credit + passed * pace).min((pace * CREDIT).max(1500.0));
        self.repair_credit = (self.repair_credit + passed * self.repair_rate()).min(REPAIR_CREDIT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn drain(pacer: &mut Pacer<u32>, from: Instant, span: Duration) -> Vec<(Duration, u32)> {
        let (mut now, mut gone) = (from, Vec::new());
        while now < from + span {
            while let Some(packet) = pacer.pop(now) {
                gone.push((now - from, packet));
            }
            match pacer.next(now) {
                Some(next) => now = next.max(now + MS / 10),
                None => break,
            }
        }
        gone
    }

    #[test]
    fn pictures_go_evenly_and_sound_goes_first() {
        let start = Instant::now();
        let mut pacer = Pacer::new(Bitrate::from_kbps(1_000), Bitrate::from_kbps(2_500));
        for packet in 0..20 {
            pacer.push(start, Priority::Picture, 1250, packet);
        }
        pacer.push(start, Priority::Sound, 100, 99);
        let gone = drain(&mut pacer, start, Duration::from_secs(1));
        assert_eq!(gone[0], (Duration::ZERO, 99));
        assert_eq!(gone.len(), 21);
        // 25 kB at 2.5 Mbit/s.
        let (last, _) = gone[20];
        assert!((60..90).contains(&last.as_millis()), "{last:?}");
        assert!(gone[1..].is_sorted_by_key(|(_, packet)| *packet), "in order");
    }

    #[test]
    fn repairs_go_before_pictures_and_within_their_budget() {
        let start = Instant::now();
        let mut pacer = Pacer::new(Bitrate::from_kbps(400), Bitrate::from_kbps(1_000));
        for packet in 0..10 {
            pacer.push(start, Priority::Picture, 1200, packet);
            pacer.push(start, Priority::Repair, 1200, 100 + packet);
            pacer.push(start, Priority::Repair, 1200, 200 + packet);
        }
        let gone = drain(&mut pacer, start, Duration::from_millis(400));
        assert!(gone[..5].iter().all(|(_, packet)| *packet >= 100), "{gone:?}");
        let repairs = gone.iter().filter(|(_, packet)| *packet >= 100).count();
        assert!((10..15).contains(&repairs), "{repairs} of 20");
        assert_eq!(gone.len() - repairs, 10, "pictures are not starved");
    }

    #[test]
    fn stale_pictures_are_dropped_and_told() {
        let start = Instant::now();
        let mut pacer = Pacer::new(Bitrate::from_kbps(100), Bitrate::from_kbps(600));
        for packet in 0..200 {
            pacer.push(start, Priority::Picture, 1200, packet);
        }
        assert!(pacer.backlog() > Duration::from_secs(3));
        let gone = drain(&mut pacer, start, Duration::from_secs(2));
        assert!(gone.iter().all(|(at, _)| *at <= LONGEST), "{gone:?}");
        assert!(pacer.take_stale() && !pacer.take_stale());
        assert_eq!(pacer.backlog(), Duration::ZERO);
        assert_eq!(pacer.next(start), None);
    }
}
