//! Notifications: a ringing call with its buttons, which goes at once when the ring ends, and
//! missed calls until the person has looked. What is to be shown follows from the state; this
//! compares it with what is shown.

#[cfg(target_os = "linux")]
mod freedesktop;
#[cfg(not(target_os = "linux"))]
mod plugin;
mod wanted;

#[cfg(target_os = "linux")]
pub use freedesktop::follow;
#[cfg(not(target_os = "linux"))]
pub use plugin::follow;

use serde::Serialize;
use ts_rs::TS;

/// What the desktop's notifications can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum NotificationSupport {
    /// They are shown, with buttons.
    Full,
    /// They are shown without buttons: the window of the ringing call has them.
    NoActions,
    /// Nothing shows notifications.
    #[default]
    None,
}
