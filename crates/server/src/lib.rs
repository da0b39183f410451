//! Tincan's server: accounts, contacts, presence and ringing over one WebSocket per device.
//! A library first, since the app embeds it; what it decides is in [`exchange`], pure.
#![forbid(unsafe_code)]

pub mod accounts;
mod address;
mod connection;
pub mod echo;
pub mod exchange;
mod http;
pub mod ice;
pub mod limits;
pub mod rate;
mod server;
mod store;
mod switchboard;

pub use address::outgoing_address;
pub use limits::Timings;
pub use server::{Server, ServerConfig, ServerError};
pub use store::{Database, Store, StoreError};
pub use tincan_echo::PHASE as ECHO_PHASE;
