//! Decides, block by block, what is to be decoded. Decodes nothing itself and reads no clock.

use crate::audio::{BLOCK, BLOCK_SAMPLES, SAMPLE_RATE};
use crate::codec::opus::{carries_copy, packet_samples};
use crate::encoded::{RtpPayload, SoundLevel};
use crate::jitter::delay::DelayEstimator;
use crate::jitter::statistics::JitterStatistics;
use crate::jitter::stretch::Tempo;
use crate::rtp::red::Earlier;
use crate::rtp::sequence::{Arrival, Sequence};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Packets held at most, 2 s of 20 ms; the oldest goes.
const MAX_HELD: usize = 100;
/// Samples made up in a row before silence takes over: longer than that PLC only hums.
pub(super) const MAX_CONCEALED: i64 = 16 * BLOCK_SAMPLES as i64;
/// Waiting longer than the target by this much is worth a period less, if one is as short ...
const FASTER_ABOVE: Duration = Duration::from_millis(3);
/// ... by this much one that is heard a little ...
const MUCH_FASTER_ABOVE: Duration = Duration::from_millis(100);
/// ... and by this much a cut: half a second late is no conversation.
const CUT_ABOVE: Duration = Duration::from_millis(300);
/// Before anything was heard of a voice, waiting this much longer is worth a cut, which nobody hears.
const FIRST_CUT_ABOVE: Duration = Duration::from_millis(20);
/// Waiting less than the target by this much is worth a period more.
const SLOWER_BELOW: Duration = Duration::from_millis(2);
/// A timestamp further off than this is a new clock, not a pause.
const MAX_JUMP: i64 = 48_000 * 60;
/// What is made up for lost packets is at most this long: a longer hole is silent.
const MAX_HOLE: i64 = 12 * BLOCK_SAMPLES as i64;

/// What is to be played next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pulled {
    /// Decode the packet.
    Decode(Bytes),
    /// Decode the packet but play nothing of it, then pull again: too much has piled up.
    Skip(Bytes),
    /// A packet of `samples` is lost and this is the one after it: rebuild the lost one from it
    /// and leave out the first `skip` samples (made up already). The packet itself comes later.
    Recover {
        /// The packet after the lost one.
        next: Bytes,
        /// Duration of the lost one.
        samples: usize,
        /// How much of it is over.
        skip: usize,
    },
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
    level: Option<SoundLevel>,
    /// It came as a copy with a later one.
    restored: bool,
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
    /// Samples of the last packet played: as long, most likely, as a lost one.
    usual: i64,
    /// Samples made up since the last packet.
    concealed: i64,
    /// Samples among them of which only the next packet will tell whether something was lost or
    /// late, or the sender paused.
    uncertain: i64,
    /// The timestamp of what is played now.
    playing: Option<u32>,
    /// Something was heard since the voice came, or its clock changed.
    heard: bool,
    /// What is missing was made up last.
    making_up: bool,
    /// What the sender says of how loud it is now.
    level: Option<SoundLevel>,
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
            usual: 2 * BLOCK_SAMPLES as i64,
            concealed: 0,
            uncertain: 0,
            playing: None,
            heard: false,
            making_up: false,
            level: None,
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
        self.delay.arrive(timestamp, samples as i64, packet.arrived);
        if self.next.is_some_and(|(next, _)| number < next) {
            self.statistics.late += 1;
            return;
        }
        if self.phase == Phase::Idle {
            let waited = self.delay.waited(timestamp, packet.arrived);
            let left = self.delay.target().saturating_sub(waited);
            self.phase = Phase::Filling(packet.arrived + left);
        }
        for earlier in packet.sound.earlier {
            self.restore(number, timestamp, packet.arrived, earlier);
        }
        let before = timestamp - samples as i64;
        let missing = self.sequence.is_missing(number - 1) && self.lacks(number - 1, before);
        if missing && carries_copy(&packet.payload) {
            self.delay.restore(before, 1, packet.arrived);
        }
        let held = Held {
            timestamp,
            samples: samples as i64,
            payload: packet.payload,
            level: packet.sound.level,
            restored: false,
        };
        self.hold(number, held);
    }

    /// Takes a copy of an earlier packet, which came with `number`.
    fn restore(&mut self, number: u64, timestamp: i64, arrived: Instant, earlier: Earlier) {
        let Some(samples) = packet_samples(&earlier.payload) else { return };
        let number = number - u64::from(earlier.distance);
        let (timestamp, samples) = (timestamp - i64::from(earlier.back), samples as i64);
        // Those of others would play at the wrong time: the sender's word for their order is not taken.
        let after = self.held.range(..number).next_back();
        let before = self.held.range(number + 1..).next();
        let fits = after.is_none_or(|(_, held)| held.timestamp + held.samples <= timestamp)
            && before.is_none_or(|(_, held)| timestamp + samples <= held.timestamp);
        if !fits || !self.lacks(number, timestamp) {
            return;
        }
        self.delay.restore(timestamp, earlier.distance, arrived);
        let payload = earlier.payload;
        // The codec's own copy in it is of the one before.
        if carries_copy(&payload) && self.lacks(number - 1, timestamp - samples) {
            self.delay.restore(timestamp - samples, earlier.distance + 1, arrived);
        }
        self.hold(number, Held { timestamp, samples, payload, level: None, restored: true });
    }

    /// A packet that has not come and could still be played.
    fn lacks(&self, number: u64, timestamp: i64) -> bool {
        let over = self.next.is_some_and(|(next, due)| number < next || timestamp < due);
        !over && !self.sequence.has(number) && !self.held.contains_key(&number)
    }

    fn hold(&mut self, number: u64, held: Held) {
        self.held.insert(number, held);
        if self.held.len() > MAX_HELD {
            self.held.pop_first();
            self.statistics.skipped += 1;
        }
    }

    /// Says what is to be played after the `left` samples that are decoded and not played yet.
    pub fn pull(&mut self, now: Instant, left: usize) -> Pulled {
        if let Phase::Filling(begin) = self.phase {
            if now < begin {
                return Pulled::Silence;
            }
            self.phase = Phase::Playing;
            self.resume();
        }
        if self.phase == Phase::Idle {
            return Pulled::Silence;
        }
        let Some((&number, held)) = self.held.first_key_value() else {
            return self.starve();
        };
        let (next, due) = self.next.unwrap_or((number, held.timestamp));
        let hole = held.timestamp - due;
        if number > next && hole > 0 {
            self.settle(true);
            if self.delay.waited(due - left as i64, now) + BLOCK <= self.delay.target() {
                // It may only be late: wait until it has had the time that packets need.
                return self.conceal();
            }
            return self.hide(number, hole, now, left);
        }
        if number == next && hole > self.usual / 2 {
            // The sender paused: what comes now is a new beginning, with a delay of its own.
            self.settle(false);
            self.wait_for(number, now);
            return self.pull(now, left);
        }
        self.settle(true);
        self.play(number, now, left)
    }

    /// The next packet, if it is there and goes on without a gap: to look further ahead.
    pub fn pull_ahead(&mut self, now: Instant, left: usize) -> Option<Bytes> {
        let (number, due) = self.next?;
        let held = self.held.get(&number)?;
        if self.phase != Phase::Playing || held.timestamp != due {
            return None;
        }
        match self.play(number, now, left) {
            Pulled::Decode(packet) | Pulled::Skip(packet) => Some(packet),
            Pulled::Recover { .. } | Pulled::Conceal | Pulled::Silence => None,
        }
    }

    /// Whether what is played, with `left` samples decoded and not played yet, should be hurried
    /// or slowed down to meet the target, and by how many samples.
    pub fn tempo(&self, now: Instant, left: usize) -> Option<(Tempo, usize)> {
        let (_, due) = self.next.filter(|_| self.phase == Phase::Playing && self.concealed == 0)?;
        let waited = self.delay.waited(due - left as i64, now);
        let target = self.delay.target();
        let tempo = if waited > target + MUCH_FASTER_ABOVE {
            Tempo::MuchFaster
        } else if waited > target + FASTER_ABOVE {
            Tempo::Faster
        } else if waited + SLOWER_BELOW < target {
            Tempo::Slower
        } else {
            return None;
        };
        let by = waited.abs_diff(target).as_secs_f64() * f64::from(SAMPLE_RATE);
        Some((tempo, by as usize))
    }

    /// Notes that samples were left out or inserted.
    pub fn stretched(&mut self, tempo: Tempo, samples: usize) {
        let statistics = &mut self.statistics;
        match tempo {
            Tempo::Faster | Tempo::MuchFaster => {
                statistics.removed_samples_for_acceleration += samples as u64;
                statistics.samples = statistics.samples.saturating_sub(samples as u64);
            }
            Tempo::Slower => {
                statistics.inserted_samples_for_deceleration += samples as u64;
                statistics.samples += samples as u64;
            }
        }
    }

    /// Notes that a block of what came is played, with `left` samples behind it.
    pub fn emitted(&mut self, now: Instant, left: usize) {
        let Some((_, due)) = self.next else { return };
        let timestamp = due - (left + BLOCK_SAMPLES) as i64;
        self.playing = Some(timestamp as u32);
        let waited = self.delay.waited(timestamp, now);
        let samples = BLOCK_SAMPLES as f64;
        self.statistics.delay = waited;
        self.statistics.jitter_buffer_delay += samples * waited.as_secs_f64();
        self.statistics.jitter_buffer_target_delay += samples * self.delay.target().as_secs_f64();
        self.statistics.jitter_buffer_emitted_count += BLOCK_SAMPLES as u64;
    }

    /// Whose sound is played now, and its RTP timestamp.
    pub fn playing(&self) -> Option<(u32, u32)> {
        self.ssrc.zip(self.playing)
    }

    /// What the sender says of how loud what is played now is, if it does.
    pub fn level(&self) -> Option<SoundLevel> {
        self.level
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

    fn play(&mut self, number: u64, now: Instant, left: usize) -> Pulled {
        let Some(held) = self.held.remove(&number) else { return Pulled::Silence };
        let waited = self.delay.waited(held.timestamp - left as i64, now);
        self.next = Some((number + 1, held.timestamp + held.samples));
        self.usual = held.samples;
        // A copy comes without.
        self.level = held.level.or(self.level);
        self.statistics.restored += u64::from(held.restored);
        self.concealed = 0;
        self.making_up = false;
        let cut_above = if self.heard { CUT_ABOVE } else { FIRST_CUT_ABOVE };
        // With nothing behind it there is nothing to hurry to.
        if waited > self.delay.target() + cut_above && !self.held.is_empty() {
            self.statistics.skipped += 1;
            return Pulled::Skip(held.payload);
        }
        self.heard = true;
        self.statistics.samples += held.samples as u64;
        Pulled::Decode(held.payload)
    }

    /// Begins to play after a wait: what was before does not matter to what comes.
    fn resume(&mut self) {
        let Some((&number, held)) = self.held.first_key_value() else { return };
        let before = self.next.replace((number, held.timestamp));
        let lost = before.filter(|(next, due)| number > *next && held.timestamp > *due);
        if let Some((_, due)) = lost {
            let silent = (held.timestamp - due - self.uncertain).clamp(0, MAX_JUMP);
            self.settle(true);
            self.statistics.samples += silent as u64;
            self.statistics.concealed_samples += silent as u64;
            self.statistics.silent_concealed_samples += silent as u64;
        } else {
            let paused = before.is_none_or(|(_, due)| held.timestamp > due);
            self.settle(!paused);
        }
        self.concealed = 0;
    }

    /// Waits until the packet has waited as long as it should.
    fn wait_for(&mut self, number: u64, now: Instant) {
        let Some(held) = self.held.get(&number) else { return };
        let left = self.delay.target().saturating_sub(self.delay.waited(held.timestamp, now));
        self.phase = Phase::Filling(now + left);
        self.next = Some((number, held.timestamp));
    }

    /// Nothing has come: it is late, lost, or nobody sends.
    fn starve(&mut self) -> Pulled {
        if self.concealed >= MAX_CONCEALED {
            self.phase = Phase::Idle;
            return Pulled::Silence;
        }
        self.concealed += BLOCK_SAMPLES as i64;
        self.uncertain += BLOCK_SAMPLES as i64;
        Pulled::Conceal
    }

    /// The next packet tells what the uncertain samples were.
    fn settle(&mut self, missing: bool) {
        let uncertain = std::mem::take(&mut self.uncertain) as u64;
        if missing && uncertain > 0 {
            self.statistics.samples += uncertain;
            self.statistics.concealed_samples += uncertain;
            self.statistics.concealment_events += 1;
            self.making_up = true;
        }
    }

    /// Makes up 10 ms of what is known to be missing.
    fn conceal(&mut self) -> Pulled {
        let before = std::mem::replace(&mut self.making_up, true);
        self.statistics.concealment_events += u64::from(!before);
        self.statistics.samples += BLOCK_SAMPLES as u64;
        self.statistics.concealed_samples += BLOCK_SAMPLES as u64;
        Pulled::Conceal
    }

    /// Packets are missing, but later ones are there: the missing will not be waited for.
    fn hide(&mut self, number: u64, hole: i64, now: Instant, left: usize) -> Pulled {
        let missing = hole - self.concealed;
        if missing > MAX_HOLE {
            let silent = missing as u64;
            self.statistics.samples += silent;
            self.statistics.concealed_samples += silent;
            self.statistics.silent_concealed_samples += silent;
            self.concealed = 0;
            self.wait_for(number, now);
            return self.pull(now, left);
        }
        if missing < BLOCK_SAMPLES as i64 / 2 {
            self.next = self.held.get(&number).map(|held| (number, held.timestamp));
            return self.play(number, now, left);
        }
        // A copy is as long as what carries it.
        if let Some(held) = self.held.get(&number)
            && missing <= held.samples
            && carries_copy(&held.payload)
        {
            let (next, usual) = (held.payload.clone(), held.samples);
            self.next = Some((number, held.timestamp));
            self.concealed = 0;
            self.statistics.recovered += 1;
            self.statistics.samples += missing as u64;
            let (samples, skip) = (usual as usize, (usual - missing) as usize);
            return Pulled::Recover { next, samples, skip };
        }
        let pulled = self.conceal();
        self.concealed += BLOCK_SAMPLES as i64;
        pulled
    }

    fn resync(&mut self) {
        self.held.clear();
        self.delay.restart();
        self.phase = Phase::Idle;
        self.next = None;
        self.heard = false;
        self.concealed = 0;
        self.settle(true);
    }
}
