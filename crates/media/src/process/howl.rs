//! Whether a loudspeaker feeds the microphone so strongly that the room begins to whistle.

use crate::audio::{AudioBlock, BLOCK_SAMPLES};

/// Only every sixth sample is looked at: howling lies between 300 Hz and 3.5 kHz.
const DECIMATION: usize = 6;
/// Share of a block's energy that no single tone explains, at most: vowels have ten times as much.
const REST: f32 = 0.003;
/// Root mean square below which nothing howls: -46 dBFS.
const QUIET: f32 = 0.005;
/// A tone is the same one while its frequency changes by less than this share.
const SAME: f32 = 0.03;
/// Blocks that a tone must last: 1.5 s. Nobody sings so evenly, and signals of machines do not grow.
const LASTS: u32 = 150;
/// By how much it must have grown in that time, or be at the limit: 6 dB.
const GROWS: f32 = 2.0;
/// A level at which it cannot grow any further: -9 dBFS.
const FULL: f32 = 0.35;

/// Watches the microphone for one tone that grows over seconds while the speaker plays it too.
#[derive(Clone, Copy, Debug, Default)]
pub struct HowlDetector {
    tone: Option<Tone>,
}

#[derive(Clone, Copy, Debug)]
struct Tone {
    /// The cosine of its angle from one sample to the next.
    cosine: f32,
    first: f32,
    lasts: u32,
}

impl HowlDetector {
    /// Takes the microphone's next block, and whether the speaker plays something; returns whether
    /// it howls.
    pub fn listen(&mut self, block: &AudioBlock, playing: bool) -> bool {
        let Some((cosine, level)) = tone(block).filter(|_| playing) else {
            self.tone = None;
            return false;
        };
        let (before, now) = (self.tone.map(|tone| tone.cosine.acos()), cosine.acos());
        let same = before.is_some_and(|before| (now - before).abs() < SAME * before);
        match &mut self.tone {
            Some(tone) if same => {
                tone.cosine = cosine;
                tone.lasts = tone.lasts.saturating_add(1);
                tone.lasts >= LASTS && (level > tone.first * GROWS || level > FULL)
            }
            other => {
                *other = Some(Tone { cosine, first: level, lasts: 1 });
                false
            }
        }
    }
}

/// The one tone that a block consists of, and its level. A sine is what its two samples before say
/// that it will be: x[n] = 2 cos(w) x[n-1] - x[n-2].
fn tone(block: &AudioBlock) -> Option<(f32, f32)> {
    const SAMPLES: usize = BLOCK_SAMPLES / DECIMATION;
    let samples: [f32; SAMPLES] = std::array::from_fn(|n| {
        let at = n * DECIMATION;
        block[at..at + DECIMATION].iter().sum::<f32>() / DECIMATION as f32
    });
    let energy: f32 = samples.iter().map(|x| x * x).sum();
    let level = (energy / SAMPLES as f32).sqrt();
    if level < QUIET {
        return None;
    }
    let (mut ends, mut middle) = (0.0, 0.0);
    for three in samples.windows(3) {
        ends += (three[0] + three[2]) * three[1];
        middle += three[1] * three[1];
    }
    let cosine = ends / (2.0 * middle.max(f32::MIN_POSITIVE));
    let rest: f32 = samples
        .windows(3)
        .map(|three| (three[0] + three[2] - 2.0 * cosine * three[1]).powi(2))
        .sum();
    (cosine.abs() < 1.0 && rest < REST * energy).then_some((cosine, level))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::SAMPLE_RATE;
    use crate::process::testing::{Noise, Voice};

    /// A tone whose level and frequency are functions of the time; whether it is found to howl.
    fn howls(
        playing: bool,
        seconds: usize,
        frequency: impl Fn(f32) -> f32,
        level: impl Fn(f32) -> f32,
    ) -> bool {
        let mut detector = HowlDetector::default();
        let mut noise = Noise::new(0.001);
        let (mut phase, mut found) = (0f32, false);
        for n in 0..seconds * 100 {
            let block: AudioBlock = std::array::from_fn(|i| {
                let t = (n * BLOCK_SAMPLES + i) as f32 / SAMPLE_RATE as f32;
                phase = (phase + frequency(t) / SAMPLE_RATE as f32).fract();
                level(t) * (std::f32::consts::TAU * phase).sin() + noise.next()
            });
            found |= detector.listen(&block, playing);
        }
        found
    }

    #[test]
    fn a_tone_that_grows_over_seconds_howls() {
        for frequency in [400.0, 1000.0, 2700.0] {
            let grows = |t: f32| (0.02 * 10f32.powf(t / 2.0)).min(0.9);
            assert!(howls(true, 4, |_| frequency, grows), "{frequency} Hz");
            assert!(!howls(false, 4, |_| frequency, grows), "nothing was played");
        }
    }

    #[test]
    fn even_tones_and_melodies_do_not_howl() {
        assert!(!howls(true, 6, |_| 1000.0, |_| 0.1), "a signal of a machine");
        assert!(
            !howls(true, 6, |t| 500.0 + 200.0 * (t * 3.0).floor(), |t| 0.05 + 0.1 * t),
            "notes"
        );
    }

    #[test]
    fn voices_and_noise_do_not_howl() {
        let (mut voice, mut noise) = (Voice::new(0.3), Noise::new(0.2));
        let (mut to_voice, mut to_noise) = (HowlDetector::default(), HowlDetector::default());
        let mut block = [0.0; BLOCK_SAMPLES];
        for _ in 0..1000 {
            voice.fill(&mut block);
            assert!(!to_voice.listen(&block, true));
            noise.fill(&mut block);
            assert!(!to_noise.listen(&block, true));
        }
    }
}
