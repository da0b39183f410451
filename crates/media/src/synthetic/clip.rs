//! Speech to measure with: a quiet room in which something is said when it is asked for.

use crate::audio::AudioBlock;
use crate::device::{MicrophoneSink, OpenDevice};
use crate::synthetic::paced::{Noise, PacedMicrophone};
use std::sync::{Arc, Mutex, PoisonError};

/// How much quieter the room is than that of the beep: measures of speech take noise for a fault.
const QUIET: f32 = 0.25;
/// The id of the quiet room in lists of microphones.
pub const CLIP_ID: &str = "clip";

/// A microphone that is not there, in a quiet room. Dropping it stops it.
#[derive(Debug)]
pub struct ClipMicrophone {
    said: Arc<Mutex<Said>>,
    _paced: PacedMicrophone,
}

/// What is said, and what the room sounds like.
#[derive(Debug, Default)]
struct Said {
    samples: Vec<f32>,
    at: usize,
    begun: Option<f64>,
    noise: Noise,
}

impl ClipMicrophone {
    /// Starts delivering to `sink`.
    pub fn start(sink: MicrophoneSink) -> Self {
        let said = Arc::<Mutex<Said>>::default();
        let theirs = said.clone();
        let fill = move |block: &mut AudioBlock, wall| {
            theirs.lock().unwrap_or_else(PoisonError::into_inner).fill(block, wall);
        };
        Self { said, _paced: PacedMicrophone::start(CLIP_ID, fill, sink) }
    }

    /// Says this from the next block on.
    pub fn say(&self, samples: Vec<f32>) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        (said.samples, said.at, said.begun) = (samples, 0, None);
    }

    /// When the first sample of it was said, in milliseconds since the Unix epoch.
    pub fn begun(&self) -> Option<f64> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).begun
    }
}

impl OpenDevice for ClipMicrophone {
    fn id(&self) -> &str {
        CLIP_ID
    }
}

impl Said {
    /// Fills the block that begins at `wall`.
    fn fill(&mut self, block: &mut AudioBlock, wall: f64) {
        if self.begun.is_none() && !self.samples.is_empty() {
            self.begun = Some(wall);
        }
        let rest = self.samples.get(self.at..).unwrap_or_default();
        for (n, sample) in block.iter_mut().enumerate() {
            *sample = rest.get(n).copied().unwrap_or_default() + QUIET * self.noise.next();
        }
        self.at += block.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{BLOCK_SAMPLES, SILENCE};

    #[test]
    fn what_is_said_begins_with_a_block_and_a_room_is_never_silent() {
        let mut said = Said::default();
        let mut block = SILENCE;
        said.fill(&mut block, 10.0);
        assert_eq!(said.begun, None);
        assert!(block.iter().all(|x| x.abs() < 0.01) && block != SILENCE);
        said.samples = vec![0.5; BLOCK_SAMPLES + 100];
        said.at = 0;
        said.fill(&mut block, 20.0);
        assert!(block.iter().all(|x| *x > 0.45));
        said.fill(&mut block, 30.0);
        assert_eq!(said.begun, Some(20.0));
        assert!(block[99] > 0.45 && block[100] < 0.01);
    }
}
