//! Which streams belong to which programs: by the processes that play them.

use std::path::PathBuf;

/// A chain of parents is followed no further.
const DEEPEST: usize = 64;

/// A stream that some program plays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stream {
    /// Its number at the server.
    pub(super) index: u32,
    /// The process that plays it, as that process sees itself.
    pub(super) process: Option<u32>,
    /// The name of its executable file.
    pub(super) binary: Option<String>,
}

/// The programs that are listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Programs {
    /// The process and what it has started.
    Of(u32),
    /// All but this process and what it has started.
    NotOf(u32),
}

/// What is known of processes.
pub(super) trait Processes {
    /// Who started it; `None` if there is no such process.
    fn parent(&self, process: u32) -> Option<u32>;
    /// The name of its executable file.
    fn binary(&self, process: u32) -> Option<String>;
}

impl Programs {
    /// Whether the stream is theirs.
    pub(super) fn include(self, stream: &Stream, processes: &impl Processes) -> bool {
        // Who does not say where it comes from might be ourselves.
        let Some(process) = stream.process else { return false };
        match self {
            Self::NotOf(ours) => !within(process, ours, processes),
            Self::Of(theirs) => {
                let known = processes.binary(process);
                // In a container processes have numbers of their own, which say nothing here.
                let numbered = stream.binary.is_none() || known == stream.binary;
                if numbered {
                    within(process, theirs, processes)
                } else {
                    stream.binary == processes.binary(theirs)
                }
            }
        }
    }
}

fn within(process: u32, root: u32, processes: &impl Processes) -> bool {
    std::iter::successors(Some(process), |&it| processes.parent(it))
        .take(DEEPEST)
        .any(|it| it == root)
}

/// The processes of this machine.
pub(super) struct System;

impl Processes for System {
    fn parent(&self, process: u32) -> Option<u32> {
        let stat = std::fs::read_to_string(file(process, "stat")).ok()?;
        // The name, in parentheses, may contain anything.
        let after_name = &stat[stat.rfind(')')? + 1..];
        after_name.split_whitespace().nth(1)?.parse().ok()
    }

    fn binary(&self, process: u32) -> Option<String> {
        let path = std::fs::read_link(file(process, "exe")).ok()?;
        Some(path.file_name()?.to_string_lossy().into_owned())
    }
}

fn file(process: u32, name: &str) -> PathBuf {
    ["/proc", &process.to_string(), name].iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Process 1 started 10 (a shell), that 11 (a player), and 20 (a browser), that 21.
    struct Few;

    impl Processes for Few {
        fn parent(&self, process: u32) -> Option<u32> {
            match process {
                11 => Some(10),
                21 => Some(20),
                10 | 20 => Some(1),
                1 => Some(0),
                _ => None,
            }
        }

        fn binary(&self, process: u32) -> Option<String> {
            let name = match process {
                10 => "shell",
                11 => "player",
                20 | 21 => "browser",
                _ => return None,
            };
            Some(name.into())
        }
    }

    fn stream(process: u32, binary: &str) -> Stream {
        Stream { index: 0, process: Some(process), binary: Some(binary.into()) }
    }

    #[test]
    fn a_window_has_the_sound_of_its_process_and_of_what_that_has_started() {
        let shell = Programs::Of(10);
        assert!(shell.include(&stream(10, "shell"), &Few));
        assert!(shell.include(&stream(11, "player"), &Few));
        assert!(!shell.include(&stream(21, "browser"), &Few));
        let unnamed = Stream { process: Some(11), ..Stream::default() };
        assert!(shell.include(&unnamed, &Few));
    }

    #[test]
    fn in_a_container_the_executable_counts_and_not_the_number() {
        // In there 11 is the browser; out here it is the player.
        let inside = stream(11, "browser");
        assert!(Programs::Of(20).include(&inside, &Few));
        assert!(!Programs::Of(10).include(&inside, &Few));
    }

    #[test]
    fn all_programs_are_all_but_the_own() {
        let others = Programs::NotOf(10);
        assert!(others.include(&stream(21, "browser"), &Few));
        assert!(!others.include(&stream(11, "player"), &Few));
        assert!(!others.include(&Stream::default(), &Few), "who knows whose it is");
    }

    #[test]
    fn this_process_has_a_parent_and_an_executable() {
        let own = std::process::id();
        assert_eq!(System.parent(own), Some(std::os::unix::process::parent_id()));
        assert!(System.binary(own).is_some_and(|name| name.starts_with("tincan_devices")));
        assert_eq!(System.parent(u32::MAX), None);
    }
}
