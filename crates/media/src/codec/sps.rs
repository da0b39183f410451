//! What a sequence parameter set says of a picture's size (ITU-T H.264, 7.3.2.1.1). Bounded:
//! any bytes give an answer or `None`.

use tincan_proto::units::Resolution;

/// The largest side believed; level 6.2 ends at 8192 x 4320.
const MAX_SIDE: u32 = 8192;

/// The size of the cropped picture. `nal` begins with the NAL unit's header.
pub fn resolution(nal: &[u8]) -> Option<Resolution> {
    parse(nal).map(|sps| sps.resolution)
}

/// The bytes that close a decoder configuration of the high profiles: chroma format and bit
/// depths (ISO/IEC 14496-15, 5.3.3.1.2).
pub fn high_profile_fields(nal: &[u8]) -> Option<[u8; 3]> {
    let sps = parse(nal)?;
    Some([0xfc | sps.chroma, 0xf8 | sps.luma_depth, 0xf8 | sps.chroma_depth])
}

struct Sps {
    resolution: Resolution,
    chroma: u8,
    luma_depth: u8,
    chroma_depth: u8,
}

fn parse(nal: &[u8]) -> Option<Sps> {
    let profile = *nal.get(1)?;
    let mut bits = Bits { bytes: unescape(nal.get(4..)?), at: 0 };
    let _id = bits.unsigned()?;
    let (mut chroma, mut luma_depth, mut chroma_depth, mut separate) = (1, 0, 0, false);
    if matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135) {
        chroma = small(bits.unsigned()?, 3)?;
        separate = chroma == 3 && bits.bit()?;
        luma_depth = small(bits.unsigned()?, 6)?;
        chroma_depth = small(bits.unsigned()?, 6)?;
        let _transform_bypass = bits.bit()?;
        if bits.bit()? {
            for list in 0..if chroma == 3 { 12 } else { 8 } {
                if bits.bit()? {
                    skip_scaling_list(&mut bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
    }
    let _frame_number_bits = bits.unsigned()?;
    match bits.unsigned()? {
        0 => _ = bits.unsigned()?,
        1 => {
            let _always_zero = bits.bit()?;
            let _offsets = (bits.unsigned()?, bits.unsigned()?);
            for _ in 0..small(bits.unsigned()?, 255)? {
                bits.unsigned()?;
            }
        }
        2 => {}
        _ => return None,
    }
    let _references = bits.unsigned()?;
    let _gaps = bits.bit()?;
    let width = blocks(bits.unsigned()?)?;
    let map_height = blocks(bits.unsigned()?)?;
    let frames_only = bits.bit()?;
    let height = if frames_only { map_height } else { map_height * 2 };
    if !frames_only {
        let _adaptive = bits.bit()?;
    }
    let _direct = bits.bit()?;
    let mut crop = [0; 4];
    if bits.bit()? {
        for side in &mut crop {
            *side = bits.unsigned()?;
        }
    }
    let chroma_format = if separate { 0 } else { chroma };
    let unit_x = if matches!(chroma_format, 1 | 2) { 2 } else { 1 };
    let unit_y = if chroma_format == 1 { 2 } else { 1 } * if frames_only { 1 } else { 2 };
    let cut = |full: u32, a: u32, b: u32, unit: u32| {
        full.checked_sub(a.checked_add(b)?.checked_mul(unit)?).filter(|&left| left > 0)
    };
    let resolution = Resolution::new(
        cut(width, crop[0], crop[1], unit_x)?,
        cut(height, crop[2], crop[3], unit_y)?,
    );
    Some(Sps { resolution, chroma, luma_depth, chroma_depth })
}

fn small(value: u32, max: u8) -> Option<u8> {
    u8::try_from(value).ok().filter(|&value| value <= max)
}

/// Macroblocks, less one, as pixels.
fn blocks(minus_one: u32) -> Option<u32> {
    (minus_one < MAX_SIDE / 16).then(|| (minus_one + 1) * 16)
}

fn skip_scaling_list(bits: &mut Bits, entries: usize) -> Option<()> {
    let (mut last, mut next) = (8i64, 8i64);
    for _ in 0..entries {
        if next != 0 {
            next = (last + bits.signed()?).rem_euclid(256);
        }
        if next != 0 {
            last = next;
        }
    }
    Some(())
}

/// Takes the emulation prevention bytes out (7.4.1.1).
fn unescape(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut zeros = 0;
    for &byte in bytes {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

struct Bits {
    bytes: Vec<u8>,
    at: usize,
}

impl Bits {
    fn bit(&mut self) -> Option<bool> {
        let byte = *self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// ue(v), 9.1.
    fn unsigned(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let mut value = 1u64;
        for _ in 0..zeros {
            value = value << 1 | u64::from(self.bit()?);
        }
        u32::try_from(value - 1).ok()
    }

    /// se(v), 9.1.1.
    fn signed(&mut self) -> Option<i64> {
        let code = i64::from(self.unsigned()?);
        Some(if code % 2 == 1 { (code + 1) / 2 } else { -(code / 2) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cropped_sizes_are_read_from_encoders_of_others() {
        // x264, high profile, 1920 x 1080 (1088 coded).
        let high = [
            0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0x84, 0x00, 0x00,
            0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c, 0x60, 0xc6, 0x58,
        ];
        assert_eq!(resolution(&high), Some(Resolution::new(1920, 1080)));
        assert_eq!(high_profile_fields(&high), Some([0xfd, 0xf8, 0xf8]));
        // libwebrtc, constrained baseline, 640 x 480.
        let baseline = [0x67, 0x42, 0xc0, 0x1f, 0x8c, 0x8d, 0x40, 0x50, 0x1e, 0x90];
        assert_eq!(resolution(&baseline), Some(Resolution::new(640, 480)));
    }

    #[test]
    fn cut_off_sets_have_no_size() {
        let baseline = [0x67, 0x42, 0xc0, 0x1f, 0x8c, 0x8d, 0x40, 0x50, 0x1e];
        for length in 0..8 {
            assert_eq!(resolution(&baseline[..length]), None);
        }
    }
}
