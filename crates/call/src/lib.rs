//! Every decision about a call, and nothing but decisions: no clock, no socket, no thread.
//!
//! [`Engine::step`] takes the time and one [`Input`] and returns an [`Output`]: commands to
//! carry out, events to tell, and when to call again. The same loop drives it in the app,
//! in the headless peer and in the simulator.
#![forbid(unsafe_code)]

pub mod clock;
pub mod command;
pub mod doctor;
mod drawing;
pub mod engine;
pub mod frame_watch;
pub mod input;
pub mod negotiation;
pub mod quality;
pub mod state;
pub mod stats;

pub use command::{Command, Event, Output};
pub use engine::Engine;
pub use input::{Input, PeerInput, PeerState};
pub use negotiation::{Epoch, Negotiation, NegotiationCommand, NegotiationInput, Role};
pub use state::{
    Call, CallState, EndReason, EndedCall, IncomingCall, Participant, PeerKey, Picture, ShareId,
    Sharing, Stage,
};
