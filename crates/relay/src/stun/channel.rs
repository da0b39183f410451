//! ChannelData (RFC 8656, section 12.4), and where messages end in a stream.

use super::{COOKIE, HEADER};

/// Bytes before the payload.
pub const CHANNEL_HEADER: usize = 4;
/// The numbers that may be bound (RFC 8656, section 12).
pub const CHANNEL_NUMBERS: std::ops::RangeInclusive<u16> = 0x4000..=0x4fff;

/// Whether a packet is ChannelData rather than STUN.
pub fn is_channel_data(packet: &[u8]) -> bool {
    packet.first().is_some_and(|first| first & 0xc0 == 0x40)
}

/// Number and payload length; none if the packet is shorter than it says. What follows the
/// payload is padding.
pub fn read_channel_data(packet: &[u8]) -> Option<(u16, usize)> {
    let header: [u8; CHANNEL_HEADER] = packet.get(..CHANNEL_HEADER)?.try_into().ok()?;
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let number = u16::from_be_bytes([header[0], header[1]]);
    (packet.len() - CHANNEL_HEADER >= length && CHANNEL_NUMBERS.contains(&number))
        .then_some((number, length))
}

/// The header of ChannelData.
pub fn channel_header(number: u16, length: u16) -> [u8; CHANNEL_HEADER] {
    let ([a, b], [c, d]) = (number.to_be_bytes(), length.to_be_bytes());
    [a, b, c, d]
}

/// The stream holds something that is neither STUN nor ChannelData: it cannot be read further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither STUN nor ChannelData")]
pub struct OutOfStep;

/// How many bytes of a stream the first message takes, padding included; none until its head
/// is there.
///
/// # Errors
/// [`OutOfStep`] if no message begins here.
pub fn message_length(stream: &[u8]) -> Result<Option<usize>, OutOfStep> {
    let Some(&[first, _, high, low]) = stream.first_chunk::<4>() else {
        return Ok(None);
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    match first & 0xc0 {
        0x00 => {
            let cookie = stream.get(4..8);
            if length % 4 != 0 || cookie.is_some_and(|cookie| cookie != COOKIE) {
                return Err(OutOfStep);
            }
            Ok(Some(HEADER + length))
        }
        0x40 => Ok(Some(CHANNEL_HEADER + length.next_multiple_of(4))),
        _ => Err(OutOfStep),
    }
}
