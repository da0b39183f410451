//! The one format of sound inside Tincan: 48 kHz, mono, `f32` in [-1, 1], in blocks of 10 ms.

use std::time::Duration;

/// Samples a second.
pub const SAMPLE_RATE: u32 = 48_000;
/// Samples of one block.
pub const BLOCK_SAMPLES: usize = 480;
/// Duration of one block.
pub const BLOCK: Duration = Duration::from_millis(10);

/// 10 ms of sound.
pub type AudioBlock = [f32; BLOCK_SAMPLES];

/// 10 ms of silence.
pub const SILENCE: AudioBlock = [0.0; BLOCK_SAMPLES];
