//! Microphones that are not there: who makes their sound is asked for each block when it is due.

use crate::audio::{AudioBlock, BLOCK_SAMPLES, StereoBlock};
use crate::device::MicrophoneSink;
use crate::pipeline::worker::Worker;
use crate::synthetic::tone::wall_millis;
use std::time::{Duration, Instant};

/// A clock that is further away than this many milliseconds was set: follow it.
const MAX_STEP: f64 = 200.0;
const NOISE_AMPLITUDE: f32 = 0.0015;

/// Blocks paced by the wall clock. Dropping it stops it.
#[derive(Debug)]
pub struct PacedMicrophone {
    _thread: Worker,
}

impl PacedMicrophone {
    /// Has `fill` make each block, told when it begins in milliseconds since the Unix epoch.
    pub fn start(
        name: &str,
        mut fill: impl FnMut(&mut AudioBlock, f64) + Send + 'static,
        mut sink: MicrophoneSink,
    ) -> Self {
        let thread = Worker::spawn(name, move |stop| {
            let mut block = [0.0; BLOCK_SAMPLES];
            // Blocks begin at multiples of 10 ms, so that one begins with the second.
            let mut begins = (wall_millis() / 10.0).ceil() * 10.0;
            while !stop.is_set() {
                let ahead = begins - wall_millis();
                if ahead.abs() > MAX_STEP {
                    begins -= (ahead / 10.0).floor() * 10.0;
                }
                if ahead > 0.0 {
                    let ahead = Duration::from_secs_f64(ahead.min(MAX_STEP) / 1000.0);
                    stop.wait_until(Instant::now() + ahead);
                }
                fill(&mut block, begins);
                sink(&StereoBlock::both(block));
                begins += 10.0;
            }
        });
        Self { _thread: thread }
    }
}

/// What a quiet room sounds like: without it, nothing would be sent in pauses.
#[derive(Debug)]
pub struct Noise(u32);

impl Default for Noise {
    fn default() -> Self {
        Self(1)
    }
}

impl Noise {
    /// The next sample.
    pub fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        NOISE_AMPLITUDE * (self.0 as i32 as f32 / i32::MAX as f32)
    }
}
