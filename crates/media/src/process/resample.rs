//! Between a device's rate and ours, as a stream of pieces of any length.

use crate::audio::SAMPLE_RATE;
use audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler as _};

/// Frames a device's rate may have: 8 to 384 kHz.
const RATES: std::ops::RangeInclusive<u32> = 8_000..=384_000;

/// Why no resampler was made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResampleError {
    /// The rate is not one of sound.
    #[error("{0} samples a second are not supported")]
    Rate(u32),
    /// The filter cannot be made for this ratio.
    #[error("no filter from {from} to {to}: {reason}")]
    Filter {
        /// Rate in.
        from: u32,
        /// Rate out.
        to: u32,
        /// The library's words.
        reason: String,
    },
}

/// Resamples one channel. Adds 5 ms of delay, none where the rates are the same.
pub struct Resampler {
    fft: Option<Fft<f32>>,
    pending: Vec<f32>,
    scratch: Vec<f32>,
}

impl Resampler {
    /// From a microphone's rate to ours.
    ///
    /// # Errors
    /// [`ResampleError`].
    pub fn from_device(rate: u32) -> Result<Self, ResampleError> {
        Self::new(rate, SAMPLE_RATE)
    }

    /// From our rate to a speaker's.
    ///
    /// # Errors
    /// [`ResampleError`].
    pub fn to_device(rate: u32) -> Result<Self, ResampleError> {
        Self::new(SAMPLE_RATE, rate)
    }

    fn new(from: u32, to: u32) -> Result<Self, ResampleError> {
        for rate in [from, to] {
            if !RATES.contains(&rate) {
                return Err(ResampleError::Rate(rate));
            }
        }
        if from == to {
            return Ok(Self { fft: None, pending: Vec::new(), scratch: Vec::new() });
        }
        let chunk = (from / 100) as usize;
        let fft = Fft::new_custom(
            from as usize,
            to as usize,
            chunk,
            1,
            1,
            rubato::WindowFunction::BlackmanHarris2,
            FixedSync::Both,
        )
        .map_err(|e| ResampleError::Filter { from, to, reason: e.to_string() })?;
        let pending = Vec::with_capacity(8 * fft.input_frames_max());
        let scratch = vec![0.0; fft.output_frames_max()];
        Ok(Self { fft: Some(fft), pending, scratch })
    }

    /// Takes samples and appends what they make to `out`. Allocates only if `out` or a piece is
    /// larger than any before.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        let Some(fft) = &mut self.fft else {
            out.extend_from_slice(samples);
            return;
        };
        self.pending.extend_from_slice(samples);
        let mut used = 0;
        loop {
            let needed = fft.input_frames_next();
            let Some(input) = self.pending.get(used..used + needed) else { break };
            let room = self.scratch.len();
            let (Ok(from), Ok(mut to)) = (
                InterleavedSlice::new(input, 1, needed),
                InterleavedSlice::new_mut(&mut self.scratch, 1, room),
            ) else {
                break;
            };
            used += needed;
            match fft.process_into_buffer(&from, &mut to, None) {
                Ok((_, written)) => out.extend_from_slice(&self.scratch[..written]),
                Err(error) => tracing::warn!(%error, "resampling failed"),
            }
        }
        self.pending.drain(..used);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(rate: u32, hz: f32, samples: usize) -> Vec<f32> {
        let step = std::f32::consts::TAU * hz / rate as f32;
        (0..samples).map(|i| 0.5 * (i as f32 * step).sin()).collect()
    }

    /// Amplitude at a frequency.
    fn amplitude(samples: &[f32], rate: u32, hz: f32) -> f32 {
        let step = std::f32::consts::TAU * hz / rate as f32;
        let (re, im) = samples.iter().enumerate().fold((0.0, 0.0), |(re, im), (i, x)| {
            let angle = i as f32 * step;
            (re + x * angle.cos(), im + x * angle.sin())
        });
        2.0 * f32::hypot(re, im) / samples.len() as f32
    }

    #[test]
    fn every_rate_of_devices_keeps_a_tone_in_both_directions() {
        for rate in [8_000, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000] {
            for (from, to) in [(rate, SAMPLE_RATE), (SAMPLE_RATE, rate)] {
                let mut resampler = Resampler::new(from, to).unwrap();
                let mut out = Vec::new();
                for piece in sine(from, 1000.0, from as usize).chunks(333) {
                    resampler.push(piece, &mut out);
                }
                let expected = to as usize;
                assert!(out.len().abs_diff(expected) < expected / 20, "{from} to {to}");
                let steady = &out[expected / 4..expected * 3 / 4];
                let got = amplitude(steady, to, 1000.0);
                assert!((got - 0.5).abs() < 0.01, "{from} to {to}: {got}");
            }
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_filtered_out() {
        let mut resampler = Resampler::to_device(16_000).unwrap();
        let mut out = Vec::new();
        resampler.push(&sine(SAMPLE_RATE, 11_000.0, 48_000), &mut out);
        assert!(out[4000..].iter().all(|x| x.abs() < 0.005), "11 kHz came through as 5 kHz");
    }

    #[test]
    fn rates_that_are_none_are_refused() {
        assert_eq!(Resampler::from_device(0).err(), Some(ResampleError::Rate(0)));
        assert_eq!(Resampler::to_device(1 << 30).err(), Some(ResampleError::Rate(1 << 30)));
    }
}
