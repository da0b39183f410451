//! Packets that make up for lost ones of pictures: with each block of them go some from which as many
//! that are lost can be rebuilt, whichever those are (Reed-Solomon erasure codes, in the manner of
//! RFC 6865). Of FlexFEC, which is parity, a way that loses one packet in twenty would need twice as many.
//! The crate gives them a stream and a payload type, under FlexFEC's name; since nobody else can read them,
//! they are sent to who said [`Rebuilds`], and taken from them, alone. When it is worth it, and how many
//! go along, is decided in `tincan_media::congestion`. Header extensions are left out: numbers of
//! transport-wide feedback come below.
//!
//! [`Rebuilds`]: tincan_proto::ControlMessage::Rebuilds

mod shards;

use crate::arrivals::Arrivals;
use crate::feedback::FeedbackCounts;
use crate::stage::{Stage, Ways};
use rtc::interceptor::{Attribute, AttributedPacket, Packet, Slot, StreamInfo, TaggedPacket};
use rtc::rtp;
use shards::{Coder, MOST, Rebuilder};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;
use tincan_media::congestion::Protection;

struct Block {
    coder: Coder,
    packets: Vec<rtp::Packet>,
    begun: Option<Instant>,
}

/// Who decides on it.
pub trait Protecting: Send + Sync {
    /// How pictures are protected at the moment; none: not at all.
    fn protection(&self) -> Option<Protection>;

    /// Pictures of so many bytes had so many sent along with them.
    fn protected(&self, pictures: usize, repairs: usize);
}

/// Says whether the other side is one that makes up for losses so.
pub type Speaks = Box<dyn Fn() -> bool + Send + Sync>;

/// Sends them.
pub struct Protect {
    protecting: Box<dyn Protecting>,
    blocks: HashMap<u32, Block>,
}

impl Protect {
    /// As this says, which is asked for each packet.
    pub fn new(protecting: Box<dyn Protecting>) -> Self {
        Self { protecting, blocks: HashMap::new() }
    }

    /// Packets that are due after this one.
    fn due(&mut self, now: Instant, packet: &rtp::Packet) -> Vec<rtp::Packet> {
        let Some(block) = self.blocks.get_mut(&packet.header.ssrc) else { return Vec::new() };
        let Some(protection) = self.protecting.protection() else {
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
        count.map_or(Vec::new(), |count| block.close(count, &*self.protecting))
    }
}

impl Block {
    /// What makes up for as many of its packets, which are no longer waited for to be more.
    fn close(&mut self, count: usize, protecting: &dyn Protecting) -> Vec<rtp::Packet> {
        self.begun = None;
        let packets = std::mem::take(&mut self.packets);
        let repairs = self.coder.code(&packets, count);
        let bytes = |packets: &[rtp::Packet]| packets.iter().map(|one| one.payload.len()).sum();
        protecting.protected(bytes(&packets), bytes(&repairs));
        repairs
    }

    /// When it is closed if no other picture comes: the last one in it is whole.
    fn closes(&self, protection: &Protection) -> Option<Instant> {
        let whole = self.packets.last().is_some_and(|last| last.header.marker);
        Some(self.begun.filter(|_| whole)? + protection.within)
    }
}

impl Stage for Protect {
    /// Above the pacer and what answers requests.
    fn slot() -> Slot {
        Slot::FecEncoder
    }

    fn write(&mut self, packet: TaggedPacket, ways: &mut Ways) {
        let (now, transport) = (packet.now, packet.transport);
        let due = match &packet.message.packet {
            Packet::Rtp(rtp) => self.due(now, rtp),
            _ => Vec::new(),
        };
        ways.down(packet);
        for packet in due {
            let message = AttributedPacket::new(Packet::Rtp(packet));
            ways.down(TaggedPacket { now, transport, message });
        }
    }

    fn wake(&mut self, now: Instant, ways: &mut Ways) {
        let Some(protection) = self.protecting.protection() else { return };
        for block in self.blocks.values_mut() {
            if block.closes(&protection).is_none_or(|at| at > now) {
                continue;
            }
            let count = protection.close(block.packets.len(), protection.within);
            for packet in block.close(count.unwrap_or(1), &*self.protecting) {
                ways.send(now, AttributedPacket::new(Packet::Rtp(packet)));
            }
        }
    }

    fn wakes(&self) -> Option<Instant> {
        let mut open = self.blocks.values().filter(|block| !block.packets.is_empty()).peekable();
        open.peek()?;
        let protection = self.protecting.protection()?;
        open.filter_map(|block| block.closes(&protection)).min()
    }

    fn bind_local(&mut self, info: &StreamInfo) {
        if let (Some(ssrc), Some(payload_type)) = (info.ssrc_fec, info.payload_type_fec) {
            let coder = Coder::new(ssrc, payload_type);
            let block = Block { coder, packets: Vec::new(), begun: None };
            self.blocks.insert(info.ssrc, block);
        }
    }

    fn unbind_local(&mut self, info: &StreamInfo) {
        self.blocks.remove(&info.ssrc);
    }
}

/// Makes up for lost packets by those that came along, and counts first what came without.
pub struct Recover {
    arrivals: Arrivals,
    counts: Arc<FeedbackCounts>,
    speaks: Speaks,
    rebuilders: HashMap<u32, Rebuilder>,
    /// Streams of packets that make up for others, and whose those are.
    protects: HashMap<u32, u32>,
}

impl Recover {
    /// Nothing has come. What came in the stream for error correction is what [`Protect`] makes if
    /// this says so, and is left alone otherwise.
    pub fn new(counts: Arc<FeedbackCounts>, speaks: Speaks) -> Self {
        Self {
            arrivals: Arrivals::default(),
            counts,
            speaks,
            rebuilders: HashMap::new(),
            protects: HashMap::new(),
        }
    }
}

impl Stage for Recover {
    /// Before anything looks for what is missing.
    fn slot() -> Slot {
        Slot::FecDecoder
    }

    fn read(&mut self, packet: TaggedPacket, ways: &mut Ways) {
        let (now, transport) = (packet.now, packet.transport);
        let Packet::Rtp(rtp) = &packet.message.packet else { return ways.up(packet) };
        let rtp::header::Header { ssrc, sequence_number, .. } = rtp.header;
        self.arrivals.note(ssrc, sequence_number, &self.counts.arrivals);
        let protects = self.protects.get(&ssrc).copied();
        let rebuilt = match self.rebuilders.get_mut(&protects.unwrap_or(ssrc)) {
            Some(rebuilder) if protects.is_none() => rebuilder.take(rtp),
            Some(rebuilder) if (self.speaks)() => rebuilder.take_repair(&rtp.payload),
            _ => Vec::new(),
        };
        // What makes up for others is no medium: nothing behind is to look for gaps in it.
        if protects.is_none() {
            ways.up(packet);
        }
        for packet in rebuilt {
            let message =
                AttributedPacket::new(Packet::Rtp(packet)).with(Attribute::RecoveredByFec);
            ways.up(TaggedPacket { now, transport, message });
        }
    }

    fn bind_remote(&mut self, info: &StreamInfo) {
        self.arrivals.bind(info);
        if let (Some(ssrc), Some(_)) = (info.ssrc_fec, info.payload_type_fec) {
            self.rebuilders.insert(info.ssrc, Rebuilder::new(info.ssrc));
            self.protects.insert(ssrc, info.ssrc);
        }
    }

    fn unbind_remote(&mut self, info: &StreamInfo) {
        self.arrivals.unbind(info);
        self.rebuilders.remove(&info.ssrc);
        self.protects.retain(|_, media| *media != info.ssrc);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::Staged;
    use rtc::interceptor::Interceptor;
    use rtc::rtp::header::Header;
    use rtc::sansio::Protocol;
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

    /// Ten packets, and what was sent for them.
    fn protected() -> Vec<rtp::Packet> {
        let protection = Protection { loss: 0.03, within: Duration::from_millis(50) };
        let mut protect = Staged::new(Protect::new(Box::new(Some(protection))));
        protect.bind_local_stream(&info());
        for number in 0..10u16 {
            let header = Header {
                version: 2,
                ssrc: STREAM,
                sequence_number: 65_530u16.wrapping_add(number),
                marker: number == 9,
                ..Default::default()
            };
            let payload = vec![number as u8; 100 + usize::from(number)].into();
            protect.handle_write(tagged(Instant::now(), rtp::Packet { header, payload })).unwrap();
        }
        let sent = std::iter::from_fn(|| protect.poll_write());
        sent.map(|packet| rtp_of(&packet).clone()).collect()
    }

    /// What is there of them in the end if those at 3 and 8 are lost.
    fn came(sent: &[rtp::Packet], speaks: bool) -> Vec<rtp::Packet> {
        let mut recover = Staged::new(Recover::new(Arc::default(), Box::new(move || speaks)));
        recover.bind_remote_stream(&info());
        let mut came = Vec::new();
        for (number, rtp) in sent.iter().enumerate() {
            let mut rtp = rtp.clone();
            rtp.header.set_extension(5, vec![0, number as u8].into()).unwrap();
            if number != 3 && number != 8 {
                recover.handle_read(tagged(Instant::now(), rtp)).unwrap();
            }
            came.extend(std::iter::from_fn(|| recover.poll_read()));
        }
        let mut came: Vec<rtp::Packet> = came.iter().map(|packet| rtp_of(packet).clone()).collect();
        came.sort_by_key(|rtp| rtp.header.sequence_number.wrapping_sub(65_530));
        came
    }

    impl Protecting for Option<Protection> {
        fn protection(&self) -> Option<Protection> {
            *self
        }

        fn protected(&self, pictures: usize, repairs: usize) {
            assert!(pictures > 0 && repairs > 0);
        }
    }

    fn numbers(packets: &[rtp::Packet]) -> Vec<u16> {
        packets.iter().map(|rtp| rtp.header.sequence_number.wrapping_sub(65_530)).collect()
    }

    #[test]
    fn a_lost_packet_is_made_up_for_whatever_was_numbered_below() {
        let sent = protected();
        assert_eq!(sent.len(), 12, "two go along");
        let came = came(&sent, true);
        assert_eq!(numbers(&came), (0..10).collect::<Vec<_>>());
        assert_eq!(came[3].payload.to_vec(), vec![3; 103]);
    }

    #[test]
    fn what_somebody_else_sends_to_make_up_for_losses_is_left_alone() {
        let came = came(&protected(), false);
        assert_eq!(numbers(&came), [0, 1, 2, 4, 5, 6, 7, 9]);
    }

    #[test]
    fn a_picture_that_none_follows_is_protected_as_soon() {
        let protection = Protection { loss: 0.03, within: Duration::from_millis(50) };
        let mut protect = Staged::new(Protect::new(Box::new(Some(protection))));
        protect.bind_local_stream(&info());
        let now = Instant::now();
        let header = Header { version: 2, ssrc: STREAM, marker: true, ..Default::default() };
        let packet = rtp::Packet { header, payload: vec![1; 100].into() };
        protect.handle_write(tagged(now, packet)).unwrap();
        let mut sent = || std::iter::from_fn(|| protect.poll_write()).count();
        assert_eq!(sent(), 1);
        let due = protect.poll_timeout().expect("it is not waited for for ever");
        assert_eq!(due, now + protection.within);
        protect.handle_timeout(due).unwrap();
        let mut sent = || std::iter::from_fn(|| protect.poll_write()).count();
        assert_eq!(sent(), 1, "what makes up for it");
        assert_eq!(protect.poll_timeout(), None);
    }

    #[test]
    fn nothing_goes_along_where_it_is_not_worth_it() {
        let mut protect = Staged::new(Protect::new(Box::new(None)));
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
