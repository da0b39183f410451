//! The sounds of calls: made here, from decaying notes like those of a marimba. Which of them is
//! heard, and where, is decided elsewhere.

use crate::audio::{AudioBlock, BLOCK_SAMPLES, SAMPLE_RATE};
use std::f32::consts::TAU;
use std::time::Duration;

/// How long a note takes to reach its full loudness: without it, it would begin with a click.
const ATTACK_SECONDS: f32 = 0.004;
/// How long a sound takes to fall silent when it is stopped.
const RELEASE: usize = SAMPLE_RATE as usize / 200;

/// A sound of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tone {
    /// Somebody calls.
    Ring,
    /// The beginning of [`Tone::Ring`], once.
    Trial,
    /// Somebody calls during another call.
    Knock,
    /// It rings over there.
    RingBack,
    /// The call stands.
    Connected,
    /// The call is over.
    Ended,
    /// Nobody will answer: busy, declined, not there.
    Busy,
}

struct Note {
    at_millis: u32,
    hertz: f32,
    /// Until it is down to a third.
    decay_millis: f32,
    gain: f32,
}

const fn note(at_millis: u32, hertz: f32, decay_millis: f32, gain: f32) -> Note {
    Note { at_millis, hertz, decay_millis, gain }
}

// Notes of the equal temperament, A4 = 440 Hz.
const A4: f32 = 440.0;
const CS5: f32 = 554.37;
const E5: f32 = 659.26;
const G5: f32 = 783.99;
const A5: f32 = 880.0;
const B5: f32 = 987.77;
const C6: f32 = 1046.5;
const CS6: f32 = 1108.73;
const E6: f32 = 1318.51;

const RING: [Note; 8] = [
    note(0, A4, 420.0, 0.22),
    note(0, E5, 320.0, 0.2),
    note(160, A5, 320.0, 0.2),
    note(320, CS6, 300.0, 0.2),
    note(480, E6, 420.0, 0.16),
    note(800, CS6, 300.0, 0.17),
    note(960, A5, 320.0, 0.18),
    note(1120, B5, 520.0, 0.17),
];
const KNOCK: [Note; 2] = [note(0, B5, 90.0, 0.1), note(190, E6, 140.0, 0.09)];
const RING_BACK: [Note; 2] = [note(0, A4, 420.0, 0.11), note(360, CS5, 560.0, 0.1)];
const CONNECTED: [Note; 2] = [note(0, G5, 120.0, 0.13), note(110, C6, 200.0, 0.13)];
const ENDED: [Note; 2] = [note(0, C6, 120.0, 0.12), note(120, G5, 220.0, 0.12)];
const BUSY: [Note; 3] =
    [note(0, A4, 110.0, 0.17), note(260, A4, 110.0, 0.17), note(520, A4, 150.0, 0.17)];

impl Tone {
    /// How long it is, or after how long it begins anew.
    pub const fn length(self) -> Duration {
        Duration::from_millis(match self {
            Self::Ring | Self::Trial => 3000,
            Self::Knock => 4000,
            Self::RingBack => 3600,
            Self::Connected => 700,
            Self::Ended => 800,
            Self::Busy => 1100,
        })
    }

    /// It goes on until it is stopped.
    pub const fn repeats(self) -> bool {
        matches!(self, Self::Ring | Self::Knock | Self::RingBack)
    }

    const fn notes(self) -> &'static [Note] {
        match self {
            Self::Ring | Self::Trial => &RING,
            Self::Knock => &KNOCK,
            Self::RingBack => &RING_BACK,
            Self::Connected => &CONNECTED,
            Self::Ended => &ENDED,
            Self::Busy => &BUSY,
        }
    }

    /// The sample at this place.
    fn sample(self, at: usize) -> f32 {
        let length = (self.length().as_millis() as usize) * SAMPLE_RATE as usize / 1000;
        if at >= length && !self.repeats() {
            return 0.0;
        }
        let time = (at % length) as f32 / SAMPLE_RATE as f32;
        self.notes().iter().map(|note| note.sample(time)).sum()
    }
}

impl Note {
    fn sample(&self, time: f32) -> f32 {
        let time = time - self.at_millis as f32 / 1000.0;
        if time < 0.0 {
            return 0.0;
        }
        let decay = time * 1000.0 / self.decay_millis;
        let loudness = self.gain * (time / ATTACK_SECONDS).min(1.0) * (-decay).exp();
        let turn = TAU * self.hertz * time;
        // What rings above the fundamental fades sooner, as on a wooden bar.
        let above = 0.3 * (-2.0 * decay).exp() * (4.0 * turn).sin();
        loudness * (turn.sin() + above)
    }
}

/// A tone that is being played.
#[derive(Clone, Debug)]
pub struct Playing {
    tone: Tone,
    at: usize,
    /// Samples left once it is stopped.
    release: Option<usize>,
}

impl Playing {
    /// From its beginning.
    pub const fn new(tone: Tone) -> Self {
        Self { tone, at: 0, release: None }
    }

    /// Lets it fall silent within 5 ms.
    pub fn stop(&mut self) {
        self.release.get_or_insert(RELEASE);
    }

    /// Fills the next block: silence once it is over.
    pub fn fill(&mut self, block: &mut AudioBlock) {
        for (n, sample) in block.iter_mut().enumerate() {
            let fade = self.release.map_or(1.0, |left| left as f32 / RELEASE as f32);
            *sample = if fade > 0.0 { fade * self.tone.sample(self.at + n) } else { 0.0 };
            self.release = self.release.map(|left| left.saturating_sub(1));
        }
        self.at += BLOCK_SAMPLES;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::level::Level;

    const ALL: [Tone; 7] = [
        Tone::Ring,
        Tone::Trial,
        Tone::Knock,
        Tone::RingBack,
        Tone::Connected,
        Tone::Ended,
        Tone::Busy,
    ];

    fn play(tone: Tone, length: Duration) -> Vec<f32> {
        let mut playing = Playing::new(tone);
        let mut block = [0.0; BLOCK_SAMPLES];
        (0..length.as_millis() / 10)
            .flat_map(|_| {
                playing.fill(&mut block);
                block
            })
            .collect()
    }

    #[test]
    fn all_are_heard_do_not_clip_and_begin_without_a_click() {
        for tone in ALL {
            let sound = play(tone, tone.length());
            let peak = sound.iter().fold(0f32, |peak, sample| peak.max(sample.abs()));
            assert!((0.05..0.9).contains(&peak), "{tone:?}: {peak}");
            let steps = sound.windows(2).map(|pair| (pair[1] - pair[0]).abs());
            assert!(steps.fold(0.0, f32::max) < 0.2, "{tone:?}");
            assert!(sound[0].abs() < 1e-6, "{tone:?}");
            let end = &sound[sound.len() - BLOCK_SAMPLES..];
            assert!(Level::of(end).dbfs() < -40.0, "{tone:?} ends in silence");
        }
    }

    #[test]
    fn rings_begin_anew_and_the_others_are_over() {
        for tone in ALL {
            let twice = play(tone, 2 * tone.length());
            let (first, second) = twice.split_at(twice.len() / 2);
            assert_eq!(first == second, tone.repeats(), "{tone:?}");
            assert!(tone.repeats() || Level::of(second).rms() == 0.0, "{tone:?}");
        }
    }

    #[test]
    fn what_is_stopped_is_silent_after_one_block() {
        let mut playing = Playing::new(Tone::Ring);
        let mut block = [0.0; BLOCK_SAMPLES];
        for _ in 0..5 {
            playing.fill(&mut block);
        }
        playing.stop();
        playing.fill(&mut block);
        assert!(block[..RELEASE / 4].iter().any(|sample| sample.abs() > 0.01), "it fades");
        playing.fill(&mut block);
        assert_eq!(block, [0.0; BLOCK_SAMPLES]);
    }
}
