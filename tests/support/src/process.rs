//! Child processes that end with their owner, and tests that run as one.

use anyhow::{Context, Result, bail, ensure};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

/// Tells a test that it is the inner one.
const INNER: &str = "TINCAN_TEST_INNER";
/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A child process; dropping it ends it.
#[derive(Debug)]
pub struct Owned(Child);

impl Owned {
    /// Starts `command`.
    ///
    /// # Errors
    /// It cannot be started, as a rule because it is not installed.
    pub fn start(command: &mut Command) -> Result<Self> {
        let child = command.spawn().with_context(|| format!("while starting {command:?}"))?;
        Ok(Self(child))
    }

    /// The child, for its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// It still runs after `patience`; it is then ended.
    pub fn finish(mut self, patience: Duration) -> Result<ExitStatus> {
        wait_until(patience, "a child process ends", || Ok(self.0.try_wait()?.is_some()))?;
        Ok(self.0.wait()?)
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until `condition` holds.
///
/// # Errors
/// It does not hold after `patience`, or looking fails.
pub fn wait_until(
    patience: Duration,
    what: &str,
    mut condition: impl FnMut() -> Result<bool>,
) -> Result<()> {
    let deadline = Instant::now() + patience;
    while !condition().with_context(|| format!("while waiting until {what}"))? {
        if Instant::now() > deadline {
            bail!("waited {patience:?} in vain until {what}");
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

/// Whether this process is the inner one of [`run_inner`].
pub fn is_inner() -> bool {
    std::env::var_os(INNER).is_some()
}

/// Runs the test of this name again in a process of its own, with these variables: libraries
/// find the sound server by the environment, which a process with threads cannot change.
/// Returns what it wrote to stderr.
///
/// # Errors
/// The inner test failed, or ran for longer than `patience`.
pub fn run_inner(test: &str, env: &[(String, String)], patience: Duration) -> Result<String> {
    let log = std::env::temp_dir().join(format!("tincan-{}-{test}.log", std::process::id()));
    let stderr = std::fs::File::create(&log).context("while making a log")?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]);
    command.env(INNER, "1").envs(env.iter().cloned());
    command.stderr(stderr).stdout(std::process::Stdio::null());
    let ended = Owned::start(&mut command)?.finish(patience);
    let written = std::fs::read_to_string(&log).unwrap_or_default();
    let _ = std::fs::remove_file(&log);
    let status = ended.with_context(|| format!("inner test {test} wrote:\n{written}"))?;
    ensure!(status.success(), "inner test {test} failed:\n{written}");
    Ok(written)
}
