//! Whether somebody speaks.

use crate::audio::{AudioBlock, BLOCK_SAMPLES};
use std::collections::VecDeque;

/// The detector's rate is a third of ours.
const DECIMATION: usize = 3;
/// Samples of one of the detector's frames, 16 ms.
const FRAME: usize = 256;
/// A score that counts as voice.
const THRESHOLD: f32 = 0.5;
/// Below this the detector is not asked: -65 dBFS is no voice.
const QUIET_RMS: f32 = 0.000_56;
/// Frames of voice in a row before somebody speaks: a click has one or two.
const ATTACK: u32 = 3;
/// Blocks for which speaking lasts: longer than the pauses between words.
const HANGOVER: u32 = 40;
/// Half of the low-pass filter's taps.
const HALF_TAPS: usize = 12;

/// Detects voice in a stream of blocks.
pub struct VoiceDetector {
    detector: Box<earshot::Detector>,
    filter: [f32; 2 * HALF_TAPS + 1],
    history: [f32; 2 * HALF_TAPS],
    pending: VecDeque<f32>,
    voiced: u32,
    hangover: u32,
}

impl Default for VoiceDetector {
    fn default() -> Self {
        Self::new()
    }
}

impl VoiceDetector {
    /// A detector that has heard nothing.
    pub fn new() -> Self {
        Self {
            detector: Box::default(),
            filter: low_pass(),
            history: [0.0; 2 * HALF_TAPS],
            pending: VecDeque::with_capacity(FRAME + BLOCK_SAMPLES),
            voiced: 0,
            hangover: 0,
        }
    }

    /// Listens to the next block and returns whether somebody speaks, or spoke a moment ago.
    pub fn listen(&mut self, block: &AudioBlock) -> bool {
        self.decimate(block);
        self.hangover = self.hangover.saturating_sub(1);
        while self.pending.len() >= FRAME {
            let mut frame = [0.0; FRAME];
            frame.iter_mut().zip(self.pending.drain(..FRAME)).for_each(|(to, from)| *to = from);
            let loud = frame.iter().map(|x| x * x).sum::<f32>() > QUIET_RMS * QUIET_RMS * 256.0;
            let voice = loud && self.detector.predict_f32(&frame) >= THRESHOLD;
            self.voiced = if voice { self.voiced + 1 } else { 0 };
            if self.voiced >= ATTACK {
                self.hangover = HANGOVER;
            }
        }
        self.hangover > 0
    }

    /// Low-pass at 7 kHz, then every third sample.
    fn decimate(&mut self, block: &AudioBlock) {
        const HISTORY: usize = 2 * HALF_TAPS;
        let mut input = [0.0; BLOCK_SAMPLES + HISTORY];
        input[..HISTORY].copy_from_slice(&self.history);
        input[HISTORY..].copy_from_slice(block);
        self.history.copy_from_slice(&input[BLOCK_SAMPLES..]);
        for at in (0..BLOCK_SAMPLES).step_by(DECIMATION) {
            let window = &input[at..at + self.filter.len()];
            let sample: f32 = window.iter().zip(&self.filter).map(|(x, h)| x * h).sum();
            self.pending.push_back(sample.clamp(-1.0, 1.0));
        }
    }
}

/// A windowed sinc (Hann).
fn low_pass() -> [f32; 2 * HALF_TAPS + 1] {
    use std::f32::consts::PI;
    let cutoff = 7.0 / 48.0;
    let mut taps = std::array::from_fn(|i| {
        let t = i as f32 - HALF_TAPS as f32;
        let sinc = if t == 0.0 { 2.0 * cutoff } else { (2.0 * PI * cutoff * t).sin() / (PI * t) };
        sinc * (0.5 + 0.5 * (PI * t / (HALF_TAPS as f32 + 1.0)).cos())
    });
    let sum: f32 = taps.iter().sum();
    taps.iter_mut().for_each(|tap| *tap /= sum);
    taps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::testing::{Noise, Voice};

    fn heard(mut sound: impl FnMut(&mut AudioBlock), blocks: usize) -> usize {
        let mut detector = VoiceDetector::new();
        let mut block = [0.0; BLOCK_SAMPLES];
        (0..blocks)
            .filter(|_| {
                sound(&mut block);
                detector.listen(&block)
            })
            .count()
    }

    #[test]
    fn a_voice_is_heard_and_silence_is_not() {
        let mut voice = Voice::new(0.1);
        assert!(heard(|block| voice.fill(block), 300) > 150);
        assert_eq!(heard(|block| block.fill(0.0), 300), 0);
        let mut hiss = Noise::new(0.0005);
        assert_eq!(heard(|block| hiss.fill(block), 300), 0);
    }

    #[test]
    fn speaking_lasts_over_a_short_pause_and_then_ends() {
        let mut detector = VoiceDetector::new();
        let mut voice = Voice::new(0.1);
        let mut block = [0.0; BLOCK_SAMPLES];
        let mut speaking = false;
        for _ in 0..400 {
            voice.fill(&mut block);
            speaking = detector.listen(&block);
            if speaking {
                break;
            }
        }
        assert!(speaking, "the voice was not heard");
        let lasted = (0..200).take_while(|_| detector.listen(&[0.0; BLOCK_SAMPLES])).count();
        assert!((20..60).contains(&lasted), "{lasted} blocks");
    }
}
