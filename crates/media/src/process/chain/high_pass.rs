//! Rumble of desks, fans and breath lies below voices.

use crate::audio::{AudioBlock, BLOCK_SAMPLES, SAMPLE_RATE};
use sonora::high_pass_filter::HighPassFilter;

/// A high-pass at about 100 Hz.
pub(super) struct HighPass {
    filter: HighPassFilter,
    samples: [Vec<f32>; 1],
}

impl Default for HighPass {
    fn default() -> Self {
        let filter = HighPassFilter::new(SAMPLE_RATE.cast_signed(), 1);
        Self { filter, samples: [vec![0.0; BLOCK_SAMPLES]] }
    }
}

impl HighPass {
    pub fn process(&mut self, block: &mut AudioBlock) {
        self.samples[0].copy_from_slice(block);
        self.filter.process_channels(&mut self.samples);
        block.copy_from_slice(&self.samples[0]);
    }
}
