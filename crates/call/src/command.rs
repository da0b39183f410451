//! What the engine orders and tells.

use crate::negotiation::{NegotiationCommand, Role};
use crate::state::{EndReason, PeerKey, Picture, ShareId};
use std::time::Instant;
use tincan_proto::{CallId, ClientMessage, ControlMessage, PeerMessage, Viewing};

/// An order to the outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Say something to the server.
    Send(ClientMessage),
    /// Sign a message and send it to a participant by way of the server.
    SendPeerMessage {
        /// To whom, in which call, about which connection.
        peer: PeerKey,
        /// What.
        message: PeerMessage,
    },
    /// Make a peer connection, with its tracks and control channel. It stays silent until told
    /// to negotiate, sends no media until told to, and what arrives is dropped until it is
    /// admitted.
    OpenPeer {
        /// Its name.
        peer: PeerKey,
        /// Its part in perfect negotiation.
        role: Role,
        /// It takes relayed candidates alone.
        relay_only: bool,
    },
    /// The other side takes part in the call: what they send is heard and seen from now on.
    AdmitPeer {
        /// Which.
        peer: PeerKey,
    },
    /// Let media out, beginning with a key frame, or hold it back.
    SendMedia {
        /// To whom.
        peer: PeerKey,
        /// Let it out.
        on: bool,
    },
    /// Send somebody no more of the picture than they show and take.
    FitPicture {
        /// To whom.
        peer: PeerKey,
        /// What they show and take.
        viewing: Viewing,
    },
    /// Ask the other side for a key frame.
    RequestKeyFrame {
        /// Whom.
        peer: PeerKey,
    },
    /// Carry out one step of negotiation, in order, and report the result.
    Negotiate {
        /// Where.
        peer: PeerKey,
        /// What.
        command: NegotiationCommand,
    },
    /// Say something on the control channel.
    SendControl {
        /// Where.
        peer: PeerKey,
        /// What.
        message: ControlMessage,
    },
    /// Close a peer connection. What was said on the control channel before goes out first.
    ClosePeer {
        /// Which.
        peer: PeerKey,
    },
    /// Take sound and picture from now on, or not. Devices that are off are closed, a camera also
    /// while the picture is a screen; while its picture is paused it stays open.
    Capture {
        /// Sound.
        microphone: bool,
        /// What the one picture track carries.
        picture: Picture,
    },
    /// Begin to take a screen, and say when its first picture has come. One that is taken already
    /// goes on meanwhile.
    OpenScreen {
        /// What the share is called from now on.
        share: ShareId,
        /// Which, by its name in the list; none: the system's dialog asks.
        target: Option<String>,
    },
    /// Take a screen no longer, or do not begin to.
    CloseScreen {
        /// Which.
        share: ShareId,
    },
}

/// Something to tell the person apart from the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A call begins to ring here.
    RingStarted(CallId),
    /// It no longer rings here.
    RingStopped(CallId),
    /// The current call is connected for the first time.
    Connected(CallId),
    /// A call that this device was in, placed or rang for is over.
    Ended(CallId, EndReason),
    /// A call came while this device was in another and was answered with busy.
    BusyDeclined(CallId),
}

/// What one step led to.
#[must_use]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// To be carried out in order.
    pub commands: Vec<Command>,
    /// To be told in order.
    pub events: Vec<Event>,
    /// When to step with [`crate::Input::DeadlineReached`], unless another step comes first.
    pub deadline: Option<Instant>,
}
