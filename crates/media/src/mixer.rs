//! Voices into one sound.

use crate::audio::{AudioBlock, BLOCK_SAMPLES, StereoBlock};

/// The loudest that comes out, just below full scale.
const CEILING: f32 = 0.98;
/// How much of the way back to full gain is made in a sample: about a fifth of a second.
const RELEASE: f32 = 1.0 / (0.2 * 48_000.0);
/// Peaks are looked for in pieces of this many samples, 1 ms.
const PIECE: usize = 48;

/// Adds blocks up. A limiter makes room for peaks with a gain that is the same for all samples of
/// a piece's neighbourhood, so that nothing is bent; it looks ahead inside the block at hand only,
/// and so adds no delay.
#[derive(Debug)]
pub struct Mixer {
    sum: StereoBlock,
    limiter: Limiter,
}

impl Default for Mixer {
    fn default() -> Self {
        Self { sum: StereoBlock::SILENCE, limiter: Limiter { gain: 1.0 } }
    }
}

impl Mixer {
    /// Adds a voice to the current block.
    pub fn add(&mut self, block: &StereoBlock, gain: f32) {
        add(&mut self.sum.left, &block.left, gain);
        add(&mut self.sum.right, &block.right, gain);
    }

    /// Takes the mixed block and starts the next. What does not reach the ceiling comes out as
    /// it was.
    pub fn take(&mut self) -> StereoBlock {
        let mut block = std::mem::replace(&mut self.sum, StereoBlock::SILENCE);
        self.limiter.limit(&mut block);
        block
    }
}

fn add(sum: &mut AudioBlock, block: &AudioBlock, gain: f32) {
    for (sum, sample) in sum.iter_mut().zip(block) {
        *sum += gain * sample;
    }
}

#[derive(Debug)]
struct Limiter {
    gain: f32,
}

impl Limiter {
    fn limit(&mut self, block: &mut StereoBlock) {
        const PIECES: usize = BLOCK_SAMPLES / PIECE;
        let allowed: [f32; PIECES] = std::array::from_fn(|n| {
            let piece = n * PIECE..(n + 1) * PIECE;
            let sides = block.left[piece.clone()].iter().chain(&block.right[piece]);
            CEILING / sides.fold(CEILING, |peak, sample| peak.max(sample.abs()))
        });
        if self.gain >= 1.0 && allowed.iter().all(|&allowed| allowed >= 1.0) {
            return;
        }
        for (n, &here) in allowed.iter().enumerate() {
            // The way down is made in the piece before a peak.
            let wanted = allowed.get(n + 1).map_or(here, |next| next.min(here));
            let down = ((wanted - self.gain) / PIECE as f32).min(0.0);
            for at in n * PIECE..(n + 1) * PIECE {
                self.gain = match self.gain > wanted {
                    true => (self.gain + down).max(wanted).min(here),
                    false => (self.gain + RELEASE * (1.0 - self.gain)).min(wanted),
                };
                block.left[at] *= self.gain;
                block.right[at] *= self.gain;
            }
        }
        if self.gain > 0.9999 {
            self.gain = 1.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(n: usize, amplitude: f32) -> StereoBlock {
        StereoBlock::both(std::array::from_fn(|i| {
            amplitude * ((n * BLOCK_SAMPLES + i) as f32 * 0.0575).sin()
        }))
    }

    #[test]
    fn what_fits_is_not_touched() {
        let mut mixer = Mixer::default();
        for n in 0..20 {
            mixer.add(&sine(n, 0.9), 1.0);
            assert_eq!(mixer.take(), sine(n, 0.9));
        }
        assert_eq!(mixer.take(), StereoBlock::SILENCE);
    }

    #[test]
    fn sides_stay_apart() {
        let mut mixer = Mixer::default();
        let left = StereoBlock { left: [0.5; BLOCK_SAMPLES], ..StereoBlock::SILENCE };
        mixer.add(&left, 0.5);
        let block = mixer.take();
        assert_eq!((block.left[7], block.right[7]), (0.25, 0.0));
    }

    #[test]
    fn nothing_ever_passes_the_ceiling_and_the_gain_comes_back() {
        let mut mixer = Mixer::default();
        for n in 0..50 {
            (0..8).for_each(|_| mixer.add(&sine(n, 0.9), 1.0));
            let block = mixer.take();
            assert!(block.left.iter().all(|x| x.abs() <= 1.0), "block {n}");
        }
        let quiet = |mixer: &mut Mixer, n| {
            mixer.add(&sine(n, 0.1), 1.0);
            mixer.take().left.into_iter().fold(0.0, f32::max)
        };
        assert!(quiet(&mut mixer, 50) < 0.05);
        (51..300).for_each(|n| _ = quiet(&mut mixer, n));
        assert!((quiet(&mut mixer, 300) - 0.1).abs() < 0.001);
    }

    #[test]
    fn a_loud_tone_stays_a_tone() {
        let mut mixer = Mixer::default();
        let (mut signal, mut error) = (0.0f32, 0.0f32);
        for n in 0..100 {
            (0..2).for_each(|_| mixer.add(&sine(n, 0.9), 1.0));
            let block = mixer.take();
            if n > 50 {
                let clean = sine(n, 1.0).left;
                let dot = |a: &AudioBlock, b: &AudioBlock| -> f32 {
                    a.iter().zip(b).map(|(a, b)| a * b).sum()
                };
                let gain = dot(&block.left, &clean) / dot(&clean, &clean);
                signal += dot(&clean, &clean) * gain * gain;
                error +=
                    block.left.iter().zip(&clean).map(|(a, b)| (a - gain * b).powi(2)).sum::<f32>();
            }
        }
        let snr = 10.0 * (signal / error).log10();
        assert!(snr > 40.0, "{snr} dB");
    }
}
