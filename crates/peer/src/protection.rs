//! Packets that make up for lost ones of pictures (FlexFEC, draft-ietf-payload-flexible-fec-scheme-03),
//! in the place of the crate's two interceptors: theirs code packets with the numbers of transport-wide
//! feedback in them, which each packet gets only below. Here header extensions are left out on both
//! sides. Others that negotiate FlexFEC do not: it is sent to who said [`RebuildsBare`] alone. When it is
//! worth it, and how many go along, is decided in `tincan_media::congestion`.
//!
//! [`RebuildsBare`]: tincan_proto::ControlMessage::RebuildsBare

use crate::arrivals::Arrivals;
use crate::feedback::FeedbackCounts;
use rtc::interceptor::{
    Attribute, AttributedPacket, FlexFec03Decoder, FlexFec03Encoder, Interceptor, Packet, Slot,
    StreamInfo, TaggedPacket,
};
use rtc::rtp;
use rtc::sansio::Protocol;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;
use tincan_media::congestion::Protection;

/// Packets that a mask can name.
const MOST: usize = 100;

/// A packet as it is coded.
fn bare(packet: &rtp::Packet) -> rtp::Packet {
    let mut packet = packet.clone();
    packet.header.extension = false;
    packet.header.extension_profile = 0;
    packet.header.extensions.clear();
    packet
}

struct Block {
    encoder: FlexFec03Encoder,
    packets: Vec<rtp::Packet>,
    begun: Option<Instant>,
}

/// Says how pictures are protected at the moment; none: not at all.
pub type Protecting = Box<dyn Fn() -> Option<Protection> + Send + Sync>;

/// Sends them.
pub struct Protect {
    protecting: Protecting,
    blocks: HashMap<u32, Block>,
    now: Option<Instant>,
    read: VecDeque<TaggedPacket>,
    written: VecDeque<TaggedPacket>,
}

impl Protect {
    /// Above the pacer and what answers requests.
    pub fn slot() -> Slot {
        Slot::FecEncoder
    }

    /// As this says, which is asked for each packet.
    pub fn new(protecting: Protecting) -> Self {
        Self {
            protecting,
            blocks: HashMap::new(),
            now: None,
            read: VecDeque::new(),
            written: VecDeque::new(),
        }
    }

    /// Packets that are due after this one.
    fn due(&mut self, now: Instant, packet: &rtp::Packet) -> Vec<rtp::Packet> {
        let Some(block) = self.blocks.get_mut(&packet.header.ssrc) else { return Vec::new() };
        let Some(protection) = (self.protecting)() else {
            block.packets.clear();
            block.begun = None;
            return Vec::new();
        };
        let begun = *block.begun.get_or_insert(now);
        block.packets.push(bare(packet));
        let whole = packet.header.marker;
        let count = protection
            .close(block.packets.len(), now.saturating_duration_since(begun))
            .filter(|_| whole || block.packets.len() >= MOST);
        let Some(count) = count else { return Vec::new() };
        block.begun = None;
        block.encoder.encode(&std::mem::take(&mut block.packets), count as u32)
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Protect {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = rtc::shared::error::Error;
    type Time = Instant;

    fn handle_read(&mut self, packet: TaggedPacket) -> Result<(), Self::Error> {
        self.read.push_back(packet);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.read.pop_front()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Self::Error> {
        let (now, transport) = (packet.now, packet.transport);
        self.now = Some(now);
        let due = match &packet.message.packet {
            Packet::Rtp(rtp) => self.due(now, rtp),
            _ => Vec::new(),
        };
        self.written.push_back(packet);
        for packet in due {
            let message = AttributedPacket::new(Packet::Rtp(packet));
            self.written.push_back(TaggedPacket { now, transport, message });
        }
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.written.pop_front()
    }

    fn handle_timeout(&mut self, _: Instant) -> Result<(), Self::Error> {
        Ok(())
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        self.now.filter(|_| !self.written.is_empty())
    }
}

impl Interceptor for Protect {
    fn bind_local_stream(&mut self, info: &StreamInfo) {
        if let (Some(ssrc), Some(payload_type)) = (info.ssrc_fec, info.payload_type_fec) {
            let encoder = FlexFec03Encoder::new(payload_type, ssrc);
            let block = Block { encoder, packets: Vec::new(), begun: None };
            self.blocks.insert(info.ssrc, block);
        }
    }

    fn unbind_local_stream(&mut self, info: &StreamInfo) {
        self.blocks.remove(&info.ssrc);
    }

    fn bind_remote_stream(&mut self, _: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}

/// Makes up for lost packets by those that came along, and counts first what came without.
pub struct Recover {
    arrivals: Arrivals,
    counts: Arc<FeedbackCounts>,
    decoders: HashMap<u32, FlexFec03Decoder>,
    /// Streams of packets that make up for others, and whose those are.
    protects: HashMap<u32, u32>,
    read: VecDeque<TaggedPacket>,
    written: VecDeque<TaggedPacket>,
}

impl Recover {
    /// Before anything looks for what is missing.
    pub fn slot() -> Slot {
        Slot::FecDecoder
    }

    /// Nothing has come.
    pub fn new(counts: Arc<FeedbackCounts>) -> Self {
        Self {
            arrivals: Arrivals::default(),
            counts,
            decoders: HashMap::new(),
            protects: HashMap::new(),
            read: VecDeque::new(),
            written: VecDeque::new(),
        }
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Recover {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = rtc::shared::error::Error;
    type Time = Instant;

    fn handle_read(&mut self, packet: TaggedPacket) -> Result<(), Self::Error> {
        let (now, transport) = (packet.now, packet.transport);
        let Packet::Rtp(rtp) = &packet.message.packet else {
            self.read.push_back(packet);
            return Ok(());
        };
        let rtp::header::Header { ssrc, sequence_number, .. } = rtp.header;
        self.arrivals.note(ssrc, sequence_number, &self.counts.arrivals);
        let protects = self.protects.get(&rtp.header.ssrc).copied();
        let decoder = self.decoders.get_mut(&protects.unwrap_or(rtp.header.ssrc));
        let recovered = decoder.map_or(Vec::new(), |decoder| decoder.decode(bare(rtp)));
        // What makes up for others is no medium: nothing behind is to look for gaps in it.
        if protects.is_none() {
            self.read.push_back(packet);
        }
        for packet in recovered {
            let message =
                AttributedPacket::new(Packet::Rtp(packet)).with(Attribute::RecoveredByFec);
            self.read.push_back(TaggedPacket { now, transport, message });
        }
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.read.pop_front()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Self::Error> {
        self.written.push_back(packet);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.written.pop_front()
    }

    fn handle_timeout(&mut self, _: Instant) -> Result<(), Self::Error> {
        Ok(())
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        None
    }
}

impl Interceptor for Recover {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _: &StreamInfo) {}

    fn bind_remote_stream(&mut self, info: &StreamInfo) {
        self.arrivals.bind(info);
        if let (Some(ssrc), Some(_)) = (info.ssrc_fec, info.payload_type_fec) {
            self.decoders.insert(info.ssrc, FlexFec03Decoder::new(ssrc, info.ssrc));
            self.protects.insert(ssrc, info.ssrc);
        }
    }

    fn unbind_remote_stream(&mut self, info: &StreamInfo) {
        self.arrivals.unbind(info);
        self.decoders.remove(&info.ssrc);
        self.protects.retain(|_, media| *media != info.ssrc);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtc::rtp::header::Header;
    use std::time::Duration;

    const STREAM: u32 = 7;

    fn info() -> StreamInfo {
        StreamInfo {
            ssrc: STREAM,
            ssrc_fec: Some(9),
            payload_type_fec: Some(104),
            ..Default::default()
        }
    }

    fn tagged(now: Instant, packet: rtp::Packet) -> TaggedPacket {
        let message = AttributedPacket::new(Packet::Rtp(packet));
        TaggedPacket { now, transport: Default::default(), message }
    }

    fn rtp_of(packet: &TaggedPacket) -> &rtp::Packet {
        match &packet.message.packet {
            Packet::Rtp(rtp) => rtp,
            _ => panic!("no media"),
        }
    }

    #[test]
    fn a_lost_packet_is_made_up_for_whatever_was_numbered_below() {
        let protection = Protection { share: 0.2, within: Duration::from_millis(50) };
        let mut protect = Protect::new(Box::new(move || Some(protection)));
        let mut recover = Recover::new(Arc::default());
        protect.bind_local_stream(&info());
        recover.bind_remote_stream(&info());
        let now = Instant::now();
        for number in 0..10u16 {
            let header = Header {
                version: 2,
                ssrc: STREAM,
                sequence_number: 65_530u16.wrapping_add(number),
                marker: number == 9,
                ..Default::default()
            };
            let payload = vec![number as u8; 100 + usize::from(number)].into();
            protect.handle_write(tagged(now, rtp::Packet { header, payload })).unwrap();
        }
        let sent: Vec<TaggedPacket> = std::iter::from_fn(|| protect.poll_write()).collect();
        assert_eq!(sent.len(), 12, "two go along");
        let mut came = Vec::new();
        for (number, packet) in sent.into_iter().enumerate() {
            let mut rtp = rtp_of(&packet).clone();
            let numbered = vec![0, number as u8].into();
            rtp.header.set_extension(5, numbered).unwrap();
            if number != 3 && number != 8 {
                recover.handle_read(tagged(now, rtp)).unwrap();
            }
            came.extend(std::iter::from_fn(|| recover.poll_read()));
        }
        let mut numbers: Vec<u16> =
            came.iter().map(|packet| rtp_of(packet).header.sequence_number).collect();
        numbers.sort_by_key(|number| number.wrapping_sub(65_530));
        assert_eq!(numbers, (0..10u16).map(|n| 65_530u16.wrapping_add(n)).collect::<Vec<_>>());
        let third = came.iter().map(rtp_of).find(|rtp| rtp.header.sequence_number == 65_533);
        assert_eq!(third.map(|rtp| rtp.payload.to_vec()), Some(vec![3; 103]));
    }

    #[test]
    fn nothing_goes_along_where_it_is_not_worth_it() {
        let mut protect = Protect::new(Box::new(|| None));
        protect.bind_local_stream(&info());
        for number in 0..100 {
            let header = Header {
                version: 2,
                ssrc: STREAM,
                sequence_number: number,
                marker: true,
                ..Default::default()
            };
            let packet = rtp::Packet { header, payload: vec![1; 100].into() };
            protect.handle_write(tagged(Instant::now(), packet)).unwrap();
        }
        assert_eq!(std::iter::from_fn(|| protect.poll_write()).count(), 100);
    }
}
