//! One source's packets: which are held for which, and when that is given up.

use super::{Assembled, EncodedUnit};
use crate::encoded::RtpPayload;
use crate::rtp::h264_depacketizer::{H264Depacketizer, begins_key_frame};
use crate::rtp::sequence::{Arrival, Sequence};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a missing packet may hold up those behind it, at least: a retransmission takes a round trip
/// and a half, which is under this on almost all paths; a key frame takes no less.
const PATIENCE: Duration = Duration::from_millis(400);
/// And at most: what is older is worth less than a beginning.
const MOST_PATIENCE: Duration = Duration::from_millis(700);
/// A second retransmission is waited for, when the first is lost, too: that many times what one takes.
const REPAIRS: u32 = 3;
/// A hole of more packets is not waited for: nobody sends so many again.
const HOPELESS: u64 = 256;
/// Packets held at most; at 1.5 Mbit/s more than two seconds.
pub(super) const MAX_HELD: usize = 512;
#[derive(Debug)]
pub(super) struct Source {
    pub ssrc: u32,
    pub sequence: Sequence,
    /// The packet that must come next; `None` while only a key frame helps.
    next: Option<u64>,
    held: BTreeMap<u64, RtpPayload>,
    /// When the beginning of a key frame came that is not whole yet.
    key_frame_began: Option<Instant>,
    depacketizer: H264Depacketizer,
    /// Timestamp and first arrival of the unit in the depacketizer.
    unit: Option<(u32, Instant)>,
    last_arrival: Instant,
    /// When the packet that must come next was missed first, and how long repairs take.
    missed: Option<Instant>,
    repair: Duration,
}

impl Source {
    pub fn new(first: &RtpPayload) -> Self {
        Self {
            ssrc: first.ssrc,
            sequence: Sequence::starting_at(first.sequence),
            next: None,
            held: BTreeMap::new(),
            key_frame_began: None,
            depacketizer: H264Depacketizer::default(),
            unit: None,
            last_arrival: first.arrived,
            missed: None,
            repair: Duration::ZERO,
        }
    }

    pub fn push(&mut self, packet: RtpPayload, out: &mut Vec<Assembled>) {
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
                self.note_repair(packet.arrived);
                self.consume(packet, out);
                self.drain(out);
                self.missed = self.held.first_key_value().map(|(_, packet)| packet.arrived);
            }
            Some(next) if number - next > HOPELESS => {
                self.give_up(out);
                self.hold(number, packet, out);
            }
            Some(_) | None => self.hold(number, packet, out),
        }
    }

    fn hold(&mut self, number: u64, packet: RtpPayload, out: &mut Vec<Assembled>) {
        if begins_key_frame(&packet.payload) {
            self.key_frame_began = Some(packet.arrived);
        }
        self.missed.get_or_insert(packet.arrived);
        self.held.insert(number, packet);
        self.jump_to_key_frame(out);
        self.bound(out);
    }

    /// What was missing has come: longer repairs count at once, shorter ones slowly. Most are short where
    /// packets go along that make up for others; the few that have to be sent again are waited for, too.
    fn note_repair(&mut self, arrived: Instant) {
        let Some(missed) = self.missed.take() else { return };
        let took = arrived.saturating_duration_since(missed);
        self.repair = took.max((self.repair * 127 + took) / 128);
    }

    /// How long a missing packet may hold up those behind it.
    fn patience(&self) -> Duration {
        (self.repair * REPAIRS).clamp(PATIENCE, MOST_PATIENCE)
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
                ssrc: self.ssrc,
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
        self.missed = self.held.first_key_value().map(|(_, packet)| packet.arrived);
    }

    fn is_whole_key_frame(&self, start: u64) -> bool {
        let Some(timestamp) = self.held.get(&start).map(|packet| packet.timestamp) else {
            return false;
        };
        let mut picture = false;
        for (expected, (&number, packet)) in (start..).zip(self.held.range(start..)) {
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
        }
        false
    }

    pub fn needs_key_frame(&self, now: Instant) -> bool {
        let comes = self.key_frame_began.is_some_and(|began| now < began + self.patience());
        self.next.is_none() && !comes
    }

    #[cfg(test)]
    pub fn held(&self) -> usize {
        self.held.len()
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.next?;
        self.held.values().map(|packet| packet.arrived).min().map(|oldest| oldest + self.patience())
    }

    pub fn expire(&mut self, now: Instant, out: &mut Vec<Assembled>) {
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

    pub fn break_off(&mut self) {
        self.next = None;
        self.unit = None;
        self.missed = None;
        self.key_frame_began = None;
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
