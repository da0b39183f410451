//! What is done to sound between device and codec, and to pictures between camera and encoder.

pub mod apm;
pub mod convert;
pub mod level;
pub mod resample;
pub mod scale;
pub mod thumbnail;
pub mod voice;

#[cfg(test)]
pub(crate) mod testing;
