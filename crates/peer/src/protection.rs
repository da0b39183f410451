//! Packets that make up for lost ones of pictures: with each block of them go some from which as many
//! that are lost can be rebuilt, whichever those are (Reed-Solomon erasure codes, in the manner of
//! RFC 6865). Of FlexFEC, which is parity, a way that loses one packet in twenty would need twice as many.
//! The crate gives them a stream and a payload type, under FlexFEC's name; since nobody else can read them,
//! they are sent to who said [`Rebuilds`] alone. When it is worth it, and how many go along, is decided in
//! `tincan_media::congestion`. Header extensions are left out: numbers of transport-wide feedback come below.
//!
//! [`Rebuilds`]: tincan_proto::ControlMessage::Rebuilds

mod shards;

use crate::arrivals::Arrivals;
use crate::feedback::FeedbackCounts;
use rtc::interceptor::{
    Attribute, AttributedPacket, Interceptor, Packet, Slot, StreamInfo, TaggedPacket,
};
use rtc::rtp;
use rtc::sansio::Protocol;
use shards::{Coder, MOST, Rebuilder};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;
use tincan_media::congestion::Protection;

struct Block {
    coder: Coder,
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
        let follows = block.packets.last().is_none_or(|last| {
            last.header.sequence_number.wrapping_add(1) == packet.header.sequence_number
        });
        if !follows {
            block.packets.clear();
            block.begun = None;
        }
        let begun = *block.begun.get_or_insert(now);
        block.packets.push(packet.clone());
        let whole = packet.header.marker;
        let count = protection
            .close(block.packets.len(), now.saturating_duration_since(begun))
            .filter(|_| whole || block.packets.len() >= MOST);
        let Some(count) = count else { return Vec::new() };
        block.begun = None;
        block.coder.code(&std::mem::take(&mut block.packets), count)
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
            let coder = Coder::new(ssrc, payload_type);
            let block = Block { coder, packets: Vec::new(), begun: None };
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
    rebuilders: HashMap<u32, Rebuilder>,
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
            rebuilders: HashMap::new(),
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
        let protects = self.protects.get(&ssrc).copied();
        let rebuilt = match self.rebuilders.get_mut(&protects.unwrap_or(ssrc)) {
            Some(rebuilder) if protects.is_some() => rebuilder.take_repair(&rtp.payload),
            Some(rebuilder) => rebuilder.take(rtp),
            None => Vec::new(),
        };
        // What makes up for others is no medium: nothing behind is to look for gaps in it.
        if protects.is_none() {
            self.read.push_back(packet);
        }
        for packet in rebuilt {
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
            self.rebuilders.insert(info.ssrc, Rebuilder::new(info.ssrc));
            self.protects.insert(ssrc, info.ssrc);
        }
    }

    fn unbind_remote_stream(&mut self, info: &StreamInfo) {
        self.arrivals.unbind(info);
        self.rebuilders.remove(&info.ssrc);
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
        let protection = Protection { loss: 0.03, within: Duration::from_millis(50) };
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
