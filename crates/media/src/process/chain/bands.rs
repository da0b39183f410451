//! Three bands of 8 kHz, in which the canceller and the suppressor work.

use crate::audio::AudioBlock;
use sonora::three_band_filter_bank::{NUM_BANDS, SPLIT_BAND_SIZE, ThreeBandFilterBank};

/// 10 ms in three bands, lowest first.
pub(super) type Bands = [[f32; SPLIT_BAND_SIZE]; NUM_BANDS];

/// Splits blocks and puts them together again.
#[derive(Default)]
pub(super) struct Splitter(ThreeBandFilterBank);

impl Splitter {
    pub fn split(&mut self, block: &AudioBlock) -> Bands {
        let mut bands = [[0.0; SPLIT_BAND_SIZE]; NUM_BANDS];
        self.0.analysis(block, &mut bands);
        bands
    }

    pub fn merge(&mut self, bands: &Bands, block: &mut AudioBlock) {
        self.0.synthesis(bands, block);
    }
}
