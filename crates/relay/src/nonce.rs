//! Nonces that nobody has to remember: each carries its time and a seal over time and client.

use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::net::SocketAddr;
use std::time::Duration;

/// Bytes of the seal: enough against guessing within a nonce's life, short because every
/// refusal carries it.
const SEAL_BYTES: usize = 12;
const TIME_DIGITS: usize = 8;

/// Makes and checks nonces.
#[derive(Clone)]
pub struct Nonces {
    key: [u8; 32],
    lifetime: Duration,
}

impl std::fmt::Debug for Nonces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Nonces")
    }
}

impl Nonces {
    /// With a key that nobody else may know.
    pub fn new(key: [u8; 32], lifetime: Duration) -> Self {
        Self { key, lifetime }
    }

    /// A nonce for one client. `unix` is the time since 1970.
    pub fn make(&self, client: SocketAddr, unix: Duration) -> String {
        let time = format!("{:0TIME_DIGITS$x}", unix.as_secs() & u64::from(u32::MAX));
        let seal = self.seal(&time, client);
        seal.iter().fold(time, |text, byte| text + &format!("{byte:02x}"))
    }

    /// Whether the nonce was made here, for this client, and lately.
    pub fn is_good(&self, nonce: &str, client: SocketAddr, unix: Duration) -> bool {
        let Some((time, _)) = nonce.split_at_checked(TIME_DIGITS) else { return false };
        let Ok(made) = u64::from_str_radix(time, 16) else { return false };
        let age = unix.as_secs().checked_sub(made);
        let young = age.is_some_and(|age| age < self.lifetime.as_secs());
        young && nonce == self.make(client, Duration::from_secs(made))
    }

    fn seal(&self, time: &str, client: SocketAddr) -> [u8; SEAL_BYTES] {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.key).expect("an HMAC takes keys of any length");
        mac.update(time.as_bytes());
        mac.update(client.to_string().as_bytes());
        let seal: [u8; 32] = mac.finalize().into_bytes().into();
        *seal.first_chunk().expect("it is longer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_good_for_its_client_and_its_time() {
        let nonces = Nonces::new([7; 32], Duration::from_secs(60));
        let client = SocketAddr::from(([192, 0, 2, 1], 5000));
        let other = SocketAddr::from(([192, 0, 2, 1], 5001));
        let made = Duration::from_secs(1_700_000_000);
        let nonce = nonces.make(client, made);
        assert!(nonces.is_good(&nonce, client, made + Duration::from_secs(59)));
        assert!(!nonces.is_good(&nonce, client, made + Duration::from_secs(60)), "too old");
        assert!(!nonces.is_good(&nonce, client, made - Duration::from_secs(1)), "of the future");
        assert!(!nonces.is_good(&nonce, other, made), "another client's");
        assert!(!Nonces::new([8; 32], Duration::from_secs(60)).is_good(&nonce, client, made));
        for wrong in ["", "1", "zzzzzzzz", &nonce[..20], "ééééééééé"] {
            assert!(!nonces.is_good(wrong, client, made), "{wrong}");
        }
    }
}
