//! The vocabulary that every part of Tincan shares: ids, units, identities and the
//! versioned messages between app and server and between two apps. Decides nothing.
#![forbid(unsafe_code)]

pub mod delivery;
pub mod health;
pub mod ice;
pub mod identity;
pub mod ids;
pub mod peer_message;
pub mod signalling;
pub mod units;
pub mod viewing;

pub use delivery::Envelope;
pub use health::{Health, MicrophoneHealth};
pub use ice::{IceServer, IceServers};
pub use identity::{IdentityKey, PublicIdentity, SignatureBytes};
pub use ids::{AccountName, CallId, DeviceId, ParticipantId, SessionId};
pub use peer_message::{ControlMessage, Generation, Numbered, PeerMessage, SignedMessage};
pub use signalling::{ClientMessage, ServerMessage};
pub use viewing::{View, Viewing};
