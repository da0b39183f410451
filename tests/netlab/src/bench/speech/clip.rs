//! What is said: sentences in several voices, with pauses.

use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use tincan_test_support::speech;

/// Samples a second of what is said and heard.
pub const RATE: u32 = 48_000;
/// How loud each sentence is, root mean square: -23 dBFS, as a microphone with gain control has it.
const LOUD: f32 = 0.07;
/// Before, between and after sentences.
const PAUSE: usize = RATE as usize * 7 / 10;
/// What is quieter than this before and after a sentence is no part of it.
const QUIET: f32 = 0.002;

/// Sentences of the IEEE's lists (Harvard sentences, 1969) and who says them.
const SENTENCES: [(&str, &str); 8] = [
    ("en-us+m3", "The birch canoe slid on the smooth planks."),
    ("en-gb+f2", "Glue the sheet to the dark blue background."),
    ("en-gb-scotland+m1", "These days a chicken leg is a rare dish."),
    ("en-us+f4", "Rice is often served in round bowls."),
    ("en-gb+m7", "The juice of lemons makes fine punch."),
    ("en-us+f5", "The box was thrown beside the parked truck."),
    ("en-gb-x-rp+m2", "Four hours of steady work faced us."),
    ("en-gb+f3", "A large size in stockings is hard to sell."),
];

/// What is said.
#[derive(Debug)]
pub struct Clip {
    /// Where its samples are.
    pub file: PathBuf,
    /// How many there are.
    pub samples: usize,
    /// The first sample of each sentence, and the one after its last.
    pub sentences: Vec<(usize, usize)>,
}

impl Clip {
    /// Has espeak-ng say it, into this folder.
    pub fn make(folder: &Path) -> Result<Self> {
        let mut samples = vec![0.0; PAUSE];
        let mut sentences = Vec::new();
        for (voice, words) in SENTENCES {
            let sentence = speech::say(words, voice, &folder.join("sentence.wav"))?.at(RATE);
            let sentence = level(trim(&sentence.samples));
            ensure!(!sentence.is_empty(), "espeak-ng's voice {voice} says nothing");
            sentences.push((samples.len(), samples.len() + sentence.len()));
            samples.extend(sentence);
            samples.resize(samples.len() + PAUSE, 0.0);
        }
        let file = folder.join("said.f32");
        let bytes: Vec<u8> = samples.iter().flat_map(|x| x.to_le_bytes()).collect();
        std::fs::write(&file, bytes).with_context(|| format!("while writing {file:?}"))?;
        Ok(Self { file, samples: samples.len(), sentences })
    }
}

fn trim(samples: &[f32]) -> &[f32] {
    let loud = |x: &f32| x.abs() > QUIET;
    let (first, last) = (samples.iter().position(loud), samples.iter().rposition(loud));
    first.zip(last).map_or(&[], |(first, last)| &samples[first..=last])
}

fn level(samples: &[f32]) -> Vec<f32> {
    let power = samples.iter().map(|x| x * x).sum::<f32>() / samples.len().max(1) as f32;
    let gain = LOUD / power.sqrt().max(f32::MIN_POSITIVE);
    samples.iter().map(|x| (gain * x).clamp(-1.0, 1.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_as_loud_as_each_other_and_without_their_silence() {
        let sentence = [0.0, 0.001, 0.5, -0.5, 0.5, 0.0];
        assert_eq!(trim(&sentence), [0.5, -0.5, 0.5]);
        assert_eq!(level(trim(&sentence)), [0.07, -0.07, 0.07]);
        assert!(trim(&[0.0; 9]).is_empty());
    }
}
