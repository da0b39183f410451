//! When each packet goes: sound at once, packets that are sent again within a budget, pictures evenly
//! at somewhat more than their rate.

use super::pace::Pace;
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
    /// What goes along with pictures and makes up for lost packets.
    Protection,
}

/// What may go at once after a pause, in seconds at the pace.
const CREDIT: f64 = 0.005;
/// Packets sent again take at most this share of what the network carries.
const REPAIR_SHARE: f64 = 0.25;
/// What may be sent again at once, in bytes.
const REPAIR_CREDIT: f64 = 12_000.0;
/// The same in seconds at the pace of pictures, which wait for them.
const REPAIR_CREDIT_FOR: f64 = 0.1;
/// Nothing waits longer: what is left of pictures by then is worth nothing.
const LONGEST: Duration = Duration::from_millis(250);
/// Whatever waits is to be gone within this time, in seconds, if the way may be asked for that.
const GONE_WITHIN: f64 = 0.2;
/// What is left of that time is taken to be no shorter.
const LEAST_LEFT: f64 = 0.02;
/// A repair that waited longer comes too late.
const LONGEST_REPAIR: Duration = Duration::from_millis(150);

#[derive(Debug)]
struct Waiting<P> {
    packet: P,
    bytes: usize,
    since: Instant,
    protects: bool,
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
    pace: Pace,
    /// Bytes that may go; below zero: what went on credit.
    credit: f64,
    repair_credit: f64,
    at: Option<Instant>,
    /// Pictures were dropped, and what follows is worthless without a key frame.
    stale: bool,
}

impl<P> Pacer<P> {
    /// For a way that carries so much, with pictures at this pace.
    pub fn new(available: Bitrate, pace: Pace) -> Self {
        Self {
            sound: VecDeque::new(),
            repair: VecDeque::new(),
            pictures: VecDeque::new(),
            bytes: 0,
            available: f64::from(available.bps()),
            pace,
            credit: 0.0,
            repair_credit: REPAIR_CREDIT,
            at: None,
            stale: false,
        }
    }

    /// The way carries so much from now on, and pictures leave at this pace.
    pub fn set_available(&mut self, available: Bitrate, pace: Pace) {
        self.available = f64::from(available.bps());
        self.pace = pace;
    }

    /// Takes a packet of `bytes`.
    pub fn push(&mut self, now: Instant, priority: Priority, bytes: usize, packet: P) {
        match priority {
            Priority::Sound => self.sound.push_back(packet),
            Priority::Repair => {
                self.repair.push_back(Waiting { packet, bytes, since: now, protects: false });
            }
            Priority::Picture | Priority::Protection => {
                let protects = priority == Priority::Protection;
                self.bytes += bytes;
                self.pictures.push_back(Waiting { packet, bytes, since: now, protects });
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
            && self.credit > -self.most_repair(now)
            && let Some(Waiting { packet, bytes, .. }) = self.repair.pop_front()
        {
            self.repair_credit -= bytes as f64;
            self.credit -= bytes as f64;
            return Some(packet);
        }
        while self.pictures.front().is_some_and(|first| first.protects && late(first) > LONGEST) {
            self.take_picture_packet();
        }
        if self.pictures.front().is_some_and(|first| late(first) > LONGEST) {
            self.drop_pictures();
        }
        if self.credit <= 0.0 {
            return None;
        }
        let Waiting { packet, bytes, .. } = self.take_picture_packet()?;
        self.credit -= bytes as f64;
        Some(packet)
    }

    fn take_picture_packet(&mut self) -> Option<Waiting<P>> {
        let first = self.pictures.pop_front()?;
        self.bytes -= first.bytes;
        Some(first)
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
        let pace = self.pace(now);
        let picture = (!self.pictures.is_empty()).then(|| wait(self.credit, pace));
        let repair = (!self.repair.is_empty()).then(|| {
            let debt = wait(self.credit + self.most_repair(now), pace);
            debt.max(wait(self.repair_credit, self.repair_rate()))
        });
        picture.into_iter().chain(repair).min()
    }

    /// How long it takes until all that waits has gone.
    pub fn backlog(&self) -> Duration {
        let bytes = self.bytes as f64 + (-self.credit).max(0.0);
        Duration::from_secs_f64(bytes * 8.0 / self.pace.usual.max(1.0))
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

    /// Bytes a second: faster than usual where pictures would come too late else.
    fn pace(&self, now: Instant) -> f64 {
        let first = self.pictures.front().filter(|first| !first.protects);
        let needed = first.map_or(0.0, |first| {
            let waited = now.saturating_duration_since(first.since).as_secs_f64();
            self.bytes as f64 * 8.0 / (GONE_WITHIN - waited).max(LEAST_LEFT)
        });
        self.pace.usual.max(needed.min(self.pace.most)).max(1.0) / 8.0
    }

    /// What may be sent again at once, and so keep pictures waiting, in bytes.
    fn most_repair(&self, now: Instant) -> f64 {
        (REPAIR_CREDIT_FOR * self.pace(now)).min(REPAIR_CREDIT)
    }

    fn repair_rate(&self) -> f64 {
        (self.available * REPAIR_SHARE / 8.0).max(1.0)
    }

    fn refill(&mut self, now: Instant) {
        let passed =
            self.at.replace(now).map_or(1.0, |at| now.saturating_duration_since(at).as_secs_f64());
        let pace = self.pace(now);
        self.credit = (self.credit + passed * pace).min((pace * CREDIT).max(1500.0));
        self.repair_credit =
            (self.repair_credit + passed * self.repair_rate()).min(self.most_repair(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn pace(usual: u32, most: u32) -> Pace {
        let bps = |kbps: u32| f64::from(kbps) * 1e3;
        Pace { usual: bps(usual), most: bps(most) }
    }

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
        let mut pacer = Pacer::new(Bitrate::from_kbps(1_000), pace(2_500, 2_500));
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
        let mut pacer = Pacer::new(Bitrate::from_kbps(400), pace(1_000, 1_000));
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
    fn large_pictures_leave_a_narrow_way_faster_and_what_goes_along_is_left_out_when_late() {
        let start = Instant::now();
        let mut pacer = Pacer::new(Bitrate::from_kbps(300), pace(420, 750));
        // 18 kB, which the usual pace would take 340 ms for.
        for packet in 0..15 {
            pacer.push(start, Priority::Picture, 1200, packet);
        }
        for packet in 15..30 {
            pacer.push(start, Priority::Protection, 1200, packet);
        }
        let gone = drain(&mut pacer, start, Duration::from_secs(1));
        assert!(gone.iter().filter(|(_, packet)| *packet < 15).count() == 15, "{gone:?}");
        assert!(gone.len() < 25, "{gone:?}");
        assert!(!pacer.take_stale(), "only what goes along came too late");
        assert_eq!(pacer.backlog(), Duration::ZERO);
        // A usual one is in no hurry.
        for packet in 0..3 {
            pacer.push(start + MS * 1000, Priority::Picture, 1200, packet);
        }
        let gone = drain(&mut pacer, start + MS * 1000, Duration::from_secs(1));
        assert!(gone[2].0 > MS * 15, "{gone:?}");
    }

    #[test]
    fn what_is_sent_again_delays_pictures_for_a_moment_only() {
        let start = Instant::now();
        let mut pacer = Pacer::new(Bitrate::from_kbps(200), pace(300, 600));
        for packet in 0..20 {
            pacer.push(start, Priority::Repair, 1200, 100 + packet);
        }
        pacer.push(start, Priority::Picture, 1200, 1);
        assert!(pacer.next(start).is_some_and(|at| at <= start));
        let gone = drain(&mut pacer, start, Duration::from_secs(1));
        let picture = gone.iter().find(|(_, packet)| *packet == 1).map(|(at, _)| *at);
        assert!(picture.is_some_and(|at| at < MS * 250), "{gone:?}");
        assert!(!pacer.take_stale());
    }

    #[test]
    fn stale_pictures_are_dropped_and_told() {
        let start = Instant::now();
        let mut pacer = Pacer::new(Bitrate::from_kbps(100), pace(600, 600));
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
