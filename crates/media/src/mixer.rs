//! Voices into one sound.

use crate::audio::{AudioBlock, BLOCK_SAMPLES, SILENCE};

/// Up to here nothing is changed; above, the sum is bent so that it never reaches 1.
const KNEE: f32 = 0.7;

/// Adds blocks up. Not a limiter with memory: each sample is bent by itself, so it adds no delay.
#[derive(Debug)]
pub struct Mixer {
    sum: AudioBlock,
    voices: usize,
}

impl Default for Mixer {
    fn default() -> Self {
        Self { sum: SILENCE, voices: 0 }
    }
}

impl Mixer {
    /// Adds a voice to the current block.
    pub fn add(&mut self, block: &AudioBlock, gain: f32) {
        self.voices += 1;
        for (sum, sample) in self.sum.iter_mut().zip(block) {
            *sum += gain * sample;
        }
    }

    /// Takes the mixed block and starts the next. One voice alone comes out as it was.
    pub fn take(&mut self) -> AudioBlock {
        let mut block = std::mem::replace(&mut self.sum, SILENCE);
        if std::mem::take(&mut self.voices) > 1 {
            block.iter_mut().for_each(|sample| *sample = bend(*sample));
        } else {
            block.iter_mut().for_each(|sample| *sample = sample.clamp(-1.0, 1.0));
        }
        debug_assert_eq!(block.len(), BLOCK_SAMPLES);
        block
    }
}

/// Straight to the knee, then a hyperbola that nears 1 without a kink.
fn bend(sample: f32) -> f32 {
    let over = sample.abs() - KNEE;
    if over <= 0.0 {
        return sample;
    }
    let room = 1.0 - KNEE;
    (KNEE + room * over / (room + over)).copysign(sample)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_voice_is_not_touched_and_many_do_not_clip() {
        let mut mixer = Mixer::default();
        mixer.add(&[0.9; BLOCK_SAMPLES], 1.0);
        assert_eq!(mixer.take(), [0.9; BLOCK_SAMPLES]);
        for _ in 0..8 {
            mixer.add(&[-0.9; BLOCK_SAMPLES], 1.0);
        }
        assert!(mixer.take().iter().all(|x| (-1.0..-0.9).contains(x)));
        assert_eq!(mixer.take(), SILENCE);
    }

    #[test]
    fn louder_stays_louder() {
        let steps: Vec<f32> = (0..400).map(|i| bend(i as f32 / 100.0)).collect();
        assert!(steps.is_sorted_by(|a, b| a < b));
        assert!((bend(KNEE + 0.001) - KNEE - 0.001).abs() < 1e-5, "no kink at the knee");
    }
}
