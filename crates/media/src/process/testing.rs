//! Sound for tests: noise, and syllables of a made-up voice.

use crate::audio::{AudioBlock, SAMPLE_RATE};

/// White noise.
pub struct Noise {
    state: u32,
    amplitude: f32,
}

impl Noise {
    pub fn new(amplitude: f32) -> Self {
        Self { state: 1, amplitude }
    }

    pub fn next(&mut self) -> f32 {
        self.state = self.state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.amplitude * (self.state as i32 as f32 / i32::MAX as f32)
    }

    pub fn fill(&mut self, block: &mut AudioBlock) {
        block.iter_mut().for_each(|x| *x = self.next());
    }
}

/// A buzz through three formants, in syllables, with a pitch that moves: enough for voice
/// detectors, gain control and echo cancellers.
pub struct Voice {
    amplitude: f32,
    time: f32,
    phase: f32,
    noise: Noise,
    formants: [[f32; 2]; 3],
}

impl Voice {
    pub fn new(amplitude: f32) -> Self {
        Self { amplitude, time: 0.0, phase: 0.0, noise: Noise::new(0.02), formants: [[0.0; 2]; 3] }
    }

    pub fn fill(&mut self, block: &mut AudioBlock) {
        use std::f32::consts::{PI, TAU};
        let rate = SAMPLE_RATE as f32;
        for out in block {
            self.time += 1.0 / rate;
            let syllable = self.time / 0.22;
            let vowel = (syllable as usize * 7 + 3) % 4;
            let open = (syllable.fract() * PI).sin().powi(2);
            let pitch = 120.0 + 25.0 * (self.time * 2.1).sin() + 10.0 * (self.time * 7.3).sin();
            self.phase += pitch / rate;
            let pulse = if self.phase >= 1.0 { 1.0 } else { 0.0 };
            self.phase = self.phase.fract();
            let source = pulse + self.noise.next();
            let centres = [
                [700.0, 1100.0, 2450.0],
                [300.0, 2300.0, 3000.0],
                [500.0, 900.0, 2500.0],
                [450.0, 1700.0, 2550.0],
            ][vowel];
            let mut sum = 0.0;
            for ((state, centre), gain) in
                self.formants.iter_mut().zip(centres).zip([1.0, 0.6, 0.3])
            {
                let r = (-PI * 90.0 / rate).exp();
                let y = source * (1.0 - r) + 2.0 * r * (TAU * centre / rate).cos() * state[0]
                    - r * r * state[1];
                *state = [y, state[0]];
                sum += gain * y;
            }
            *out = (self.amplitude * 18.0 * open * sum).clamp(-1.0, 1.0);
        }
    }
}
