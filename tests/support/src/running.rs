//! Child processes that end with their handle, and the processes that those have started.

use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a process may take to end when asked to.
const PATIENCE: Duration = Duration::from_secs(2);

/// A child process with its output in files; ended when dropped.
#[derive(Debug)]
pub struct Running {
    name: String,
    child: Child,
    log: PathBuf,
    output: PathBuf,
}

impl Running {
    /// Starts it; `folder` gets `NAME.log` (standard error) and `NAME.out` (standard output).
    pub fn start(name: &str, mut command: Command, folder: &Path) -> Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let output = folder.join(format!("{name}.out"));
        let child = command
            .stdin(Stdio::null())
            .stdout(File::create(&output).with_context(|| format!("while making {output:?}"))?)
            .stderr(File::create(&log).with_context(|| format!("while making {log:?}"))?)
            .spawn()
            .with_context(|| {
                let program = command.get_program().to_string_lossy().into_owned();
                format!("while starting `{program}` (cargo xtask test installs what is missing)")
            })?;
        Ok(Self { name: name.into(), child, log, output })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where its standard error goes.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// An error if it has ended.
    pub fn still_there(&mut self) -> Result<()> {
        match self.child.try_wait().context("while looking at a child")? {
            None => Ok(()),
            Some(status) => bail!("{} has ended with {status}: see {:?}", self.name, self.log),
        }
    }

    /// Waits for the first whole line on its standard output.
    pub fn first_line(&mut self, limit: Duration) -> Result<String> {
        let deadline = Instant::now() + limit;
        loop {
            let said = fs::read_to_string(&self.output).unwrap_or_default();
            if let Some((line, _)) = said.split_once('\n') {
                return Ok(line.trim().to_owned());
            }
            self.still_there()?;
            if Instant::now() > deadline {
                bail!("{} says nothing: see {:?}", self.name, self.log);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        signal("TERM", &[self.child.id()]);
        let deadline = Instant::now() + PATIENCE;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The variable that marks all processes that one app has started, WebKit's included: the driver
/// starts the app, so it is no child of ours, and outlives the driver.
const MARK: &str = "TINCAN_TEST_INSTANCE";

/// A mark that processes inherit through their environment.
#[derive(Clone, Debug)]
pub struct Mark(String);

impl Mark {
    /// A mark of its own for the instance with this name.
    pub fn new(name: &str) -> Self {
        Self(format!("{}-{name}", std::process::id()))
    }

    /// Puts it on a command to come.
    pub fn put_on(&self, command: &mut Command) {
        command.env(MARK, &self.0);
    }

    /// The ids of all processes that carry it.
    pub fn processes(&self) -> Vec<u32> {
        let wanted = format!("{MARK}={}", self.0);
        let Ok(all) = fs::read_dir("/proc") else { return Vec::new() };
        all.flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
            .filter(|id| {
                fs::read(format!("/proc/{id}/environ")).is_ok_and(|variables| {
                    variables.split(|byte| *byte == 0).any(|one| one == wanted.as_bytes())
                })
            })
            .collect()
    }

    /// The process among them that runs this program.
    pub fn process_of(&self, program: &Path) -> Option<u32> {
        let program = program.canonicalize().ok()?;
        self.processes().into_iter().find(|id| {
            fs::read_link(format!("/proc/{id}/exe")).is_ok_and(|running| running == program)
        })
    }
}

/// Sends a signal, `TERM` or `KILL`, to processes that may be gone.
pub fn signal(name: &str, ids: &[u32]) {
    if ids.is_empty() {
        return;
    }
    // Best effort by nature: between the look and the signal a process may end.
    let _ = Command::new("sh")
        .args(["-c", "signal=$1; shift; kill -s \"$signal\" \"$@\"", "kill", name])
        .args(ids.iter().map(u32::to_string))
        .stderr(Stdio::null())
        .status();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_processes_are_found_through_their_parents_death() {
        let mark = Mark::new("orphan");
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 >/dev/null 2>&1 & exit 0"]);
        mark.put_on(&mut command);
        assert!(command.status().expect("a shell").success());
        // While a process changes from the shell to the program it has no environment to read.
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut left = mark.processes();
        while left.is_empty() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
            left = mark.processes();
        }
        signal("KILL", &left);
        assert_eq!(left.len(), 1);
    }

    #[test]
    fn child_ends_with_its_handle() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo here; exec sleep 60"]);
        let mut running =
            Running::start("sleeper", command, &std::env::temp_dir()).expect("a shell");
        assert_eq!(running.first_line(Duration::from_secs(5)).expect("it speaks"), "here");
        let id = running.id();
        drop(running);
        assert!(!Path::new(&format!("/proc/{id}")).exists());
    }
}
