//! Chromium beside Tincan and as its far side: without a window as a peer in calls, and on a screen
//! that it shares.

pub mod browser_peer;
pub mod chromium;
pub mod share;

pub use chromium::Chromium;
