//! How long sound must wait so that late packets come in time: measured from the packets.

use std::time::{Duration, Instant};

/// The least delay: one packet, so that error correction finds the next one.
const MIN: Duration = Duration::from_millis(20);
/// The most: beyond this people talk over each other, and gaps are the lesser evil.
const MAX: Duration = Duration::from_millis(200);
/// Before anything was measured.
const INITIAL: Duration = Duration::from_millis(40);
/// Pulling every 10 ms adds up to that.
const MARGIN: Duration = Duration::from_millis(10);
/// Packets remembered: 8 s at 20 ms.
const WINDOW: usize = 400;
/// Packets before the first estimate, and between two.
const EVERY: usize = 25;
/// The share of packets that are to come in time, in percent.
const PERCENTILE: usize = 95;

/// Estimates the target delay, and by how much each packet is later than the fastest.
#[derive(Debug)]
pub(crate) struct DelayEstimator {
    epoch: Instant,
    /// Transit times in microseconds: arrival by our clock less timestamp by the sender's.
    transits: Vec<i64>,
    at: usize,
    fastest: i64,
    target: Duration,
    since_estimate: usize,
    /// RFC 3550, 6.4.1, in microseconds.
    jitter: f64,
    last: Option<i64>,
}

impl DelayEstimator {
    pub fn new(epoch: Instant) -> Self {
        Self {
            epoch,
            transits: Vec::with_capacity(WINDOW),
            at: 0,
            fastest: i64::MAX,
            target: INITIAL,
            since_estimate: 0,
            jitter: 0.0,
            last: None,
        }
    }

    /// Forgets the transits but not what they taught: the sender's clock has jumped.
    pub fn restart(&mut self) {
        self.transits.clear();
        (self.at, self.fastest, self.last, self.since_estimate) = (0, i64::MAX, None, 0);
    }

    /// Notes a packet. `timestamp` is unwrapped, in samples.
    pub fn arrive(&mut self, timestamp: i64, at: Instant) {
        let transit = self.micros(at) - micros_of(timestamp);
        if let Some(last) = self.last.replace(transit) {
            self.jitter += ((transit - last).abs() as f64 - self.jitter) / 16.0;
        }
        if self.transits.len() < WINDOW {
            self.transits.push(transit);
        } else {
            self.transits[self.at] = transit;
        }
        self.at = (self.at + 1) % WINDOW;
        self.fastest = self.fastest.min(transit);
        self.since_estimate += 1;
        if self.since_estimate >= EVERY {
            self.estimate();
        }
    }

    fn estimate(&mut self) {
        self.since_estimate = 0;
        let mut sorted = self.transits.clone();
        let index = (sorted.len() * PERCENTILE / 100).min(sorted.len() - 1);
        let (_, &mut late, _) = sorted.select_nth_unstable(index);
        self.fastest = self.transits.iter().copied().min().unwrap_or(late);
        let spread = u64::try_from(late - self.fastest).unwrap_or(0);
        self.target = (Duration::from_micros(spread) + MARGIN).clamp(MIN, MAX);
    }

    /// How long sound should wait behind the fastest packets.
    pub fn target(&self) -> Duration {
        self.target
    }

    /// How long the sound of `timestamp` has waited if it is played at `now`, counted from when
    /// the fastest network would have brought it.
    pub fn waited(&self, timestamp: i64, now: Instant) -> Duration {
        if self.fastest == i64::MAX {
            return Duration::ZERO;
        }
        let waited = self.micros(now) - micros_of(timestamp) - self.fastest;
        Duration::from_micros(u64::try_from(waited).unwrap_or(0))
    }

    /// Interarrival jitter in seconds.
    pub fn jitter(&self) -> f64 {
        self.jitter / 1e6
    }

    fn micros(&self, at: Instant) -> i64 {
        i64::try_from(at.saturating_duration_since(self.epoch).as_micros()).unwrap_or(i64::MAX)
    }
}

fn micros_of(timestamp: i64) -> i64 {
    // 48 samples a millisecond.
    timestamp.saturating_mul(125) / 6
}
