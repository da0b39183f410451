use super::*;
use crate::audio::{BLOCK_SAMPLES, SAMPLE_RATE};
use crate::process::level::Level;
use crate::process::testing::{Noise, Voice};

const ECHO_ONLY: ChainSettings = ChainSettings { echo_cancellation: true, ..ChainSettings::NONE };

/// A room with a speaker and a microphone: a direct path of 40 ms and two reflections.
struct Room {
    voice: Voice,
    played: Vec<f32>,
}

impl Room {
    fn new() -> Self {
        let delay = 40 * SAMPLE_RATE as usize / 1000;
        Self { voice: Voice::new(0.15), played: vec![0.0; delay] }
    }

    /// Plays a block, hears it, processes it, and returns power before and after.
    fn hear(&mut self, chain: &mut CaptureChain) -> (f32, f32) {
        let mut block = [0.0; BLOCK_SAMPLES];
        self.voice.fill(&mut block);
        chain.render(&block);
        let delay = 40 * SAMPLE_RATE as usize / 1000;
        let at = self.played.len() - delay;
        self.played.extend(block);
        let mut heard: AudioBlock = std::array::from_fn(|i| {
            let tap = |extra: usize, gain: f32| {
                (at + i).checked_sub(extra).map_or(0.0, |at| gain * self.played[at])
            };
            tap(0, 0.5) + tap(173, 0.2) + tap(411, -0.1)
        });
        let before = power(&heard);
        chain.capture(&mut heard);
        (before, power(&heard))
    }

    /// How much of the echo is left over some blocks, in dB.
    fn residue(&mut self, chain: &mut CaptureChain, blocks: usize) -> f32 {
        let (mut before, mut after) = (0.0, 0.0);
        for _ in 0..blocks {
            let (heard, left) = self.hear(chain);
            before += heard;
            after += left;
        }
        10.0 * (after / before).max(1e-12).log10()
    }
}

#[test]
fn the_echo_is_gone_after_three_seconds() {
    let mut chain = CaptureChain::new(ECHO_ONLY);
    let mut room = Room::new();
    room.residue(&mut chain, 300);
    let left = room.residue(&mut chain, 100);
    assert!(left < -20.0, "{left:.1} dB left");
    let shown = chain.meters().echo_db.expect("the canceller is on");
    assert!(shown > 15.0, "the meter shows {shown:.1} dB");
    let mut none = CaptureChain::new(ChainSettings::NONE);
    assert!(Room::new().residue(&mut none, 100) > -1.0, "without it the echo stays");
}

#[test]
fn what_the_canceller_has_learnt_stays_while_others_are_switched() {
    let mut chain = CaptureChain::new(ECHO_ONLY);
    let mut room = Room::new();
    room.residue(&mut chain, 400);
    let known = chain.meters().delay_ms;
    let mut fresh = CaptureChain::new(ECHO_ONLY);
    Room::new().residue(&mut fresh, 1);
    assert_ne!(fresh.meters().delay_ms, known, "a new one does not know yet");
    for settings in [
        ChainSettings { noise_suppression: NoiseSuppression::Low, ..ECHO_ONLY },
        ChainSettings { noise_suppression: NoiseSuppression::VeryHigh, ..ECHO_ONLY },
        ChainSettings { auto_gain: false, ..ChainSettings::ALL },
        ChainSettings { high_pass: true, limiter: true, ..ECHO_ONLY },
        ECHO_ONLY,
    ] {
        chain.set(settings);
        room.residue(&mut chain, 1);
        assert_eq!(chain.meters().delay_ms, known, "with {settings:?}");
        let left = room.residue(&mut chain, 25);
        assert!(left < -10.0, "{left:.1} dB left with {settings:?}");
    }
}

#[test]
fn gain_control_raises_a_quiet_voice() {
    let settings = ChainSettings { auto_gain: true, limiter: true, ..ChainSettings::NONE };
    let mut chain = CaptureChain::new(settings);
    let mut voice = Voice::new(0.01);
    let (mut before, mut after) = (0.0, 0.0);
    let mut block = [0.0; BLOCK_SAMPLES];
    for n in 0..800 {
        voice.fill(&mut block);
        let quiet = power(&block);
        chain.capture(&mut block);
        assert!(block.iter().all(|x| x.abs() <= 1.0), "over full scale");
        if n >= 600 {
            before += quiet;
            after += power(&block);
        }
    }
    let raised = 10.0 * (after / before).log10();
    assert!(raised > 6.0, "raised by {raised:.1} dB");
    let shown = chain.meters().gain_db.expect("the gain is on");
    assert!((shown - raised).abs() < 3.0, "the meter shows {shown:.1} dB of {raised:.1}");
}

#[test]
fn each_level_takes_more_noise_than_the_one_below() {
    let mut before = 0.0;
    for level in [
        NoiseSuppression::Off,
        NoiseSuppression::Low,
        NoiseSuppression::Moderate,
        NoiseSuppression::High,
        NoiseSuppression::VeryHigh,
    ] {
        let settings = ChainSettings { noise_suppression: level, ..ChainSettings::NONE };
        let mut chain = CaptureChain::new(settings);
        let mut noise = Noise::new(0.02);
        let mut block = [0.0; BLOCK_SAMPLES];
        let mut left = 0.0;
        for n in 0..400 {
            noise.fill(&mut block);
            chain.capture(&mut block);
            left += if n >= 300 { power(&block) } else { 0.0 };
        }
        let left = Level::from_rms((left / (100 * BLOCK_SAMPLES) as f32).sqrt());
        let lowered = Level::from_rms(0.02 / 3f32.sqrt()).dbfs() - left.dbfs();
        match level {
            NoiseSuppression::Off => assert!(lowered.abs() < 0.2, "{lowered:.1} dB"),
            _ => assert!(lowered > before + 1.0, "{level:?}: {lowered:.1} after {before:.1} dB"),
        }
        before = lowered;
    }
}

#[test]
fn the_high_pass_takes_rumble_and_leaves_the_voice() {
    let tone = |frequency: f32| {
        let settings = ChainSettings { high_pass: true, ..ChainSettings::NONE };
        let mut chain = CaptureChain::new(settings);
        let mut level = Level::default();
        for n in 0..100 {
            let mut block: AudioBlock = std::array::from_fn(|i| {
                let t = (n * BLOCK_SAMPLES + i) as f32 / SAMPLE_RATE as f32;
                0.3 * (std::f32::consts::TAU * frequency * t).sin()
            });
            chain.capture(&mut block);
            level = Level::of(&block);
        }
        level.dbfs() - Level::from_rms(0.3 / 2f32.sqrt()).dbfs()
    };
    assert!(tone(20.0) < -20.0, "rumble: {:.1} dB", tone(20.0));
    assert!(tone(1000.0).abs() < 0.5, "voice: {:.1} dB", tone(1000.0));
}

#[test]
fn settings_change_while_it_runs_and_none_leaves_the_sound_alone() {
    let mut chain = CaptureChain::new(ChainSettings::ALL);
    let mut voice = Voice::new(0.1);
    let mut block = [0.0; BLOCK_SAMPLES];
    for settings in [ECHO_ONLY, ChainSettings::NONE, ChainSettings::ALL, ChainSettings::NONE] {
        chain.set(settings);
        assert_eq!(chain.settings(), settings);
        for _ in 0..20 {
            voice.fill(&mut block);
            chain.render(&block);
            chain.capture(&mut block);
        }
    }
    voice.fill(&mut block);
    let untouched = block;
    chain.capture(&mut block);
    assert_eq!(block, untouched);
    assert_eq!(chain.meters(), ChainMeters::default());
}

/// How many samples later what comes out is most like what went in.
fn lag(settings: ChainSettings) -> usize {
    const MOST: usize = 40 * SAMPLE_RATE as usize / 1000;
    let (mut chain, mut voice) = (CaptureChain::new(settings), Voice::new(0.15));
    let (mut went_in, mut came_out) = (Vec::new(), Vec::new());
    for _ in 0..200 {
        let mut block = [0.0; BLOCK_SAMPLES];
        voice.fill(&mut block);
        went_in.extend(block);
        chain.capture(&mut block);
        came_out.extend(block);
    }
    let likeness = |lag: usize| -> f32 {
        let pairs = went_in[..went_in.len() - MOST].iter().zip(&came_out[lag..]);
        pairs.map(|(a, b)| a * b).sum()
    };
    (0..MOST).max_by(|a, b| likeness(*a).total_cmp(&likeness(*b))).unwrap_or_default()
}

#[test]
fn it_knows_how_much_later_sound_comes_out() {
    let noise = ChainSettings { noise_suppression: NoiseSuppression::High, ..ChainSettings::NONE };
    let off = |settings| {
        let delay = CaptureChain::new(settings).delay().as_secs_f64() * f64::from(SAMPLE_RATE);
        lag(settings) as f64 - delay
    };
    let off = [ChainSettings::NONE, ECHO_ONLY, noise, ChainSettings::ALL].map(off);
    assert!(off.iter().all(|samples| samples.abs() < 48.0), "off by {off:?} samples");
}
