//! What tests of several packages need: where programs and logs are, child processes, the headless
//! peer and what it sees of its far side, a private sound server with virtual cables, and a headless
//! Wayland desktop.

#![forbid(unsafe_code)]

pub mod far_side;
pub mod memory;
pub mod page;
pub mod peer;
pub mod place;
pub mod process;
pub mod processor;
pub mod resources;
pub mod running;
pub mod sound;
pub mod wayland;

pub use far_side::FarSide;
pub use peer::Peer;
