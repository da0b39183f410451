//! Who somebody is: an Ed25519 key (RFC 8032) instead of a password. Every signature is
//! made over a domain and length-prefixed parts, so that a signature made for one
//! purpose never passes for another.

use crate::ids::{AccountName, DeviceId};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use rand::RngCore;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha512};
use std::fmt;
use ts_rs::TS;

/// Length of a secret or public key in bytes.
pub const KEY_BYTES: usize = 32;
/// Rounds of hashing behind a safety number: makes searching for a look-alike key dear.
const SAFETY_ROUNDS: usize = 5200;

/// What a signature is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Answering the server's challenge at sign-in.
    SignIn,
    /// A message from one participant of a call to another.
    PeerMessage,
}

impl Domain {
    const fn tag(self) -> &'static [u8] {
        match self {
            Self::SignIn => b"tincan sign-in 1",
            Self::PeerMessage => b"tincan peer message 1",
        }
    }
}

/// A secret identity key. Its `Debug` shows the public half only.
pub struct IdentityKey(SigningKey);

impl IdentityKey {
    /// Makes a new key from 32 bytes of `random`.
    pub fn generate(random: &mut impl RngCore) -> Self {
        let mut secret = [0; KEY_BYTES];
        random.fill_bytes(&mut secret);
        Self(SigningKey::from_bytes(&secret))
    }

    /// Restores a key from its 32 secret bytes.
    pub fn from_bytes(secret: &[u8; KEY_BYTES]) -> Self {
        Self(SigningKey::from_bytes(secret))
    }

    /// The 32 secret bytes, for the keyring or the key file alone.
    pub fn to_bytes(&self) -> [u8; KEY_BYTES] {
        self.0.to_bytes()
    }

    /// The half that others may know.
    pub fn public(&self) -> PublicIdentity {
        PublicIdentity(self.0.verifying_key().to_bytes())
    }

    /// Signs `parts` for one purpose.
    pub fn sign(&self, domain: Domain, parts: &[&[u8]]) -> SignatureBytes {
        SignatureBytes(self.0.sign(&transcript(domain, parts)).to_bytes())
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentityKey(public {:?})", self.public())
    }
}

/// Why a key or signature was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Not base64 of the right length.
    #[error("not a key or signature")]
    Malformed,
    /// The signature was not made by this key over these parts.
    #[error("the signature does not match")]
    BadSignature,
}

/// A public identity key; base64 without padding in text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(try_from = "String", into = "String")]
#[ts(as = "String")]
pub struct PublicIdentity([u8; KEY_BYTES]);

impl PublicIdentity {
    /// The key's 32 bytes.
    pub fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Checks a signature over `parts` made for `domain`.
    ///
    /// # Errors
    /// [`IdentityError::Malformed`] if this is no curve point, [`IdentityError::BadSignature`]
    /// if the signature is not this key's.
    pub fn verify(
        &self,
        domain: Domain,
        parts: &[&[u8]],
        signature: &SignatureBytes,
    ) -> Result<(), IdentityError> {
        let key = VerifyingKey::from_bytes(&self.0).map_err(|_| IdentityError::Malformed)?;
        key.verify_strict(&transcript(domain, parts), &Signature::from_bytes(&signature.0))
            .map_err(|_| IdentityError::BadSignature)
    }

    /// Sixty digits that two people compare to know that no one stands between them:
    /// the same on both sides, thirty from each key (iterated SHA-512).
    pub fn safety_number(&self, other: &Self) -> String {
        let (low, high) = if self.0 <= other.0 { (self, other) } else { (other, self) };
        let digits = low.fingerprint_digits() + &high.fingerprint_digits();
        let groups: Vec<&str> = (0..12).map(|i| &digits[i * 5..i * 5 + 5]).collect();
        groups.join(" ")
    }

    fn fingerprint_digits(&self) -> String {
        let mut hash = Sha512::digest(self.0);
        for _ in 0..SAFETY_ROUNDS {
            hash = Sha512::new().chain_update(hash).chain_update(self.0).finalize();
        }
        hash.chunks_exact(5)
            .take(6)
            .map(|c| c.iter().fold(0u64, |n, &b| n << 8 | u64::from(b)) % 100_000)
            .map(|n| format!("{n:05}"))
            .collect()
    }
}

impl fmt::Debug for PublicIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicIdentity({}..)", &BASE64.encode(self.0)[..8])
    }
}

impl TryFrom<String> for PublicIdentity {
    type Error = IdentityError;

    fn try_from(text: String) -> Result<Self, IdentityError> {
        decode(&text).map(Self)
    }
}

impl From<PublicIdentity> for String {
    fn from(key: PublicIdentity) -> Self {
        BASE64.encode(key.0)
    }
}

/// An Ed25519 signature, 64 bytes; base64 without padding in text.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SignatureBytes([u8; 64]);

impl fmt::Debug for SignatureBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignatureBytes")
    }
}

impl TryFrom<String> for SignatureBytes {
    type Error = IdentityError;

    fn try_from(text: String) -> Result<Self, IdentityError> {
        decode(&text).map(Self)
    }
}

impl From<SignatureBytes> for String {
    fn from(signature: SignatureBytes) -> Self {
        BASE64.encode(signature.0)
    }
}

/// The app's answer to the server's challenge: `key`'s signature over the nonce's text, the
/// account's name and the device's text.
pub fn sign_in_proof(
    key: &IdentityKey,
    nonce: &str,
    name: &AccountName,
    device: DeviceId,
) -> SignatureBytes {
    let device = device.to_string();
    key.sign(Domain::SignIn, &[nonce.as_bytes(), name.as_str().as_bytes(), device.as_bytes()])
}

/// Checks what [`sign_in_proof`] made.
///
/// # Errors
/// As [`PublicIdentity::verify`].
pub fn check_sign_in_proof(
    key: &PublicIdentity,
    nonce: &str,
    name: &AccountName,
    device: DeviceId,
    proof: &SignatureBytes,
) -> Result<(), IdentityError> {
    let device = device.to_string();
    let parts = [nonce.as_bytes(), name.as_str().as_bytes(), device.as_bytes()];
    key.verify(Domain::SignIn, &parts, proof)
}

fn decode<const N: usize>(text: &str) -> Result<[u8; N], IdentityError> {
    if text.len() > N * 2 {
        return Err(IdentityError::Malformed);
    }
    let bytes = BASE64.decode(text).map_err(|_| IdentityError::Malformed)?;
    bytes.try_into().map_err(|_| IdentityError::Malformed)
}

fn transcript(domain: Domain, parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = domain.tag().to_vec();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_key_domain_and_parts_only() {
        let (key, other) =
            (IdentityKey::generate(&mut rand::rng()), IdentityKey::generate(&mut rand::rng()));
        let signature = key.sign(Domain::SignIn, &[b"nonce", b"alice"]);
        let check = |k: &IdentityKey, d, p: &[&[u8]]| k.public().verify(d, p, &signature);
        assert_eq!(check(&key, Domain::SignIn, &[b"nonce", b"alice"]), Ok(()));
        let bad = Err(IdentityError::BadSignature);
        assert_eq!(check(&other, Domain::SignIn, &[b"nonce", b"alice"]), bad);
        assert_eq!(check(&key, Domain::PeerMessage, &[b"nonce", b"alice"]), bad);
        assert_eq!(check(&key, Domain::SignIn, &[b"noncea", b"lice"]), bad);
    }

    #[test]
    fn a_sign_in_proof_holds_for_its_nonce_name_and_device_only() {
        let key = IdentityKey::generate(&mut rand::rng());
        let (alice, bob) = ("alice".parse().expect("valid"), "bob".parse().expect("valid"));
        let (one, two) = (DeviceId::from(1), DeviceId::from(2));
        let proof = sign_in_proof(&key, "nonce", &alice, one);
        let check = |nonce, name, device| {
            check_sign_in_proof(&key.public(), nonce, name, device, &proof).is_ok()
        };
        assert!(check("nonce", &alice, one));
        assert!(!check("other", &alice, one));
        assert!(!check("nonce", &bob, one));
        assert!(!check("nonce", &alice, two));
    }

    #[test]
    fn both_sides_see_the_same_safety_number_and_another_key_changes_it() {
        let keys: Vec<_> =
            (1..=3).map(|n| IdentityKey::from_bytes(&[n; KEY_BYTES]).public()).collect();
        let number = keys[0].safety_number(&keys[1]);
        assert_eq!(number, keys[1].safety_number(&keys[0]));
        assert_eq!(number.len(), 71);
        assert_ne!(number, keys[0].safety_number(&keys[2]));
    }

    #[test]
    fn keys_survive_text_and_refuse_damage() {
        let key = IdentityKey::generate(&mut rand::rng()).public();
        let text = String::from(key);
        assert_eq!(PublicIdentity::try_from(text.clone()), Ok(key));
        assert_eq!(PublicIdentity::try_from(text[1..].to_owned()), Err(IdentityError::Malformed));
        assert_eq!(PublicIdentity::try_from("x".repeat(1 << 20)), Err(IdentityError::Malformed));
    }
}
