//! RTP packets in any order into access units in order. Decides how long a missing packet is
//! waited for and when a key frame is needed; asking for it is the caller's part.

use crate::encoded::RtpPayload;
use crate::rtp::h264_depacketizer::{H264Depacketizer, begins_key_frame};
use crate::rtp::sequence::{Arrival, Sequence};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a missing packet may hold up those behind it: a retransmission takes a round trip
/// and a half, which is under this on most paths; a key frame takes no less.
const PATIENCE: Duration = Duration::from_millis(200);
/// Packets held at most; at 1.5 Mbit/s more than two seconds.
const MAX_HELD: usize = 512;
/// Packets of the source before are dropped this long after a change of source.
const STRAGGLERS: Duration = Duration::from_secs(2);

/// A coded picture as it came from the network.
#[derive(Clone, Debug)]
pub struct EncodedUnit {
    /// The access unit with start codes; never empty.
    pub annex_b: Bytes,
    /// An IDR picture.
    pub key: bool,
    /// RTP timestamp, 90 kHz.
    pub timestamp: u32,
    /// When its first packet came.
    pub first_arrival: Instant,
    /// When its last packet came.
    pub last_arrival: Instant,
}

/// What came out.
#[derive(Clone, Debug)]
pub enum Assembled {
    /// The next picture: every one before it since the last key frame has been given out.
    Unit(EncodedUnit),
    /// Something is missing for good: nothing comes until the next key frame. Said once a time.
    KeyFrameNeeded,
}

/// Counts since the start, over changes of source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AssemblerStatistics {
    /// Packets received, without duplicates.
    pub packets: u64,
    /// Packets that have not come.
    pub lost: u64,
    /// Pictures given out.
    pub frames: u64,
    /// Key frames among them.
    pub key_frames: u64,
}

/// Puts one stream's pictures together.
#[derive(Debug, Default)]
pub struct FrameAssembler {
    source: Option<Source>,
    /// The source before, and until when its packets are strays.
    former: Option<(u32, Instant)>,
    before: AssemblerStatistics,
    frames: u64,
    key_frames: u64,
}

#[derive(Debug)]
struct Source {
    ssrc: u32,
    sequence: Sequence,
    /// The packet that must come next; `None` while only a key frame helps.
    next: Option<u64>,
    held: BTreeMap<u64, RtpPayload>,
    depacketizer: H264Depacketizer,
    /// Timestamp and first arrival of the unit in the depacketizer.
    unit: Option<(u32, Instant)>,
    last_arrival: Instant,
}

impl FrameAssembler {
    /// An assembler that waits for a first key frame.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a packet and returns what it completes.
    pub fn push(&mut self, packet: RtpPayload, now: Instant) -> Vec<Assembled> {
        let mut out = Vec::new();
        if self.former.is_some_and(|(ssrc, until)| ssrc == packet.ssrc && now < until) {
            return out;
        }
        if self.source.as_ref().is_none_or(|source| source.ssrc != packet.ssrc) {
            self.before = self.statistics();
            (self.frames, self.key_frames) = (0, 0);
            self.former = self.source.as_ref().map(|source| (source.ssrc, now + STRAGGLERS));
            self.source = Some(Source::new(&packet));
            if !begins_key_frame(&packet.payload) {
                out.push(Assembled::KeyFrameNeeded);
            }
        }
        if let Some(source) = &mut self.source {
            source.push(packet, &mut out);
            source.expire(now, &mut out);
        }
        self.count(&out);
        out
    }

    /// Gives up on packets that are overdue.
    pub fn poll(&mut self, now: Instant) -> Vec<Assembled> {
        let mut out = Vec::new();
        if let Some(source) = &mut self.source {
            source.expire(now, &mut out);
        }
        self.count(&out);
        out
    }

    /// When [`poll`](Self::poll) has something to do.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.source.as_ref()?.deadline()
    }

    /// Gives out nothing more until a key frame, because the decoder failed or frames were dropped.
    pub fn require_key_frame(&mut self) {
        if let Some(source) = &mut self.source {
            source.break_off();
        }
    }

    /// Whether only a key frame helps.
    pub fn needs_key_frame(&self) -> bool {
        self.source.as_ref().is_some_and(|source| source.next.is_none())
    }

    /// The counts.
    pub fn statistics(&self) -> AssemblerStatistics {
        let sequence = self.source.as_ref().map(|source| &source.sequence);
        AssemblerStatistics {
            packets: self.before.packets + sequence.map_or(0, Sequence::received),
            lost: self.before.lost + sequence.map_or(0, Sequence::lost),
            frames: self.before.frames + self.frames,
            key_frames: self.before.key_frames + self.key_frames,
        }
    }

    fn count(&mut self, out: &[Assembled]) {
        for assembled in out {
            match assembled {
                Assembled::Unit(unit) => {
                    self.frames += 1;
                    self.key_frames += u64::from(unit.key);
                }
                Assembled::KeyFrameNeeded => {}
            }
        }
    }
}

impl Source {
    fn new(first: &RtpPayload) -> Self {
        Self {
            ssrc: first.ssrc,
            sequence: Sequence::starting_at(first.sequence),
            next: None,
            held: BTreeMap::new(),
            depacketizer: H264Depacketizer::default(),
            unit: None,
            last_arrival: first.arrived,
        }
    }

    fn push(&mut self, packet: RtpPayload, out: &mut Vec<Assembled>) {
        let number = match self.sequence.arrive(packet.sequence) {
            Arrival::New(number) => number,
            Arrival::Duplicate => return,
            Arrival::Ancient => return,
            Arrival::Restarted(number) => {
                self.held.clear();
                self.give_up(out);
                number
            }
        };
        match self.next {
            Some(next) if number < next => {}
            Some(next) if number == next => {
                self.consume(packet, out);
                self.drain(out);
            }
            Some(_) | None => {
                self.held.insert(number, packet);
                self.jump_to_key_frame(out);
                self.bound(out);
            }
        }
    }

    /// Takes the next packet in order.
    fn consume(&mut self, packet: RtpPayload, out: &mut Vec<Assembled>) {
        self.next = self.next.map(|next| next + 1);
        self.last_arrival = packet.arrived;
        if packet.payload.is_empty() {
            return; // padding only
        }
        if self.unit.is_some_and(|(timestamp, _)| timestamp != packet.timestamp) {
            // A sender that sets no marker.
            self.finish(out);
        }
        if self.next.is_none() {
            return;
        }
        let (_, first_arrival) = self.unit.get_or_insert((packet.timestamp, packet.arrived));
        *first_arrival = packet.arrived.min(*first_arrival);
        if let Err(error) = self.depacketizer.push(&packet.payload) {
            tracing::debug!(%error, "dropping a picture");
            self.give_up(out);
        } else if packet.marker {
            self.finish(out);
        }
    }

    fn drain(&mut self, out: &mut Vec<Assembled>) {
        while let Some(packet) = self.next.and_then(|next| self.held.remove(&next)) {
            self.consume(packet, out);
        }
    }

    fn finish(&mut self, out: &mut Vec<Assembled>) {
        let Some((timestamp, first_arrival)) = self.unit.take() else { return };
        let empty = self.depacketizer.is_empty();
        match self.depacketizer.take() {
            Some((annex_b, key)) => out.push(Assembled::Unit(EncodedUnit {
                annex_b,
                key,
                timestamp,
                first_arrival,
                last_arrival: self.last_arrival,
            })),
            // Parameter sets alone: no picture is missing.
            None if empty => {}
            None => self.give_up(out),
        }
    }

    /// A key frame that is there in full needs nothing of what is missing before it.
    fn jump_to_key_frame(&mut self, out: &mut Vec<Assembled>) {
        let Some(start) = self
            .held
            .iter()
            .rev()
            .filter(|(_, packet)| begins_key_frame(&packet.payload))
            .map(|(&number, _)| number)
            .find(|&start| self.is_whole_key_frame(start))
        else {
            return;
        };
        self.held = self.held.split_off(&start);
        self.depacketizer = H264Depacketizer::default();
        self.unit = None;
        self.next = Some(start);
        self.drain(out);
    }

    fn is_whole_key_frame(&self, start: u64) -> bool {
        let mut expected = start;
        let Some(timestamp) = self.held.get(&start).map(|packet| packet.timestamp) else {
            return false;
        };
        let mut picture = false;
        for (&number, packet) in self.held.range(start..) {
            if number != expected {
                return false;
            }
            if !packet.payload.is_empty() {
                if packet.timestamp != timestamp {
                    return picture;
                }
                picture |= holds_idr(&packet.payload);
                if packet.marker {
                    return picture;
                }
            }
            expected += 1;
        }
        false
    }

    fn deadline(&self) -> Option<Instant> {
        self.next?;
        self.held.values().map(|packet| packet.arrived).min().map(|oldest| oldest + PATIENCE)
    }

    fn expire(&mut self, now: Instant, out: &mut Vec<Assembled>) {
        if self.deadline().is_some_and(|deadline| now >= deadline) {
            self.give_up(out);
        }
    }

    fn bound(&mut self, out: &mut Vec<Assembled>) {
        if self.held.len() > MAX_HELD {
            self.give_up(out);
            while self.held.len() > MAX_HELD {
                self.held.pop_first();
            }
        }
    }

    fn give_up(&mut self, out: &mut Vec<Assembled>) {
        if self.next.is_some() {
            out.push(Assembled::KeyFrameNeeded);
        }
        self.break_off();
    }

    fn break_off(&mut self) {
        self.next = None;
        self.unit = None;
        self.depacketizer = H264Depacketizer::default();
    }
}

/// Whether a payload holds a slice of a key frame, or the beginning of one.
fn holds_idr(payload: &[u8]) -> bool {
    match payload {
        [header, rest @ ..] if header & 0x1f == 24 => {
            let mut rest = rest;
            while let [high, low, nal, ..] = rest {
                if nal & 0x1f == 5 {
                    return true;
                }
                let size = usize::from(u16::from_be_bytes([*high, *low]));
                rest = rest.get(2 + size..).unwrap_or(&[]);
            }
            false
        }
        [header, fragment, ..] if header & 0x1f == 28 => fragment & 0x1f == 5,
        [header, ..] => header & 0x1f == 5,
        [] => false,
    }
}

#[cfg(test)]
#[path = "frame_assembler/tests.rs"]
mod tests;
