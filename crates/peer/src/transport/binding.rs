//! The messages of ICE's connectivity checks (RFC 8445, section 7): read, verified, answered.

use rtc::stun::attributes::{
    ATTR_ICE_CONTROLLED, ATTR_ICE_CONTROLLING, ATTR_USE_CANDIDATE, ATTR_USERNAME,
};
use rtc::stun::fingerprint::FINGERPRINT;
use rtc::stun::integrity::MessageIntegrity;
use rtc::stun::message::{BINDING_SUCCESS, Message, TransactionId};
use rtc::stun::xoraddr::XorMappedAddress;
use rtc_crypto::RTCCrypto;
use std::fmt;
use std::net::SocketAddr;

/// What one side's checks are signed with (RFC 8445, section 5.3).
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    fragment: String,
    password: String,
}

impl Credentials {
    /// Those of a description (RFC 8839, section 5.4); all its media have the same.
    pub fn of(sdp: &str) -> Option<Self> {
        let value = |name| sdp.lines().find_map(|line| line.strip_prefix(name));
        let (fragment, password) = (value("a=ice-ufrag:")?, value("a=ice-pwd:")?);
        Some(Self { fragment: fragment.to_owned(), password: password.to_owned() })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

/// A check or the answer to one.
#[derive(Clone)]
pub struct Binding(Message);

impl Binding {
    /// Reads one; whether it is a check or an answer is known already.
    pub fn read(content: &[u8]) -> Option<Self> {
        let mut message = Message::new();
        message.unmarshal_binary(content).ok()?;
        Some(Self(message))
    }

    /// What an answer has in common with its check.
    pub fn transaction(&self) -> TransactionId {
        self.0.transaction_id
    }

    /// It chooses the pair that it is sent on (RFC 8445, section 8.1.1).
    pub fn nominates(&self) -> bool {
        self.0.contains(ATTR_USE_CANDIDATE)
    }

    /// Whoever sent it chooses.
    pub fn is_of_controlling(&self) -> bool {
        self.0.contains(ATTR_ICE_CONTROLLING)
    }

    /// Whoever sent it leaves the choice to the other side.
    pub fn is_of_controlled(&self) -> bool {
        self.0.contains(ATTR_ICE_CONTROLLED)
    }

    /// Whether a check is one of `from` for `to`, signed with what only the two know.
    pub fn is_check(&self, from: &Credentials, to: &Credentials, crypto: &dyn RTCCrypto) -> bool {
        let name = format!("{}:{}", to.fragment, from.fragment);
        let named = self.0.get(ATTR_USERNAME).is_ok_and(|user| user == name.as_bytes());
        named && self.is_signed(to, crypto)
    }

    /// Whether whoever sent it knows these credentials' password: of its receiver if it is a
    /// check, of its sender if it is an answer.
    pub fn is_signed(&self, by: &Credentials, crypto: &dyn RTCCrypto) -> bool {
        // Checking turns a length over and back again.
        let mut message = self.0.clone();
        MessageIntegrity::check(&mut message, by.password.as_bytes(), crypto).is_ok()
    }

    /// What `by` says to this check when it has come from `mapped` (RFC 8445, section 7.3.1.2).
    pub fn success(
        &self,
        by: &Credentials,
        mapped: SocketAddr,
        crypto: &dyn RTCCrypto,
    ) -> Option<Vec<u8>> {
        let integrity =
            MessageIntegrity::new_short_term_integrity_with_provider(by.password.clone(), crypto);
        let mut message = Message::new();
        message
            .build(&[
                Box::new(BINDING_SUCCESS),
                Box::new(self.transaction()),
                Box::new(XorMappedAddress { ip: mapped.ip(), port: mapped.port() }),
                Box::new(integrity),
                Box::new(FINGERPRINT),
            ])
            .ok()?;
        Some(message.raw)
    }
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Binding").field(&self.transaction()).finish()
    }
}
