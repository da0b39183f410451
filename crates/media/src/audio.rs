//! The formats of sound inside Tincan: 48 kHz, `f32` in [-1, 1], in blocks of 10 ms; mono for voices,
//! stereo at devices and for music.

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

/// 10 ms of sound with a side for each ear.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StereoBlock {
    /// For the left ear.
    pub left: AudioBlock,
    /// For the right ear.
    pub right: AudioBlock,
}

impl StereoBlock {
    /// 10 ms of silence.
    pub const SILENCE: Self = Self::both(SILENCE);

    /// The same on both sides.
    pub const fn both(block: AudioBlock) -> Self {
        Self { left: block, right: block }
    }

    /// The mean of both sides.
    pub fn mono(&self) -> AudioBlock {
        std::array::from_fn(|n| 0.5 * (self.left[n] + self.right[n]))
    }
}
