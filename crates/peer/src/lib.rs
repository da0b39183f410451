//! One WebRTC connection to one participant, over the `webrtc` crate, which nothing else in
//! Tincan names. It carries out negotiation commands in order, moves coded sound and pictures
//! in and out, and reports; it decides nothing.
#![forbid(unsafe_code)]

mod addresses;
mod arrivals;
mod capture_times;
mod clock;
mod codecs;
mod companions;
mod congestion;
mod connection;
mod control;
mod dtls_roles;
mod feedback;
mod handler;
mod inbound;
mod options;
mod outbound;
mod protection;
mod repair;
mod reports;
mod setup;
mod stage;
mod stats;
mod transport;

pub use connection::Peer;
pub use options::{IceState, MediaSinks, OpenError, PeerEvent, PeerOptions};
pub use outbound::MediaSender;
pub use reports::RemoteReport;
pub use stats::{PathStats, PeerStats};
