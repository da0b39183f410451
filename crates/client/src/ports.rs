//! What the controller talks to. Each port has a real implementer in the shell, and a
//! headless or recording one for tests; devices are a port of `tincan-media`.

use crate::view::{Levels, Snapshot};
use bytes::Bytes;
use std::fmt;
use std::time::Duration;
use tincan_proto::signalling::CallMedia;
use tincan_proto::{AccountName, CallId, ParticipantId, View};

/// Windows, notifications, whatever a person looks at. Calls must return at once.
pub trait Ui: Send + Sync {
    /// The state has changed.
    fn show(&self, snapshot: &Snapshot);
    /// Sound levels, ten times a second while there are any.
    fn show_levels(&self, levels: &Levels);
    /// Something happened that wants attention beyond the state.
    fn happened(&self, happening: &Happening);
}

/// What wants attention. While the person does not want to be disturbed, no ring begins and no
/// call is missed here; the snapshots show both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A call begins to ring.
    RingStarted {
        /// Which.
        call: CallId,
        /// Who calls.
        from: AccountName,
    },
    /// It no longer rings.
    RingStopped {
        /// Which.
        call: CallId,
    },
    /// A call was not answered here, nor on another device of this person.
    CallMissed {
        /// Which.
        call: CallId,
        /// Who called.
        from: AccountName,
        /// As it was offered.
        media: CallMedia,
    },
}

/// One picture on screen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tile {
    /// What the others see of this person: their camera or screen.
    Own,
    /// What a participant sends.
    Remote(ParticipantId),
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own => f.write_str("self"),
            Self::Remote(participant) => write!(f, "remote:{participant}"),
        }
    }
}

/// One coded picture: an H.264 access unit in Annex B form. Nothing is missing between two of
/// them unless the later one is a key frame.
#[derive(Clone, Debug)]
pub struct TilePicture {
    /// The access unit.
    pub annex_b: Bytes,
    /// An IDR picture.
    pub key: bool,
}

/// Where pictures go to be seen. Calls must return at once; they come from media threads.
pub trait Tiles: Send + Sync {
    /// The next picture of a tile.
    fn push(&self, tile: &Tile, picture: TilePicture);
    /// No more will come.
    fn close(&self, tile: &Tile);
}

/// What viewers say of a tile by its name: given to whoever implements [`Tiles`]. Calls must return at
/// once.
pub trait Viewers: Send + Sync {
    /// One needs a key frame.
    fn key_frame_needed(&self, tile: &str);
    /// It is drawn so from now on, in the window where it is largest.
    fn drawn(&self, tile: &str, view: View);
    /// One has drawn a picture so long after it was pushed; or it draws no more.
    fn shown(&self, tile: &str, after: Option<Duration>);
}

/// The server inside the app, which one of the apps on a machine hosts for all.
#[async_trait::async_trait]
pub trait LocalServer: Send + Sync {
    /// Makes sure that a server listens, here or in another app of this machine, and says
    /// where.
    ///
    /// # Errors
    /// In words, if none can be started.
    async fn ensure(&self) -> Result<LocalServerPlace, String>;
}

/// Where the machine's own server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalServerPlace {
    /// `host:port`.
    pub address: String,
    /// It runs inside this very app.
    pub hosted_here: bool,
}
