//! Suppression of steady noise, in steps.

use super::bands::Bands;
use serde::{Deserialize, Serialize};
use sonora_ns::config::{NsConfig, SuppressionLevel};
use sonora_ns::noise_suppressor::NoiseSuppressor as Suppressor;
use ts_rs::TS;

/// How much of steady noise is taken out.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS,
)]
#[serde(rename_all = "camelCase")]
pub enum NoiseSuppression {
    /// None.
    Off,
    /// About 6 dB.
    Low,
    /// About 12 dB.
    Moderate,
    /// About 18 dB.
    #[default]
    High,
    /// About 21 dB; voices suffer a little.
    VeryHigh,
}

/// Takes steady noise out.
pub(super) struct NoiseSuppressor(Suppressor);

impl NoiseSuppressor {
    pub fn new(level: NoiseSuppression) -> Option<Self> {
        let target_level = match level {
            NoiseSuppression::Off => return None,
            NoiseSuppression::Low => SuppressionLevel::K6dB,
            NoiseSuppression::Moderate => SuppressionLevel::K12dB,
            NoiseSuppression::High => SuppressionLevel::K18dB,
            NoiseSuppression::VeryHigh => SuppressionLevel::K21dB,
        };
        Some(Self(Suppressor::new_with_bands(NsConfig { target_level }, 3)))
    }

    /// Learns the noise.
    pub fn analyze(&mut self, bands: &Bands) {
        self.0.analyze(&bands[0]);
    }

    /// Takes it out.
    pub fn process(&mut self, bands: &mut Bands) {
        let [low, upper @ ..] = bands;
        self.0.process(low);
        let gain = self.0.upper_band_gain();
        for (n, band) in upper.iter_mut().enumerate() {
            self.0.process_upper_band(band, n, gain);
            Suppressor::clamp_frame(band);
        }
    }
}
