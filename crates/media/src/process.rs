//! What is done to sound between device and codec, and to pictures between camera and encoder.

pub mod chain;
pub mod convert;
pub mod downmix;
pub mod echo_watch;
pub mod howl;
pub mod level;
pub mod resample;
pub mod scale;
pub mod thumbnail;
pub mod voice;

#[cfg(test)]
pub(crate) mod testing;
