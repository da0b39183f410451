//! What the engine knows about calls: read by views, changed by the engine alone.

use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};
use tincan_proto::peer_message::Generation;
use tincan_proto::signalling::CallMedia;
use tincan_proto::{AccountName, CallId, DeviceId, ParticipantId, View};
use ts_rs::TS;

/// One peer connection: a participant in a call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerKey {
    /// The call.
    pub call: CallId,
    /// The other device.
    pub participant: ParticipantId,
    /// Which of the connections to it.
    pub generation: Generation,
}

/// Everything about calls on this device.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallState {
    /// The call that this device is in or places.
    pub current: Option<Call>,
    /// Calls that ring here, oldest first.
    pub incoming: Vec<IncomingCall>,
    /// The one that ended last, until dismissed or another begins.
    pub ended: Option<EndedCall>,
}

/// A call that this device is in or places.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Its id.
    pub id: CallId,
    /// As it was offered.
    pub media: CallMedia,
    /// True if this device placed it.
    pub outgoing: bool,
    /// The others.
    pub participants: Vec<Participant>,
    /// The person wants to be heard.
    pub microphone: bool,
    /// The microphone hears the speaker so strongly that the others hear themselves.
    pub echoing: bool,
    /// The person wants to be seen.
    pub camera: bool,
    /// They hold the camera's picture back for now. The camera stays open.
    pub paused: bool,
    /// The camera does not deliver, although it should: the others see that there is no picture.
    pub camera_fails: bool,
    /// The screen that the person shares.
    pub sharing: Sharing,
    /// When the first participant was connected.
    pub connected_at: Option<Instant>,
}

impl Call {
    /// What the one picture track carries.
    pub const fn picture(&self) -> Picture {
        let camera = if self.paused { Picture::Paused } else { Picture::Camera };
        match self.sharing {
            Sharing { running: Some(share), camera_shown: false, .. } => Picture::Screen(share),
            Sharing { running: Some(_), camera_shown: true, .. } => camera,
            Sharing { running: None, .. } if self.camera => camera,
            Sharing { running: None, .. } => Picture::Nothing,
        }
    }
}

/// What the one picture track carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picture {
    /// Nothing.
    Nothing,
    /// Nothing, but the camera is open, so that its picture is back at once.
    Paused,
    /// The camera.
    Camera,
    /// A screen.
    Screen(ShareId),
}

impl Call {
    /// What the others get of it.
    pub const fn sent(&self) -> Picture {
        match self.picture() {
            Picture::Camera if self.camera_fails => Picture::Nothing,
            picture => picture,
        }
    }
}

impl Picture {
    /// The others are sent pictures.
    pub const fn is_sent(self) -> bool {
        match self {
            Self::Nothing | Self::Paused => false,
            Self::Camera | Self::Screen(_) => true,
        }
    }
}

/// Counts the shares of a device: what is said of an earlier one counts no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShareId(pub u32);

/// What a person shares. One screen may run while another one begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sharing {
    /// It begins: a dialog is open, or its first picture is awaited.
    pub opening: Option<ShareId>,
    /// It delivers.
    pub running: Option<ShareId>,
    /// The camera is shown in its place for now.
    pub camera_shown: bool,
}

/// One of the others in a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Participant {
    /// Who.
    pub account: AccountName,
    /// How far they are.
    pub stage: Stage,
    /// They send sound.
    pub microphone: bool,
    /// They send a picture.
    pub camera: bool,
    /// That picture is a screen.
    pub screen: bool,
    /// They hold their picture back for now.
    pub paused: bool,
    /// What they know of how their picture is shown here: they send none that is hidden.
    pub view: View,
    /// Sound and picture take the way through a relay.
    pub relayed: bool,
    /// They send a picture and none arrives here.
    pub picture_missing: bool,
    /// They say that no picture of ours arrives there.
    pub own_picture_missing: bool,
    /// They say that their microphone hears their speaker: who speaks to them hears themselves.
    pub echoing: bool,
}

impl Participant {
    /// Somebody who has been invited to a call of this kind.
    pub fn invited(account: AccountName, media: CallMedia) -> Self {
        Self {
            account,
            stage: Stage::Invited,
            microphone: true,
            camera: media == CallMedia::Video,
            screen: false,
            paused: false,
            view: View::Any,
            relayed: false,
            picture_missing: false,
            own_picture_missing: false,
            echoing: false,
        }
    }
}

/// How far a participant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Invited; the server has not said yet whether it rings.
    Invited,
    /// It rings there.
    Ringing,
    /// Accepted on a device; no connection yet.
    Connecting {
        /// The device.
        device: DeviceId,
    },
    /// Connected.
    Connected {
        /// The device.
        device: DeviceId,
    },
    /// Connected, but nothing has come for a moment.
    Wavering {
        /// The device.
        device: DeviceId,
    },
    /// Was connected; ICE hears nothing now.
    Interrupted {
        /// The device.
        device: DeviceId,
        /// The attempt to restore it that is under way or waits, from 1.
        attempt: u32,
        /// When the next one begins; none if this is the last, or if it waits for the server.
        next_at: Option<Instant>,
    },
}

impl Stage {
    /// The device, once one has accepted.
    pub const fn device(self) -> Option<DeviceId> {
        match self {
            Self::Invited | Self::Ringing => None,
            Self::Connecting { device }
            | Self::Connected { device }
            | Self::Wavering { device }
            | Self::Interrupted { device, .. } => Some(device),
        }
    }
}

/// A call that rings here.
#[derive(Clone, Debug, PartialEq)]
pub struct IncomingCall {
    /// Its id.
    pub id: CallId,
    /// Who calls, from which device.
    pub from: ParticipantId,
    /// Everybody invited, this account included.
    pub to: Vec<AccountName>,
    /// As it is offered.
    pub media: CallMedia,
    /// The caller hides its addresses.
    pub hide_address: bool,
    /// When it stops ringing here even if the server stays silent.
    pub expires: Instant,
}

/// A call that is over.
#[derive(Clone, Debug, PartialEq)]
pub struct EndedCall {
    /// Its id.
    pub id: CallId,
    /// The others.
    pub with: Vec<AccountName>,
    /// As it was offered.
    pub media: CallMedia,
    /// Why it ended.
    pub reason: EndReason,
    /// How long people talked.
    pub talked: Duration,
}

/// Why a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "EndReasonView")]
pub enum EndReason {
    /// This person hung up.
    HungUp,
    /// The other side hung up.
    RemoteHungUp,
    /// This person gave up before an answer.
    Cancelled,
    /// The caller gave up.
    RemoteCancelled,
    /// This person declined.
    Declined,
    /// The other side declined.
    RemoteDeclined,
    /// The other side is in another call.
    RemoteBusy,
    /// Nobody answered in time.
    NoAnswer,
    /// This device did not answer in time.
    Missed,
    /// They are not connected to the server.
    RemoteOffline,
    /// There is no such account.
    UnknownAccount,
    /// They have not accepted the contact request yet.
    NotAContact,
    /// Another device of this account took the call.
    AnsweredElsewhere,
    /// Another device of this account declined.
    DeclinedElsewhere,
    /// The connection was lost and did not come back.
    ConnectionLost,
    /// No connection could be made.
    ConnectionFailed,
    /// A message was not signed by the key that we know: somebody may be listening in.
    Untrusted,
    /// The other side's app found such a message.
    RemoteUntrusted,
    /// The server could not be reached to place the call.
    ServerUnreachable,
    /// Something broke inside the app.
    Internal,
}
