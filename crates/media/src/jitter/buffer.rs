//! Decides, block by block, what is to be decoded. Decodes nothing itself and reads no clock.

use crate::audio::{BLOCK, BLOCK_SAMPLES};
use crate::codec::opus::packet_samples;
use crate::encoded::RtpPayload;
use crate::jitter::delay::DelayEstimator;
use crate::jitter::statistics::JitterStatistics;
use crate::rtp::sequence::{Arrival, Sequence};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Packets held at most, 2 s of 20 ms; the oldest goes.
const MAX_HELD: usize = 100;
/// Samples made up in a row before silence takes over: longer than that PLC only hums.
const MAX_CONCEALED: i64 = 10 * BLOCK_SAMPLES as i64;
/// Waiting longer than the target by this much is worth a cut in a quiet place ...
const DRAIN_ABOVE: Duration = Duration::from_millis(15);
/// ... and by this much in any place: half a second late is no conversation.
const CUT_ABOVE: Duration = Duration::from_millis(300);
/// A timestamp further off than this is a new clock, not a pause.
const MAX_JUMP: i64 = 48_000 * 60;
/// Blocks that hide a lost packet are at most this long: a longer hole is left out.
const MAX_HOLE: i64 = 12 * BLOCK_SAMPLES as i64;

/// What to do for the next 10 ms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pulled {
    /// Decode the packet and play its beginning.
    Decode(Bytes),
    /// Decode the packet but play nothing of it, then pull again: too much has piled up.
    Skip(Bytes),
    /// A packet of `samples` is lost and this is the one after it: rebuild the lost one from it,
    /// leave out the first `skip` samples (made up already) and play from there. The packet
    /// itself comes later.
    Recover {
        /// The packet after the lost one.
        next: Bytes,
        /// Duration of the lost one.
        samples: usize,
        /// How much of it is over.
        skip: usize,
    },
    /// Go on with what was decoded last.
    Rest,
    /// Make up 10 ms.
    Conceal,
    /// Nobody sends: play silence.
    Silence,
}

#[derive(Debug)]
struct Held {
    timestamp: i64,
    samples: i64,
    payload: Bytes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing to play.
    Idle,
    /// Sound has come; it is played from then on.
    Filling(Instant),
    Playing,
}

/// The jitter buffer of one voice.
#[derive(Debug)]
pub struct AudioJitterBuffer {
    ssrc: Option<u32>,
    sequence: Sequence,
    delay: DelayEstimator,
    held: BTreeMap<u64, Held>,
    phase: Phase,
    /// The number and the timestamp after the last packet played.
    next: Option<(u64, i64)>,
    last_timestamp: i64,
    /// Samples left of what was decoded last.
    rest: i64,
    /// Samples of the last packet played: as long, most likely, as a lost one.
    usual: i64,
    /// Samples made up since the last packet.
    concealed: i64,
    quiet: bool,
    before: JitterStatistics,
    statistics: JitterStatistics,
}

impl AudioJitterBuffer {
    /// An empty buffer.
    pub fn new(now: Instant) -> Self {
        Self {
            ssrc: None,
            sequence: Sequence::starting_at(0),
            delay: DelayEstimator::new(now),
            held: BTreeMap::new(),
            phase: Phase::Idle,
            next: None,
            last_timestamp: 0,
            rest: 0,
            usual: 2 * BLOCK_SAMPLES as i64,
            concealed: 0,
            quiet: false,
            before: JitterStatistics::default(),
            statistics: JitterStatistics::default(),
        }
    }

    /// Takes a packet that came at `packet.arrived`.
    pub fn push(&mut self, packet: RtpPayload) {
        let Some(samples) = packet_samples(&packet.payload) else {
            return; // Padding, or no Opus.
        };
        if self.ssrc != Some(packet.ssrc) {
            self.before.packets += self.sequence.received();
            self.before.lost += if self.ssrc.is_some() { self.sequence.lost() } else { 0 };
            self.ssrc = Some(packet.ssrc);
            self.sequence = Sequence::starting_at(packet.sequence);
            self.last_timestamp = i64::from(packet.timestamp);
            self.resync();
        }
        let number = match self.sequence.arrive(packet.sequence) {
            Arrival::New(number) => number,
            Arrival::Duplicate | Arrival::Ancient => return,
            Arrival::Restarted(number) => {
                self.resync();
                number
            }
        };
        let ahead = i64::from(packet.timestamp.wrapping_sub(self.last_timestamp as u32) as i32);
        let timestamp = self.last_timestamp + ahead;
        if ahead.abs() > MAX_JUMP {
            self.resync();
        }
        self.last_timestamp = timestamp;
        self.delay.arrive(timestamp, packet.arrived);
        if self.next.is_some_and(|(next, _)| number < next) {
            self.statistics.late += 1;
            return;
        }
        if self.phase == Phase::Idle {
            self.phase = Phase::Filling(packet.arrived + self.delay.target());
        }
        let held = Held { timestamp, samples: samples as i64, payload: packet.payload };
        self.held.insert(number, held);
        if self.held.len() > MAX_HELD {
            self.held.pop_first();
            self.statistics.skipped += 1;
        }
    }

    /// Tells whether the block played last was quiet, where a cut is not heard.
    pub fn played(&mut self, quiet: bool) {
        self.quiet = quiet;
    }

    /// Says what to do for the next 10 ms.
    pub fn pull(&mut self, now: Instant) -> Pulled {
        if let Phase::Filling(begin) = self.phase {
            if now < begin {
                return Pulled::Silence;
            }
            self.phase = Phase::Playing;
            // What was before the pause does not matter to what is after it.
            (self.rest, self.concealed) = (0, 0);
            if let Some((&number, held)) = self.held.first_key_value() {
                self.next = Some((number, held.timestamp));
            }
        }
        if self.phase == Phase::Idle {
            return Pulled::Silence;
        }
        if self.rest >= BLOCK_SAMPLES as i64 {
            self.rest -= BLOCK_SAMPLES as i64;
            self.count(false);
            return Pulled::Rest;
        }
        let Some((&number, held)) = self.held.first_key_value() else {
            return self.starve();
        };
        let (next, due) = self.next.unwrap_or((number, held.timestamp));
        let hole = held.timestamp - due;
        if number > next && hole > 0 {
            if self.delay.waited(due, now) + BLOCK <= self.delay.target() {
                // It may only be late: wait until it has had the time that packets need.
                self.count(true);
                return Pulled::Conceal;
            }
            return self.hide(number, hole, now);
        }
        if number == next && hole > self.usual / 2 {
            // The sender paused: what comes now is a new beginning, with a delay of its own.
            self.phase = Phase::Filling(
                now + self.delay.target().saturating_sub(self.delay.waited(held.timestamp, now)),
            );
            self.next = Some((number, held.timestamp));
            return self.pull(now);
        }
        self.play(number, now)
    }

    /// The counts.
    pub fn statistics(&self) -> JitterStatistics {
        let lost = if self.ssrc.is_some() { self.sequence.lost() } else { 0 };
        JitterStatistics {
            packets: self.before.packets + self.sequence.received(),
            lost: self.before.lost + lost,
            jitter: self.delay.jitter(),
            target: self.delay.target(),
            ..self.statistics
        }
    }

    fn play(&mut self, number: u64, now: Instant) -> Pulled {
        let Some(held) = self.held.get(&number) else { return Pulled::Silence };
        let waited = self.delay.waited(held.timestamp, now);
        if self.quiet && waited + 2 * BLOCK < self.delay.target() {
            // In a quiet place the delay grows unheard.
            self.count(false);
            return Pulled::Conceal;
        }
        let Some(held) = self.held.remove(&number) else { return Pulled::Silence };
        self.statistics.delay = waited;
        self.next = Some((number + 1, held.timestamp + held.samples));
        self.usual = held.samples;
        self.concealed = 0;
        let excess = waited.saturating_sub(self.delay.target());
        if excess > CUT_ABOVE || self.quiet && excess > DRAIN_ABOVE {
            self.statistics.skipped += 1;
            return Pulled::Skip(held.payload);
        }
        self.rest = held.samples - BLOCK_SAMPLES as i64;
        self.count(false);
        Pulled::Decode(held.payload)
    }

    /// Nothing has come: it is late, lost, or nobody sends.
    fn starve(&mut self) -> Pulled {
        if self.concealed >= MAX_CONCEALED {
            self.phase = Phase::Idle;
            return Pulled::Silence;
        }
        self.concealed += BLOCK_SAMPLES as i64;
        self.count(true);
        Pulled::Conceal
    }

    /// Packets are missing, but later ones are there: the missing will not be waited for.
    fn hide(&mut self, number: u64, hole: i64, now: Instant) -> Pulled {
        let left = hole - self.concealed;
        if left < BLOCK_SAMPLES as i64 || hole > MAX_HOLE {
            // Over already, or too long to hide.
            self.next = self.held.get(&number).map(|held| (number, held.timestamp));
            self.concealed = 0;
            return self.play(number, now);
        }
        let last_lost = left <= self.usual;
        if last_lost && let Some(held) = self.held.get(&number) {
            let payload = held.payload.clone();
            self.next = Some((number, held.timestamp));
            self.concealed = 0;
            let skip = (self.usual - left).max(0);
            self.rest = left - BLOCK_SAMPLES as i64;
            self.count(true);
            let (samples, skip) = (self.usual as usize, skip as usize);
            return Pulled::Recover { next: payload, samples, skip };
        }
        self.concealed += BLOCK_SAMPLES as i64;
        self.count(true);
        Pulled::Conceal
    }

    fn resync(&mut self) {
        self.held.clear();
        self.delay.restart();
        self.phase = Phase::Idle;
        self.next = None;
        (self.rest, self.concealed) = (0, 0);
    }

    fn count(&mut self, concealed: bool) {
        self.statistics.samples += BLOCK_SAMPLES as u64;
        if concealed {
            self.statistics.concealed_samples += BLOCK_SAMPLES as u64;
        }
    }
}
