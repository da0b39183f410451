//! What can happen to the engine. All of it is past: somebody pressed, something arrived.

use crate::negotiation::NegotiationInput;
use crate::state::{PeerKey, ShareId};
use tincan_proto::peer_message::Numbered;
use tincan_proto::signalling::{CallMedia, ServerMessage};
use tincan_proto::units::UnixMillis;
use tincan_proto::{AccountName, CallId, ControlMessage, ParticipantId, View};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The person calls somebody.
    CallPressed {
        /// A fresh id.
        call: CallId,
        /// One or more others.
        to: Vec<AccountName>,
        /// With or without a picture.
        media: CallMedia,
    },
    /// The person takes a ringing call.
    AcceptPressed {
        /// Which.
        call: CallId,
        /// With or without one's own picture.
        media: CallMedia,
    },
    /// The person declines a ringing call.
    DeclinePressed {
        /// Which.
        call: CallId,
    },
    /// The person hangs up or gives up calling.
    HangUpPressed,
    /// The person does not want to wait for the next attempt at restoring a connection.
    ReconnectPressed,
    /// The person switched the microphone.
    MicrophoneSwitched {
        /// On.
        on: bool,
    },
    /// The person chose how to talk: in calls that begin from now on the microphone is on at once,
    /// or off until it is switched.
    TalkChosen {
        /// It is off.
        by_key: bool,
    },
    /// The microphone begins or ceases to hear the speaker so strongly that the others hear
    /// themselves.
    EchoNoticed {
        /// It does.
        strong: bool,
    },
    /// The person switched the camera.
    CameraSwitched {
        /// On.
        on: bool,
    },
    /// The person holds the camera's picture back for now, or lets it out again. Switching the
    /// camera ends it.
    CameraPaused {
        /// Hold it back.
        on: bool,
    },
    /// The camera delivers nothing although it should, or does again.
    CameraNoticed {
        /// It does not.
        fails: bool,
    },
    /// The person wants to share a screen, in place of one that is shared.
    SharePressed {
        /// Which; none: the system's dialog asks.
        target: Option<String>,
    },
    /// The person wants to share it no longer.
    StopSharingPressed,
    /// The person shows the camera while a screen is shared, or the screen again.
    ShareCameraSwitched {
        /// The camera.
        on: bool,
    },
    /// The first picture of a screen has come.
    ShareStarted {
        /// Which.
        share: ShareId,
    },
    /// A screen could not be taken, or is gone. It is closed.
    ShareEnded {
        /// Which.
        share: ShareId,
    },
    /// The windows draw somebody's picture so large, or no longer.
    Drawn {
        /// Whose.
        participant: ParticipantId,
        /// How large.
        view: View,
    },
    /// The person wants all pictures that come in to take so much at most.
    IncomingLimited {
        /// In kbit/s, all together; none: as much as goes.
        kbps: Option<u32>,
    },
    /// The person hides this machine's addresses from now on, or no longer. Connections that
    /// are open stay as they are.
    AddressHidden {
        /// On.
        on: bool,
    },
    /// The person has seen how the last call ended.
    EndedDismissed,
    /// The server welcomed this device.
    SignedIn {
        /// As whom.
        me: ParticipantId,
        /// The session goes on where it was: nothing that was said meanwhile is lost. If not,
        /// the server may know nothing of what was said before.
        resumed: bool,
    },
    /// The connection to the server is lost; it is being restored by others.
    SignalLost,
    /// The person signed out or the app closes: everything ends.
    SignedOut,
    /// The server said something. Messages that are not about calls are ignored.
    Signalled {
        /// What.
        message: ServerMessage,
        /// The server's clock now, as well as this device can tell.
        server_now: UnixMillis,
    },
    /// A participant's message came by way of the server and its signature holds.
    PeerMessageOpened {
        /// In which call.
        call: CallId,
        /// From whom.
        from: ParticipantId,
        /// What.
        message: Numbered,
    },
    /// A message claimed to be from a participant but is not signed by their key, or their
    /// key is not known.
    PeerMessageForged {
        /// In which call.
        call: CallId,
        /// Allegedly from whom.
        from: ParticipantId,
    },
    /// A peer connection reports.
    Peer {
        /// Which.
        peer: PeerKey,
        /// What.
        input: PeerInput,
    },
    /// This machine's addresses have changed, or it has slept: paths may be gone.
    AddressesChanged,
    /// The deadline that the last [`crate::Output`] named has come.
    DeadlineReached,
}

/// What a peer connection reports.
#[derive(Clone, Debug, PartialEq)]
pub enum PeerInput {
    /// The result of a negotiation command, or a local candidate.
    Negotiation(NegotiationInput),
    /// Its state changed.
    State(PeerState),
    /// ICE has found a way; DTLS is next.
    IceConnected,
    /// The selected path is another.
    Path {
        /// It goes through a relay.
        relayed: bool,
    },
    /// What has come of their picture so far: told several times a second.
    Received {
        /// Whole pictures.
        pictures: u64,
        /// Packets of pictures.
        packets: u64,
    },
    /// The control channel is open.
    ControlOpened,
    /// The other side said something on it.
    Control(ControlMessage),
}

/// A peer connection's state (W3C `RTCPeerConnectionState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PeerState {
    /// Checks or DTLS are under way.
    Connecting,
    /// ICE and DTLS are up.
    Connected,
    /// ICE hears nothing at the moment.
    Disconnected,
    /// ICE or DTLS gave up.
    Failed,
}
