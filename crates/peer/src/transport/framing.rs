//! What a datagram is, seen from its first bytes (RFC 7983), with TURN's framing taken off.

/// STUN's magic cookie (RFC 8489, section 5).
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
/// Length of a STUN header.
const STUN_HEADER: usize = 20;
/// Length of the header of a ChannelData message (RFC 8656, section 12.4).
const CHANNEL_HEADER: usize = 4;
/// Send and Data indications (RFC 8656, section 18).
const INDICATIONS: [u16; 2] = [0x0016, 0x0017];
/// The DATA attribute (RFC 8656, section 18.4).
const DATA: u16 = 0x0013;
/// A connectivity check, or a question for one's own address (RFC 8489, section 3).
const BINDING_REQUEST: u16 = 0x0001;
/// The answer to either.
const BINDING_SUCCESS: u16 = 0x0101;
/// A request for an address at a relay (RFC 8656, section 7.1).
const ALLOCATE_REQUEST: u16 = 0x0003;
/// Response to an Allocate request: the relay has given an address (RFC 8656, section 7.3).
const ALLOCATED: u16 = 0x0103;

/// What a datagram carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A DTLS record.
    Dtls(Dtls),
    /// RTP or RTCP.
    Media,
    /// A connectivity check.
    Check,
    /// The answer to one.
    Checked,
    /// A TURN server is asked for an address.
    Allocate,
    /// A TURN server has given an address.
    Allocated,
    /// Anything else.
    Other,
}

/// What a DTLS record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtls {
    /// Part of a handshake, changed keys included.
    Handshake,
    /// Data of an application.
    Data,
}

/// A datagram as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen<'a> {
    /// What it carries in the end.
    pub kind: Kind,
    /// It goes through a relay.
    pub relayed: bool,
    /// Its content, without TURN's framing.
    pub content: &'a [u8],
}

/// Looks at a datagram.
pub fn look(datagram: &[u8]) -> Seen<'_> {
    let (relayed, content) = match relayed_content(datagram) {
        Some(content) => (true, content),
        None => (false, datagram),
    };
    let kind = match content.first() {
        Some(20 | 22) => Kind::Dtls(Dtls::Handshake),
        Some(23) => Kind::Dtls(Dtls::Data),
        Some(128..=191) => Kind::Media,
        Some(0..=3) => match stun_type(content) {
            Some(BINDING_REQUEST) => Kind::Check,
            Some(BINDING_SUCCESS) => Kind::Checked,
            Some(ALLOCATE_REQUEST) => Kind::Allocate,
            Some(ALLOCATED) => Kind::Allocated,
            Some(_) | None => Kind::Other,
        },
        _ => Kind::Other,
    };
    Seen { kind, relayed, content }
}

/// The whole length of the TURN message that begins with `start`, as framed on a stream
/// (RFC 8656, section 12.5): ChannelData is padded to four bytes there. None: more bytes are
/// needed to tell, at most four.
pub fn stream_length(start: &[u8]) -> Option<usize> {
    let &[first, _, high, low, ..] = start else { return None };
    let length = usize::from(u16::from_be_bytes([high, low]));
    Some(match first {
        0x40..=0x7f => CHANNEL_HEADER + length.next_multiple_of(4),
        _ => STUN_HEADER + length,
    })
}

/// The length of a TURN message without the padding that it has on a stream.
pub fn unpadded_length(message: &[u8]) -> usize {
    match message {
        &[0x40..=0x7f, _, high, low, ..] => {
            CHANNEL_HEADER + usize::from(u16::from_be_bytes([high, low]))
        }
        _ => message.len(),
    }
}

fn relayed_content(datagram: &[u8]) -> Option<&[u8]> {
    if let &[0x40..=0x4f, _, high, low, ref rest @ ..] = datagram {
        return rest.get(..usize::from(u16::from_be_bytes([high, low])));
    }
    if !INDICATIONS.contains(&stun_type(datagram)?) {
        return None;
    }
    let mut attributes = Attributes(&datagram[STUN_HEADER..]);
    attributes.find(|&(kind, _)| kind == DATA).map(|(_, value)| value)
}

/// Puts other content in the place of a datagram's, as if it came from where that goes to or
/// comes from.
pub fn reframe(datagram: &[u8], content: &[u8]) -> Option<Vec<u8>> {
    if relayed_content(datagram).is_none() {
        return Some(content.to_vec());
    }
    let length = u16::try_from(content.len()).ok()?.to_be_bytes();
    if let &[high @ 0x40..=0x4f, low, ..] = datagram {
        return Some([&[high, low], &length, content].concat());
    }
    let mut attributes = Vec::with_capacity(datagram.len() + content.len());
    for (kind, value) in Attributes(&datagram[STUN_HEADER..]) {
        let value = if kind == DATA { content } else { value };
        attributes.extend(kind.to_be_bytes());
        attributes.extend(u16::try_from(value.len()).ok()?.to_be_bytes());
        attributes.extend(value);
        attributes.resize(attributes.len().next_multiple_of(4), 0);
    }
    let [_, data_indication] = INDICATIONS.map(u16::to_be_bytes);
    let length = u16::try_from(attributes.len()).ok()?.to_be_bytes();
    Some([&data_indication, &length, &datagram[4..STUN_HEADER], &attributes].concat())
}

/// The attributes of a STUN message, by type; ends where the message is cut.
struct Attributes<'a>(&'a [u8]);

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let &[kind_high, kind_low, high, low, ref rest @ ..] = self.0 else { return None };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let value = rest.get(..length)?;
        self.0 = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((u16::from_be_bytes([kind_high, kind_low]), value))
    }
}

fn stun_type(message: &[u8]) -> Option<u16> {
    let is_stun = message.len() >= STUN_HEADER && message[4..8] == MAGIC_COOKIE;
    is_stun.then(|| u16::from_be_bytes([message[0], message[1]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel_data(content: &[u8]) -> Vec<u8> {
        let mut message = vec![0x40, 0x01];
        message.extend((content.len() as u16).to_be_bytes());
        message.extend(content);
        message
    }

    fn indication(content: &[u8]) -> Vec<u8> {
        let mut attributes = vec![0x00, 0x12, 0, 8, 0, 1, 0, 0, 0, 0, 0, 0];
        attributes.extend([0x00, 0x13]);
        attributes.extend((content.len() as u16).to_be_bytes());
        attributes.extend(content);
        attributes.resize(attributes.len().next_multiple_of(4), 0);
        let mut message = vec![0x00, 0x16];
        message.extend((attributes.len() as u16).to_be_bytes());
        message.extend(MAGIC_COOKIE);
        message.extend([7; 12]);
        message.extend(attributes);
        message
    }

    #[test]
    fn contents_are_told_apart_with_and_without_a_relay() {
        let contents: [(&[u8], Kind); 4] = [
            (&[22, 254, 253], Kind::Dtls(Dtls::Handshake)),
            (&[23, 254, 253], Kind::Dtls(Dtls::Data)),
            (&[128, 96, 0, 1, 2], Kind::Media),
            (&[200], Kind::Other),
        ];
        for (content, kind) in contents {
            assert_eq!(look(content), Seen { kind, relayed: false, content });
            for framed in [channel_data(content), indication(content)] {
                assert_eq!(look(&framed), Seen { kind, relayed: true, content });
            }
        }
    }

    #[test]
    fn other_content_goes_into_the_same_frame() {
        let (this, other) = ([22, 1, 2, 3, 4], [22, 9]);
        assert_eq!(reframe(&this, &other), Some(other.to_vec()));
        assert_eq!(reframe(&channel_data(&this), &other), Some(channel_data(&other)));
        let mut answer = indication(&other);
        answer[1] = 0x17;
        assert_eq!(reframe(&indication(&this), &other), Some(answer));
    }

    #[test]
    fn cut_messages_are_nothing_in_particular() {
        let whole = indication(&[22; 32]);
        for length in 0..whole.len() {
            assert_ne!(look(&whole[..length]).kind, Kind::Dtls(Dtls::Handshake), "{length}");
        }
        assert_eq!(look(&[0x40, 0, 0xff, 0xff, 22]).kind, Kind::Other);
    }

    #[test]
    fn messages_on_a_stream_have_their_padding() {
        assert_eq!(stream_length(&[0x40, 1, 0]), None);
        assert_eq!(stream_length(&channel_data(&[1; 5])), Some(12));
        assert_eq!(unpadded_length(&[0x40, 1, 0, 5, 1, 1, 1, 1, 1, 0, 0, 0]), 9);
        let stun = indication(&[1; 5]);
        assert_eq!(stream_length(&stun), Some(stun.len()));
        assert_eq!(unpadded_length(&stun), stun.len());
    }
}
