//! The cookie of PulseAudio. Servers, PipeWire's too, refuse a client that sends none, and the
//! client library below cpal sends none where there is no file. On a desktop without programs
//! that use PulseAudio's own library, which makes the file, we would fall back to ALSA.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Result, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// `PA_NATIVE_COOKIE_LENGTH` of PulseAudio's `native-common.h`.
const LENGTH: usize = 256;

/// Makes the file where PulseAudio's library makes it, if there is none. Its content counts
/// only for servers of other users.
pub(super) fn provide() {
    let Some(home) = std::env::home_dir() else { return };
    let named = std::env::var_os("PULSE_COOKIE").is_some_and(|path| Path::new(&path).exists());
    if named || home.join(".pulse-cookie").exists() {
        return;
    }
    let folder = home.join(".config/pulse");
    if !folder.join("cookie").exists()
        && let Err(error) = make(&folder)
    {
        tracing::warn!(%error, "no cookie for the sound server");
    }
}

fn make(folder: &Path) -> Result<()> {
    let mut cookie = [0; LENGTH];
    File::open("/dev/urandom")?.read_exact(&mut cookie)?;
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let path = folder.join("cookie");
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => file.write_all(&cookie),
        // Another program was quicker.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn a_cookie_is_private_and_made_only_once() {
        let folder = std::env::temp_dir().join(format!("tincan-cookie-{}", std::process::id()));
        make(&folder).unwrap();
        let made = std::fs::read(folder.join("cookie")).unwrap();
        let mode = std::fs::metadata(folder.join("cookie")).unwrap().mode();
        make(&folder).unwrap();
        let again = std::fs::read(folder.join("cookie")).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!((made.len(), mode & 0o777), (LENGTH, 0o600));
        assert_ne!(made, [0; LENGTH]);
        assert_eq!(again, made);
    }
}
