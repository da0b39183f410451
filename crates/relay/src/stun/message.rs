//! Reading a message. A [`Message`] has been walked through once: its attributes lie within it.

use super::fingerprint::fingerprint;
use super::{COOKIE, Class, HEADER, attribute};
use hmac::{Hmac, Mac};
use md5::{Digest, Md5};
use sha1::Sha1;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Most attributes of a message: a CreatePermission for all that an allocation may hold stays
/// under it, and looking for one stays cheap.
const MAX_ATTRIBUTES: usize = 64;
/// Type and length of an attribute.
const ATTRIBUTE_HEADER: usize = 4;
/// Bytes of an HMAC-SHA1.
pub(crate) const HMAC_BYTES: usize = 20;

/// Ties an answer to its request.
pub type TransactionId = [u8; 12];

/// Not a STUN message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a STUN message")]
pub struct Malformed;

/// A well-formed message.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
    /// Where what counts ends: attributes after MESSAGE-INTEGRITY are ignored (RFC 8489,
    /// section 14.5).
    end: usize,
    integrity: Option<usize>,
}

/// One attribute: its type and its value without padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// See [`attribute`].
    pub kind: u16,
    /// The value.
    pub value: &'a [u8],
}

/// The key of a long-term credential (RFC 8489, section 9.2.2): MD5 of name, realm and password.
#[derive(Clone)]
pub struct Key([u8; 16]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    /// The key.
    pub fn long_term(username: &str, realm: &str, password: &str) -> Self {
        let mut digest = Md5::new();
        for part in [username, ":", realm, ":", password] {
            digest.update(part);
        }
        Self(digest.finalize().into())
    }

    pub(crate) fn mac(&self) -> Hmac<Sha1> {
        Hmac::new_from_slice(&self.0).expect("an HMAC takes keys of any length")
    }
}

impl<'a> Message<'a> {
    /// Reads a whole message.
    ///
    /// # Errors
    /// [`Malformed`] also if the fingerprint is wrong.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let header: &[u8; HEADER] = bytes.first_chunk().ok_or(Malformed)?;
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let whole = header[0] & 0xc0 == 0
            && header[4..8] == COOKIE
            && length % 4 == 0
            && bytes.len() == HEADER + length;
        if !whole {
            return Err(Malformed);
        }
        let mut message = Self { bytes, end: bytes.len(), integrity: None };
        let (mut offset, mut count) = (HEADER, 0);
        while offset < bytes.len() {
            let (found, next) = attribute_at(bytes, offset).ok_or(Malformed)?;
            count += 1;
            if count > MAX_ATTRIBUTES {
                return Err(Malformed);
            }
            match found.kind {
                attribute::MESSAGE_INTEGRITY if message.integrity.is_none() => {
                    if found.value.len() != HMAC_BYTES {
                        return Err(Malformed);
                    }
                    message.integrity = Some(offset);
                    message.end = offset;
                }
                attribute::FINGERPRINT => {
                    let right = fingerprint(&bytes[..offset]).to_be_bytes();
                    let is_last = next == bytes.len();
                    if !is_last || found.value != right {
                        return Err(Malformed);
                    }
                    message.end = message.end.min(offset);
                }
                _ => {}
            }
            offset = next;
        }
        Ok(message)
    }

    /// Class and method.
    pub fn class_and_method(&self) -> (Class, u16) {
        let kind = u16::from_be_bytes([self.bytes[0], self.bytes[1]]);
        let class = match kind & 0x0110 {
            0x0000 => Class::Request,
            0x0010 => Class::Indication,
            0x0100 => Class::Success,
            _ => Class::Error,
        };
        (class, ((kind & 0x3e00) >> 2) | ((kind & 0x00e0) >> 1) | (kind & 0x000f))
    }

    /// The transaction.
    pub fn transaction(&self) -> TransactionId {
        self.bytes[8..HEADER].try_into().expect("the header is whole")
    }

    /// The attributes that count, in order, without MESSAGE-INTEGRITY and FINGERPRINT.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        let bytes = &self.bytes[..self.end];
        let mut offset = HEADER;
        std::iter::from_fn(move || {
            let (found, next) = attribute_at(bytes, offset)?;
            offset = next;
            Some(found)
        })
    }

    /// The value of the first attribute of this type.
    pub fn find(&self, kind: u16) -> Option<&'a [u8]> {
        self.attributes().find(|found| found.kind == kind).map(|found| found.value)
    }

    /// The same as text.
    pub fn text(&self, kind: u16) -> Option<&'a str> {
        std::str::from_utf8(self.find(kind)?).ok()
    }

    /// The same as a number of four bytes.
    pub fn number(&self, kind: u16) -> Option<u32> {
        Some(u32::from_be_bytes(self.find(kind)?.try_into().ok()?))
    }

    /// The same as an address.
    pub fn xor_address(&self, kind: u16) -> Option<SocketAddr> {
        read_xor_address(self.find(kind)?, &self.transaction())
    }

    /// Whether there is a MESSAGE-INTEGRITY, right or wrong.
    pub fn is_signed(&self) -> bool {
        self.integrity.is_some()
    }

    /// Whether the MESSAGE-INTEGRITY is there and made with this key.
    pub fn is_signed_with(&self, key: &Key) -> bool {
        let Some(offset) = self.integrity else { return false };
        let told = &self.bytes[offset + ATTRIBUTE_HEADER..][..HMAC_BYTES];
        let length = offset + ATTRIBUTE_HEADER + HMAC_BYTES - HEADER;
        let length = u16::try_from(length).expect("messages are short");
        let mut mac = key.mac();
        mac.update(&self.bytes[..2]);
        mac.update(&length.to_be_bytes());
        mac.update(&self.bytes[4..offset]);
        mac.verify_slice(told).is_ok()
    }

    /// Where a value lies in the bytes that were read.
    pub(crate) fn range_of(&self, kind: u16) -> Option<std::ops::Range<usize>> {
        let bytes = &self.bytes[..self.end];
        let mut offset = HEADER;
        while let Some((found, next)) = attribute_at(bytes, offset) {
            if found.kind == kind {
                let start = offset + ATTRIBUTE_HEADER;
                return Some(start..start + found.value.len());
            }
            offset = next;
        }
        None
    }
}

fn attribute_at(bytes: &[u8], offset: usize) -> Option<(Attribute<'_>, usize)> {
    let rest = bytes.get(offset..)?;
    let &[a, b, c, d] = rest.first_chunk()?;
    let length = usize::from(u16::from_be_bytes([c, d]));
    let value = rest.get(ATTRIBUTE_HEADER..ATTRIBUTE_HEADER + length)?;
    let next = offset + ATTRIBUTE_HEADER + length.next_multiple_of(4);
    (next <= bytes.len()).then_some((Attribute { kind: u16::from_be_bytes([a, b]), value }, next))
}

/// Reads an address that is combined with cookie and transaction (RFC 8489, section 14.2).
pub fn read_xor_address(value: &[u8], transaction: &TransactionId) -> Option<SocketAddr> {
    let (&[_, family, high, low], rest) = value.split_first_chunk()?;
    let port = u16::from_be_bytes([high, low]) ^ u16::from_be_bytes([COOKIE[0], COOKIE[1]]);
    let ip = match family {
        1 => {
            let told: [u8; 4] = rest.try_into().ok()?;
            IpAddr::V4(Ipv4Addr::from_bits(u32::from_be_bytes(told) ^ u32::from_be_bytes(COOKIE)))
        }
        2 => {
            let told: [u8; 16] = rest.try_into().ok()?;
            IpAddr::V6(Ipv6Addr::from(xor(told, mask(transaction))))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

pub(super) fn mask(transaction: &TransactionId) -> [u8; 16] {
    let mut mask = [0; 16];
    mask[..4].copy_from_slice(&COOKIE);
    mask[4..].copy_from_slice(transaction);
    mask
}

pub(super) fn xor(a: [u8; 16], b: [u8; 16]) -> [u8; 16] {
    (u128::from_be_bytes(a) ^ u128::from_be_bytes(b)).to_be_bytes()
}
