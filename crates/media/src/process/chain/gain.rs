//! Adaptive gain by AGC2's parts, put together so that gain and limiter are switched apart.

use crate::audio::{AudioBlock, BLOCK_SAMPLES, SAMPLE_RATE};
use sonora_agc2::adaptive_digital_gain_controller::{AdaptiveDigitalGainController, FrameInfo};
use sonora_agc2::common::{
    ADJACENT_SPEECH_FRAMES_THRESHOLD, MIN_LEVEL_DBFS, SATURATION_PROTECTOR_INITIAL_HEADROOM_DB,
    float_s16_to_dbfs,
};
use sonora_agc2::limiter::Limiter;
use sonora_agc2::noise_level_estimator::NoiseLevelEstimator;
use sonora_agc2::saturation_protector::SaturationProtector;
use sonora_agc2::speech_level_estimator::{AdaptiveDigitalConfig, SpeechLevelEstimator};
use sonora_agc2::vad_wrapper::VoiceActivityDetectorWrapper;

/// Gain before anything was heard. WebRTC's 15 dB make a voice of usual level too hot for seconds.
const INITIAL_GAIN_DB: f32 = 8.0;

/// Levels voices. Digital alone.
pub(super) struct AdaptiveGain {
    voice: VoiceActivityDetectorWrapper,
    speech: SpeechLevelEstimator,
    noise: NoiseLevelEstimator,
    headroom: SaturationProtector,
    controller: AdaptiveDigitalGainController,
}

/// Bends samples down from -1 dBFS on.
pub(super) fn limiter() -> Limiter {
    Limiter::new(BLOCK_SAMPLES)
}

impl Default for AdaptiveGain {
    fn default() -> Self {
        let initial_gain_db = INITIAL_GAIN_DB;
        let config = AdaptiveDigitalConfig { initial_gain_db, ..AdaptiveDigitalConfig::default() };
        let adjacent = ADJACENT_SPEECH_FRAMES_THRESHOLD;
        let backend = sonora_simd::detect_backend();
        Self {
            voice: VoiceActivityDetectorWrapper::new(backend, SAMPLE_RATE.cast_signed()),
            speech: SpeechLevelEstimator::new(&config, adjacent),
            noise: NoiseLevelEstimator::default(),
            headroom: SaturationProtector::new(SATURATION_PROTECTOR_INITIAL_HEADROOM_DB, adjacent),
            controller: AdaptiveDigitalGainController::new(config, adjacent),
        }
    }
}

impl AdaptiveGain {
    pub fn process(&mut self, block: &mut AudioBlock, limiter: Option<&Limiter>) {
        let speech_probability = self.voice.analyze(&block[..]);
        let peak = block.iter().fold(0f32, |peak, sample| peak.max(sample.abs()));
        let rms = (super::power(block) / BLOCK_SAMPLES as f32).sqrt();
        let noise_rms_dbfs = self.noise.analyze(&[&block[..]]);
        self.speech.update(float_s16_to_dbfs(rms), speech_probability);
        let speech_level_dbfs = self.speech.level_dbfs();
        self.headroom.analyze(speech_probability, float_s16_to_dbfs(peak), speech_level_dbfs);
        let limited = limiter.map(|limiter| float_s16_to_dbfs(limiter.last_audio_level()));
        let info = FrameInfo {
            speech_probability,
            speech_level_dbfs,
            speech_level_reliable: self.speech.is_confident(),
            noise_rms_dbfs,
            headroom_db: self.headroom.headroom_db(),
            limiter_envelope_dbfs: limited.unwrap_or(MIN_LEVEL_DBFS),
        };
        self.controller.process(&info, &mut [&mut block[..]]);
    }
}
