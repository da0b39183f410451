//! Several streams that come in pieces of any size, to one of even blocks.

use std::collections::{BTreeMap, VecDeque};
use tincan_media::audio::{AudioBlock, BLOCK_SAMPLES, SILENCE};

/// A stream waits until it has this much, so that the next piece may be late.
const PRIMED: usize = 2 * BLOCK_SAMPLES;
/// A stream that has more than this is cut back to [`PRIMED`]: its clock is faster than ours.
const LONGEST: usize = 8 * BLOCK_SAMPLES;

/// The streams.
#[derive(Debug, Default)]
pub(super) struct Mix {
    streams: BTreeMap<u32, Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    samples: VecDeque<f32>,
    playing: bool,
}

impl Mix {
    /// Appends to a stream.
    pub(super) fn add(&mut self, stream: u32, samples: &[f32]) {
        let waiting = &mut self.streams.entry(stream).or_default().samples;
        waiting.extend(samples);
        if waiting.len() > LONGEST {
            waiting.drain(..waiting.len() - PRIMED);
        }
    }

    /// Forgets a stream.
    pub(super) fn remove(&mut self, stream: u32) {
        self.streams.remove(&stream);
    }

    /// The next 10 ms, unless all are silent.
    pub(super) fn take(&mut self) -> Option<AudioBlock> {
        let mut block = SILENCE;
        let mut heard = false;
        for Waiting { samples, playing } in self.streams.values_mut() {
            let enough = if *playing { BLOCK_SAMPLES } else { PRIMED };
            *playing = samples.len() >= enough;
            if *playing {
                heard = true;
                block.iter_mut().zip(samples.drain(..BLOCK_SAMPLES)).for_each(|(to, it)| *to += it);
            }
        }
        block.iter_mut().for_each(|sample| *sample = sample.clamp(-1.0, 1.0));
        heard.then_some(block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_added_up_and_each_waits_until_it_has_enough() {
        let mut mix = Mix::default();
        mix.add(1, &[0.25; BLOCK_SAMPLES]);
        assert_eq!(mix.take(), None);
        mix.add(1, &[0.25; BLOCK_SAMPLES]);
        mix.add(2, &[0.5; 2 * BLOCK_SAMPLES]);
        assert_eq!(mix.take(), Some([0.75; BLOCK_SAMPLES]));
        mix.remove(2);
        assert_eq!(mix.take(), Some([0.25; BLOCK_SAMPLES]));
        assert_eq!(mix.take(), None, "it has run out");
        mix.add(1, &[0.25; BLOCK_SAMPLES]);
        assert_eq!(mix.take(), None, "and waits anew");
    }

    #[test]
    fn what_piles_up_is_cut_and_too_loud_is_no_more_than_loudest() {
        let mut mix = Mix::default();
        mix.add(1, &[0.9; LONGEST]);
        mix.add(1, &[0.8; 1]);
        mix.add(2, &[0.9; LONGEST]);
        let blocks = std::iter::from_fn(|| mix.take()).collect::<Vec<_>>();
        assert_eq!(blocks.len(), LONGEST / BLOCK_SAMPLES);
        assert_eq!(blocks[0], [1.0; BLOCK_SAMPLES]);
        assert_eq!(blocks[2], [0.9; BLOCK_SAMPLES], "the first stream was cut");
    }
}
