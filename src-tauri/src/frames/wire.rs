//! The messages of a picture socket. Binary to the page: a header of 32 bytes, little endian,
//! then an avcC record if the flag says so, then the picture. Text from the page: a word, with a
//! size behind `drawn` and a timestamp behind `shown`.

use bytes::{BufMut, Bytes, BytesMut};
use std::time::{SystemTime, UNIX_EPOCH};
use tincan_media::codec::annex_b::Avcc;
use tincan_media::frame::VideoFrame;
use tincan_proto::units::Resolution;

const KIND_H264: u8 = 1;
const KIND_I420: u8 = 2;
const FLAG_KEY: u8 = 1;
const FLAG_CONFIGURATION: u8 = 2;
const HEADER: usize = 32;

/// What a page says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageWord {
    /// One picture was taken in.
    Credit,
    /// It cannot go on without a key frame.
    Key,
    /// Nobody looks.
    Pause,
    /// Somebody looks again.
    Resume,
    /// It draws the picture over so many pixels of its display.
    Drawn(Resolution),
    /// The picture with this timestamp was drawn just now. Said of some of them.
    Shown(u64),
}

impl PageWord {
    /// Reads a text message.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "credit" => Some(Self::Credit),
            "key" => Some(Self::Key),
            "pause" => Some(Self::Pause),
            "resume" => Some(Self::Resume),
            _ => match text.strip_prefix("shown ") {
                Some(timestamp) => timestamp.parse().ok().map(Self::Shown),
                None => Some(Self::Drawn(size(text.strip_prefix("drawn ")?)?)),
            },
        }
    }
}

/// A width and a height.
fn size(text: &str) -> Option<Resolution> {
    let (width, height) = text.split_once(' ')?;
    let side = |text: &str| text.parse::<u16>().ok().map(u32::from);
    Some(Resolution::new(side(width)?, side(height)?))
}

/// A coded picture as message number `sequence`.
pub fn coded(sequence: u32, timestamp_us: u64, unit: &Avcc) -> Bytes {
    let configuration = unit.configuration.as_deref().unwrap_or_default();
    let flags = if unit.key { FLAG_KEY } else { 0 }
        | if configuration.is_empty() { 0 } else { FLAG_CONFIGURATION };
    let mut message = header(
        KIND_H264,
        flags,
        configuration.len() as u16,
        sequence,
        timestamp_us,
        unit.resolution,
        configuration.len() + unit.payload.len(),
    );
    message.put_slice(configuration);
    message.put_slice(&unit.payload);
    message.freeze()
}

/// A decoded picture as message number `sequence`.
pub fn decoded(sequence: u32, timestamp_us: u64, frame: &VideoFrame) -> Bytes {
    let planes = frame.i420();
    let mut message =
        header(KIND_I420, FLAG_KEY, 0, sequence, timestamp_us, frame.resolution(), planes.len());
    message.put_slice(planes);
    message.freeze()
}

fn header(
    kind: u8,
    flags: u8,
    configuration: u16,
    sequence: u32,
    timestamp_us: u64,
    resolution: Resolution,
    body: usize,
) -> BytesMut {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut message = BytesMut::with_capacity(HEADER + body);
    message.put_u32_le(sequence);
    message.put_u8(kind);
    message.put_u8(flags);
    message.put_u16_le(configuration);
    message.put_u16_le(resolution.width as u16);
    message.put_u16_le(resolution.height as u16);
    message.put_u32_le(0);
    message.put_u64_le(timestamp_us);
    message.put_u64_le(now.as_micros() as u64);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_frame_carries_its_configuration_in_front() {
        let unit = Avcc {
            key: true,
            configuration: Some(Bytes::from_static(&[1, 0x42, 0xc0, 0x1e])),
            payload: Bytes::from_static(&[0, 0, 0, 1, 0x65]),
            resolution: Resolution::VGA,
        };
        let message = coded(7, 33_000, &unit);
        assert_eq!(message.len(), HEADER + 4 + 5);
        assert_eq!(&message[..12], &[7, 0, 0, 0, 1, 3, 4, 0, 0x80, 2, 0xe0, 1]);
        assert_eq!(message[16..24], 33_000u64.to_le_bytes());
        assert_eq!(&message[HEADER..HEADER + 4], &[1, 0x42, 0xc0, 0x1e]);
    }

    #[test]
    fn anything_but_the_words_is_ignored() {
        assert_eq!(PageWord::parse("credit"), Some(PageWord::Credit));
        assert_eq!(PageWord::parse("Credit "), None);
        assert_eq!(PageWord::parse("shown 33000"), Some(PageWord::Shown(33_000)));
        let drawn = PageWord::Drawn(Resolution::new(640, 360));
        assert_eq!(PageWord::parse("drawn 640 360"), Some(drawn));
        for bad in [
            "drawn",
            "drawn 640",
            "drawn 640 -1",
            "drawn 99999 1",
            "drawn 1 2 3",
            "shown",
            "shown -1",
            "shown 1.5",
            "",
        ] {
            assert_eq!(PageWord::parse(bad), None, "{bad}");
        }
    }
}
