//! Real-time priority for the threads of sound, so that a busy machine does not make them late. The
//! system may refuse it; sound goes on without.
//!
//! A thread that does not block for [`MOST`] loses it again, whatever gave it: nothing of ours may
//! bring a machine to a stand.

#[cfg(target_os = "linux")]
mod linux;

#[cfg(target_os = "linux")]
pub use linux::{ThreadId, ask_by, hurry, this_thread};

use std::time::Duration;

/// Processor time without a pause after which a thread is an ordinary one again. Blocks last 10 ms;
/// more than 200 ms the daemon that grants it (rtkit) does not allow.
const MOST: Duration = Duration::from_millis(100);

/// Asks somebody who may give priority to others for that of a thread; the error is in words.
pub type Asker = fn(ThreadId, Priority) -> Result<(), String>;

/// A real-time priority: larger ones come first.
pub type Priority = u32;

/// The system's name of a thread.
#[cfg(not(target_os = "linux"))]
pub type ThreadId = i32;

/// The calling thread. May be asked in an audio callback.
#[cfg(not(target_os = "linux"))]
pub fn this_thread() -> ThreadId {
    0
}

/// Asks for real-time priority for a thread of this process; elsewhere the system's own sound
/// threads have it by themselves. Returns whether it was granted.
#[cfg(not(target_os = "linux"))]
pub fn hurry(_: ThreadId) -> bool {
    false
}

/// From now on `asker` is asked where the kernel refuses; on Linux alone.
#[cfg(not(target_os = "linux"))]
pub fn ask_by(_: Asker) {}

#[cfg(all(test, target_os = "linux"))]
mod tests;
