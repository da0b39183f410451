//! rtkit, which desktops have beside their sound server: it gives real-time priority to the threads
//! of persons who may not take it themselves.

use dbus::blocking::Connection;
use dbus::blocking::stdintf::org_freedesktop_dbus::Properties;
use std::time::Duration;
use tincan_media::pipeline::real_time::{Priority, ThreadId};

/// It answers at once or not at all, and sound is waiting.
const PATIENCE: Duration = Duration::from_millis(500);
/// Its name and its interface; its object has the same with slashes.
const RTKIT: &str = "org.freedesktop.RealtimeKit1";

/// Asks it for a thread of this process.
pub(crate) fn ask(thread: ThreadId, priority: Priority) -> Result<(), String> {
    ask_over_bus(thread, priority).map_err(|error| error.to_string())
}

fn ask_over_bus(thread: ThreadId, priority: Priority) -> Result<(), dbus::Error> {
    let bus = Connection::new_system()?;
    let rtkit = bus.with_proxy(RTKIT, "/org/freedesktop/RealtimeKit1", PATIENCE);
    let most: i32 = rtkit.get(RTKIT, "MaxRealtimePriority")?;
    let priority = priority.min(most.unsigned_abs());
    rtkit.method_call(RTKIT, "MakeThreadRealtime", (u64::from(thread.unsigned_abs()), priority))
}
