//! What a window may ask for.

use super::devices::DeviceKind;
use super::settings::Settings;
use serde::{Deserialize, Serialize};
use tincan_media::ladder::PictureQuality;
use tincan_proto::signalling::CallMedia;
use tincan_proto::{AccountName, CallId};
use ts_rs::TS;

/// What a person asks for.
#[derive(Clone, Debug, PartialEq, Deserialize, TS)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[ts(export)]
pub enum Intent {
    /// Pick a name, or come back to it.
    SignIn {
        /// As typed.
        name: String,
        /// A server's address; absent: the one inside the app.
        server: Option<String>,
    },
    /// Leave the account on this device. The key stays.
    SignOut,
    /// Try the server again now.
    RetryConnection,
    /// Ask somebody to become a contact.
    AddContact {
        /// As typed.
        name: String,
    },
    /// Answer a request.
    AnswerRequest {
        /// Whose.
        name: AccountName,
        /// Yes or no.
        accept: bool,
    },
    /// Remove a contact or withdraw a request.
    RemoveContact {
        /// Whom.
        name: AccountName,
    },
    /// Call people.
    Call {
        /// Whom.
        to: Vec<AccountName>,
        /// With or without a picture.
        media: CallMedia,
    },
    /// Take a ringing call.
    Accept {
        /// Which.
        call: CallId,
        /// With or without one's own picture.
        media: CallMedia,
    },
    /// Decline a ringing call.
    Decline {
        /// Which.
        call: CallId,
    },
    /// End or cancel the current call.
    HangUp,
    /// Try at once to restore a connection that is lost.
    ReconnectNow,
    /// Microphone on or off.
    SetMicrophone {
        /// On.
        on: bool,
    },
    /// The key is held or let go that turns the microphone round for so long: to talk while it is
    /// off, to be silent while it is on.
    HoldMicrophone {
        /// Held.
        held: bool,
    },
    /// Camera on or off.
    SetCamera {
        /// On.
        on: bool,
    },
    /// Hold the camera's picture back while the camera stays open, or let it out again.
    PauseCamera {
        /// Hold it back.
        on: bool,
    },
    /// Pin a device, or follow the system.
    ChooseDevice {
        /// Which kind.
        device: DeviceKind,
        /// Which; absent: follow the system.
        id: Option<String>,
    },
    /// Hear a participant louder or more softly, in this call and the next ones.
    SetVolume {
        /// Whom.
        account: AccountName,
        /// In percent, 100 as it comes, 200 at most.
        percent: u8,
    },
    /// Send the camera's pictures in this, at most, from now on.
    SetPictureQuality {
        /// In which.
        quality: PictureQuality,
    },
    /// Look for devices again.
    RefreshDevices,
    /// Hear what the speaker or the ringer sounds like.
    TestSound {
        /// Which of them.
        device: DeviceKind,
    },
    /// Record the microphone for five seconds and play that back, or end it.
    SampleSound {
        /// On.
        on: bool,
    },
    /// Listen to the microphone for the level meter.
    TestMicrophone {
        /// On.
        on: bool,
    },
    /// Show the camera in settings.
    PreviewCamera {
        /// On.
        on: bool,
    },
    /// Look now at what can be shared, with thumbnails.
    ListScreens,
    /// Keep the list and its thumbnails current: somebody looks at them.
    WatchScreens {
        /// On.
        on: bool,
    },
    /// Share a screen or window in the current call, in place of one that is shared.
    ShareScreen {
        /// Which, by the list's id; absent: the system's dialog asks.
        target: Option<String>,
    },
    /// Share it no longer.
    StopSharing,
    /// Show the camera while sharing goes on, or the screen again.
    ShowWhileSharing {
        /// The camera.
        camera: bool,
    },
    /// Change settings, whole.
    UpdateSettings {
        /// All of them.
        settings: Settings,
    },
    /// Find out what the network lets through.
    CheckConnection,
    /// Stop that, and put its result away.
    CancelConnectionCheck,
    /// Put the ended call away.
    DismissEnded,
    /// Put a notice away.
    DismissNotice {
        /// Which.
        id: u32,
    },
}

/// Why an intent was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct IntentError {
    /// For the window to match.
    pub code: IntentErrorCode,
    /// In English, for logs.
    pub message: String,
}

/// See [`IntentError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum IntentErrorCode {
    /// Not a name.
    BadName,
    /// A STUN or TURN server cannot be used as it is written.
    BadIceServer,
    /// The server is not connected.
    Offline,
    /// Already in a call.
    InCall,
    /// Addresses are hidden and no relay is known: nobody can be reached.
    NoRelay,
    /// There is no such call (any more).
    NoCall,
    /// Screens cannot be shared here, or not this one.
    NoScreen,
    /// The app is shutting down.
    Closing,
}
