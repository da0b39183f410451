//! Brings Tincan's headless peer and a browser's WebRTC together and carries their descriptions and
//! candidates: what a call is made of works between different makers.

pub mod chromium;
pub mod meeting;
pub mod share;

pub use chromium::Chromium;
pub use meeting::{Meeting, Offerer};
