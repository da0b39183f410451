//! H.264 (constrained baseline) by OpenH264: one encoder and one decoder, each used from one thread.

mod decoder;
mod encoder;
mod library;

pub use decoder::{DecodeError, H264Decoder};
pub use encoder::{Content, EncodeError, EncoderSettings, H264Encoder};

#[cfg(test)]
mod tests;
