//! The port to screens: what the app may ask of monitors and windows that are to be shared.
//! `tincan-devices` implements it for real desktops; `synthetic` for tests.

use crate::audio::AudioBlock;
use crate::frame::VideoFrame;
use crate::mailbox::NewestIn;
use crate::pipeline::worker::Worker;
use serde::{Deserialize, Serialize};
use tincan_proto::units::Resolution;
use ts_rs::TS;

/// A thumbnail fits in this.
pub const THUMBNAIL: Resolution = Resolution::new(320, 200);

/// A monitor or a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum ScreenKind {
    /// A monitor.
    Monitor,
    /// A window.
    Window,
}

/// Something that can be shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScreenTarget {
    /// Good as long as the thing is there.
    pub id: String,
    /// What it is.
    pub kind: ScreenKind,
    /// The monitor's name or the window's title, for people.
    pub name: String,
    /// The program that a window belongs to, if it says so.
    pub app: Option<String>,
    /// Its size; pictures of it may be smaller.
    pub resolution: Resolution,
    /// The main monitor.
    pub primary: bool,
}

/// Who lets the person choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScreenAccess {
    /// We do, from our list.
    Listed,
    /// The system does, by a dialog of its own.
    SystemDialog,
    /// Nobody: screens cannot be taken here.
    Unavailable {
        /// Why.
        reason: ScreenUnavailable,
    },
}

/// Why screens cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, TS)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ScreenUnavailable {
    /// There is no desktop.
    NoDisplay,
    /// The desktop lets programs see screens through a portal alone, and there is none.
    NoPortal {
        /// The package that brings it.
        package: String,
    },
    /// The desktop is none that we know.
    Unsupported,
}

/// What is to be shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScreenChoice {
    /// The target of this id.
    Target(String),
    /// What the person picks in the system's dialog.
    SystemDialog,
}

/// A small picture of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbnail {
    /// Within [`THUMBNAIL`].
    pub resolution: Resolution,
    /// The file.
    pub png: Vec<u8>,
}

/// Why a screen is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScreenError {
    /// There is nothing with this id.
    #[error("there is no such screen or window")]
    Missing,
    /// The person declined in the system's dialog.
    #[error("declined in the system's dialog")]
    Declined,
    /// The system does not allow it.
    #[error("the system refuses: {0}")]
    Refused(String),
    /// What was shared is gone, or the system stopped it.
    #[error("it was closed")]
    Closed,
    /// It cannot be taken here.
    #[error("it cannot be taken: {0}")]
    Unsupported(String),
}

/// What an open screen reports while it runs: a new name or size, or that it is over. Called from
/// its thread, at most once for `Err`; it delivers nothing after that.
pub type ScreenReport = Box<dyn Fn(Result<ScreenTarget, ScreenError>) + Send + Sync>;

/// Takes the sound of what is shared, in blocks, while there is any. Called on a thread of its own.
pub type ScreenSoundSink = Box<dyn FnMut(&AudioBlock) + Send>;

/// A screen that is being taken. Dropping it ends that, and the system's session, before it
/// returns, and lets go of the slot that it delivered to.
pub trait OpenScreen: Send {
    /// What is taken.
    fn target(&self) -> &ScreenTarget;

    /// With this the same may be taken again later without a dialog. It is good once: the next
    /// one that is opened has its own.
    fn restore_token(&self) -> Option<&str>;

    /// Begins to take the sound that belongs to it, until the handle is dropped: what a window's
    /// program plays, or for anything else what all programs but this one play. `None` where that
    /// cannot be told.
    fn take_sound(&self, sink: ScreenSoundSink) -> Option<Worker>;
}

/// The screens of a desktop.
pub trait Screens: Send + Sync {
    /// Who lets the person choose.
    fn access(&self) -> ScreenAccess;

    /// Whether the sound of what is shared can be taken, too.
    fn has_sound(&self) -> bool;

    /// What there is to choose from: monitors, then windows. May take some milliseconds: never on
    /// an async thread.
    ///
    /// # Errors
    /// [`ScreenError`] where the desktop does not answer.
    fn list(&self) -> Result<Vec<ScreenTarget>, ScreenError>;

    /// A small picture of a target. May take some milliseconds.
    ///
    /// # Errors
    /// [`ScreenError::Missing`] when it is gone meanwhile.
    fn thumbnail(&self, id: &str) -> Result<Thumbnail, ScreenError>;

    /// Begins to put pictures into `sink`: one at first, then one whenever something has changed.
    /// Their sides are even and within 1920 x 1080. A dialog may take minutes; it is to be given
    /// up once `sink` [is abandoned](NewestIn::is_abandoned). `token` lets the system go without.
    ///
    /// # Errors
    /// [`ScreenError`]; later failures come through `report`.
    fn open(
        &self,
        choice: &ScreenChoice,
        token: Option<&str>,
        sink: NewestIn<VideoFrame>,
        report: ScreenReport,
    ) -> Result<Box<dyn OpenScreen>, ScreenError>;
}

/// A desktop on which nothing can be taken.
#[derive(Clone, Debug)]
pub struct NoScreens(pub ScreenUnavailable);

impl Screens for NoScreens {
    fn access(&self) -> ScreenAccess {
        ScreenAccess::Unavailable { reason: self.0.clone() }
    }

    fn has_sound(&self) -> bool {
        false
    }

    fn list(&self) -> Result<Vec<ScreenTarget>, ScreenError> {
        Ok(Vec::new())
    }

    fn thumbnail(&self, _: &str) -> Result<Thumbnail, ScreenError> {
        Err(ScreenError::Missing)
    }

    fn open(
        &self,
        _: &ScreenChoice,
        _: Option<&str>,
        _: NewestIn<VideoFrame>,
        _: ScreenReport,
    ) -> Result<Box<dyn OpenScreen>, ScreenError> {
        Err(ScreenError::Unsupported("no screen can be taken here".to_owned()))
    }
}
