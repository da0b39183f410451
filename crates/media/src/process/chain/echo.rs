//! AEC3 on blocks of three bands, with its configuration in our hands.

use super::FULL_SCALE;
use super::bands::{Bands, Splitter};
use crate::audio::{AudioBlock, SAMPLE_RATE};
use sonora::three_band_filter_bank::{NUM_BANDS, SPLIT_BAND_SIZE};
use sonora_aec3::block::Block;
use sonora_aec3::block_framer::BlockFramer;
use sonora_aec3::block_processor::BlockProcessor;
use sonora_aec3::common::SUB_FRAME_LENGTH;
use sonora_aec3::config::EchoCanceller3Config;
use sonora_aec3::frame_blocker::FrameBlocker;

/// Blocks that the speaker is heard for after it has fallen silent: a room's reverberation.
const HEARD: u32 = 30;
/// Power of a block, in 16-bit samples, above which the speaker is heard: -50 dBFS.
const AUDIBLE: f32 = 480.0 * 104.0 * 104.0;

/// Takes the speaker's sound out of the microphone's.
pub(super) struct EchoCanceller {
    processor: BlockProcessor,
    render_bands: Splitter,
    render: Blocking,
    capture: Blocking,
    out: BlockFramer,
    view: Vec<Vec<Vec<f32>>>,
    heard: u32,
}

impl Default for EchoCanceller {
    fn default() -> Self {
        Self::with(&tuned())
    }
}

/// AEC3 as WebRTC tunes it, but for two things that `cargo xtask bench sound` found: the linear
/// filter is longer, and the near talker is let through more.
fn tuned() -> EchoCanceller3Config {
    let mut config = EchoCanceller3Config::default();
    // 80 ms in place of 52. What the filter does not reach of a room's reverberation the suppressor
    // takes out, and with it the near talker in double talk (1 dB of it).
    config.filter.refined.length_blocks = 20;
    config.filter.coarse.length_blocks = 20;
    // While the near talker dominates, what is left of the echo is masked by the voice.
    let near = &mut config.suppressor.nearend_tuning;
    (near.mask_lf.enr_transparent, near.mask_lf.enr_suppress) = (3.0, 6.0);
    (near.mask_hf.enr_transparent, near.mask_hf.enr_suppress) = (0.7, 1.4);
    // They are taken to dominate after 32 ms in place of 48. Less than that, or lower thresholds,
    // let echo through where two clocks drift.
    config.suppressor.dominant_nearend_detection.trigger_threshold = 8;
    config.ep_strength.nearend_len = 0.6;
    config
}

impl EchoCanceller {
    fn with(config: &EchoCanceller3Config) -> Self {
        Self {
            processor: BlockProcessor::new(config, SAMPLE_RATE as usize, 1, 1),
            render_bands: Splitter::default(),
            render: Blocking::default(),
            capture: Blocking::default(),
            out: BlockFramer::new(NUM_BANDS, 1),
            view: vec![vec![vec![0.0; SUB_FRAME_LENGTH]; 1]; NUM_BANDS],
            heard: 0,
        }
    }

    /// How late the echo is, as far as it is known.
    pub fn delay_ms(&self) -> u32 {
        self.processor.get_metrics().delay_ms.max(0).cast_unsigned()
    }

    pub fn render(&mut self, block: &AudioBlock) {
        let scaled = block.map(|sample| sample * FULL_SCALE);
        let loud = super::power(&scaled) > AUDIBLE;
        self.heard = if loud { HEARD } else { self.heard.saturating_sub(1) };
        let bands = self.render_bands.split(&scaled);
        let Self { render, processor, .. } = self;
        for part in 0..SPLIT_BAND_SIZE / SUB_FRAME_LENGTH {
            processor.buffer_render(render.next(&bands, part));
        }
        if let Some(block) = render.rest() {
            processor.buffer_render(block);
        }
    }

    /// Cleans a block and returns whether the speaker could be heard in it.
    pub fn capture(&mut self, bands: &mut Bands, saturated: bool) -> bool {
        let Self { capture, processor, out, view, .. } = self;
        for part in 0..SPLIT_BAND_SIZE / SUB_FRAME_LENGTH {
            let block = capture.next(bands, part);
            processor.process_capture(false, saturated, None, block);
            out.insert_block_and_extract_sub_frame(block, view);
            let at = part * SUB_FRAME_LENGTH;
            for (band, view) in bands.iter_mut().zip(view.iter()) {
                band[at..at + SUB_FRAME_LENGTH].copy_from_slice(&view[0]);
            }
        }
        if let Some(block) = capture.rest() {
            processor.process_capture(false, saturated, None, block);
            out.insert_block(block);
        }
        self.heard > 0
    }
}

/// Cuts sub-frames of 5 ms into AEC3's blocks of 4 ms.
struct Blocking {
    blocker: FrameBlocker,
    block: Block,
}

impl Default for Blocking {
    fn default() -> Self {
        Self { blocker: FrameBlocker::new(NUM_BANDS, 1), block: Block::new(NUM_BANDS, 1) }
    }
}

impl Blocking {
    fn next(&mut self, bands: &Bands, part: usize) -> &mut Block {
        let at = part * SUB_FRAME_LENGTH;
        let sub_frame: [Vec<&[f32]>; NUM_BANDS] =
            std::array::from_fn(|n| vec![&bands[n][at..at + SUB_FRAME_LENGTH]]);
        self.blocker.insert_sub_frame_and_extract_block(&sub_frame, &mut self.block);
        &mut self.block
    }

    /// Four sub-frames make five blocks.
    fn rest(&mut self) -> Option<&mut Block> {
        self.blocker.is_block_available().then(|| {
            self.blocker.extract_block(&mut self.block);
            &mut self.block
        })
    }
}
