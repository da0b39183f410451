//! The packet's sound that is being gathered, of 10 to 60 ms.

use crate::audio::{AudioBlock, BLOCK, BLOCK_SAMPLES};
use crate::codec::opus::{Content, PacketTime};
use crate::encoded::SoundLevel;
use crate::process::level::Level;
use std::time::Duration;

/// Blocks of one voice, or both sides of music interleaved.
pub(super) struct Frame {
    samples: [f32; 2 * PacketTime::MOST_BLOCKS * BLOCK_SAMPLES],
    blocks: usize,
    /// Something in it accompanies the voice.
    pub accompanied: bool,
    /// Somebody speaks in it.
    pub speaking: bool,
}

impl Default for Frame {
    fn default() -> Self {
        let samples = [0.0; 2 * PacketTime::MOST_BLOCKS * BLOCK_SAMPLES];
        Self { samples, blocks: 0, accompanied: false, speaking: false }
    }
}

impl Frame {
    /// Adds a block, of whose sides music has both and a voice the left one. True once it is full.
    pub fn add(
        &mut self,
        content: Content,
        length: PacketTime,
        left: &AudioBlock,
        right: &AudioBlock,
    ) -> bool {
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
        self.blocks >= length.blocks()
    }

    /// What was added.
    pub fn samples(&self, content: Content) -> &[f32] {
        &self.samples[..self.blocks * BLOCK_SAMPLES * content.channels()]
    }

    /// How loud it is, and whether somebody speaks.
    pub fn level(&self, content: Content) -> SoundLevel {
        let below_full = Level::of(self.samples(content)).dbov();
        SoundLevel { below_full, voice: self.speaking }
    }

    /// How long it is.
    pub fn duration(&self) -> Duration {
        BLOCK * self.blocks as u32
    }

    /// Begins the next one; returns how long this one was.
    pub fn clear(&mut self) -> Duration {
        let duration = self.duration();
        (self.blocks, self.accompanied, self.speaking) = (0, false, false);
        duration
    }
}
