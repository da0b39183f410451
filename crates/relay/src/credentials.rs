//! Time-limited credentials: the REST form that coturn calls `use-auth-secret`
//! (draft-uberti-behave-turn-rest-00). Whoever knows the secret can mint and check them, so that
//! no list of users is kept.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use std::fmt;
use std::time::Duration;

/// Bytes of a secret that is made here.
const SECRET_BYTES: usize = 32;
/// Longest user name that is looked at (RFC 8489, section 14.3: under 509 bytes).
const MAX_USERNAME: usize = 508;

/// What the server that mints and the relay that checks share.
#[derive(Clone, PartialEq, Eq)]
pub struct SharedSecret(String);

impl SharedSecret {
    /// A secret that somebody chose.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// A secret that nobody knows.
    pub fn random() -> Self {
        Self(BASE64.encode(rand::random::<[u8; SECRET_BYTES]>()))
    }

    /// Mints a credential for an account, good until `expiry` (since 1970).
    pub fn mint(&self, account: &str, expiry: Duration) -> Credential {
        let username = format!("{}:{account}", expiry.as_secs());
        let password = self.password(&username);
        Credential { username, password }
    }

    /// The password that belongs to a user name.
    pub fn password(&self, username: &str) -> String {
        let mut mac = Hmac::<Sha1>::new_from_slice(self.0.as_bytes())
            .expect("an HMAC takes keys of any length");
        mac.update(username.as_bytes());
        BASE64.encode(mac.finalize().into_bytes())
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret")
    }
}

/// A user name and its password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// `<expiry>:<account>`.
    pub username: String,
    /// Base64 of HMAC-SHA1(secret, username).
    pub password: String,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential")
    }
}

/// What a user name claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim<'a> {
    /// Until when it is good, since 1970.
    pub expiry: Duration,
    /// Whose it is.
    pub account: &'a str,
}

impl<'a> Claim<'a> {
    /// Reads `<expiry>:<account>`; none if it is not of this form.
    pub fn read(username: &'a str) -> Option<Self> {
        if username.len() > MAX_USERNAME {
            return None;
        }
        let (expiry, account) = username.split_once(':')?;
        let digits = !expiry.is_empty() && expiry.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || account.is_empty() {
            return None;
        }
        Some(Self { expiry: Duration::from_secs(expiry.parse().ok()?), account })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_those_that_coturn_makes() {
        // printf %s 1433895918:alice | openssl dgst -sha1 -hmac north -binary | base64
        let credential = SharedSecret::new("north").mint("alice", Duration::from_secs(1433895918));
        assert_eq!(credential.username, "1433895918:alice");
        assert_eq!(credential.password, "RqMvcGPYTJMGThVLSi4amT4zFtI=");
    }

    #[test]
    fn user_names_are_read_back() {
        let expiry = Duration::from_secs(12);
        assert_eq!(Claim::read("12:a:b"), Some(Claim { expiry, account: "a:b" }));
        for wrong in ["", "12", "12:", ":a", "+1:a", "a:12", "99999999999999999999999:a"] {
            assert_eq!(Claim::read(wrong), None, "{wrong}");
        }
        assert_eq!(Claim::read(&format!("1:{}", "a".repeat(600))), None);
    }
}
