//! Where recordings lie: one file for each call, the oldest of too many removed.

use super::Recording;
use crate::profile::Profile;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::SystemTime;
use tincan_proto::CallId;

/// Calls kept.
const MOST_CALLS: usize = 30;
/// No recording is larger; what is was not written by this app.
const MOST_BYTES: u64 = 16 * 1024 * 1024;
const FOLDER: &str = "recordings";
const EXTENSION: &str = "json";

/// The folder of a profile.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// That of this profile; it need not exist.
    pub fn of(profile: &Profile) -> Self {
        Self { folder: profile.path(FOLDER) }
    }

    /// Keeps a recording in place of an earlier one of its call.
    ///
    /// # Errors
    /// What the system says.
    pub fn keep(&self, recording: &Recording) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let path = self.path(recording.call);
        let beside = path.with_extension("new");
        fs::write(&beside, serde_json::to_vec(recording)?)?;
        fs::rename(&beside, &path)?;
        self.remove_oldest()
    }

    /// The calls of which there is a recording, newest first.
    pub fn list(&self) -> Vec<CallId> {
        let mut files = self.files();
        files.sort_by_key(|(changed, _)| std::cmp::Reverse(*changed));
        let call = |path: PathBuf| path.file_stem()?.to_str()?.parse().ok();
        files.into_iter().filter_map(|(_, path)| call(path)).collect()
    }

    /// The recording of a call, if there is one that can be read.
    pub fn open(&self, call: CallId) -> Option<Recording> {
        let path = self.path(call);
        if fs::metadata(&path).ok()?.len() > MOST_BYTES {
            return None;
        }
        let read = serde_json::from_slice(&fs::read(path).ok()?);
        read.inspect_err(|error| tracing::warn!(%error, "a recording cannot be read")).ok()
    }

    fn path(&self, call: CallId) -> PathBuf {
        self.folder.join(format!("{call}.{EXTENSION}"))
    }

    fn files(&self) -> Vec<(SystemTime, PathBuf)> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let entry = |entry: fs::DirEntry| {
            let path = entry.path();
            let changed = entry.metadata().ok()?.modified().ok()?;
            (path.extension()? == EXTENSION).then_some((changed, path))
        };
        entries.filter_map(entry).collect()
    }

    fn remove_oldest(&self) -> io::Result<()> {
        let mut files = self.files();
        files.sort();
        let too_many = files.len().saturating_sub(MOST_CALLS);
        files.iter().take(too_many).try_for_each(|(_, path)| fs::remove_file(path))
    }
}
