//! Codecs: H.264 by OpenH264, Opus by libopus, and the byte forms that H.264 travels in.

pub mod annex_b;
pub mod h264;
pub mod opus;
pub mod redundancy;
pub mod sps;
pub mod voice_rate;
