//! Packets of one picture stream that the far side may ask for again, and which of its requests are
//! worth an answer.

use super::lossiness::Lossiness;
use bytes::{BufMut, BytesMut};
use rtc::rtp::Packet;
use rtc::rtp::header::Header;
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use tincan_media::rtp::h264_depacketizer::begins_key_frame;

/// Packets that are kept: more than leave within [`AGE`] at 20 Mbit/s.
const MOST: usize = 2048;
/// What was first sent longer ago than this and a round trip comes too late to be shown.
const AGE: Duration = Duration::from_millis(500);
/// A packet is sent again at most as often.
const TIMES: u8 = 5;
/// Requests for one packet within this are one, however short the round trip.
const LEAST_SPACING: Duration = Duration::from_millis(10);
/// Requested packets of one report that are looked for.
const MOST_REQUESTED: usize = 512;

#[derive(Debug)]
struct Kept {
    packet: Packet,
    departed: Instant,
    last: Instant,
    times: u8,
}

/// The packets.
#[derive(Debug)]
pub struct Resend {
    kept: VecDeque<Kept>,
    /// The stream of retransmissions and its payload type (RFC 4588); none: as they were.
    stream: Option<(u32, u8)>,
    sequence: u16,
    lossiness: Lossiness,
    /// How long it takes there and back, if that is known from elsewhere.
    way: Duration,
}

impl Resend {
    /// Nothing was sent yet.
    pub fn new(stream: Option<(u32, u8)>) -> Self {
        let (kept, lossiness) = (VecDeque::new(), Lossiness::default());
        Self { kept, stream, sequence: rand::random(), lossiness, way: Duration::ZERO }
    }

    /// The way there and back takes so long, whatever repairs have shown: a side that only sends has
    /// seen none.
    pub fn know_way(&mut self, way: Duration) {
        self.way = way;
    }

    /// A packet leaves for the first time. Nobody needs what was before a key frame.
    pub fn keep(&mut self, now: Instant, packet: Packet) {
        self.lossiness.passed();
        if begins_key_frame(&packet.payload) {
            self.kept.clear();
        }
        if self.kept.len() == MOST {
            self.kept.pop_front();
        }
        self.kept.push_back(Kept { packet, departed: now, last: now, times: 0 });
    }

    /// The packets that answer a request for these.
    pub fn requested(
        &mut self,
        now: Instant,
        numbers: impl Iterator<Item = u16>,
        round_trip: Duration,
    ) -> Vec<Packet> {
        let spacing = (round_trip * 3 / 4).max(LEAST_SPACING);
        let late = AGE + round_trip.max(self.way);
        let mut again = Vec::new();
        let first = self.kept.front().map_or(0, |kept| kept.packet.header.sequence_number);
        for number in numbers.take(MOST_REQUESTED) {
            // They left without a gap.
            let kept = self.kept.get_mut(usize::from(number.wrapping_sub(first)));
            let kept = kept.filter(|kept| kept.packet.header.sequence_number == number);
            let Some(kept) = kept else { continue };
            let old = now.saturating_duration_since(kept.departed) > late;
            let answered = kept.times > 0 && now.saturating_duration_since(kept.last) < spacing;
            if old || answered || kept.times == TIMES {
                continue;
            }
            if kept.times == 0 {
                self.lossiness.missed();
            }
            (kept.last, kept.times) = (now, kept.times + 1);
            again.push(kept.packet.clone());
        }
        let all = again.len() * self.copies();
        let copies = again.iter().cycle().take(all);
        copies.map(|packet| wrap(packet, self.stream, &mut self.sequence)).collect()
    }

    /// How often each answer goes. Copies go one after the other, as whole rows may be lost; as they
    /// were, packets go once, since receivers take the second for a replay.
    fn copies(&self) -> usize {
        if self.stream.is_some() { self.lossiness.copies() } else { 1 }
    }
}

/// A packet in the stream of retransmissions (RFC 4588, section 4).
fn wrap(packet: &Packet, stream: Option<(u32, u8)>, sequence: &mut u16) -> Packet {
    let Some((ssrc, payload_type)) = stream else { return packet.clone() };
    let mut payload = BytesMut::with_capacity(2 + packet.payload.len());
    payload.put_u16(packet.header.sequence_number);
    payload.put_slice(&packet.payload);
    *sequence = sequence.wrapping_add(1);
    let header = Header {
        version: 2,
        ssrc,
        payload_type,
        sequence_number: *sequence,
        timestamp: packet.header.timestamp,
        marker: packet.header.marker,
        ..Default::default()
    };
    Packet { header, payload: payload.freeze() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    const RTT: Duration = Duration::from_millis(80);

    fn packet(sequence_number: u16) -> Packet {
        let header = Header { version: 2, ssrc: 7, sequence_number, ..Default::default() };
        Packet { header, payload: Bytes::from_static(b"picture") }
    }

    fn kept(start: Instant) -> Resend {
        let mut resend = Resend::new(Some((8, 103)));
        (0..20).for_each(|n| resend.keep(start, packet(65_530u16.wrapping_add(n))));
        resend
    }

    #[test]
    fn a_retransmission_names_the_packet_that_it_repeats() {
        let start = Instant::now();
        let again = kept(start).requested(start + RTT, [3].into_iter(), RTT);
        let [packet] = again.as_slice() else { panic!("{again:?}") };
        assert_eq!((packet.header.ssrc, packet.header.payload_type), (8, 103));
        assert_eq!(&packet.payload[..], b"\0\x03picture");
    }

    #[test]
    fn one_loss_is_answered_once_in_a_round_trip_and_not_for_ever() {
        let start = Instant::now();
        let mut resend = kept(start);
        let asked: usize = (0..600)
            .map(|ms| start + RTT + Duration::from_millis(ms))
            .map(|now| resend.requested(now, [65_531].into_iter(), RTT).len())
            .sum();
        assert_eq!(asked, usize::from(TIMES));
        let old = start + AGE + RTT * 2;
        assert!(resend.requested(old, [65_532].into_iter(), RTT).is_empty(), "too late");
    }

    #[test]
    fn a_side_that_only_sends_answers_over_long_ways_too() {
        let (start, guess) = (Instant::now(), Duration::from_millis(30));
        let later = start + Duration::from_millis(900);
        let mut resend = kept(start);
        assert!(resend.requested(later, [3].into_iter(), guess).is_empty());
        resend.know_way(Duration::from_millis(600));
        assert_eq!(resend.requested(later, [3].into_iter(), guess).len(), 1);
    }

    #[test]
    fn what_was_before_a_key_frame_is_not_sent_again() {
        let start = Instant::now();
        let mut resend = kept(start);
        let parameters = Bytes::from_static(&[0x67, 1, 2]);
        resend.keep(start, Packet { payload: parameters, ..packet(14) });
        assert_eq!(resend.requested(start, 10..15, RTT).len(), 1);
    }

    #[test]
    fn what_never_left_is_not_sent() {
        let start = Instant::now();
        assert!(kept(start).requested(start, 100..60_000, RTT).is_empty());
    }
}
