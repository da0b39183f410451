//! An access unit into RTP payloads (RFC 6184, packetization-mode 1).

use crate::codec::annex_b::{NalType, nal_units};
use bytes::{BufMut, Bytes, BytesMut};

/// Bytes of the largest payload: fits 1280 bytes of path with all headers, SRTP and TURN.
pub const MAX_PAYLOAD: usize = 1120;

const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// Cuts an access unit (with start codes) into payloads of at most `max_payload` bytes (at least
/// 64). The marker bit belongs to the last. Parameter sets share one packet (STAP-A) in front.
pub fn packetize(annex_b: &[u8], max_payload: usize) -> Vec<Bytes> {
    let max_payload = max_payload.max(64);
    let mut payloads = Vec::with_capacity(annex_b.len() / max_payload + 2);
    let mut sets: Vec<&[u8]> = Vec::new();
    for nal in nal_units(annex_b) {
        match NalType::of(nal) {
            NalType::Delimiter => {}
            NalType::Sps | NalType::Pps => sets.push(nal),
            NalType::Slice | NalType::Idr | NalType::Sei | NalType::Other(_) => {
                aggregate(&mut sets, max_payload, &mut payloads);
                fragment(nal, max_payload, &mut payloads);
            }
        }
    }
    aggregate(&mut sets, max_payload, &mut payloads);
    payloads
}

fn aggregate(nals: &mut Vec<&[u8]>, max_payload: usize, payloads: &mut Vec<Bytes>) {
    let nals = std::mem::take(nals);
    let size = 1 + nals.iter().map(|nal| nal.len() + 2).sum::<usize>();
    if nals.len() < 2 || size > max_payload {
        nals.iter().for_each(|nal| fragment(nal, max_payload, payloads));
        return;
    }
    let importance = nals.iter().map(|nal| nal[0] & 0x60).max().unwrap_or(0);
    let mut packet = BytesMut::with_capacity(size);
    packet.put_u8(importance | STAP_A);
    for nal in nals {
        packet.put_u16(nal.len() as u16);
        packet.put_slice(nal);
    }
    payloads.push(packet.freeze());
}

fn fragment(nal: &[u8], max_payload: usize, payloads: &mut Vec<Bytes>) {
    if nal.len() <= max_payload {
        payloads.push(Bytes::copy_from_slice(nal));
        return;
    }
    // Fragments of about one size: a pacer spreads them better than full ones and a small rest.
    let body = &nal[1..];
    let count = body.len().div_ceil(max_payload - 2);
    let size = body.len().div_ceil(count);
    let mut chunks = body.chunks(size).peekable();
    let mut start = 0x80;
    while let Some(chunk) = chunks.next() {
        let end = if chunks.peek().is_none() { 0x40 } else { 0 };
        let mut packet = BytesMut::with_capacity(chunk.len() + 2);
        packet.put_u8(nal[0] & 0xe0 | FU_A);
        packet.put_u8(start | end | nal[0] & 0x1f);
        packet.put_slice(chunk);
        payloads.push(packet.freeze());
        start = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_sets_share_a_packet_and_large_units_are_fragmented() {
        let mut unit = vec![0, 0, 0, 1, 0x67, 1, 2, 3, 0, 0, 0, 1, 0x68, 4, 0, 0, 1, 0x65];
        unit.extend([9; 2500]);
        let payloads = packetize(&unit, 1000);
        assert_eq!(&payloads[0][..], [0x78, 0, 4, 0x67, 1, 2, 3, 0, 2, 0x68, 4]);
        let headers: Vec<_> = payloads[1..].iter().map(|p| (p[0], p[1])).collect();
        assert_eq!(headers, [(0x7c, 0x85), (0x7c, 0x05), (0x7c, 0x45)]);
        assert_eq!(payloads[1..].iter().map(|p| p.len() - 2).sum::<usize>(), 2500);
        assert!(payloads.iter().all(|p| p.len() <= 1000));
    }

    #[test]
    fn bytes_without_a_unit_make_no_packet() {
        assert!(packetize(&[], 1000).is_empty());
        assert!(packetize(&[1, 2, 3], 1000).is_empty());
    }
}
