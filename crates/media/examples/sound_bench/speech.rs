//! Voices by `espeak-ng`, the same on every machine, and noise by a generator with a seed.

use anyhow::{Context, ensure};
use std::process::Command;
use tincan_media::audio::SAMPLE_RATE;
use tincan_media::process::resample::Resampler;

const FAR: &str = "The birch canoe slid on the smooth planks. Glue the sheet to the dark blue \
    background. It is easy to tell the depth of a well. These days a chicken leg is a rare dish. \
    Rice is often served in round bowls. The juice of lemons makes fine punch. The box was thrown \
    beside the parked truck. The hogs were fed chopped corn and garbage. Four hours of steady work \
    faced us. A large size in stockings is hard to sell. The boy was there when the sun rose. A rod \
    is used to catch pink salmon. The source of the huge river is the clear spring.";
const NEAR: &str = "Kick the ball straight and follow through. Help the woman get back to her feet. \
    A pot of tea helps to pass the evening. Smoky fires lack flame and heat. The soft cushion broke \
    the man's fall. The salt breeze came across from the sea. The girl at the booth sold fifty \
    bonds. The small pup gnawed a hole in the sock. The fish twisted and turned on the bent hook.";

/// Who speaks.
#[derive(Clone, Copy)]
pub enum Talker {
    /// At the other end.
    Far,
    /// In front of the microphone.
    Near,
}

/// So many seconds of speech whose loud parts have `dbfs`.
pub fn speech(talker: Talker, seconds: usize, dbfs: f32) -> anyhow::Result<Vec<f32>> {
    let (voice, text) = match talker {
        Talker::Far => ("en", FAR),
        Talker::Near => ("en+f3", NEAR),
    };
    let wav = Command::new("espeak-ng")
        .args(["--stdout", "-v", voice, "-s", "165", text])
        .output()
        .context("while running espeak-ng")?
        .stdout;
    let at = wav.windows(4).position(|four| four == b"data").context("espeak-ng made no WAV")?;
    let rate = u32::from_le_bytes(wav[24..28].try_into().context("a short header")?);
    let samples: Vec<f32> = wav[at + 8..]
        .chunks_exact(2)
        .map(|two| f32::from(i16::from_le_bytes([two[0], two[1]])) / 32_768.0)
        .collect();
    ensure!(!samples.is_empty(), "espeak-ng said nothing");
    let mut speech = Vec::new();
    Resampler::from_device(rate)?.push(&samples, &mut speech);
    let length = seconds * SAMPLE_RATE as usize;
    let mut speech: Vec<f32> = speech.into_iter().cycle().take(length).collect();
    let gain = ratio(dbfs - active_level(&speech));
    speech.iter_mut().for_each(|sample| *sample = (*sample * gain).clamp(-1.0, 1.0));
    Ok(speech)
}

/// Level of the blocks that are within 20 dB of the loudest.
pub fn active_level(samples: &[f32]) -> f32 {
    let powers: Vec<f64> = samples.chunks_exact(480).map(power).collect();
    let loudest = powers.iter().copied().fold(0.0, f64::max);
    let (sum, count) = powers
        .iter()
        .filter(|power| **power > loudest / 100.0)
        .fold((0.0, 0.0), |(sum, count), power| (sum + power, count + 1.0));
    decibels(sum / f64::max(count, 1.0))
}

/// Mean square.
pub fn power(samples: &[f32]) -> f64 {
    samples.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / samples.len().max(1) as f64
}

/// Of a power.
pub fn decibels(power: f64) -> f32 {
    (10.0 * power.max(1e-15).log10()) as f32
}

/// Of amplitudes.
pub fn ratio(decibels: f32) -> f32 {
    10f32.powf(decibels / 20.0)
}

/// White noise with its mean square at 1/3 of the square of 1.
pub struct White(u64);

impl White {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> f32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as f32 / (1u64 << 30) as f32) - 1.0
    }
}

/// Noise of the colours that rooms have.
#[derive(Clone, Copy, Debug)]
pub enum Noise {
    /// A fan.
    White,
    /// Traffic, and a mains hum.
    BrownAndHum,
}

/// So much of it, at `dbfs`.
pub fn noise(kind: Noise, samples: usize, dbfs: f32) -> Vec<f32> {
    let mut white = White::new(7);
    let mut brown = 0.0f32;
    let mut noise: Vec<f32> = (0..samples)
        .map(|n| match kind {
            Noise::White => white.next(),
            Noise::BrownAndHum => {
                brown = 0.995 * brown + 0.1 * white.next();
                let t = n as f32 / SAMPLE_RATE as f32;
                let hum = |frequency: f32| (std::f32::consts::TAU * (frequency * t).fract()).sin();
                brown + 0.15 * hum(100.0) + 0.1 * hum(150.0) + 0.05 * hum(300.0)
            }
        })
        .collect();
    let gain = ratio(dbfs - decibels(power(&noise)));
    noise.iter_mut().for_each(|sample| *sample *= gain);
    noise
}
