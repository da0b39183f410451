//! The microphone's chain: high-pass, echo, noise, gain, limiter. Each part is switched by
//! itself, at once, and keeps what it has learnt while others are switched.

mod bands;
mod echo;
mod gain;
mod high_pass;
mod meters;
mod noise;

use crate::audio::AudioBlock;
use bands::{Bands, Splitter};
use echo::EchoCanceller;
use gain::AdaptiveGain;
use high_pass::HighPass;
pub use meters::ChainMeters;
use meters::Ratio;
pub use noise::NoiseSuppression;
use noise::NoiseSuppressor;
use sonora_agc2::limiter::Limiter;
use std::time::Duration;

/// The chain works on samples of 16 bits, as its parts do.
const FULL_SCALE: f32 = 32_768.0;

/// Splitting into bands and putting them together again.
const BANDS_DELAY: Duration = Duration::from_millis(1);
/// The canceller works on blocks of 4 ms.
const ECHO_DELAY: Duration = Duration::from_millis(4);
/// The suppressor's windows overlap.
const NOISE_DELAY: Duration = Duration::from_millis(6);

/// Which parts of the chain are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainSettings {
    /// Take rumble below the voice out.
    pub high_pass: bool,
    /// Take what the speaker plays out of what the microphone hears.
    pub echo_cancellation: bool,
    /// How much of steady noise to take out.
    pub noise_suppression: NoiseSuppression,
    /// Bring quiet and loud voices to one level. The system's mixer is never touched.
    pub auto_gain: bool,
    /// Bend loud sound down in place of cutting it off.
    pub limiter: bool,
}

impl ChainSettings {
    /// What a person at a desk wants.
    pub const ALL: Self = Self {
        high_pass: true,
        echo_cancellation: true,
        noise_suppression: NoiseSuppression::High,
        auto_gain: true,
        limiter: true,
    };
    /// The microphone as it is.
    pub const NONE: Self = Self {
        high_pass: false,
        echo_cancellation: false,
        noise_suppression: NoiseSuppression::Off,
        auto_gain: false,
        limiter: false,
    };
}

impl Default for ChainSettings {
    fn default() -> Self {
        Self::ALL
    }
}

/// Processes the microphone. With everything off it does nothing and costs nothing.
pub struct CaptureChain {
    settings: ChainSettings,
    high_pass: Option<HighPass>,
    splitter: Splitter,
    echo: Option<Box<EchoCanceller>>,
    noise: Option<Box<NoiseSuppressor>>,
    gain: Option<Box<AdaptiveGain>>,
    limiter: Option<Box<Limiter>>,
    meters: ChainMeters,
    echo_taken: Ratio,
    noise_taken: Ratio,
    gained: Ratio,
}

impl CaptureChain {
    /// Sets the chain up.
    pub fn new(settings: ChainSettings) -> Self {
        let mut this = Self {
            settings: ChainSettings::NONE,
            high_pass: None,
            splitter: Splitter::default(),
            echo: None,
            noise: None,
            gain: None,
            limiter: None,
            meters: ChainMeters::default(),
            echo_taken: Ratio::default(),
            noise_taken: Ratio::default(),
            gained: Ratio::default(),
        };
        this.set(settings);
        this
    }

    /// Changes the settings from the next block on. Parts that stay on go on as they were.
    pub fn set(&mut self, settings: ChainSettings) {
        switch(&mut self.high_pass, settings.high_pass, HighPass::default);
        switch(&mut self.echo, settings.echo_cancellation, Box::default);
        switch(&mut self.gain, settings.auto_gain, Box::default);
        switch(&mut self.limiter, settings.limiter, || Box::new(gain::limiter()));
        if settings.noise_suppression != self.settings.noise_suppression {
            self.noise = NoiseSuppressor::new(settings.noise_suppression).map(Box::new);
        }
        self.settings = settings;
    }

    /// The settings.
    pub fn settings(&self) -> ChainSettings {
        self.settings
    }

    /// What the parts did lately.
    pub fn meters(&self) -> ChainMeters {
        self.meters
    }

    /// How much later sound comes out of it than it went in.
    pub fn delay(&self) -> Duration {
        let bands = self.echo.is_some() || self.noise.is_some();
        [
            (bands, BANDS_DELAY),
            (self.echo.is_some(), ECHO_DELAY),
            (self.noise.is_some(), NOISE_DELAY),
        ]
        .into_iter()
        .filter_map(|(on, delay)| on.then_some(delay))
        .sum()
    }

    /// Tells what the speaker plays, before the block that may hear it.
    pub fn render(&mut self, block: &AudioBlock) {
        if let Some(echo) = &mut self.echo {
            echo.render(block);
        }
    }

    /// Tells that the reference has begun anew: nothing that was played before will be heard.
    pub fn restart_render(&mut self) {
        if let Some(echo) = &mut self.echo {
            **echo = EchoCanceller::default();
        }
    }

    /// Processes a block of the microphone in place.
    pub fn capture(&mut self, block: &mut AudioBlock) {
        if self.settings == ChainSettings::NONE {
            self.meters = ChainMeters::default();
            return;
        }
        let saturated = block.iter().any(|sample| sample.abs() >= 0.998);
        block.iter_mut().for_each(|sample| *sample *= FULL_SCALE);
        if let Some(high_pass) = &mut self.high_pass {
            high_pass.process(block);
        }
        if self.echo.is_some() || self.noise.is_some() {
            self.in_bands(block, saturated);
        }
        if let Some(gain) = &mut self.gain {
            let before = power(block);
            gain.process(block, self.limiter.as_deref());
            self.gained.add(before, power(block));
        }
        if let Some(limiter) = &mut self.limiter {
            limiter.process(&mut [&mut block[..]]);
        }
        block.iter_mut().for_each(|sample| *sample = (*sample / FULL_SCALE).clamp(-1.0, 1.0));
        self.meters = ChainMeters {
            echo_db: self.echo.as_ref().map(|_| -self.echo_taken.db()),
            noise_db: self.noise.as_ref().map(|_| -self.noise_taken.db()),
            gain_db: self.gain.as_ref().map(|_| self.gained.db()),
            delay_ms: self.echo.as_ref().map(|echo| echo.delay_ms()),
        };
    }

    fn in_bands(&mut self, block: &mut AudioBlock, saturated: bool) {
        let mut bands = self.splitter.split(block);
        if let Some(noise) = &mut self.noise {
            // Before the canceller, whose own comfort noise is not the room's.
            noise.analyze(&bands);
        }
        if let Some(echo) = &mut self.echo {
            let before = band_power(&bands);
            let heard = echo.capture(&mut bands, saturated);
            if heard {
                self.echo_taken.add(before, band_power(&bands));
            }
        }
        if let Some(noise) = &mut self.noise {
            let before = band_power(&bands);
            noise.process(&mut bands);
            self.noise_taken.add(before, band_power(&bands));
        }
        self.splitter.merge(&bands, block);
    }
}

fn switch<T>(part: &mut Option<T>, on: bool, make: impl FnOnce() -> T) {
    if !on {
        *part = None;
    } else if part.is_none() {
        *part = Some(make());
    }
}

fn power(samples: &[f32]) -> f32 {
    samples.iter().map(|sample| sample * sample).sum()
}

fn band_power(bands: &Bands) -> f32 {
    bands.iter().map(|band| power(band)).sum()
}

#[cfg(test)]
mod tests;
