//! Re-blocking: what a device hands over in one callback (any number of frames, any number of
//! channels, any rate) to blocks of 10 ms at 48 kHz, and back. Runs in audio callbacks:
//! all memory is taken at the start.

use tincan_media::audio::{AudioBlock, BLOCK_SAMPLES, StereoBlock};
use tincan_media::device::DeviceError;
use tincan_media::process::resample::{ResampleError, Resampler};

/// What one block can become at the highest rate of a device, and what a callback is cut into
/// at the lowest, with room to spare.
const ROOM: usize = 16 * BLOCK_SAMPLES;

/// From a microphone's callbacks to blocks.
pub(crate) struct FromDevice {
    channels: usize,
    /// One, or two where the device has more than one channel. Further channels are left out,
    /// since on sound cards with many inputs most of them are not connected.
    sides: Vec<Side>,
    block: StereoBlock,
    filled: usize,
}

struct Side {
    resampler: Resampler,
    taken: Vec<f32>,
    resampled: Vec<f32>,
}

impl Side {
    fn new(rate: u32) -> Result<Self, DeviceError> {
        Ok(Self {
            resampler: Resampler::from_device(rate).map_err(unsupported)?,
            taken: Vec::with_capacity(BLOCK_SAMPLES),
            resampled: Vec::with_capacity(ROOM),
        })
    }

    fn take(&mut self, samples: impl Iterator<Item = f32>) {
        self.taken.clear();
        self.resampled.clear();
        self.taken.extend(samples);
        self.resampler.push(&self.taken, &mut self.resampled);
    }
}

impl FromDevice {
    /// For a device that delivers `channels` interleaved channels at `rate`.
    pub(crate) fn new(channels: u16, rate: u32) -> Result<Self, DeviceError> {
        let channels = usize::from(channels.max(1));
        let sides = (0..channels.min(2)).map(|_| Side::new(rate)).collect::<Result<_, _>>()?;
        Ok(Self { channels, sides, block: StereoBlock::SILENCE, filled: 0 })
    }

    /// Takes what one callback brought and hands each block that it completes to `sink`.
    pub(crate) fn take<T: Copy>(
        &mut self,
        data: &[T],
        to_f32: impl Fn(T) -> f32,
        mut sink: impl FnMut(&StereoBlock),
    ) {
        // In small pieces, so that a callback of any size fits into the memory taken.
        for piece in data.chunks(self.channels * BLOCK_SAMPLES) {
            for (n, side) in self.sides.iter_mut().enumerate() {
                side.take(piece.chunks_exact(self.channels).map(|frame| to_f32(frame[n])));
            }
            let Some((left, others)) = self.sides.split_first() else { return };
            let right = others.first().unwrap_or(left);
            for (&left, &right) in left.resampled.iter().zip(&right.resampled) {
                self.block.left[self.filled] = bounded(left);
                self.block.right[self.filled] = bounded(right);
                self.filled += 1;
                if self.filled == BLOCK_SAMPLES {
                    self.filled = 0;
                    sink(&self.block);
                }
            }
        }
    }
}

fn unsupported(error: ResampleError) -> DeviceError {
    DeviceError::Unsupported(error.to_string())
}

/// Float devices may deliver anything; blocks are in [-1, 1].
fn bounded(sample: f32) -> f32 {
    if sample.is_nan() { 0.0 } else { sample.clamp(-1.0, 1.0) }
}

/// From blocks to a speaker's callbacks.
pub(crate) struct ToDevice {
    channels: usize,
    left: Way,
    /// Absent where the device has a single channel, which gets both sides.
    right: Option<Way>,
    block: StereoBlock,
    played: usize,
}

/// One side on its way to the device.
struct Way {
    resampler: Resampler,
    ready: Vec<f32>,
}

impl Way {
    fn new(rate: u32) -> Result<Self, DeviceError> {
        Ok(Self {
            resampler: Resampler::to_device(rate).map_err(unsupported)?,
            ready: Vec::with_capacity(ROOM),
        })
    }

    fn bring(&mut self, block: &AudioBlock) {
        self.ready.clear();
        self.resampler.push(block, &mut self.ready);
    }
}

impl ToDevice {
    /// For a device that takes `channels` interleaved channels at `rate`.
    pub(crate) fn new(channels: u16, rate: u32) -> Result<Self, DeviceError> {
        Ok(Self {
            channels: channels.max(1).into(),
            left: Way::new(rate)?,
            right: if channels > 1 { Some(Way::new(rate)?) } else { None },
            block: StereoBlock::SILENCE,
            played: 0,
        })
    }

    /// Fills what one callback asks for, taking blocks from `source` as they are needed. The
    /// first two channels get the sound, others silence; a single one gets the mean.
    pub(crate) fn fill<T: Copy>(
        &mut self,
        data: &mut [T],
        from_f32: impl Fn(f32) -> T,
        mut source: impl FnMut(&mut StereoBlock),
    ) {
        let silence = from_f32(0.0);
        for frame in data.chunks_mut(self.channels) {
            let sides = self.next(&mut source);
            let (front, others) = frame.split_at_mut(frame.len().min(2));
            front.iter_mut().zip(sides).for_each(|(out, side)| *out = from_f32(side));
            others.fill(silence);
        }
    }

    fn next(&mut self, source: &mut impl FnMut(&mut StereoBlock)) -> [f32; 2] {
        while self.played >= self.left.ready.len() {
            source(&mut self.block);
            match &mut self.right {
                Some(right) => {
                    self.left.bring(&self.block.left);
                    right.bring(&self.block.right);
                }
                None => self.left.bring(&self.block.mono()),
            }
            self.played = 0;
        }
        let at = self.played;
        self.played += 1;
        let left = bounded(self.left.ready[at]);
        [left, self.right.as_ref().map_or(left, |right| bounded(right.ready[at]))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ramp that survives `bounded` and tells each sample from its neighbours.
    fn ramp(n: usize) -> f32 {
        (n % 30_000) as f32 / 32_768.0
    }

    #[test]
    fn every_callback_size_gives_the_same_blocks_without_loss() {
        for size in [1, 7, 240, 320, 441, 480, 512, 1024, 16_384] {
            let mut blocks = FromDevice::new(1, 48_000).unwrap();
            let mut got = Vec::new();
            let sent: Vec<f32> = (0..48_000).map(ramp).collect();
            for callback in sent.chunks(size) {
                blocks.take(callback, |s| s, |block| got.extend_from_slice(&block.left));
            }
            assert_eq!(got, sent, "callbacks of {size}");
        }
    }

    #[test]
    fn speakers_of_every_callback_size_get_the_same_samples() {
        for size in [1, 7, 320, 441, 480, 512, 2048] {
            let mut blocks = ToDevice::new(1, 48_000).unwrap();
            let (mut count, mut asked) = (0, 0);
            let mut got = vec![0.0; 9600 - 9600 % size];
            for callback in got.chunks_mut(size) {
                blocks.fill(
                    callback,
                    |s| s,
                    |block| {
                        asked += 1;
                        block.left = std::array::from_fn(|n| ramp(count + n));
                        block.right = block.left;
                        count += BLOCK_SAMPLES;
                    },
                );
            }
            let wanted: Vec<f32> = (0..got.len()).map(ramp).collect();
            assert_eq!(got, wanted, "callbacks of {size}");
            assert_eq!(asked, got.len().div_ceil(BLOCK_SAMPLES), "no block ahead of its time");
        }
    }

    #[test]
    fn two_channels_are_kept_and_further_inputs_are_left_out() {
        let mut blocks = FromDevice::new(4, 48_000).unwrap();
        let frame = [0.5, 0.25, 1.0, 1.0];
        let data: Vec<f32> = frame.into_iter().cycle().take(4 * 480).collect();
        let mut got = None;
        blocks.take(&data, |s| s, |block| got = Some(*block));
        let wanted = StereoBlock { left: [0.5; BLOCK_SAMPLES], right: [0.25; BLOCK_SAMPLES] };
        assert_eq!(got, Some(wanted));
    }

    #[test]
    fn one_channel_is_on_both_sides() {
        let mut blocks = FromDevice::new(1, 48_000).unwrap();
        let mut got = None;
        blocks.take(&[0.5f32; 480], |s| s, |block| got = Some(*block));
        assert_eq!(got, Some(StereoBlock::both([0.5; BLOCK_SAMPLES])));
    }

    #[test]
    fn a_speaker_with_many_channels_sounds_from_the_front_ones() {
        let mut blocks = ToDevice::new(6, 48_000).unwrap();
        let mut data = [9i16; 12];
        let sides = StereoBlock { left: [0.5; BLOCK_SAMPLES], right: [0.25; BLOCK_SAMPLES] };
        blocks.fill(&mut data, |s| (s * 1000.0) as i16, |block| *block = sides);
        assert_eq!(data, [500, 250, 0, 0, 0, 0, 500, 250, 0, 0, 0, 0]);
    }

    #[test]
    fn a_speaker_with_one_channel_gets_both_sides() {
        let mut blocks = ToDevice::new(1, 48_000).unwrap();
        let mut data = [0.0f32; 3];
        let sides = StereoBlock { left: [0.5; BLOCK_SAMPLES], right: [0.25; BLOCK_SAMPLES] };
        blocks.fill(&mut data, |s| s, |block| *block = sides);
        assert_eq!(data, [0.375; 3]);
    }

    #[test]
    fn wild_samples_are_bounded() {
        let mut blocks = FromDevice::new(1, 48_000).unwrap();
        let wild = [f32::NAN, f32::INFINITY, -7.0, 0.5];
        let data: Vec<f32> = wild.into_iter().cycle().take(480).collect();
        let mut got = [0.0; BLOCK_SAMPLES];
        blocks.take(&data, |s| s, |block| got = block.left);
        assert_eq!(got[..4], [0.0, 1.0, -1.0, 0.5]);
    }

    #[test]
    fn a_second_at_another_rate_is_a_second_of_blocks() {
        for rate in [8_000u32, 16_000, 44_100, 96_000, 192_000] {
            let mut input = FromDevice::new(2, rate).unwrap();
            let mut blocks = 0;
            for _ in 0..100 {
                let callback = vec![0.1f32; 2 * rate as usize / 100];
                input.take(&callback, |s| s, |_| blocks += 1);
            }
            assert!((96..=100).contains(&blocks), "{rate} Hz in: {blocks}");

            let mut output = ToDevice::new(2, rate).unwrap();
            let mut asked = 0;
            for _ in 0..100 {
                let mut callback = vec![0.0f32; 2 * rate as usize / 100];
                output.fill(&mut callback, |s| s, |_| asked += 1);
            }
            assert!((100..=104).contains(&asked), "{rate} Hz out: {asked}");
        }
    }
}
