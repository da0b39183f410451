//! RTP payloads in order into the NAL units of one access unit (RFC 6184, modes 0 and 1: single
//! units, STAP-A, FU-A).

use crate::codec::annex_b::NalType;
use bytes::{BufMut, Bytes, BytesMut};

/// The largest access unit that is put together; level 5.2 allows no more.
const MAX_UNIT_BYTES: usize = 4 << 20;

const START_CODE: &[u8] = &[0, 0, 0, 1];

/// Why a payload does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DepacketizeError {
    /// The bytes are cut off.
    #[error("the payload is cut off")]
    Truncated,
    /// A kind of packet that we did not offer.
    #[error("payload type {0} of RFC 6184 was not negotiated")]
    Unsupported(u8),
    /// A fragment without those before it.
    #[error("a fragment does not follow its predecessor")]
    BrokenFragment,
    /// More bytes than a picture can have.
    #[error("the access unit is too large")]
    TooLarge,
}

/// Collects one access unit.
#[derive(Debug, Default)]
pub struct H264Depacketizer {
    unit: BytesMut,
    in_fragment: bool,
    key: bool,
    picture: bool,
}

impl H264Depacketizer {
    /// Adds the next payload.
    ///
    /// # Errors
    /// [`DepacketizeError`]: the unit is broken, [`take`](Self::take) it away.
    pub fn push(&mut self, payload: &[u8]) -> Result<(), DepacketizeError> {
        let header = *payload.first().ok_or(DepacketizeError::Truncated)?;
        if self.unit.len() + payload.len() > MAX_UNIT_BYTES {
            return Err(DepacketizeError::TooLarge);
        }
        let kind = header & 0x1f;
        if self.in_fragment && kind != 28 {
            return Err(DepacketizeError::BrokenFragment);
        }
        match kind {
            1..=23 => {
                self.append(payload);
                Ok(())
            }
            24 => self.aggregate(&payload[1..]),
            28 => self.fragment(payload),
            other => Err(DepacketizeError::Unsupported(other)),
        }
    }

    /// Whether anything has been added.
    pub fn is_empty(&self) -> bool {
        self.unit.is_empty()
    }

    /// Takes the unit, if it is whole and holds a picture, and whether it is a key frame. Starts
    /// the next one in any case.
    pub fn take(&mut self) -> Option<(Bytes, bool)> {
        let this = std::mem::take(self);
        (this.picture && !this.in_fragment).then(|| (this.unit.freeze(), this.key))
    }

    fn append(&mut self, nal: &[u8]) {
        if self.note(nal) {
            self.unit.reserve(START_CODE.len() + nal.len());
            self.unit.put_slice(START_CODE);
            self.unit.put_slice(nal);
        }
    }

    /// Delimiters are left out.
    fn note(&mut self, nal: &[u8]) -> bool {
        match NalType::of(nal) {
            NalType::Idr => (self.key, self.picture) = (true, true),
            NalType::Slice => self.picture = true,
            NalType::Delimiter => return false,
            NalType::Sps | NalType::Pps | NalType::Sei | NalType::Other(_) => {}
        }
        true
    }

    fn aggregate(&mut self, mut rest: &[u8]) -> Result<(), DepacketizeError> {
        while let [high, low, after @ ..] = rest {
            let size = usize::from(u16::from_be_bytes([*high, *low]));
            if size == 0 || size > after.len() {
                return Err(DepacketizeError::Truncated);
            }
            self.append(&after[..size]);
            rest = &after[size..];
        }
        if rest.is_empty() { Ok(()) } else { Err(DepacketizeError::Truncated) }
    }

    fn fragment(&mut self, payload: &[u8]) -> Result<(), DepacketizeError> {
        let [indicator, header, body @ ..] = payload else {
            return Err(DepacketizeError::Truncated);
        };
        let (start, end) = (header & 0x80 != 0, header & 0x40 != 0);
        if start == self.in_fragment {
            return Err(DepacketizeError::BrokenFragment);
        }
        if start {
            let nal = indicator & 0xe0 | header & 0x1f;
            self.note(&[nal]);
            self.unit.reserve(8 * payload.len());
            self.unit.put_slice(START_CODE);
            self.unit.put_u8(nal);
        }
        self.unit.put_slice(body);
        self.in_fragment = !end;
        Ok(())
    }
}

/// Whether a payload begins with a sequence parameter set, as a key frame does.
pub fn begins_key_frame(payload: &[u8]) -> bool {
    let nal = match payload {
        [header, _, _, nal, ..] if header & 0x1f == 24 => *nal,
        [header, ..] => *header,
        [] => return false,
    };
    nal & 0x1f == 7
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::h264_packetizer::packetize;
    use rand::{Rng, SeedableRng, rngs::StdRng};

    #[test]
    fn a_packetized_unit_comes_back() {
        let mut unit = vec![0, 0, 0, 1, 0x67, 1, 2, 3, 0, 0, 0, 1, 0x68, 4, 0, 0, 0, 1, 0x65];
        unit.extend((0..5000).map(|i| (i % 251) as u8 | 1));
        let mut depacketizer = H264Depacketizer::default();
        let payloads = packetize(&unit, 500);
        assert!(begins_key_frame(&payloads[0]) && !begins_key_frame(&payloads[1]));
        payloads.iter().for_each(|payload| depacketizer.push(payload).unwrap());
        assert_eq!(depacketizer.take(), Some((Bytes::from(unit), true)));
        assert!(depacketizer.is_empty());
    }

    #[test]
    fn fragments_without_their_neighbours_are_refused() {
        let mut unit = vec![0, 0, 0, 1, 0x41];
        unit.extend([7; 3000]);
        let payloads = packetize(&unit, 1000);
        let mut depacketizer = H264Depacketizer::default();
        assert_eq!(depacketizer.push(&payloads[1]), Err(DepacketizeError::BrokenFragment));
        depacketizer.push(&payloads[0]).unwrap();
        assert_eq!(depacketizer.push(&payloads[0]), Err(DepacketizeError::BrokenFragment));
        assert_eq!(depacketizer.push(&[0x41, 1]), Err(DepacketizeError::BrokenFragment));
        assert_eq!(depacketizer.take(), None, "the last fragment is missing");
    }

    #[test]
    fn random_payloads_are_survived() {
        let mut rng = StdRng::seed_from_u64(5);
        let mut depacketizer = H264Depacketizer::default();
        for _ in 0..20_000 {
            let mut payload: Vec<u8> = (0..rng.random_range(0..12)).map(|_| rng.random()).collect();
            if let Some(first) = payload.first_mut() {
                *first = [0x41, 0x65, 24, 28, 29, 0][rng.random_range(0..6)];
            }
            if depacketizer.push(&payload).is_err() || rng.random_bool(0.1) {
                let _ = depacketizer.take();
            }
        }
    }
}
