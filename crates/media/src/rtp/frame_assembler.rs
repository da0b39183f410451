//! RTP packets in any order into access units in order. Decides how long a missing packet is
//! waited for and when a key frame is needed; asking for it is the caller's part.

mod source;

use crate::encoded::RtpPayload;
use crate::rtp::h264_depacketizer::begins_key_frame;
use crate::rtp::sequence::Sequence;
use bytes::Bytes;
use source::Source;
use std::time::{Duration, Instant};

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
    /// Whose it is.
    pub ssrc: u32,
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

    /// Whether only a key frame helps, and none is on its way.
    pub fn needs_key_frame(&self, now: Instant) -> bool {
        self.source.as_ref().is_some_and(|source| source.needs_key_frame(now))
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

#[cfg(test)]
mod tests;
