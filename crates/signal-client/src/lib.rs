//! The app's end of the signalling connection: connects, signs in, keeps alive, and comes back
//! after a loss, without losing or repeating a message. Passes messages on and decides nothing
//! about calls.
#![forbid(unsafe_code)]

pub mod backoff;
mod client;
pub mod delivery;
pub mod keep_alive;
mod link;
mod task;
mod url;

pub use client::{SendError, SignalClient, SignalConfig, SignalEvent};
pub use url::{DEFAULT_PORT, ServerUrl, UrlError};
