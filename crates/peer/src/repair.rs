//! Repair of lost picture packets: requests for what did not come (RFC 4585) and answers to those of
//! the other side (RFC 4588). In the place of the crate's interceptors, which know neither the round
//! trip nor what a retransmission brought, and so ask and answer several times for each loss.

mod lossiness;
mod missing;
mod resend;

use crate::stage::{Stage, Ways};
use missing::{Arrived, Missing};
use resend::Resend;
use rtc::interceptor::{Attribute, AttributedPacket, Packet, Slot, StreamInfo, TaggedPacket};
use rtc::rtcp::transport_feedbacks::transport_layer_nack::{
    TransportLayerNack, nack_pairs_from_sequence_numbers,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tincan_media::rtp::h264_depacketizer::begins_key_frame;

/// Taken for the round trip until one was measured: too short a guess costs a few packets once, too
/// long a one a frozen picture.
const UNKNOWN: Duration = Duration::from_millis(30);

/// How long a repair takes on this connection; shared by both directions.
#[derive(Debug, Default)]
pub struct RoundTrip {
    /// The mean of late, and by how much others differ from it.
    measured: Mutex<Option<(Duration, Duration)>>,
}

impl RoundTrip {
    /// What hardly any takes longer than; a guess, until one was measured.
    fn get(&self) -> Duration {
        let measured = *self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        measured.map_or(UNKNOWN, |(mean, differs)| mean + 2 * differs)
    }

    /// Takes one measurement (weights as in RFC 6298).
    fn note(&self, took: Duration) {
        let mut measured = self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        *measured = Some(match *measured {
            None => (took, took / 2),
            Some((mean, differs)) => {
                ((mean * 7 + took) / 8, (differs * 3 + mean.abs_diff(took)) / 4)
            }
        });
    }
}

/// Asks for what did not come.
pub struct Requests {
    round_trip: Arc<RoundTrip>,
    ssrc: u32,
    streams: HashMap<u32, Missing>,
    /// Streams of retransmissions, and what they repeat.
    repeats: HashMap<u32, u32>,
}

impl Requests {
    /// With nothing missing.
    pub fn new(round_trip: Arc<RoundTrip>) -> Self {
        Self { round_trip, ssrc: rand::random(), streams: HashMap::new(), repeats: HashMap::new() }
    }

    fn look(&mut self, now: Instant, packet: &rtc::rtp::Packet) {
        let ssrc = packet.header.ssrc;
        let arrived = |sequence, payload| Arrived {
            sequence,
            marker: packet.header.marker,
            begins_key_frame: begins_key_frame(payload),
        };
        if let Some(missing) = self.streams.get_mut(&ssrc) {
            missing.arrived(now, arrived(packet.header.sequence_number, &packet.payload));
        } else if let Some(first) = self.repeats.get(&ssrc)
            && let Some(missing) = self.streams.get_mut(first)
            && let [high, low, ref payload @ ..] = packet.payload[..]
            && let Some(took) = missing.repaired(
                now,
                arrived(u16::from_be_bytes([high, low]), payload),
                self.round_trip.get(),
            )
        {
            self.round_trip.note(took);
        }
    }

    fn ask(&mut self, now: Instant, ways: &mut Ways) {
        let round_trip = self.round_trip.get();
        for (media_ssrc, missing) in &mut self.streams {
            if missing.next(round_trip).is_none_or(|next| next > now) {
                continue;
            }
            let numbers = missing.ask(now, round_trip);
            if numbers.is_empty() {
                continue;
            }
            let request = TransportLayerNack {
                sender_ssrc: self.ssrc,
                media_ssrc: *media_ssrc,
                nacks: nack_pairs_from_sequence_numbers(&numbers),
            };
            for _ in 0..missing.copies() {
                let message = AttributedPacket::new(Packet::Rtcp(vec![Box::new(request.clone())]));
                ways.send(now, message);
            }
        }
    }
}

impl Stage for Requests {
    /// Where arrivals are seen before anything delays them.
    fn slot() -> Slot {
        Slot::NackGenerator
    }

    fn read(&mut self, packet: TaggedPacket, ways: &mut Ways) {
        if let Packet::Rtp(rtp) = &packet.message.packet {
            self.look(packet.now, rtp);
            self.ask(packet.now, ways);
        }
        ways.up(packet);
    }

    fn wake(&mut self, now: Instant, ways: &mut Ways) {
        self.ask(now, ways);
    }

    fn wakes(&self) -> Option<Instant> {
        let round_trip = self.round_trip.get();
        self.streams.values().filter_map(|missing| missing.next(round_trip)).min()
    }

    fn bind_remote(&mut self, info: &StreamInfo) {
        let asks =
            info.rtcp_feedback.iter().any(|one| one.typ == "nack" && one.parameter.is_empty());
        // The crate binds streams of retransmissions after what they repeat, with the same feedback;
        // but what is missing of them nobody has again.
        if !asks || self.repeats.contains_key(&info.ssrc) {
            return;
        }
        self.streams.entry(info.ssrc).or_default();
        if let Some(ssrc) = info.ssrc_rtx {
            self.repeats.insert(ssrc, info.ssrc);
        }
    }

    fn unbind_remote(&mut self, info: &StreamInfo) {
        self.streams.remove(&info.ssrc);
        self.repeats.retain(|_, first| *first != info.ssrc);
    }
}

/// Answers the other side's requests.
pub struct Answers {
    round_trip: Arc<RoundTrip>,
    way: Box<dyn Fn() -> Option<Duration> + Send + Sync>,
    streams: HashMap<u32, Resend>,
}

impl Answers {
    /// With nothing sent. `way` tells how long it takes there and back, if that is known.
    pub fn new(
        round_trip: Arc<RoundTrip>,
        way: impl Fn() -> Option<Duration> + Send + Sync + 'static,
    ) -> Self {
        Self { round_trip, way: Box::new(way), streams: HashMap::new() }
    }

    fn answer(&mut self, now: Instant, request: &TransportLayerNack, ways: &mut Ways) {
        let Some(resend) = self.streams.get_mut(&request.media_ssrc) else { return };
        resend.know_way((self.way)().unwrap_or_default());
        let numbers = request.nacks.iter().flat_map(|pair| {
            let behind = (0..16u16).filter(|bit| pair.lost_packets & (1 << bit) != 0);
            let behind = behind.map(|bit| pair.packet_id.wrapping_add(bit + 1));
            std::iter::once(pair.packet_id).chain(behind)
        });
        for packet in resend.requested(now, numbers, self.round_trip.get()) {
            let message =
                AttributedPacket::new(Packet::Rtp(packet)).with(Attribute::Retransmission);
            ways.send(now, message);
        }
    }
}

impl Stage for Answers {
    /// Above the pacer, which has a budget for retransmissions.
    fn slot() -> Slot {
        Slot::NackResponder
    }

    fn read(&mut self, packet: TaggedPacket, ways: &mut Ways) {
        if let Packet::Rtcp(packets) = &packet.message.packet {
            for rtcp in packets {
                if let Some(request) = rtcp.as_any().downcast_ref::<TransportLayerNack>() {
                    self.answer(packet.now, request, ways);
                }
            }
        }
        ways.up(packet);
    }

    fn write(&mut self, packet: TaggedPacket, ways: &mut Ways) {
        if let Packet::Rtp(rtp) = &packet.message.packet
            && let Some(resend) = self.streams.get_mut(&rtp.header.ssrc)
        {
            resend.keep(packet.now, rtp.clone());
        }
        ways.down(packet);
    }

    fn bind_local(&mut self, info: &StreamInfo) {
        let answers =
            info.rtcp_feedback.iter().any(|one| one.typ == "nack" && one.parameter.is_empty());
        if answers {
            let stream = info.ssrc_rtx.zip(info.payload_type_rtx);
            self.streams.insert(info.ssrc, Resend::new(stream));
        }
    }

    fn unbind_local(&mut self, info: &StreamInfo) {
        self.streams.remove(&info.ssrc);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::Staged;
    use rtc::interceptor::{Interceptor, RTCPFeedback};
    use rtc::rtp::header::Header;
    use rtc::sansio::Protocol;

    const SSRC: u32 = 7;
    const REPEATS: u32 = 8;

    fn stream() -> StreamInfo {
        StreamInfo {
            ssrc: SSRC,
            ssrc_rtx: Some(REPEATS),
            payload_type_rtx: Some(103),
            rtcp_feedback: vec![RTCPFeedback { typ: "nack".into(), parameter: String::new() }],
            ..Default::default()
        }
    }

    fn packet(now: Instant, sequence_number: u16) -> TaggedPacket {
        let header =
            Header { version: 2, ssrc: SSRC, marker: true, sequence_number, ..Default::default() };
        let payload = bytes::Bytes::from_static(b"Apicture");
        let packet = Packet::Rtp(rtc::rtp::Packet { header, payload });
        TaggedPacket { now, transport: Default::default(), message: AttributedPacket::new(packet) }
    }

    fn sent_by(interceptor: &mut impl Interceptor) -> Vec<TaggedPacket> {
        std::iter::from_fn(|| interceptor.poll_write()).collect()
    }

    #[test]
    fn a_lost_packet_comes_again_once_and_tells_how_long_that_takes() {
        let (theirs, ours) = (Arc::<RoundTrip>::default(), Arc::<RoundTrip>::default());
        let (mut answers, mut requests) =
            (Staged::new(Answers::new(theirs, || None)), Staged::new(Requests::new(ours.clone())));
        answers.bind_local_stream(&stream());
        requests.bind_remote_stream(&stream());
        let alone =
            StreamInfo { ssrc: REPEATS, ssrc_rtx: None, payload_type_rtx: None, ..stream() };
        requests.bind_remote_stream(&alone);
        let start = Instant::now();
        let ms = |ms| start + Duration::from_millis(ms);
        for number in 0..3 {
            answers.handle_write(packet(ms(0), number)).unwrap();
        }
        let mut sent = sent_by(&mut answers);
        let lost = sent.remove(1);
        for mut packet in sent {
            packet.now = ms(20);
            requests.handle_read(packet).unwrap();
        }
        let mut asked = sent_by(&mut requests);
        assert_eq!(asked.len(), 1);
        let request = asked.remove(0);
        // A second one like it is on the way before the first is answered.
        for at in [40, 42] {
            let (transport, message) = (request.transport, request.message.clone());
            answers.handle_read(TaggedPacket { now: ms(at), transport, message }).unwrap();
        }
        let mut again = sent_by(&mut answers);
        assert_eq!(again.len(), 1, "one answer");
        again[0].now = ms(60);
        let (Packet::Rtp(first), Packet::Rtp(repeat)) =
            (&lost.message.packet, &again[0].message.packet)
        else {
            panic!("no media");
        };
        assert_eq!((repeat.header.ssrc, &repeat.payload[2..]), (REPEATS, &first.payload[..]));
        requests.handle_read(again.remove(0)).unwrap();
        assert_eq!(
            ours.get(),
            Duration::from_millis(80),
            "it took 40, and nothing is known of others"
        );
        requests.handle_timeout(ms(500)).unwrap();
        assert!(sent_by(&mut requests).is_empty(), "nothing is missing any more");
        assert_eq!(requests.poll_timeout(), None, "and nothing is waited for");
    }

    #[test]
    fn the_round_trip_follows_what_repairs_take_with_room_for_those_that_vary() {
        let ms = Duration::from_millis;
        let after = |took: &[u64]| {
            let round_trip = RoundTrip::default();
            took.iter().for_each(|took| round_trip.note(ms(*took)));
            round_trip.get()
        };
        assert_eq!(after(&[]), UNKNOWN);
        assert_eq!(after(&[10]), ms(20));
        assert!((ms(10)..ms(12)).contains(&after(&[10; 40])));
        assert!(after(&[10, 30].repeat(20)) > ms(30), "they vary");
        assert!(after(&[[10; 40], [200; 40]].concat()) > ms(195));
    }
}
