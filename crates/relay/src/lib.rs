//! Tincan's STUN and TURN server: what lets two people call each other whose networks let nothing
//! through directly. What it decides is in [`relay`], pure; sockets are in [`server`].
#![forbid(unsafe_code)]

mod budget;
pub mod credentials;
pub mod frame;
mod nonce;
pub mod peers;
pub mod relay;
pub mod server;
pub mod stun;
mod tls;

pub use tls::{TlsError, TlsIdentity};
