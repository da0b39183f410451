//! What the engine orders and tells.

use crate::negotiation::{NegotiationCommand, Role};
use crate::state::{EndReason, PeerKey};
use std::time::Instant;
use tincan_proto::{CallId, ClientMessage, ControlMessage, ParticipantId, PeerMessage};

/// An order to the outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Say something to the server.
    Send(ClientMessage),
    /// Sign a message and send it to a participant by way of the server.
    SendPeerMessage {
        /// In which call.
        call: CallId,
        /// To whom.
        to: ParticipantId,
        /// What.
        message: PeerMessage,
    },
    /// Make a peer connection, with its tracks and control channel. It stays silent until told
    /// to negotiate.
    OpenPeer {
        /// Its name.
        peer: PeerKey,
        /// Its part in perfect negotiation.
        role: Role,
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
    /// Take sound and picture from now on, or not. Devices that are off are closed.
    Capture {
        /// Sound.
        microphone: bool,
        /// Picture.
        camera: bool,
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
