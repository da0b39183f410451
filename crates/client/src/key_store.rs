//! Where the identity key lies: in the system's keyring, else in a file that only this user
//! can read. A key that is there once is never replaced.

use crate::profile::{Profile, write_private};
use std::fs;
use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tincan_proto::IdentityKey;
use tincan_proto::identity::KEY_BYTES;

const SERVICE: &str = "org.tincan.Tincan";
const KEY_FILE: &str = "identity.key";
/// A keyring may ask the person to unlock it, or hang: after this the file is used.
const KEYRING_PATIENCE: Duration = Duration::from_secs(4);

/// Where the key was found or put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// The system's keyring.
    Keyring,
    /// A file with mode 0600.
    File,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyStoreError {
    /// The file cannot be read or written.
    #[error("the key file cannot be used: {0}")]
    File(#[from] io::Error),
    /// Keyring or file hold something that is no key.
    #[error("what is stored as the identity key is not a key")]
    Damaged,
}

/// Loads the profile's key, or makes one and stores it. Blocks for some seconds at worst.
///
/// # Errors
/// [`KeyStoreError`]; a new key is not made over one that cannot be read.
pub fn load_or_create(
    profile: &Profile,
    use_keyring: bool,
) -> Result<(IdentityKey, KeyPlace), KeyStoreError> {
    let file = profile.path(KEY_FILE);
    match fs::read(&file) {
        Ok(bytes) => return Ok((parse(&bytes)?, KeyPlace::File)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    let user = profile.path("").to_string_lossy().into_owned();
    if use_keyring {
        match in_keyring(move || read_or_create_entry(&user)) {
            Some(Ok(bytes)) => return Ok((parse(&bytes)?, KeyPlace::Keyring)),
            Some(Err(error)) => tracing::info!(%error, "no keyring: the key goes into a file"),
            None => tracing::info!("the keyring does not answer: the key goes into a file"),
        }
    }
    let key = IdentityKey::generate(&mut rand::rng());
    write_private(&file, &key.to_bytes())?;
    Ok((key, KeyPlace::File))
}

fn parse(bytes: &[u8]) -> Result<IdentityKey, KeyStoreError> {
    let bytes: [u8; KEY_BYTES] = bytes.try_into().map_err(|_| KeyStoreError::Damaged)?;
    Ok(IdentityKey::from_bytes(&bytes))
}

fn read_or_create_entry(user: &str) -> keyring::Result<Vec<u8>> {
    let entry = keyring::Entry::new(SERVICE, user)?;
    match entry.get_secret() {
        Err(keyring::Error::NoEntry) => {
            let key = IdentityKey::generate(&mut rand::rng()).to_bytes();
            entry.set_secret(&key)?;
            // A store that forgets at once is no store.
            entry.get_secret()
        }
        other => other,
    }
}

/// Runs on a thread of its own, which is left behind if the keyring hangs.
fn in_keyring<T: Send + 'static>(ask: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (reply, answer) = mpsc::sync_channel(1);
    let asked = thread::Builder::new().name("keyring".into()).spawn(move || {
        let _ = reply.send(ask());
    });
    asked.ok().and_then(|_| answer.recv_timeout(KEYRING_PATIENCE).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_comes_back_from_its_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let profile = Profile::open("alice", folder.path()).expect("a profile");
        let (first, place) = load_or_create(&profile, false).expect("made");
        assert_eq!(place, KeyPlace::File);
        let (second, _) = load_or_create(&profile, false).expect("found");
        assert_eq!(first.public(), second.public());
    }

    #[test]
    fn a_damaged_key_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let profile = Profile::open("alice", folder.path()).expect("a profile");
        fs::write(profile.path(KEY_FILE), "short").expect("written");
        assert!(matches!(load_or_create(&profile, false), Err(KeyStoreError::Damaged)));
        assert_eq!(fs::read(profile.path(KEY_FILE)).expect("kept"), b"short");
    }

    #[test]
    fn a_hanging_keyring_is_left_behind() {
        let (release, held) = mpsc::channel::<()>();
        let started = std::time::Instant::now();
        assert_eq!(in_keyring(move || held.recv().is_ok()), None);
        assert!(started.elapsed() >= KEYRING_PATIENCE);
        drop(release);
    }
}
