//! The controller: one loop that owns the app's state and talks to ports. It decides
//! nothing about calls (that is `tincan-call`) and knows no window and no device.
#![forbid(unsafe_code)]

pub mod controller;
mod figures;
pub mod headless;
pub mod key_store;
pub mod media;
pub mod network;
pub mod ports;
pub mod profile;
pub mod recorder;
pub mod screen_list;
mod sounds;
pub mod view;
