//! What tests of several packages need: where programs and logs are, child processes, headless
//! peers, calls between them and what they see of each other, a private sound server with virtual cables, and a headless
//! Wayland desktop.

#![forbid(unsafe_code)]

pub mod call;
pub mod far_side;
pub mod figures;
pub mod likeness;
pub mod maker;
pub mod memory;
pub mod page;
pub mod peer;
pub mod place;
pub mod process;
pub mod processor;
pub mod resources;
pub mod running;
pub mod sound;
pub mod speech;
pub mod wayland;

pub use call::{Call, CallOptions, Moments, Picture, Side, SoundSource};
pub use far_side::FarSide;
pub use maker::Maker;
pub use peer::Peer;
