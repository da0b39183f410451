//! The frame of 20 ms that is being filled.

use crate::audio::{AudioBlock, BLOCK_SAMPLES};
use crate::codec::opus::{Content, FRAME_SAMPLES};
use crate::process::level::Level;

/// Blocks of one voice, or both sides of music interleaved.
pub(super) struct Frame {
    samples: [f32; 2 * FRAME_SAMPLES],
    blocks: usize,
    /// Something in it accompanies the voice.
    pub accompanied: bool,
}

/// Blocks of a frame.
const BLOCKS: usize = FRAME_SAMPLES / BLOCK_SAMPLES;

impl Default for Frame {
    fn default() -> Self {
        Self { samples: [0.0; 2 * FRAME_SAMPLES], blocks: 0, accompanied: false }
    }
}

impl Frame {
    /// Adds a block, of whose sides music has both and a voice the left one; true once it is full.
    pub fn add(&mut self, content: Content, left: &AudioBlock, right: &AudioBlock) -> bool {
        let at = self.blocks * BLOCK_SAMPLES * content.channels();
        match content {
            Content::Voice => self.samples[at..at + BLOCK_SAMPLES].copy_from_slice(left),
            Content::Music => {
                let pairs = self.samples[at..at + 2 * BLOCK_SAMPLES].chunks_exact_mut(2);
                for ((pair, &left), &right) in pairs.zip(left).zip(right) {
                    pair.copy_from_slice(&[left, right]);
                }
            }
        }
        self.blocks += 1;
        self.blocks == BLOCKS
    }

    /// What was added.
    pub fn samples(&self, content: Content) -> &[f32] {
        &self.samples[..FRAME_SAMPLES * content.channels()]
    }

    /// How loud it is.
    pub fn level(&self, content: Content) -> Level {
        Level::of(self.samples(content))
    }

    /// Begins the next one; returns how many blocks were in this one.
    pub fn clear(&mut self) -> u32 {
        self.accompanied = false;
        std::mem::take(&mut self.blocks) as u32
    }
}
