//! Screens and windows to share, and what is shared.

use serde::Serialize;
use tincan_media::screen::{ScreenKind, ScreenUnavailable};
use ts_rs::TS;

/// What can be shared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ScreensView {
    /// Who lets the person choose.
    pub access: ScreenAccessView,
    /// Monitors, then windows. Where the system's own dialog asks: only what was shared last, if
    /// the system gives it again without asking.
    pub targets: Vec<ScreenView>,
    /// The sound of what is shared can be shared, too.
    pub has_sound: bool,
    /// The list and its thumbnails are kept current.
    pub watching: bool,
}

/// Who lets the person choose what to share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ScreenAccessView {
    /// The window, from the list.
    Listed,
    /// The system's own dialog.
    SystemDialog,
    /// Nobody: screens cannot be shared here.
    Unavailable {
        /// Why.
        reason: ScreenUnavailable,
    },
}

/// Something that can be shared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ScreenView {
    /// To choose it by.
    pub id: String,
    /// What it is.
    pub kind: ScreenKind,
    /// The monitor's name or the window's title.
    pub name: String,
    /// The program that a window belongs to, if it says so.
    pub app: Option<String>,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// The main monitor.
    pub primary: bool,
    /// A small picture as a `data:` URL, while the list is watched.
    pub thumbnail: Option<String>,
}

/// What this person shares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ShareView {
    /// Nothing.
    Off,
    /// It begins: the system's dialog is open, or the first picture is awaited.
    Starting {
        /// What was chosen in our list.
        target: Option<ScreenView>,
    },
    /// The others may see it.
    Sharing {
        /// What it is called.
        name: String,
        /// What it is.
        target_kind: ScreenKind,
        /// Width of the pictures that are taken.
        width: u32,
        /// Height of the pictures that are taken.
        height: u32,
        /// They hear what belongs to it, unless they see the camera.
        sound: bool,
        /// The others see the camera at the moment; the screen is one switch away.
        showing_camera: bool,
    },
}

/// Why sharing did not begin, or ended by itself. A person who declines has no problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum ShareProblem {
    /// What was shared is gone, or the system stopped it.
    Closed,
    /// The system does not allow it.
    Refused,
    /// The desktop lets programs see screens through a portal alone, and there is none.
    NoPortal,
    /// It cannot be taken here.
    Unsupported,
}
