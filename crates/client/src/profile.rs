//! What a profile keeps on disk: who the person is here, their settings, what they shared last,
//! and the keys that their contacts had when first seen. Every file is written beside and then renamed, so
//! that a crash leaves the old one.

use crate::view::{DeviceKind, Settings};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tincan_media::screen::ScreenKind;
use tincan_proto::{AccountName, DeviceId, PublicIdentity};

/// A profile's folder.
#[derive(Clone, Debug)]
pub struct Profile {
    name: String,
    folder: PathBuf,
}

/// Who the person is on this device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The name.
    pub name: AccountName,
    /// This installation.
    pub device: DeviceId,
    /// The server's address; absent: the one inside the app.
    pub server: Option<String>,
    /// The server has bound the name to our key.
    pub registered: bool,
}

/// What the person chose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    /// Settings.
    pub settings: Settings,
    /// Pinned devices.
    pub devices: BTreeMap<DeviceKind, String>,
    /// How loud people are heard, in percent; who is not among them as they come.
    pub volumes: BTreeMap<AccountName, u8>,
}

impl Preferences {
    /// How loud somebody is heard, in percent.
    pub fn volume(&self, account: &AccountName) -> u8 {
        self.volumes.get(account).copied().unwrap_or(USUAL_VOLUME)
    }

    /// Hears somebody so loud from now on; returns what is left of what was asked for.
    pub fn set_volume(&mut self, account: AccountName, percent: u8) -> u8 {
        let percent = percent.min(MOST_VOLUME);
        match percent {
            USUAL_VOLUME => self.volumes.remove(&account),
            _ => self.volumes.insert(account, percent),
        };
        percent
    }
}

/// As it comes.
const USUAL_VOLUME: u8 = 100;
/// The loudest.
const MOST_VOLUME: u8 = 200;

/// What was shared last by the system's own dialog.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastShare {
    /// With this the system gives it again without asking, once.
    pub token: String,
    /// What it was called.
    pub name: String,
    /// What it was.
    pub kind: ScreenKind,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

impl fmt::Debug for LastShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LastShare({})", self.name)
    }
}

/// The key that each contact had when this device first saw them.
pub type PinnedKeys = BTreeMap<AccountName, PublicIdentity>;

const ACCOUNT: &str = "account.json";
const LAST_SHARE: &str = "last-share.json";
const PREFERENCES: &str = "preferences.json";
const PINNED_KEYS: &str = "pinned-keys.json";

impl Profile {
    /// Opens a profile's folder, making it if it is new; only this user can look into it.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(name: &str, folder: impl Into<PathBuf>) -> io::Result<Self> {
        let folder = folder.into();
        fs::create_dir_all(&folder)?;
        restrict(&folder, 0o700)?;
        Ok(Self { name: name.to_owned(), folder })
    }

    /// The profile's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The path of a file of this profile.
    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    /// The account, if the person has signed in before.
    pub fn account(&self) -> Option<Account> {
        self.read(ACCOUNT)
    }

    /// Keeps the account, or forgets it.
    ///
    /// # Errors
    /// What the system says.
    pub fn keep_account(&self, account: Option<&Account>) -> io::Result<()> {
        self.keep_or_forget(ACCOUNT, account)
    }

    /// What the person chose; defaults where there is nothing.
    pub fn preferences(&self) -> Preferences {
        self.read(PREFERENCES).unwrap_or_default()
    }

    /// Keeps what the person chose.
    ///
    /// # Errors
    /// What the system says.
    pub fn keep_preferences(&self, preferences: &Preferences) -> io::Result<()> {
        self.write(PREFERENCES, preferences)
    }

    /// Keys seen first.
    pub fn pinned_keys(&self) -> PinnedKeys {
        self.read(PINNED_KEYS).unwrap_or_default()
    }

    /// Keeps keys seen first.
    ///
    /// # Errors
    /// What the system says.
    pub fn keep_pinned_keys(&self, keys: &PinnedKeys) -> io::Result<()> {
        self.write(PINNED_KEYS, keys)
    }

    /// What was shared last, if the system gives it again.
    pub fn last_share(&self) -> Option<LastShare> {
        self.read(LAST_SHARE)
    }

    /// Keeps what was shared last, or forgets it.
    ///
    /// # Errors
    /// What the system says.
    pub fn keep_last_share(&self, last: Option<&LastShare>) -> io::Result<()> {
        self.keep_or_forget(LAST_SHARE, last)
    }

    fn keep_or_forget<T: Serialize>(&self, file: &str, value: Option<&T>) -> io::Result<()> {
        match value {
            Some(value) => self.write(file, value),
            None => match fs::remove_file(self.path(file)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        }
    }

    fn read<T: DeserializeOwned>(&self, file: &str) -> Option<T> {
        let text = fs::read(self.path(file)).ok()?;
        match serde_json::from_slice(&text) {
            Ok(value) => Some(value),
            Err(error) => {
                tracing::warn!(file, %error, "a file of the profile cannot be read: set aside");
                let _ = fs::rename(self.path(file), self.path(&format!("{file}.broken")));
                None
            }
        }
    }

    fn write<T: Serialize>(&self, file: &str, value: &T) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(value).map_err(io::Error::other)?;
        write_private(&self.path(file), &text)
    }
}

/// Writes a file that only this user can read, whole or not at all.
///
/// # Errors
/// What the system says.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    // A left-over of a crash may have other permissions.
    let _ = fs::remove_file(&beside);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

#[cfg(unix)]
fn restrict(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn restrict(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile() -> (tempfile::TempDir, Profile) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let profile = Profile::open("alice", folder.path()).expect("a profile");
        (folder, profile)
    }

    #[test]
    fn how_loud_somebody_is_heard_is_kept_within_bounds() {
        let (_folder, profile) = profile();
        let (bob, carol) = ("bob".parse().expect("valid"), "carol".parse().expect("valid"));
        let mut preferences = profile.preferences();
        assert_eq!(preferences.set_volume(bob, 250), 200);
        preferences.set_volume(carol, 30);
        profile.keep_preferences(&preferences).expect("kept");
        let mut kept = profile.preferences();
        let volumes =
            ["bob", "carol", "dora"].map(|name| kept.volume(&name.parse().expect("valid")));
        assert_eq!(volumes, [200, 30, 100]);
        kept.set_volume("bob".parse().expect("valid"), 100);
        assert_eq!(kept.volumes.len(), 1, "what is usual is not kept");
    }

    #[test]
    fn what_is_kept_comes_back_and_can_be_forgotten() {
        let (_folder, profile) = profile();
        assert_eq!(profile.account(), None);
        let account = Account {
            name: "alice".parse().expect("valid"),
            device: DeviceId::from(7),
            server: None,
            registered: true,
        };
        profile.keep_account(Some(&account)).expect("kept");
        assert_eq!(profile.account(), Some(account));
        profile.keep_account(None).expect("forgotten");
        profile.keep_account(None).expect("forgetting twice is fine");
        assert_eq!(profile.account(), None);
    }

    #[test]
    fn a_broken_file_is_set_aside_and_not_lost() {
        let (_folder, profile) = profile();
        fs::write(profile.path(PREFERENCES), "{ not json").expect("written");
        assert_eq!(profile.preferences(), Preferences::default());
        let aside = fs::read_to_string(profile.path("preferences.json.broken"));
        assert_eq!(aside.expect("set aside"), "{ not json");
    }

    #[cfg(unix)]
    #[test]
    fn files_are_for_this_user_alone() {
        use std::os::unix::fs::PermissionsExt;
        let (folder, profile) = profile();
        profile.keep_preferences(&Preferences::default()).expect("kept");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&profile.path(PREFERENCES)), 0o600);
        assert_eq!(mode(folder.path()), 0o700);
    }
}
