//! Echo cancellation, noise suppression and gain control of the microphone.

use crate::audio::{AudioBlock, BLOCK_SAMPLES, SAMPLE_RATE};
use sonora::config::{
    AdaptiveDigital, EchoCanceller, GainController2, HighPassFilter, MaxProcessingRate,
    NoiseSuppression, NoiseSuppressionLevel, Pipeline,
};
use sonora::{AudioProcessing, Config, StreamConfig};

/// Which processing is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApmSettings {
    /// Take what the speaker plays out of what the microphone hears.
    pub echo_cancellation: bool,
    /// Take steady noise out.
    pub noise_suppression: bool,
    /// Bring quiet and loud voices to one level.
    pub auto_gain: bool,
}

impl ApmSettings {
    /// All on: what a person at a desk wants.
    pub const ALL: Self =
        Self { echo_cancellation: true, noise_suppression: true, auto_gain: true };
    /// The microphone as it is.
    pub const NONE: Self =
        Self { echo_cancellation: false, noise_suppression: false, auto_gain: false };
}

impl Default for ApmSettings {
    fn default() -> Self {
        Self::ALL
    }
}

/// Processes the microphone. With everything off it does nothing and costs nothing.
pub struct Apm {
    settings: ApmSettings,
    processing: Option<AudioProcessing>,
}

impl Apm {
    /// Sets the processing up.
    pub fn new(settings: ApmSettings) -> Self {
        Self { settings, processing: build(settings) }
    }

    /// Changes the settings; what was learnt of room and noise is lost if they differ.
    pub fn set(&mut self, settings: ApmSettings) {
        if settings == self.settings {
            return;
        }
        self.settings = settings;
        match &mut self.processing {
            Some(processing) if settings != ApmSettings::NONE => {
                processing.apply_config(config(settings));
            }
            processing => *processing = build(settings),
        }
    }

    /// The settings.
    pub fn settings(&self) -> ApmSettings {
        self.settings
    }

    /// Processes a block of the microphone in place.
    pub fn capture(&mut self, block: &mut AudioBlock) {
        let Some(processing) = &mut self.processing else { return };
        // The speaker's blocks come as they are played; the canceller finds the delay itself.
        let _clamped = processing.set_stream_delay_ms(0);
        let input = *block;
        let result = processing.process_capture_f32(&[&input], &mut [&mut block[..]]);
        if result.is_err() {
            *block = input;
        }
    }

    /// Tells what the speaker plays.
    pub fn render(&mut self, block: &AudioBlock) {
        if !self.settings.echo_cancellation {
            return;
        }
        if let Some(processing) = &mut self.processing {
            let mut out = [0.0; BLOCK_SAMPLES];
            let _unsupported = processing.process_render_f32(&[block], &mut [&mut out]);
        }
    }
}

fn build(settings: ApmSettings) -> Option<AudioProcessing> {
    let mono = StreamConfig::new(SAMPLE_RATE, 1);
    (settings != ApmSettings::NONE).then(|| {
        AudioProcessing::builder()
            .config(config(settings))
            .capture_config(mono)
            .render_config(mono)
            .build()
    })
}

fn config(settings: ApmSettings) -> Config {
    Config {
        pipeline: Pipeline {
            maximum_internal_processing_rate: MaxProcessingRate::Rate48kHz,
            multi_channel_render: false,
            multi_channel_capture: false,
            ..Pipeline::default()
        },
        high_pass_filter: Some(HighPassFilter::default()),
        echo_canceller: settings.echo_cancellation.then(EchoCanceller::default),
        noise_suppression: settings.noise_suppression.then(|| NoiseSuppression {
            level: NoiseSuppressionLevel::High,
            ..NoiseSuppression::default()
        }),
        // Without `adaptive_digital` this is a limiter only.
        gain_controller2: settings.auto_gain.then(|| GainController2 {
            adaptive_digital: Some(AdaptiveDigital::default()),
            ..GainController2::default()
        }),
        ..Config::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::level::Level;
    use crate::process::testing::{Noise, Voice};

    const ECHO_ONLY: ApmSettings = ApmSettings { echo_cancellation: true, ..ApmSettings::NONE };

    /// Level of the residue over the last second, relative to the echo, in dB.
    fn residue(settings: ApmSettings, seconds: usize) -> f32 {
        let mut apm = Apm::new(settings);
        let mut voice = Voice::new(0.15);
        let delay = 40 * SAMPLE_RATE as usize / 1000;
        let mut played = vec![0.0; delay];
        let (mut echo_sum, mut residue_sum) = (0.0, 0.0);
        let mut block = [0.0; BLOCK_SAMPLES];
        for n in 0..seconds * 100 {
            voice.fill(&mut block);
            apm.render(&block);
            played.extend(block);
            let at = n * BLOCK_SAMPLES;
            // Two reflections after the direct path.
            let mut heard: AudioBlock = std::array::from_fn(|i| {
                let tap = |extra: usize, gain: f32| {
                    (at + i).checked_sub(extra).map_or(0.0, |at| gain * played[at])
                };
                tap(0, 0.5) + tap(173, 0.2) + tap(411, -0.1)
            });
            let echo = Level::of(&heard).rms();
            apm.capture(&mut heard);
            if n >= (seconds - 1) * 100 {
                echo_sum += echo * echo;
                residue_sum += Level::of(&heard).rms().powi(2);
            }
        }
        10.0 * (residue_sum / echo_sum).max(1e-12).log10()
    }

    #[test]
    fn the_echo_is_gone_after_three_seconds() {
        let left = residue(ECHO_ONLY, 4);
        assert!(left < -20.0, "{left:.1} dB left");
        assert!(residue(ApmSettings::NONE, 4) > -1.0, "without it the echo stays");
    }

    #[test]
    fn gain_control_raises_a_quiet_voice() {
        let settings = ApmSettings { auto_gain: true, ..ApmSettings::NONE };
        let mut apm = Apm::new(settings);
        let mut voice = Voice::new(0.01);
        let (mut before, mut after) = (0.0, 0.0);
        let mut block = [0.0; BLOCK_SAMPLES];
        for n in 0..800 {
            voice.fill(&mut block);
            let quiet = Level::of(&block).rms();
            apm.capture(&mut block);
            assert!(block.iter().all(|x| x.abs() <= 1.0), "over full scale");
            if n >= 600 {
                before += quiet * quiet;
                after += Level::of(&block).rms().powi(2);
            }
        }
        let raised = 10.0 * (after / before).log10();
        assert!(raised > 6.0, "raised by {raised:.1} dB");
    }

    #[test]
    fn noise_is_suppressed() {
        let mut apm = Apm::new(ApmSettings { noise_suppression: true, ..ApmSettings::NONE });
        let mut noise = Noise::new(0.02);
        let mut block = [0.0; BLOCK_SAMPLES];
        let mut after = Level::default();
        for _ in 0..300 {
            noise.fill(&mut block);
            apm.capture(&mut block);
            after = Level::of(&block);
        }
        let lowered = Level::from_rms(0.02 / 3f32.sqrt()).dbfs() - after.dbfs();
        assert!(lowered > 10.0, "lowered by {lowered:.1} dB");
    }

    #[test]
    fn settings_change_while_it_runs_and_none_leaves_the_sound_alone() {
        let mut apm = Apm::new(ApmSettings::ALL);
        let mut voice = Voice::new(0.1);
        let mut block = [0.0; BLOCK_SAMPLES];
        for settings in [ECHO_ONLY, ApmSettings::NONE, ApmSettings::ALL, ApmSettings::NONE] {
            apm.set(settings);
            assert_eq!(apm.settings(), settings);
            for _ in 0..20 {
                voice.fill(&mut block);
                apm.render(&block);
                apm.capture(&mut block);
            }
        }
        voice.fill(&mut block);
        let untouched = block;
        apm.capture(&mut block);
        assert_eq!(block, untouched);
    }
}
