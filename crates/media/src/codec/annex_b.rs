//! The two byte forms of an H.264 access unit: with start codes (Annex B of ITU-T H.264), as
//! codecs and RTP want it, and with lengths (ISO/IEC 14496-15), as WebCodecs wants it.

use crate::codec::sps;
use bytes::{BufMut, Bytes, BytesMut};
use tincan_proto::units::Resolution;

/// What a NAL unit holds (ITU-T H.264 table 7-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NalType {
    /// A slice of a picture that refers to others (1), or a part of one (2 to 4).
    Slice,
    /// A slice of a key frame (5).
    Idr,
    /// Supplemental enhancement information (6).
    Sei,
    /// Sequence parameter set (7).
    Sps,
    /// Picture parameter set (8).
    Pps,
    /// Access unit delimiter (9).
    Delimiter,
    /// Anything else.
    Other(u8),
}

impl NalType {
    /// Of a unit without start code; an empty one is `Other(0)`.
    pub fn of(nal: &[u8]) -> Self {
        match nal.first().map_or(0, |header| header & 0x1f) {
            1..=4 => Self::Slice,
            5 => Self::Idr,
            6 => Self::Sei,
            7 => Self::Sps,
            8 => Self::Pps,
            9 => Self::Delimiter,
            other => Self::Other(other),
        }
    }
}

/// The NAL units of a byte stream, without start codes and trailing zeros. Never empty ones.
pub fn nal_units(annex_b: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = start_code(annex_b).map(|(_, after)| &annex_b[after..]);
    std::iter::from_fn(move || {
        loop {
            let bytes = rest?;
            let (nal, next) = match start_code(bytes) {
                Some((before, after)) => (&bytes[..before], Some(&bytes[after..])),
                None => (bytes, None),
            };
            rest = next;
            let end = nal.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
            if end > 0 {
                return Some(&nal[..end]);
            }
        }
    })
}

/// Where the first start code begins and where it ends.
fn start_code(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut at = 0;
    while at + 2 < bytes.len() {
        // The third byte tells how far the next start code must be away at least.
        match bytes[at + 2] {
            0 => at += 1,
            1 if bytes[at] == 0 && bytes[at + 1] == 0 => return Some((at, at + 3)),
            _ => at += 3,
        }
    }
    None
}

/// One access unit in the form that WebCodecs decodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Avcc {
    /// An IDR picture.
    pub key: bool,
    /// The `description` to configure a decoder with (AVCDecoderConfigurationRecord). Every key
    /// frame has one: configure anew where it differs from the last.
    pub configuration: Option<Bytes>,
    /// NAL units, each behind its length in four bytes; no parameter sets, no delimiters.
    pub payload: Bytes,
    /// Size of the picture after cropping.
    pub resolution: Resolution,
}

impl Avcc {
    /// The codec string of RFC 6381, such as `avc1.42c01e`, of a key frame.
    pub fn codec(&self) -> Option<String> {
        let record = self.configuration.as_ref()?;
        Some(format!("avc1.{:02x}{:02x}{:02x}", record[1], record[2], record[3]))
    }
}

/// Why an access unit is not passed on: it would close a WebCodecs decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AvccError {
    /// There is no picture in it.
    #[error("the access unit holds no picture")]
    NoPicture,
    /// Its parameter sets were never seen.
    #[error("the parameter sets of the picture are unknown")]
    NoParameterSets,
    /// Its sequence parameter set makes no sense.
    #[error("the sequence parameter set is damaged")]
    BadParameterSets,
}

/// Turns one stream's access units from start codes to lengths. Remembers the parameter sets.
#[derive(Debug, Default)]
pub struct AvccWriter {
    sps: Bytes,
    pps: Bytes,
    resolution: Option<Resolution>,
}

impl AvccWriter {
    /// A writer that knows no parameter sets yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Converts one access unit.
    ///
    /// # Errors
    /// [`AvccError`]: do not pass the unit on.
    pub fn write(&mut self, annex_b: &[u8]) -> Result<Avcc, AvccError> {
        let (mut key, mut picture) = (false, false);
        let mut payload = BytesMut::with_capacity(annex_b.len() + 16);
        for nal in nal_units(annex_b) {
            match NalType::of(nal) {
                NalType::Sps => {
                    self.resolution =
                        Some(sps::resolution(nal).ok_or(AvccError::BadParameterSets)?);
                    replace(&mut self.sps, nal);
                    continue;
                }
                NalType::Pps => {
                    replace(&mut self.pps, nal);
                    continue;
                }
                NalType::Delimiter => continue,
                NalType::Idr => (key, picture) = (true, true),
                NalType::Slice => picture = true,
                NalType::Sei | NalType::Other(_) => {}
            }
            payload.put_u32(u32::try_from(nal.len()).map_err(|_| AvccError::NoPicture)?);
            payload.put_slice(nal);
        }
        if !picture {
            return Err(AvccError::NoPicture);
        }
        let resolution = self.resolution.ok_or(AvccError::NoParameterSets)?;
        let configuration = match key {
            true => Some(self.configuration().ok_or(AvccError::NoParameterSets)?),
            false => None,
        };
        Ok(Avcc { key, configuration, payload: payload.freeze(), resolution })
    }

    /// ISO/IEC 14496-15, 5.3.3.1.2.
    fn configuration(&self) -> Option<Bytes> {
        if self.sps.len() < 4 || self.pps.is_empty() {
            return None;
        }
        let mut record = BytesMut::with_capacity(11 + self.sps.len() + self.pps.len());
        record.put_slice(&[1, self.sps[1], self.sps[2], self.sps[3], 0xff, 0xe1]);
        record.put_u16(u16::try_from(self.sps.len()).ok()?);
        record.put_slice(&self.sps);
        record.put_u8(1);
        record.put_u16(u16::try_from(self.pps.len()).ok()?);
        record.put_slice(&self.pps);
        if matches!(self.sps[1], 100 | 110 | 122 | 144) {
            record.put_slice(&sps::high_profile_fields(&self.sps)?);
            record.put_u8(0);
        }
        Some(record.freeze())
    }
}

fn replace(known: &mut Bytes, nal: &[u8]) {
    if known != nal {
        *known = Bytes::copy_from_slice(nal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::h264::{EncoderSettings, H264Encoder};
    use crate::synthetic::picture::{Picture, Stamp, Style};
    use rand::{Rng, SeedableRng, rngs::StdRng};

    fn coded(size: Resolution, count: u64) -> Vec<Bytes> {
        let mut picture = Picture::new(size, Style::Grey).unwrap();
        let mut encoder = H264Encoder::new(EncoderSettings::default()).unwrap();
        (0..count)
            .map(|n| {
                let frame = picture.paint(n, Stamp::from_unix_millis(n));
                encoder.encode(&frame, false).unwrap().unwrap().annex_b
            })
            .collect()
    }

    #[test]
    fn start_codes_of_both_lengths_and_padding_are_understood() {
        let stream = [0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x68, 3, 0, 0, 1, 0x65, 0, 0, 3, 0, 0];
        let nals: Vec<_> = nal_units(&stream).collect();
        assert_eq!(nals, [&[0x67, 1, 2][..], &[0x68, 3], &[0x65, 0, 0, 3]]);
        assert_eq!(nal_units(&[1, 2, 3]).count(), 0);
        assert_eq!(nal_units(&[0, 0, 1]).count(), 0);
        assert_eq!(nal_units(&[0, 0, 1, 0, 0, 1, 7]).collect::<Vec<_>>(), [&[7]]);
    }

    #[test]
    fn a_key_frame_becomes_a_configuration_and_a_picture() {
        let mut writer = AvccWriter::new();
        let units = coded(Resolution::new(322, 242), 2);
        let key = writer.write(&units[0]).unwrap();
        assert!(key.key);
        assert_eq!(key.resolution, Resolution::new(322, 242));
        let record = key.configuration.clone().unwrap();
        assert_eq!((record[0], record[1], record[4] & 3), (1, 66, 3));
        assert!(key.codec().unwrap().starts_with("avc1.42"));
        let length = u32::from_be_bytes(key.payload[..4].try_into().unwrap());
        assert_eq!(length as usize, key.payload.len() - 4);
        assert_eq!(key.payload[4] & 0x1f, 5);
        let delta = writer.write(&units[1]).unwrap();
        assert_eq!((delta.key, delta.configuration), (false, None));
    }

    #[test]
    fn what_would_close_a_decoder_is_refused() {
        let units = coded(Resolution::new(64, 64), 2);
        let idr = units[0].windows(4).rposition(|w| w == [0, 0, 0, 1]).unwrap();
        let mut writer = AvccWriter::new();
        assert_eq!(writer.write(&[]), Err(AvccError::NoPicture));
        assert_eq!(writer.write(&units[0][idr..]), Err(AvccError::NoParameterSets));
        assert_eq!(writer.write(&units[1]), Err(AvccError::NoParameterSets));
        assert_eq!(writer.write(&units[0][..idr]), Err(AvccError::NoPicture));
        // The parameter sets came alone, but they came.
        assert!(writer.write(&units[0][idr..]).unwrap().configuration.is_some());
        assert_eq!(writer.write(&[0, 0, 1, 0x67, 66]), Err(AvccError::BadParameterSets));
    }

    #[test]
    fn random_bytes_are_survived() {
        let mut rng = StdRng::seed_from_u64(3);
        let unit = coded(Resolution::new(64, 64), 1).remove(0);
        let mut writer = AvccWriter::new();
        for _ in 0..20_000 {
            let mut bytes: Vec<u8> = if rng.random_bool(0.5) {
                unit[..60].to_vec()
            } else {
                // Few distinct values make start codes likely.
                (0..rng.random_range(0..60))
                    .map(|_| [0, 0, 1, 0x67, 0x65][rng.random_range(0..5)])
                    .collect()
            };
            for _ in 0..rng.random_range(0..6) {
                if !bytes.is_empty() {
                    let at = rng.random_range(0..bytes.len());
                    bytes[at] = rng.random();
                }
            }
            let _ = writer.write(&bytes);
        }
    }
}
