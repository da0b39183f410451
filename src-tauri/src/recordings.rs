//! Saves what was recorded of a call where the person finds it.

use directories::UserDirs;
use serde::Deserialize;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tincan_client::recorder::Recording;
use ts_rs::TS;

/// Files of one name are numbered up to here.
const MOST_OF_A_NAME: u32 = 1_000;

/// The form to save in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub enum RecordingFormat {
    /// Everything.
    Json,
    /// The figures as a table.
    Csv,
}

/// Saves a recording in the folder for downloads, or at home if there is none; returns the path.
///
/// # Errors
/// What the system says.
pub fn save(recording: &Recording, format: RecordingFormat) -> io::Result<PathBuf> {
    let folders = UserDirs::new().ok_or(io::ErrorKind::NotFound)?;
    let folder = folders.download_dir().unwrap_or_else(|| folders.home_dir());
    std::fs::create_dir_all(folder)?;
    save_in(folder, recording, format)
}

fn save_in(folder: &Path, recording: &Recording, format: RecordingFormat) -> io::Result<PathBuf> {
    let (extension, text) = match format {
        RecordingFormat::Json => ("json", serde_json::to_string_pretty(recording)?),
        RecordingFormat::Csv => ("csv", recording.to_csv()),
    };
    let call = recording.call.to_string();
    let name = format!("tincan-call-{}", call.get(..8).unwrap_or(&call));
    for number in 1..=MOST_OF_A_NAME {
        let path = match number {
            1 => folder.join(format!("{name}.{extension}")),
            _ => folder.join(format!("{name}-{number}.{extension}")),
        };
        match File::create_new(&path) {
            Ok(mut file) => return file.write_all(text.as_bytes()).map(|()| path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tincan_proto::units::UnixMillis;

    #[test]
    fn each_copy_has_a_file_of_its_own() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let recording = Recording {
            version: 1,
            app: String::new(),
            system: String::new(),
            call: tincan_proto::CallId::from(0x1234_5678_u128 << 96),
            started: UnixMillis(0),
            every_seconds: 1,
            events: vec![],
            samples: vec![],
        };
        let first = save_in(folder.path(), &recording, RecordingFormat::Json)?;
        let second = save_in(folder.path(), &recording, RecordingFormat::Json)?;
        assert_eq!(first, folder.path().join("tincan-call-12345678.json"));
        assert_eq!(second, folder.path().join("tincan-call-12345678-2.json"));
        let read: Recording = serde_json::from_slice(&std::fs::read(second)?)?;
        assert_eq!(read, recording);
        let table = save_in(folder.path(), &recording, RecordingFormat::Csv)?;
        assert!(std::fs::read_to_string(table)?.starts_with("seconds,participant,"));
        Ok(())
    }
}
