//! The echo contact: signs in to the server that hosts it, accepts every call after a moment and
//! sends back what it receives, packet by packet, without decoding anything.
#![forbid(unsafe_code)]

mod call;
mod reflect;
mod task;

pub use task::{Echo, EchoConfig, EchoError, PHASE};
