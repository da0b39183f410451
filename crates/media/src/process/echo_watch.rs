//! Whether the others hear themselves: what leaves the microphone's chain still follows what the
//! speaker plays, or howls.

use crate::audio::{AudioBlock, BLOCK_SAMPLES, SAMPLE_RATE};
use crate::process::howl::HowlDetector;
use sonora::{AudioProcessing, StreamConfig};

/// A likelihood of echo that counts.
const LIKELY: f64 = 0.6;
/// Root mean square of a block above which the speaker plays something: -50 dBFS.
const AUDIBLE: f32 = 0.003;
/// Blocks with echo, less half of those without, before it is told: 3 s of speech.
const TOLD_AT: f32 = 300.0;
/// It is over when the count has fallen to this.
const OVER_AT: f32 = 30.0;
/// The count goes no higher, so that it is over 9 s after the last echo.
const MOST: f32 = 480.0;
/// Blocks after the speaker has played something for which it may be heard.
const HEARD: u32 = 30;

/// Compares what is sent with what is played.
pub struct EchoWatch {
    detector: AudioProcessing,
    howl: HowlDetector,
    heard: u32,
    count: f32,
    strong: bool,
}

impl Default for EchoWatch {
    fn default() -> Self {
        let mono = StreamConfig::new(SAMPLE_RATE, 1);
        let detector = AudioProcessing::builder()
            .echo_detector(true)
            .capture_config(mono)
            .render_config(mono)
            .build();
        Self { detector, howl: HowlDetector::default(), heard: 0, count: 0.0, strong: false }
    }
}

impl EchoWatch {
    /// Takes what the speaker plays.
    pub fn render(&mut self, block: &AudioBlock) {
        let power = block.iter().map(|x| x * x).sum::<f32>() / BLOCK_SAMPLES as f32;
        let audible = power > AUDIBLE * AUDIBLE;
        self.heard = if audible { HEARD } else { self.heard.saturating_sub(1) };
        let _same = self.detector.process_render_f32(&[block], &mut [&mut { *block }]);
    }

    /// Takes the microphone as it came and as it left the chain; returns whether the others hear
    /// themselves strongly.
    pub fn listen(&mut self, microphone: &AudioBlock, sent: &AudioBlock) -> bool {
        let playing = self.heard > 0;
        let howls = self.howl.listen(microphone, playing);
        let _same = self.detector.process_capture_f32(&[sent], &mut [&mut { *sent }]);
        let likelihood = self.detector.statistics().residual_echo_likelihood.unwrap_or(0.0);
        if playing {
            let step = if likelihood > LIKELY { 1.0 } else { -0.5 };
            self.count = (self.count + step).clamp(0.0, MOST);
        }
        self.strong = howls
            || match self.strong {
                true => self.count > OVER_AT,
                false => self.count >= TOLD_AT,
            };
        self.strong
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::SILENCE;
    use crate::process::chain::{CaptureChain, ChainSettings};
    use crate::process::testing::Voice;
    use std::collections::VecDeque;

    /// Far and near speak for so long; the chain hears the speaker so strongly. True if it was told.
    fn told(settings: ChainSettings, coupling: f32, near: f32, seconds: usize) -> bool {
        let (mut chain, mut watch) = (CaptureChain::new(settings), EchoWatch::default());
        let (mut far, mut talker) = (Voice::new(0.2), Voice::new(near));
        // The near talker is another voice: half a minute on.
        (0..3000).for_each(|_| talker.fill(&mut { SILENCE }));
        let mut air = VecDeque::from(vec![SILENCE; 6]);
        let mut told = false;
        for _ in 0..seconds * 100 {
            let (mut played, mut block) = (SILENCE, SILENCE);
            far.fill(&mut played);
            talker.fill(&mut block);
            air.push_back(played);
            let echo = air.pop_front().unwrap();
            block.iter_mut().zip(echo).for_each(|(x, echo)| *x += coupling * echo);
            chain.render(&played);
            watch.render(&played);
            let heard = block;
            chain.capture(&mut block);
            told |= watch.listen(&heard, &block);
        }
        told
    }

    #[test]
    fn echo_that_nothing_takes_out_is_told() {
        assert!(told(ChainSettings::NONE, 0.5, 0.0, 20));
    }

    #[test]
    fn echo_that_is_cancelled_is_not_told() {
        let settings = ChainSettings { auto_gain: false, ..ChainSettings::ALL };
        assert!(!told(settings, 0.5, 0.0, 20));
    }

    #[test]
    fn headphones_and_a_talker_are_no_echo() {
        assert!(!told(ChainSettings::NONE, 0.0, 0.2, 20));
    }
}
