//! A short recording of a microphone, to be played back to whoever spoke.

use crate::audio::{AudioBlock, BLOCK, SILENCE, StereoBlock};
use crate::device::{MicrophoneSink, SpeakerSource};
use crate::process::downmix::Downmix;
use rtrb::{Consumer, RingBuffer};
use std::time::Duration;

/// What is being recorded.
pub struct Recording(Consumer<AudioBlock>);

/// What was recorded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recorded(Vec<AudioBlock>);

/// Records at most so much. The sink neither allocates nor waits.
pub fn record(most: Duration) -> (MicrophoneSink, Recording) {
    let blocks = (most.as_millis() / BLOCK.as_millis()).max(1) as usize;
    let (mut ring, recording) = RingBuffer::new(blocks);
    let mut downmix = Downmix::default();
    let sink: MicrophoneSink = Box::new(move |block| {
        // Full: what comes later is not wanted.
        let _full = ring.push(downmix.mix(block));
    });
    (sink, Recording(recording))
}

impl Recording {
    /// What has come so far.
    pub fn finish(mut self) -> Recorded {
        Recorded(std::iter::from_fn(|| self.0.pop().ok()).collect())
    }
}

impl Recorded {
    /// How long it is.
    pub fn length(&self) -> Duration {
        BLOCK * u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// Plays it once, then silence.
    pub fn player(self) -> SpeakerSource {
        let mut at = 0;
        Box::new(move |block| {
            *block = StereoBlock::both(self.0.get(at).copied().unwrap_or(SILENCE));
            at += 1;
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{BLOCK_SAMPLES, StereoBlock};

    #[test]
    fn what_was_said_comes_back_and_no_more_than_was_asked_for() {
        let (mut sink, recording) = record(Duration::from_millis(50));
        for n in 0..9u8 {
            sink(&StereoBlock::both([f32::from(n); BLOCK_SAMPLES]));
        }
        let recorded = recording.finish();
        assert_eq!(recorded.length(), Duration::from_millis(50));
        let mut player = recorded.player();
        let mut block = StereoBlock::SILENCE;
        let heard: Vec<f32> = (0..7)
            .map(|_| {
                player(&mut block);
                block.left[0]
            })
            .collect();
        assert_eq!(heard, [0.0, 1.0, 2.0, 3.0, 4.0, 0.0, 0.0]);
    }
}
