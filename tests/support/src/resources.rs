//! What a process holds: memory, file descriptors and threads.

use crate::memory;
use anyhow::{Context, Result};
use std::fs;

/// What a process holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Held {
    /// Its proportional set size in mebibytes.
    pub mebibytes: f64,
    /// Open file descriptors.
    pub descriptors: usize,
    /// Threads.
    pub threads: usize,
}

/// Reads what a process holds now.
///
/// # Errors
/// It has ended, or it is somebody else's.
pub fn held_by(process: u32) -> Result<Held> {
    let entries = |name: &str| {
        let folder = format!("/proc/{process}/{name}");
        fs::read_dir(&folder).map(Iterator::count).with_context(|| format!("reading {folder}"))
    };
    Ok(Held {
        mebibytes: memory::of(&[process])?.values().sum(),
        descriptors: entries("fd")?,
        threads: entries("task")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_process_opens_is_counted() {
        let before = held_by(std::process::id()).expect("readable");
        let file = fs::File::open("/dev/null").expect("it is there");
        let after = held_by(std::process::id()).expect("readable");
        assert_eq!(after.descriptors, before.descriptors + 1, "{file:?}");
        assert!(after.threads >= 1 && after.mebibytes > 0.5, "{after:?}");
    }
}
