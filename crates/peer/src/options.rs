//! What a connection is made of and what it tells.

use tincan_call::{NegotiationInput, PeerState};
use tincan_media::encoded::RtpPayload;
use tincan_media::rtp::sender_report::SenderReport;
use tincan_proto::{ControlMessage, IceServer};

/// How to connect and what to carry.
#[derive(Clone, Debug)]
pub struct PeerOptions {
    /// Servers to ask for candidates.
    pub ice_servers: Vec<IceServer>,
    /// Use relayed candidates alone.
    pub relay_only: bool,
    /// Offer candidates over TCP, too (RFC 6544). They may win over UDP, which suits calls better.
    pub tcp: bool,
    /// Have a sound track.
    pub audio: bool,
    /// Have a picture track.
    pub video: bool,
    /// Send pictures; false: receive them only.
    pub send_video: bool,
    /// Let media out as soon as the connection is up; false: when [`Peer::set_sending`] says so.
    pub sending: bool,
}

impl Default for PeerOptions {
    fn default() -> Self {
        Self {
            ice_servers: vec![],
            relay_only: false,
            tcp: false,
            audio: true,
            video: true,
            send_video: true,
            sending: true,
        }
    }
}

/// Where received packets go, each on a task of its own, in order of arrival. They must not
/// block: the crate drops packets when they are not fetched in time.
pub struct MediaSinks {
    /// Sound packets.
    pub audio: Box<dyn FnMut(RtpPayload) + Send>,
    /// Picture packets.
    pub video: Box<dyn FnMut(RtpPayload) + Send>,
    /// What the other side says of its clocks, on the connection's own task.
    pub clocks: Box<dyn FnMut(SenderReport) + Send>,
}

/// The state of ICE (W3C `RTCIceConnectionState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum IceState {
    New,
    Checking,
    Connected,
    Completed,
    Disconnected,
    Failed,
    Closed,
}

/// What a connection tells its owner.
#[derive(Clone, Debug, PartialEq)]
pub enum PeerEvent {
    /// Result of a command, or a gathered candidate.
    Negotiation(NegotiationInput),
    /// The connection's state changed.
    State(PeerState),
    /// ICE's state changed.
    Ice(IceState),
    /// The control channel is open.
    ControlOpened,
    /// The other side said something on it.
    Control(ControlMessage),
    /// The other side needs a key frame.
    KeyFrameWanted,
    /// The first picture packet came.
    VideoStarted,
    /// The selected path is another: after connecting, and after an ICE restart.
    Path {
        /// It goes through a relay, this side's or the other's.
        relayed: bool,
    },
}

/// Why no connection could be made.
#[derive(Debug, thiserror::Error)]
#[error("the connection could not be set up: {0}")]
pub struct OpenError(pub(crate) String);

impl From<webrtc::error::Error> for OpenError {
    fn from(error: webrtc::error::Error) -> Self {
        Self(error.to_string())
    }
}
