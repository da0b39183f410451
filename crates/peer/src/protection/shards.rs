//! Blocks of packets as shards of a Reed-Solomon code over GF(2^8), and back. Pure.
//!
//! A packet's shard is its length (2 bytes), marker and payload type (1), timestamp (4) and payload, with
//! zeros up to the longest of the block. A repair's payload is the number of the block's first packet (2),
//! how many those are (1), how many repairs there are (1), which of them this is (1), and its shard.

use bytes::{BufMut, Bytes, BytesMut};
use reed_solomon_erasure::galois_8::ReedSolomon;
use rtc::rtp::Packet;
use rtc::rtp::header::Header;
use std::collections::{HashMap, VecDeque};

/// Packets of a block at most: with as many repairs the field has room for them.
pub const MOST: usize = 100;
/// What a shard has before the payload.
const SHARD_HEADER: usize = 7;
/// What a repair has before its shard.
const REPAIR_HEADER: usize = 5;
/// Packets that are kept to rebuild others from: a second at 10 Mbit/s.
const KEPT: usize = 1024;
/// Blocks that may wait for packets.
const WAITING: usize = 32;
/// Codes that are kept ready: each of them keeps what it has worked out, some hundred kilobytes at most.
const CODES: usize = 16;

/// Codes by how many packets and how many repairs they have: making one takes longer than using it.
#[derive(Default)]
struct Codes(HashMap<(usize, usize), ReedSolomon>);

impl Codes {
    fn of(&mut self, packets: usize, repairs: usize) -> Option<&ReedSolomon> {
        if self.0.len() >= CODES && !self.0.contains_key(&(packets, repairs)) {
            self.0.clear();
        }
        match self.0.entry((packets, repairs)) {
            std::collections::hash_map::Entry::Occupied(code) => Some(code.into_mut()),
            std::collections::hash_map::Entry::Vacant(place) => {
                Some(place.insert(ReedSolomon::new(packets, repairs).ok()?))
            }
        }
    }
}

fn shard(packet: &Packet, length: usize) -> Vec<u8> {
    let Header { marker, payload_type, timestamp, .. } = packet.header;
    let mut shard = Vec::with_capacity(length);
    shard.put_u16(packet.payload.len() as u16);
    shard.put_u8(u8::from(marker) << 7 | payload_type & 0x7f);
    shard.put_u32(timestamp);
    shard.put_slice(&packet.payload);
    shard.resize(length, 0);
    shard
}

fn packet(ssrc: u32, sequence_number: u16, shard: &[u8]) -> Option<Packet> {
    let (header, payload) = shard.split_at_checked(SHARD_HEADER)?;
    let &[high, low, kind, t0, t1, t2, t3] = header else { return None };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let header = Header {
        version: 2,
        marker: kind & 0x80 != 0,
        payload_type: kind & 0x7f,
        sequence_number,
        timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
        ssrc,
        ..Default::default()
    };
    Some(Packet { header, payload: Bytes::copy_from_slice(payload.get(..length)?) })
}

/// Whether a number comes after another.
fn after(number: u16, other: u16) -> bool {
    (number.wrapping_sub(other) as i16) > 0
}

/// Makes repairs.
pub struct Coder {
    ssrc: u32,
    payload_type: u8,
    sequence: u16,
    codes: Codes,
}

impl Coder {
    /// In a stream of their own.
    pub fn new(ssrc: u32, payload_type: u8) -> Self {
        Self { ssrc, payload_type, sequence: rand::random(), codes: Codes::default() }
    }

    /// So many repairs, or as many as fit, for these packets, whose numbers follow each other. None for
    /// more than [`MOST`].
    pub fn code(&mut self, packets: &[Packet], count: usize) -> Vec<Packet> {
        let count = count.clamp(1, MOST);
        let Some(first) = packets.first().filter(|_| packets.len() <= MOST) else {
            return Vec::new();
        };
        let longest = packets.iter().map(|packet| packet.payload.len()).max().unwrap_or(0);
        let data: Vec<Vec<u8>> =
            packets.iter().map(|packet| shard(packet, SHARD_HEADER + longest)).collect();
        let mut repairs = vec![vec![0; SHARD_HEADER + longest]; count];
        let coded = self.codes.of(packets.len(), count);
        if coded.is_none_or(|code| code.encode_sep(&data, &mut repairs).is_err()) {
            return Vec::new();
        }
        let (number, timestamp) = (first.header.sequence_number, first.header.timestamp);
        let mut made = Vec::with_capacity(count);
        for (index, repair) in repairs.iter().enumerate() {
            let mut payload = BytesMut::with_capacity(REPAIR_HEADER + repair.len());
            payload.put_u16(number);
            payload.put_slice(&[packets.len() as u8, count as u8, index as u8]);
            payload.put_slice(repair);
            self.sequence = self.sequence.wrapping_add(1);
            let header = Header {
                version: 2,
                payload_type: self.payload_type,
                sequence_number: self.sequence,
                timestamp,
                ssrc: self.ssrc,
                ..Default::default()
            };
            made.push(Packet { header, payload: payload.freeze() });
        }
        made
    }
}

/// A block of which there are repairs.
struct Waiting {
    first: u16,
    packets: usize,
    repairs: Vec<Option<Bytes>>,
}

impl Waiting {
    fn numbers(&self) -> impl Iterator<Item = u16> + use<> {
        let first = self.first;
        (0..self.packets as u16).map(move |at| first.wrapping_add(at))
    }
}

/// Rebuilds what is lost of one stream.
pub struct Rebuilder {
    ssrc: u32,
    kept: HashMap<u16, Packet>,
    order: VecDeque<u16>,
    waiting: VecDeque<Waiting>,
    newest: Option<u16>,
    codes: Codes,
}

impl Rebuilder {
    /// Nothing has come.
    pub fn new(ssrc: u32) -> Self {
        Self {
            ssrc,
            kept: HashMap::new(),
            order: VecDeque::new(),
            waiting: VecDeque::new(),
            newest: None,
            codes: Codes::default(),
        }
    }

    /// A packet of the stream came; returns what can be rebuilt with it.
    pub fn take(&mut self, packet: &Packet) -> Vec<Packet> {
        let number = packet.header.sequence_number;
        self.keep(packet.clone());
        self.move_on(number);
        let block = self
            .waiting
            .iter()
            .position(|block| usize::from(number.wrapping_sub(block.first)) < block.packets);
        block.map_or(Vec::new(), |at| self.rebuild(at))
    }

    /// A repair came, of which this is the payload; returns what can be rebuilt with it.
    pub fn take_repair(&mut self, payload: &Bytes) -> Vec<Packet> {
        let &[high, low, packets, count, index, ..] = &payload[..] else { return Vec::new() };
        let (packets, count, index) =
            (usize::from(packets), usize::from(count), usize::from(index));
        let shard = payload.slice(REPAIR_HEADER..);
        let sound = (1..=MOST).contains(&packets) && (1..=MOST).contains(&count) && index < count;
        if !sound || shard.len() < SHARD_HEADER {
            return Vec::new();
        }
        let first = u16::from_be_bytes([high, low]);
        let fits = |block: &Waiting| {
            (block.first, block.packets, block.repairs.len()) == (first, packets, count)
        };
        let at = self.waiting.iter().position(fits).unwrap_or_else(|| {
            if self.waiting.len() == WAITING {
                self.waiting.pop_front();
            }
            self.waiting.push_back(Waiting { first, packets, repairs: vec![None; count] });
            self.waiting.len() - 1
        });
        self.waiting[at].repairs[index] = Some(shard);
        self.rebuild(at)
    }

    /// Blocks that this packet has left behind are given up: others will have their numbers one day.
    fn move_on(&mut self, number: u16) {
        let newest = *self.newest.get_or_insert(number);
        let newest = if after(number, newest) { number } else { newest };
        self.newest = Some(newest);
        self.waiting.retain(|block| {
            usize::from(newest.wrapping_sub(block.first)) < KEPT || after(block.first, newest)
        });
    }

    fn keep(&mut self, packet: Packet) {
        let number = packet.header.sequence_number;
        if self.kept.insert(number, packet).is_none() {
            self.order.push_back(number);
        }
        if self.order.len() > KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.kept.remove(&oldest);
        }
    }

    /// Rebuilds what is lost of a block, if enough of it is there; then, or if nothing is lost, it waits
    /// no longer.
    fn rebuild(&mut self, at: usize) -> Vec<Packet> {
        let Some(block) = self.waiting.get(at) else { return Vec::new() };
        let lost = block.numbers().filter(|number| !self.kept.contains_key(number)).count();
        let repairs = block.repairs.iter().flatten().count();
        if lost > repairs {
            return Vec::new();
        }
        let Some(block) = self.waiting.remove(at) else { return Vec::new() };
        if lost == 0 {
            return Vec::new();
        }
        let rebuilt = self.reconstruct(&block).unwrap_or_default();
        rebuilt.iter().for_each(|packet| self.keep(packet.clone()));
        rebuilt
    }

    /// None where the parts do not belong together.
    fn reconstruct(&mut self, block: &Waiting) -> Option<Vec<Packet>> {
        let length = block.repairs.iter().flatten().map(Bytes::len).min()?;
        let mut shards = Vec::with_capacity(block.packets + block.repairs.len());
        for number in block.numbers() {
            shards.push(match self.kept.get(&number) {
                Some(packet) if SHARD_HEADER + packet.payload.len() > length => return None,
                kept => kept.map(|packet| shard(packet, length)),
            });
        }
        let lost: Vec<usize> = (0..shards.len()).filter(|at| shards[*at].is_none()).collect();
        for repair in &block.repairs {
            shards.push(match repair {
                Some(repair) if repair.len() != length => return None,
                repair => repair.as_ref().map(|repair| repair.to_vec()),
            });
        }
        let code = self.codes.of(block.packets, block.repairs.len())?;
        code.reconstruct_data(&mut shards).ok()?;
        let rebuilt = lost.into_iter().map(|at| {
            packet(self.ssrc, block.first.wrapping_add(at as u16), shards[at].as_deref()?)
        });
        rebuilt.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::seq::SliceRandom;
    use rand::{Rng, SeedableRng, rngs::StdRng};

    const SSRC: u32 = 7;

    fn packets(random: &mut StdRng, first: u16, count: usize) -> Vec<Packet> {
        let one = |at: usize, random: &mut StdRng| {
            let header = Header {
                version: 2,
                ssrc: SSRC,
                sequence_number: first.wrapping_add(at as u16),
                timestamp: random.random(),
                payload_type: 96,
                marker: at + 1 == count,
                ..Default::default()
            };
            let length = random.random_range(0..1120);
            let payload: Vec<u8> = (0..length).map(|_| random.random()).collect();
            Packet { header, payload: payload.into() }
        };
        (0..count).map(|at| one(at, random)).collect()
    }

    #[test]
    fn as_many_as_go_along_can_be_lost_whichever_they_are() {
        for seed in 0..100 {
            let mut random = StdRng::seed_from_u64(seed);
            let (count, repairs) = (random.random_range(1..=40), random.random_range(1..=8));
            let first = random.random();
            let sent = packets(&mut random, first, count);
            let mut coder = Coder::new(9, 104);
            let made = coder.code(&sent, repairs);
            assert_eq!(made.len(), repairs);
            let mut all: Vec<&Packet> = sent.iter().chain(&made).collect();
            all.shuffle(&mut random);
            all.truncate(count);
            let mut rebuilder = Rebuilder::new(SSRC);
            let mut came: Vec<Packet> = Vec::new();
            for packet in all {
                came.extend(match packet.header.ssrc {
                    SSRC => {
                        let mut came = rebuilder.take(packet);
                        came.push(packet.clone());
                        came
                    }
                    _ => rebuilder.take_repair(&packet.payload),
                });
            }
            came.sort_by_key(|packet| {
                packet.header.sequence_number.wrapping_sub(sent[0].header.sequence_number)
            });
            assert_eq!(came, sent, "seed {seed}");
        }
    }

    #[test]
    fn with_less_than_is_needed_nothing_is_rebuilt_and_little_is_kept() {
        let mut random = StdRng::seed_from_u64(1);
        let mut rebuilder = Rebuilder::new(SSRC);
        for block in 0..2_000u16 {
            let sent = packets(&mut random, block.wrapping_mul(4), 4);
            let made = Coder::new(9, 104).code(&sent, 1);
            assert!(rebuilder.take(&sent[0]).is_empty() && rebuilder.take(&sent[3]).is_empty());
            assert!(rebuilder.take_repair(&made[0].payload).is_empty());
        }
        assert!(rebuilder.kept.len() <= KEPT && rebuilder.order.len() <= KEPT);
        assert!(rebuilder.waiting.len() <= WAITING);
    }

    #[test]
    fn a_block_that_was_never_whole_takes_nothing_of_those_that_have_its_numbers_next() {
        let mut random = StdRng::seed_from_u64(3);
        let mut rebuilder = Rebuilder::new(SSRC);
        let mut packet = |number: u16| {
            let packet = packets(&mut random, number, 1).remove(0);
            Packet { payload: Bytes::from(vec![number as u8; 50]), ..packet }
        };
        let sent: Vec<Packet> = (100..104).map(&mut packet).collect();
        let made = Coder::new(9, 104).code(&sent, 1);
        assert!(rebuilder.take(&sent[0]).is_empty() && rebuilder.take(&sent[3]).is_empty());
        assert!(rebuilder.take_repair(&made[0].payload).is_empty());
        assert_eq!(rebuilder.waiting.len(), 1);
        for number in (104..=u16::MAX).chain(0..104) {
            assert!(rebuilder.take(&packet(number)).is_empty(), "{number}");
        }
        assert!(rebuilder.waiting.is_empty());
    }

    #[test]
    fn what_others_may_send_is_survived() {
        let mut random = StdRng::seed_from_u64(2);
        let mut rebuilder = Rebuilder::new(SSRC);
        for _ in 0..20_000 {
            let length = random.random_range(0..40);
            let mut payload: Vec<u8> = (0..length).map(|_| random.random()).collect();
            // Near what is there.
            for (at, below) in [(0, 1), (1, 20), (2, 6), (3, 4), (4, 4)] {
                if let Some(byte) = payload.get_mut(at) {
                    *byte = random.random_range(0..below);
                }
            }
            rebuilder.take_repair(&payload.into());
            let number = random.random_range(0..20);
            rebuilder.take(&packets(&mut random, number, 1)[0]);
        }
        assert!(rebuilder.waiting.len() <= WAITING);
    }
}
