//! Files that follow each other when one is full.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file of this size is full: some days of calls.
const FULL: u64 = 2 * 1024 * 1024;
/// So many are kept, the one that is written among them.
const KEPT: u32 = 5;

/// Writes to the newest of a few files. Opens it with the first line, so that a start that has
/// nothing to say leaves nothing behind.
pub struct LogFiles {
    folder: PathBuf,
    open: Option<(File, u64)>,
    full: u64,
}

/// The path of a file by its age: 0 is the one that is written.
pub fn path(folder: &Path, age: u32) -> PathBuf {
    folder.join(match age {
        0 => "tincan.log".to_owned(),
        age => format!("tincan.{age}.log"),
    })
}

impl LogFiles {
    /// Files in `folder`, which is made when needed.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), open: None, full: FULL }
    }

    fn newest(&mut self) -> io::Result<&mut (File, u64)> {
        if self.open.as_ref().is_some_and(|(_, written)| *written >= self.full) {
            self.open = None;
            self.rotate()?;
        }
        if self.open.is_none() {
            fs::create_dir_all(&self.folder)?;
            let mut options = OpenOptions::new();
            options.create(true).append(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let file = options.open(path(&self.folder, 0))?;
            let written = file.metadata()?.len();
            self.open = Some((file, written));
        }
        self.open.as_mut().ok_or_else(|| io::Error::other("the log is closed"))
    }

    fn rotate(&self) -> io::Result<()> {
        for age in (0..KEPT - 1).rev() {
            match fs::rename(path(&self.folder, age), path(&self.folder, age + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

impl Write for LogFiles {
    /// Takes a whole line: one is never divided between two files.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let (file, written) = self.newest()?;
        file.write_all(line)?;
        *written += line.len() as u64;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("tincan-{}-{name}", std::process::id()));
            let _ = fs::remove_dir_all(&folder);
            Self(folder)
        }

        fn read(&self, age: u32) -> Option<String> {
            fs::read_to_string(path(&self.0, age)).ok()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_last_files_are_kept_and_older_ones_make_room() {
        let folder = Folder::new("log-rotation");
        let mut files = LogFiles { full: 10, ..LogFiles::new(&folder.0) };
        for line in 0..20 {
            files.write_all(format!("line {line:02}\n").as_bytes()).expect("a writable folder");
        }
        // Two lines fill a file of ten bytes.
        assert_eq!(folder.read(0).as_deref(), Some("line 18\nline 19\n"));
        assert_eq!(folder.read(KEPT - 1).as_deref(), Some("line 10\nline 11\n"));
        assert_eq!(folder.read(KEPT), None);
    }

    #[test]
    fn the_next_start_goes_on_where_the_last_one_ended() {
        let folder = Folder::new("log-restart");
        for line in ["one\n", "two\n"] {
            LogFiles::new(&folder.0).write_all(line.as_bytes()).expect("a writable folder");
        }
        assert_eq!(folder.read(0).as_deref(), Some("one\ntwo\n"));
        assert_eq!(folder.read(1), None);
    }

    #[test]
    fn nothing_is_made_before_the_first_line() {
        let folder = Folder::new("log-silent");
        drop(LogFiles::new(&folder.0));
        assert!(!folder.0.exists());
    }
}
