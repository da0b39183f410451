//! One voice from a microphone with two sides.

use crate::audio::{AudioBlock, BLOCK_SAMPLES, StereoBlock};

/// Share of the past that stays with each block: half is gone after 0.7 s.
const FADE: f32 = 0.99;
/// A side with so little of the other's energy carries nothing: 30 dB below.
const EMPTY: f32 = 0.001;

/// Makes one channel of two: their mean, or the one that carries something, so that a microphone
/// at one side alone is not half as loud.
#[derive(Clone, Copy, Debug)]
pub struct Downmix {
    energy: [f32; 2],
    weight: f32,
}

impl Default for Downmix {
    fn default() -> Self {
        Self { energy: [0.0; 2], weight: 0.5 }
    }
}

impl Downmix {
    /// Mixes the next block.
    pub fn mix(&mut self, block: &StereoBlock) -> AudioBlock {
        let StereoBlock { left, right } = block;
        if left == right {
            return *left;
        }
        for (energy, side) in self.energy.iter_mut().zip([left, right]) {
            *energy = FADE * *energy + side.iter().map(|x| x * x).sum::<f32>();
        }
        let [l, r] = self.energy;
        let wanted = if r < l * EMPTY {
            1.0
        } else if l < r * EMPTY {
            0.0
        } else {
            0.5
        };
        // From one weight to the next over the block: a step would click.
        let (from, step) = (self.weight, (wanted - self.weight) / BLOCK_SAMPLES as f32);
        self.weight = wanted;
        std::array::from_fn(|n| {
            let weight = from + step * (n + 1) as f32;
            weight * left[n] + (1.0 - weight) * right[n]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::SILENCE;

    #[test]
    fn two_sides_are_averaged_and_an_empty_one_is_left_out() {
        let tone: AudioBlock = std::array::from_fn(|n| 0.4 * (n as f32 * 0.1).sin());
        let mut mix = Downmix::default();
        let softer = StereoBlock { left: tone, right: tone.map(|x| 0.5 * x) };
        let both = mix.mix(&softer);
        assert!((both[100] - 0.75 * tone[100]).abs() < 1e-6);
        for one in
            [StereoBlock { left: tone, right: SILENCE }, StereoBlock { left: SILENCE, right: tone }]
        {
            let mut mix = Downmix::default();
            mix.mix(&one);
            let mono = mix.mix(&one);
            assert!(mono.iter().zip(tone).all(|(got, x)| (got - x).abs() < 1e-6));
        }
    }

    #[test]
    fn a_change_of_weights_does_not_click() {
        let ones = [0.5; BLOCK_SAMPLES];
        let mut mix = Downmix::default();
        let mut last = mix.mix(&StereoBlock { left: ones, right: ones.map(|x| -x) })[479];
        let mut seen = Vec::new();
        for _ in 0..3 {
            seen.extend(mix.mix(&StereoBlock { left: ones, right: SILENCE }));
        }
        for sample in seen {
            assert!((sample - last).abs() < 0.3, "a step from {last} to {sample}");
            last = sample;
        }
    }
}
