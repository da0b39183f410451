//! Redundant sound (RFC 2198): a packet with whole copies of the ones before it. What is read comes
//! from the wire; nothing in it is believed.

use bytes::{BufMut, Bytes, BytesMut};

/// Copies that are read at most; more than two are nobody's usual.
const MOST_COPIES: usize = 8;
/// A block's timestamp lies back by less than this (14 bits).
pub const MOST_BACK: u32 = 1 << 14;
/// A block is shorter than this (10 bits).
pub const MOST_BYTES: usize = 1 << 10;
/// Bytes of the header of each copy, and of the packet itself.
const COPY_HEADER: usize = 4;
const LAST_HEADER: usize = 1;

/// A copy of an earlier packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// How many packets before the one that carries it.
    pub distance: u16,
    /// Its timestamp lies back by so many ticks.
    pub back: u32,
    /// What it held.
    pub payload: Bytes,
}

/// What a redundant packet holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redundant {
    /// The packet itself.
    pub payload: Bytes,
    /// Copies of the ones before, oldest first.
    pub earlier: Vec<Earlier>,
}

/// Takes a redundant payload apart. Blocks of another payload type than `codec` are left out; `None`
/// if it is none, or if the packet itself is of another type or empty.
pub fn parse(payload: &Bytes, codec: u8) -> Option<Redundant> {
    let mut headers = Vec::new();
    let mut at = 0;
    let own_type = loop {
        let first = *payload.get(at)?;
        if first & 0x80 == 0 {
            at += LAST_HEADER;
            break first;
        }
        let &[first, second, third, fourth] = payload.get(at..at + COPY_HEADER)?.as_array()?;
        at += COPY_HEADER;
        let back = u32::from(second) << 6 | u32::from(third >> 2);
        let length = usize::from(third & 0x03) << 8 | usize::from(fourth);
        headers.push((first & 0x7f, back, length));
        if headers.len() > MOST_COPIES {
            return None;
        }
    };
    let mut earlier = Vec::with_capacity(headers.len());
    for (index, &(kind, back, length)) in headers.iter().enumerate() {
        let end = at.checked_add(length)?;
        if end > payload.len() {
            return None;
        }
        let block = payload.slice(at..end);
        at = end;
        if kind == codec && !block.is_empty() && back > 0 {
            // The sender's packets lie in a row, the last copy before the packet itself.
            let distance = (headers.len() - index) as u16;
            earlier.push(Earlier { distance, back, payload: block });
        }
    }
    let payload = payload.slice(at..);
    (own_type == codec && !payload.is_empty()).then_some(Redundant { payload, earlier })
}

/// Puts a packet together. Of `earlier`, oldest first and in a row up to the packet before this one,
/// what cannot be told, and all that is older, is left out; so is what would make it longer than `most`.
pub fn build(codec: u8, payload: &Bytes, earlier: &[Earlier], most: usize) -> Bytes {
    let mut length = LAST_HEADER + payload.len();
    let told = earlier.iter().rev().take_while(|copy| {
        length += COPY_HEADER + copy.payload.len();
        (1..MOST_BACK).contains(&copy.back) && copy.payload.len() < MOST_BYTES && length <= most
    });
    let copies = &earlier[earlier.len() - told.count()..];
    let mut packet = BytesMut::with_capacity(length);
    for copy in copies {
        packet.put_u8(0x80 | codec);
        packet.put_u8((copy.back >> 6) as u8);
        packet.put_u8(((copy.back & 0x3f) as u8) << 2 | (copy.payload.len() >> 8) as u8);
        packet.put_u8(copy.payload.len() as u8);
    }
    packet.put_u8(codec);
    copies.iter().for_each(|copy| packet.extend_from_slice(&copy.payload));
    packet.extend_from_slice(payload);
    packet.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng, rngs::StdRng};

    const OPUS: u8 = 111;
    const ROOM: usize = 1200;

    fn copy(distance: u16, bytes: &'static [u8]) -> Earlier {
        Earlier { distance, back: u32::from(distance) * 960, payload: Bytes::from_static(bytes) }
    }

    #[test]
    fn what_was_put_together_comes_apart() {
        let payload = Bytes::from_static(b"now");
        for earlier in
            [vec![], vec![copy(1, b"before")], vec![copy(2, b"long before"), copy(1, b"before")]]
        {
            let packet = build(OPUS, &payload, &earlier, ROOM);
            let expected = Redundant { payload: payload.clone(), earlier };
            assert_eq!(parse(&packet, OPUS), Some(expected));
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_rfc() {
        let packet = build(OPUS, &Bytes::from_static(&[7, 8]), &[copy(1, &[9])], ROOM);
        // F and the type, 960 in 14 bits and 1 in 10, the type, the copy, the packet.
        assert_eq!(packet[..], [0x80 | 111, 15, 0, 1, 111, 9, 7, 8]);
    }

    #[test]
    fn what_does_not_fit_is_left_out_from_the_oldest_on() {
        let payload = Bytes::from_static(b"now");
        let parsed = |earlier: &[Earlier], most| {
            parse(&build(OPUS, &payload, earlier, most), OPUS).unwrap().earlier
        };
        let both = [copy(2, b"long before"), copy(1, b"before")];
        assert_eq!(parsed(&both, 20), [copy(1, b"before")]);
        assert_eq!(parsed(&both, 5), []);
        let far = [Earlier { back: MOST_BACK, ..copy(2, b"x") }, copy(1, b"before")];
        assert_eq!(parsed(&far, ROOM), [copy(1, b"before")]);
        // Without the nearer one, nothing would tell how far back the other lies.
        let broken = [copy(2, b"x"), Earlier { back: MOST_BACK, ..copy(1, b"before") }];
        assert_eq!(parsed(&broken, ROOM), []);
        let large = [Earlier { payload: vec![0; MOST_BYTES].into(), ..copy(1, b"") }];
        assert_eq!(parsed(&large, 4000), []);
    }

    #[test]
    fn blocks_of_other_codecs_are_left_out_and_others_packets_refused() {
        let foreign: &[u8] = &[0x80 | 13, 15, 0, 1, 0x80 | 111, 7, 128, 1, 111, 1, 2, 3];
        let parsed = parse(&Bytes::copy_from_slice(foreign), OPUS).unwrap();
        assert_eq!(parsed.payload[..], [3]);
        let near = Earlier { distance: 1, back: 480, payload: Bytes::from_static(&[2]) };
        assert_eq!(parsed.earlier, [near]);
        assert_eq!(parse(&Bytes::from_static(&[13, 1]), OPUS), None);
    }

    #[test]
    fn nothing_from_the_wire_leads_out_of_bounds() {
        for broken in [&[][..], &[0xef], &[0xef, 0, 0], &[0xef, 0, 4, 9, 111, 1], &[111]] {
            assert_eq!(parse(&Bytes::copy_from_slice(broken), OPUS), None, "{broken:?}");
        }
        let mut endless = [0xef, 0, 4, 0].repeat(40);
        endless.push(111);
        assert_eq!(parse(&endless.into(), OPUS), None);
        let mut rng = StdRng::seed_from_u64(1);
        for _ in 0..20_000 {
            let length = rng.random_range(0..40);
            let bytes: Vec<u8> = (0..length)
                .map(|_| if rng.random_bool(0.3) { 0xef } else { rng.random() })
                .collect();
            let bytes = Bytes::from(bytes);
            if let Some(parsed) = parse(&bytes, OPUS) {
                let sum = parsed.earlier.iter().map(|one| one.payload.len()).sum::<usize>();
                assert!(sum + parsed.payload.len() < bytes.len());
            }
        }
    }
}
