//! Which of a device's formats is used: the one nearest to 48 kHz float with both sides, so
//! that as little as possible is converted and nothing is lost.

use cpal::{
    BufferSize, SampleFormat, StreamConfig, SupportedBufferSize, SupportedStreamConfigRange,
};
use tincan_media::audio::SAMPLE_RATE;

/// A format that was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Interleaved channels.
    pub(crate) channels: u16,
    /// Frames a second.
    pub(crate) rate: u32,
    /// How a sample is written.
    pub(crate) format: SampleFormat,
    /// Frames of one callback to ask for.
    pub(crate) frames: u32,
}

impl Shape {
    /// In the words of cpal. The buffer is always fixed: PulseAudio's default one delays a
    /// microphone by a third of a second, and less than 10 ms starves it.
    pub(crate) fn config(self) -> StreamConfig {
        StreamConfig {
            channels: self.channels,
            sample_rate: self.rate,
            buffer_size: BufferSize::Fixed(self.frames),
        }
    }
}

/// Two sides are all that we send and play. A sound server offers any number for every device.
const SIDES: u16 = 2;

/// The best of what a device offers; `None` if there is nothing that we can read. `own` are the
/// channels that it has by itself, if that is known: a microphone with a single one is not
/// opened with two equal ones.
pub(crate) fn choose(
    offers: impl IntoIterator<Item = SupportedStreamConfigRange>,
    own: Option<u16>,
) -> Option<Shape> {
    let wanted = own.unwrap_or(SIDES).clamp(1, SIDES);
    // Rather channels that are left out than a side that is.
    let channel_rank = |channels: u16| (channels < wanted, channels.abs_diff(wanted));
    offers
        .into_iter()
        .filter_map(|offer| Some((format_rank(offer.sample_format())?, offer)))
        .filter(|(_, offer)| offer.channels() > 0 && offer.max_sample_rate() > 0)
        .map(|(rank, offer)| (rank, shape_of(&offer)))
        .min_by_key(|(rank, shape)| {
            (shape.rate.abs_diff(SAMPLE_RATE), channel_rank(shape.channels), *rank)
        })
        .map(|(_, shape)| shape)
}

fn shape_of(offer: &SupportedStreamConfigRange) -> Shape {
    let (low, high) = (offer.min_sample_rate().max(1), offer.max_sample_rate());
    let rate = SAMPLE_RATE.clamp(low.min(high), high);
    let ten_ms = rate.div_ceil(100);
    let frames = match *offer.buffer_size() {
        SupportedBufferSize::Range { min, max } if min <= max && max > 0 => ten_ms.clamp(min, max),
        SupportedBufferSize::Range { .. } | SupportedBufferSize::Unknown => ten_ms,
    };
    Shape { channels: offer.channels(), rate, format: offer.sample_format(), frames }
}

/// Lower is better. Only formats that the stream builders know.
fn format_rank(format: SampleFormat) -> Option<u8> {
    match format {
        SampleFormat::F32 => Some(0),
        SampleFormat::I16 => Some(1),
        SampleFormat::I32 => Some(2),
        SampleFormat::I24 => Some(3),
        SampleFormat::U16 => Some(4),
        SampleFormat::U8 => Some(5),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(channels: u16, rates: (u32, u32), format: SampleFormat) -> SupportedStreamConfigRange {
        let buffers = SupportedBufferSize::Range { min: 1, max: 1 << 20 };
        SupportedStreamConfigRange::new(channels, rates.0, rates.1, buffers, format)
    }

    #[test]
    fn forty_eight_kilohertz_stereo_float_comes_first() {
        let mut offers = vec![
            offer(2, (44_100, 44_100), SampleFormat::F32),
            offer(2, (1, 384_000), SampleFormat::I16),
        ];
        // As a sound server offers them.
        offers.extend((1..32).map(|channels| offer(channels, (1, 384_000), SampleFormat::F32)));
        let stereo = Shape { channels: 2, rate: 48_000, format: SampleFormat::F32, frames: 480 };
        for own in [None, Some(2), Some(6)] {
            assert_eq!(choose(offers.clone(), own), Some(stereo), "{own:?}");
        }
        assert_eq!(choose(offers, Some(1)), Some(Shape { channels: 1, ..stereo }));
    }

    #[test]
    fn rather_channels_are_left_out_than_a_side() {
        let offers = [1, 4, 8].map(|channels| offer(channels, (1, 384_000), SampleFormat::F32));
        assert_eq!(choose(offers, None).unwrap().channels, 4);
        let mono = [offer(1, (1, 384_000), SampleFormat::F32)];
        assert_eq!(choose(mono, Some(2)).unwrap().channels, 1);
    }

    #[test]
    fn the_right_rate_counts_more_than_the_channels() {
        let offers = [
            offer(1, (16_000, 44_100), SampleFormat::F32),
            offer(8, (48_000, 96_000), SampleFormat::I32),
        ];
        let chosen = choose(offers, None).unwrap();
        assert_eq!((chosen.channels, chosen.rate), (8, 48_000));
    }

    #[test]
    fn a_device_of_another_rate_is_asked_for_ten_milliseconds_of_it() {
        let chosen = choose([offer(2, (44_100, 44_100), SampleFormat::I16)], None).unwrap();
        assert_eq!((chosen.rate, chosen.frames), (44_100, 441));
    }

    #[test]
    fn the_buffer_stays_in_the_offered_range() {
        let buffers = SupportedBufferSize::Range { min: 512, max: 4096 };
        let offer = SupportedStreamConfigRange::new(2, 48_000, 48_000, buffers, SampleFormat::F32);
        assert_eq!(choose([offer], None).unwrap().frames, 512);
    }

    #[test]
    fn unreadable_formats_are_no_choice() {
        assert_eq!(choose([offer(2, (48_000, 48_000), SampleFormat::DsdU8)], None), None);
    }
}
