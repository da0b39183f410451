//! Calls as a window shows them.

use super::devices::DeviceProblem;
use super::echo::EchoView;
use super::figures::ParticipantStats;
use super::screens::{ShareProblem, ShareView};
use serde::Serialize;
use tincan_call::EndReason;
use tincan_proto::signalling::CallMedia;
use tincan_proto::units::UnixMillis;
use tincan_proto::{AccountName, CallId, DeviceId};
use ts_rs::TS;

/// A call that rings here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct IncomingView {
    /// Which call.
    pub call: CallId,
    /// Who calls.
    pub from: AccountName,
    /// What is offered.
    pub media: CallMedia,
}

/// Where the current call stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum PhaseView {
    /// The invitation is on its way.
    Calling,
    /// It rings at the other side.
    Ringing,
    /// Accepted; the connection is being made.
    Connecting,
    /// Connected.
    Connected,
    /// The connection is lost and being restored.
    Reconnecting {
        /// This attempt, from 1.
        attempt: u32,
        /// At most so many.
        of: u32,
        /// When the next one begins; none if this is the last, or if the server is away and the
        /// attempt waits for it.
        next_at: Option<UnixMillis>,
    },
}

/// How the connection to one participant is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum LinkView {
    /// It stands, or there is none yet.
    #[default]
    Good,
    /// Nothing has come for a moment.
    Unstable,
    /// It is lost and being restored.
    Reconnecting {
        /// This attempt, from 1.
        attempt: u32,
        /// At most so many.
        of: u32,
        /// When the next one begins, as in [`PhaseView::Reconnecting`].
        next_at: Option<UnixMillis>,
    },
}

/// Which side a picture does not get through from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum PictureProblem {
    /// They send one and none arrives here.
    NotArriving,
    /// They say that ours does not arrive there.
    NotLeaving,
}

/// The call that this device is in.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct CallView {
    /// Which call.
    pub call: CallId,
    /// As it was offered.
    pub media: CallMedia,
    /// Where it stands.
    pub phase: PhaseView,
    /// When it was first connected, by this device's clock: the timer counts from here.
    pub connected_at: Option<UnixMillis>,
    /// What the echo contact says, in a call with it.
    pub echo: Option<EchoView>,
    /// The others, invited or connected.
    pub participants: Vec<ParticipantView>,
    /// Own sound.
    pub microphone: CaptureView,
    /// The microphone hears the speaker so strongly that the others hear themselves.
    pub echoing: bool,
    /// Own picture.
    pub camera: CaptureView,
    /// That is held back: the camera is open, and the others do not see it.
    pub paused: bool,
    /// The screen that this person shares.
    pub share: ShareView,
    /// Why sharing did not begin or ended by itself, until it is begun anew.
    pub share_problem: Option<ShareProblem>,
    /// The tile of what the others see of this person, if anything is being taken.
    pub self_tile: Option<String>,
    /// Figures of the last second of those who are connected, in the same order.
    pub stats: Vec<ParticipantStats>,
}

/// Whether a microphone or camera is in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct CaptureView {
    /// The person wants it on.
    pub on: bool,
    /// It delivers.
    pub live: bool,
    /// Why it does not.
    pub problem: Option<DeviceProblem>,
}

/// Another participant.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ParticipantView {
    /// The account.
    pub account: AccountName,
    /// The device, once one has answered.
    pub device: Option<DeviceId>,
    /// Connected at this moment.
    pub connected: bool,
    /// How the connection is doing.
    pub link: LinkView,
    /// Sound and picture take the way through a relay.
    pub relayed: bool,
    /// A picture that should be seen and is not.
    pub picture_problem: Option<PictureProblem>,
    /// They send sound.
    pub microphone: bool,
    /// Their microphone hears their speaker: who speaks to them hears themselves.
    pub echoing: bool,
    /// How loud they are heard here, in percent of how they come.
    pub volume: u8,
    /// They send a picture.
    pub camera: bool,
    /// That picture is a screen.
    pub screen: bool,
    /// They hold their picture back for now.
    pub paused: bool,
    /// The tile to subscribe for their picture; absent until one arrives.
    pub tile: Option<String>,
}

/// The call that ended last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct EndedView {
    /// Which call.
    pub call: CallId,
    /// The others.
    pub with: Vec<AccountName>,
    /// As it was offered.
    pub media: CallMedia,
    /// Why.
    pub reason: EndReason,
    /// How long people talked, in seconds.
    pub talked_s: u32,
}
