//! Chromium beside Tincan and as its far side: without a window as a peer in calls, on a screen that
//! it shares, and between a microphone and a speaker.

pub mod browser_peer;
pub mod chromium;
pub mod delay;
pub mod share;

pub use chromium::Chromium;
