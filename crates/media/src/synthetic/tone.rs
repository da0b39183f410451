//! Sound to measure with: a beep at each whole second of the wall clock, and what hears it.

use crate::audio::{AudioBlock, SAMPLE_RATE};
use crate::device::{MicrophoneSink, OpenDevice};
use crate::synthetic::paced::{Noise, PacedMicrophone};
use std::time::{SystemTime, UNIX_EPOCH};

/// The id of the beep in lists of microphones.
pub const BEEP_ID: &str = "beep";

const TONE_HZ: f32 = 1000.0;
const TONE_AMPLITUDE: f32 = 0.5;
const TONE_SAMPLES: usize = 60 * SAMPLE_RATE as usize / 1000;
/// A beep begins at the first sample above this ...
const THRESHOLD: f32 = 0.12;
/// ... after as long as this under it.
const QUIET_SAMPLES: usize = 6 * SAMPLE_RATE as usize / 10;

/// The wall clock in milliseconds since the Unix epoch, with fractions.
pub fn wall_millis() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |t| t.as_secs_f64() * 1000.0)
}

/// Makes the sound, block by block.
#[derive(Debug, Default)]
pub struct BeepTone {
    second: Option<u64>,
    left: usize,
    sample: u64,
    noise: Noise,
}

impl BeepTone {
    /// Fills the block that begins at `wall` (milliseconds since the Unix epoch). A tone begins
    /// with the first block of a second.
    pub fn fill(&mut self, block: &mut AudioBlock, wall: f64) {
        let second = (wall / 1000.0) as u64;
        if self.second.replace(second).is_some_and(|before| before != second) {
            self.left = TONE_SAMPLES;
        }
        for sample in block {
            self.sample += 1;
            *sample = if self.left > 0 {
                self.left -= 1;
                let turn = (self.sample % 48) as f32 * TONE_HZ / SAMPLE_RATE as f32;
                TONE_AMPLITUDE * (std::f32::consts::TAU * turn).sin()
            } else {
                self.noise.next()
            };
        }
    }
}

/// A microphone that is not there: blocks of the beep, paced by the wall clock.
#[derive(Debug)]
pub struct BeepMicrophone {
    _paced: PacedMicrophone,
}

impl BeepMicrophone {
    /// Starts delivering to `sink`. Dropping the value stops it.
    pub fn start(sink: MicrophoneSink) -> Self {
        let mut tone = BeepTone::default();
        let fill = move |block: &mut AudioBlock, wall| tone.fill(block, wall);
        Self { _paced: PacedMicrophone::start("beep", fill, sink) }
    }
}

impl OpenDevice for BeepMicrophone {
    fn id(&self) -> &str {
        BEEP_ID
    }
}

/// Finds the beginnings of beeps.
#[derive(Debug, Default)]
pub struct BeepDetector {
    quiet: usize,
}

impl BeepDetector {
    /// Listens to the block that begins at `wall`, and returns the time of the first loud sample
    /// after a quiet while.
    pub fn listen(&mut self, block: &[f32], wall: f64) -> Option<f64> {
        let mut heard = None;
        for (i, sample) in block.iter().enumerate() {
            if sample.abs() <= THRESHOLD {
                self.quiet += 1;
                continue;
            }
            if self.quiet >= QUIET_SAMPLES {
                heard = Some(wall + i as f64 * 1000.0 / f64::from(SAMPLE_RATE));
            }
            self.quiet = 0;
        }
        heard
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::BLOCK_SAMPLES;

    #[test]
    fn each_second_has_one_beep_that_is_heard_where_it_begins() {
        let (mut tone, mut detector) = (BeepTone::default(), BeepDetector::default());
        let mut block = [0.0; BLOCK_SAMPLES];
        let mut heard = Vec::new();
        for n in 0..500 {
            let wall = 10_200.0 + f64::from(n) * 10.0;
            tone.fill(&mut block, wall);
            heard.extend(detector.listen(&block, wall));
        }
        assert_eq!(heard.len(), 5);
        for (beep, second) in heard.iter().zip(11..) {
            let late = beep - f64::from(second) * 1000.0;
            assert!((0.0..0.1).contains(&late), "{late} ms late");
        }
    }

    #[test]
    fn one_tone_is_heard_once() {
        let mut detector = BeepDetector::default();
        assert_eq!(detector.listen(&[0.0; QUIET_SAMPLES], 0.0), None);
        let tone: Vec<f32> = (0..2880).map(|i| 0.5 * (i as f32 * 0.13).sin()).collect();
        assert!(detector.listen(&tone, 600.0).is_some());
        assert_eq!(detector.listen(&tone, 660.0), None);
    }
}
