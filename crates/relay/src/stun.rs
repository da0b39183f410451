//! STUN and TURN messages (RFC 8489, RFC 8656, RFC 5780) as bytes: reading without copying,
//! writing, and ChannelData. Knows nothing of what a message means.

pub mod channel;
mod fingerprint;
mod message;
mod writer;

pub use message::{Attribute, Key, Malformed, Message, TransactionId, read_xor_address};
pub use writer::{Writer, write_data_indication_header};

/// The value at bytes 4 to 8 of every message (RFC 8489, section 5).
pub const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
/// Bytes before the attributes.
pub const HEADER: usize = 20;

/// The class bits of a message's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Wants an answer.
    Request,
    /// Wants none.
    Indication,
    /// The answer to a request that was carried out.
    Success,
    /// The answer to one that was not.
    Error,
}

/// Methods (RFC 8489, section 18.2; RFC 8656, section 17).
pub mod method {
    /// What is my address?
    pub const BINDING: u16 = 0x001;
    /// Gives a relayed address.
    pub const ALLOCATE: u16 = 0x003;
    /// Keeps or ends an allocation.
    pub const REFRESH: u16 = 0x004;
    /// To a peer.
    pub const SEND: u16 = 0x006;
    /// From a peer.
    pub const DATA: u16 = 0x007;
    /// Lets peers in.
    pub const CREATE_PERMISSION: u16 = 0x008;
    /// Names a peer by a number.
    pub const CHANNEL_BIND: u16 = 0x009;
}

/// Attribute types (RFC 8489, section 18.3; RFC 8656, section 18; RFC 5780, section 7).
pub mod attribute {
    /// Address in clear.
    pub const MAPPED_ADDRESS: u16 = 0x0001;
    /// Answer from another address or port.
    pub const CHANGE_REQUEST: u16 = 0x0003;
    /// Who asks.
    pub const USERNAME: u16 = 0x0006;
    /// HMAC-SHA1 of all before it.
    pub const MESSAGE_INTEGRITY: u16 = 0x0008;
    /// Code and reason.
    pub const ERROR_CODE: u16 = 0x0009;
    /// Attributes that were not understood.
    pub const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
    /// 0x4000 to 0x4fff.
    pub const CHANNEL_NUMBER: u16 = 0x000c;
    /// Seconds.
    pub const LIFETIME: u16 = 0x000d;
    /// A peer.
    pub const XOR_PEER_ADDRESS: u16 = 0x0012;
    /// What is relayed.
    pub const DATA: u16 = 0x0013;
    /// Where credentials are good.
    pub const REALM: u16 = 0x0014;
    /// To be repeated by the client.
    pub const NONCE: u16 = 0x0015;
    /// The relayed address.
    pub const XOR_RELAYED_ADDRESS: u16 = 0x0016;
    /// IPv4 or IPv6.
    pub const REQUESTED_ADDRESS_FAMILY: u16 = 0x0017;
    /// An even port, perhaps with the next one kept.
    pub const EVEN_PORT: u16 = 0x0018;
    /// UDP is 17.
    pub const REQUESTED_TRANSPORT: u16 = 0x0019;
    /// HMAC-SHA256 of all before it.
    pub const MESSAGE_INTEGRITY_SHA256: u16 = 0x001c;
    /// The client's address.
    pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    /// A port kept by EVEN-PORT.
    pub const RESERVATION_TOKEN: u16 = 0x0022;
    /// A second relayed address.
    pub const ADDITIONAL_ADDRESS_FAMILY: u16 = 0x8000;
    /// Why there is no second relayed address.
    pub const ADDRESS_ERROR_CODE: u16 = 0x8001;
    /// CRC-32 of all before it.
    pub const FINGERPRINT: u16 = 0x8028;
    /// Where an answer comes from.
    pub const RESPONSE_ORIGIN: u16 = 0x802b;
    /// Where else the server listens.
    pub const OTHER_ADDRESS: u16 = 0x802c;

    /// Whether a message with this attribute must not be acted upon by who does not know it.
    pub const fn must_be_understood(attribute: u16) -> bool {
        attribute < 0x8000
    }
}

/// Puts class and method into a message's type (RFC 8489, section 5).
pub(crate) const fn message_type(class: Class, method: u16) -> u16 {
    let class = match class {
        Class::Request => 0x0000,
        Class::Indication => 0x0010,
        Class::Success => 0x0100,
        Class::Error => 0x0110,
    };
    ((method & 0x0f80) << 2) | ((method & 0x0070) << 1) | (method & 0x000f) | class
}
