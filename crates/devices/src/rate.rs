//! Streaming change of the sample rate, one sample in at a time, with all memory taken at the
//! start: it runs in audio callbacks.

use audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler};
use tincan_media::device::DeviceError;

/// Samples of the longest piece. Rates without a sizeable common divisor with 48 kHz would need
/// longer ones, up to a second of delay; no device has such a rate.
pub(crate) const LONGEST_PIECE: usize = 8192;

/// Changes mono sound from one fixed rate to another.
pub(crate) struct Rate {
    fft: Fft<f32>,
    input: Vec<f32>,
    filled: usize,
    output: Vec<f32>,
}

impl Rate {
    /// From `from` to `to` samples a second, in steps of about 10 ms.
    pub(crate) fn new(from: u32, to: u32) -> Result<Self, DeviceError> {
        let step = from as usize / 100;
        let fft = Fft::<f32>::new(from as usize, to as usize, step.max(1), 1, FixedSync::Both)
            .map_err(|error| DeviceError::Unsupported(format!("{from} Hz: {error}")))?;
        let input = vec![0.0; fft.input_frames_max()];
        let output = vec![0.0; fft.output_frames_max()];
        if input.len().max(output.len()) > LONGEST_PIECE {
            return Err(DeviceError::Unsupported(format!("{from} Hz to {to} Hz")));
        }
        Ok(Self { fft, input, filled: 0, output })
    }

    /// Takes one sample; gives the next piece of output when it is complete.
    pub(crate) fn push(&mut self, sample: f32) -> Option<&[f32]> {
        self.input[self.filled] = sample;
        self.filled += 1;
        if self.filled < self.fft.input_frames_next() {
            return None;
        }
        let (frames_in, frames_out) = (self.filled, self.output.len());
        self.filled = 0;
        let input = InterleavedSlice::new(&self.input[..], 1, frames_in).ok()?;
        let mut output = InterleavedSlice::new_mut(&mut self.output[..], 1, frames_out).ok()?;
        let (_, written) = self.fft.process_into_buffer(&input, &mut output, None).ok()?;
        Some(&self.output[..written])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f32::consts::TAU;

    #[test]
    fn a_tone_keeps_its_pitch_and_level_at_every_rate() {
        for (from, to) in [(44_100, 48_000), (16_000, 48_000), (48_000, 44_100), (48_000, 96_000)] {
            let mut rate = Rate::new(from, to).unwrap();
            let mut out = Vec::new();
            for n in 0..from {
                let tone = 0.5 * (TAU * 1000.0 * n as f32 / from as f32).sin();
                out.extend_from_slice(rate.push(tone).unwrap_or(&[]));
            }
            // All but the last incomplete piece came out.
            assert!(out.len() as u32 + to / 20 > to, "{from} to {to}: {}", out.len());
            let settled = &out[out.len() / 4..];
            let crossings = settled.windows(2).filter(|w| w[0] <= 0.0 && w[1] > 0.0).count();
            let hertz = crossings as f32 * to as f32 / settled.len() as f32;
            assert!((hertz - 1000.0).abs() < 5.0, "{from} to {to}: {hertz} Hz");
            let peak = settled.iter().fold(0.0f32, |a, b| a.max(b.abs()));
            assert!((peak - 0.5).abs() < 0.02, "{from} to {to}: peak {peak}");
        }
    }
}
