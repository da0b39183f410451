//! Writing a message.

use super::fingerprint::fingerprint;
use super::message::{HMAC_BYTES, Key, TransactionId, mask, xor};
use super::{COOKIE, Class, HEADER, attribute, message_type, method};
use hmac::Mac;
use std::net::{IpAddr, SocketAddr};

/// A message that is being written. Attributes come in the order of the calls.
#[derive(Clone, Debug)]
pub struct Writer {
    bytes: Vec<u8>,
    transaction: TransactionId,
}

impl Writer {
    /// A message without attributes.
    pub fn new(class: Class, method: u16, transaction: TransactionId) -> Self {
        let mut bytes = Vec::with_capacity(128);
        bytes.extend(message_type(class, method).to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(COOKIE);
        bytes.extend(transaction);
        Self { bytes, transaction }
    }

    /// Adds an attribute.
    ///
    /// # Panics
    /// If the message would become longer than 65535 bytes.
    #[must_use]
    pub fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        let length = u16::try_from(value.len()).expect("values are short");
        self.bytes.extend(kind.to_be_bytes());
        self.bytes.extend(length.to_be_bytes());
        self.bytes.extend(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self.set_length(0);
        self
    }

    /// Adds a number of four bytes.
    #[must_use]
    pub fn number(self, kind: u16, value: u32) -> Self {
        self.attribute(kind, &value.to_be_bytes())
    }

    /// Adds an address in clear (RFC 8489, section 14.1).
    #[must_use]
    pub fn address(self, kind: u16, address: SocketAddr) -> Self {
        let value = coded(address, address.port(), [0; 16]);
        self.attribute(kind, &value.0[..value.1])
    }

    /// Adds an address combined with cookie and transaction (RFC 8489, section 14.2).
    #[must_use]
    pub fn xor_address(self, kind: u16, address: SocketAddr) -> Self {
        let value = xor_coded(address, &self.transaction);
        self.attribute(kind, &value.0[..value.1])
    }

    /// Adds an ERROR-CODE.
    #[must_use]
    pub fn error(self, code: u16, reason: &str) -> Self {
        let mut value = vec![0, 0];
        value.push(u8::try_from(code / 100).expect("codes have three digits"));
        value.push(u8::try_from(code % 100).expect("under a hundred"));
        value.extend(reason.as_bytes());
        self.attribute(attribute::ERROR_CODE, &value)
    }

    /// Adds a MESSAGE-INTEGRITY.
    #[must_use]
    pub fn sign(mut self, key: &Key) -> Self {
        self.set_length(4 + HMAC_BYTES);
        let mut mac = key.mac();
        mac.update(&self.bytes);
        let value: [u8; HMAC_BYTES] = mac.finalize().into_bytes().into();
        self.attribute(attribute::MESSAGE_INTEGRITY, &value)
    }

    /// Adds a FINGERPRINT.
    #[must_use]
    pub fn fingerprint(mut self) -> Self {
        self.set_length(8);
        let value = fingerprint(&self.bytes);
        self.number(attribute::FINGERPRINT, value)
    }

    /// The bytes.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    fn set_length(&mut self, to_come: usize) {
        let length = self.bytes.len() - HEADER + to_come;
        let length = u16::try_from(length).expect("messages are short");
        self.bytes[2..4].copy_from_slice(&length.to_be_bytes());
    }
}

/// Writes all of a Data indication that comes before the payload to the end of `room` and
/// returns its length; none if the payload is too long for a message.
///
/// # Panics
/// If there is room for less than 48 bytes.
pub fn write_data_indication_header(
    room: &mut [u8],
    peer: SocketAddr,
    payload: usize,
    transaction: TransactionId,
) -> Option<usize> {
    let (address, address_length) = xor_coded(peer, &transaction);
    let head = HEADER + 4 + address_length + 4;
    let length = u16::try_from(head - HEADER + payload.next_multiple_of(4)).ok()?;
    let start = room.len() - head;
    let head_room = &mut room[start..];
    head_room[..2].copy_from_slice(&message_type(Class::Indication, method::DATA).to_be_bytes());
    head_room[2..4].copy_from_slice(&length.to_be_bytes());
    head_room[4..8].copy_from_slice(&COOKIE);
    head_room[8..HEADER].copy_from_slice(&transaction);
    let attributes = &mut head_room[HEADER..];
    attributes[..2].copy_from_slice(&attribute::XOR_PEER_ADDRESS.to_be_bytes());
    let told = u16::try_from(address_length).expect("8 or 20");
    attributes[2..4].copy_from_slice(&told.to_be_bytes());
    attributes[4..4 + address_length].copy_from_slice(&address[..address_length]);
    let data = &mut attributes[4 + address_length..];
    data[..2].copy_from_slice(&attribute::DATA.to_be_bytes());
    let told = u16::try_from(payload).expect("less than the length above");
    data[2..].copy_from_slice(&told.to_be_bytes());
    Some(head)
}

fn xor_coded(address: SocketAddr, transaction: &TransactionId) -> ([u8; 20], usize) {
    let port = address.port() ^ u16::from_be_bytes([COOKIE[0], COOKIE[1]]);
    coded(address, port, mask(transaction))
}

fn coded(address: SocketAddr, port: u16, mask: [u8; 16]) -> ([u8; 20], usize) {
    let mut value = [0; 20];
    value[2..4].copy_from_slice(&port.to_be_bytes());
    match address.ip() {
        IpAddr::V4(ip) => {
            value[1] = 1;
            for (index, byte) in ip.octets().into_iter().enumerate() {
                value[4 + index] = byte ^ mask[index];
            }
            (value, 8)
        }
        IpAddr::V6(ip) => {
            value[1] = 2;
            value[4..].copy_from_slice(&xor(ip.octets(), mask));
            (value, 20)
        }
    }
}
