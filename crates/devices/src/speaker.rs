//! An open speaker: from blocks of 10 ms to cpal's callbacks.

use crate::blocks::ToDevice;
use crate::listing::Listing;
use crate::sound::{self, Shape, Side, Wires, while_opening};
use cpal::traits::DeviceTrait;
use cpal::{FromSample, I24, SampleFormat, SizedSample};
use std::sync::Arc;
use tincan_media::device::{DeviceError, DeviceReport, OpenDevice, SpeakerSource};

/// Opens the speaker with this id (`None`: the system's choice).
pub(crate) fn open(
    listing: &Arc<Listing>,
    id: Option<&str>,
    source: SpeakerSource,
    report: DeviceReport,
) -> Result<Box<dyn OpenDevice>, DeviceError> {
    sound::open(listing, Side::Speaker, id, report, move |device, shape, wires| {
        let blocks = ToDevice::new(shape.channels, shape.rate)?;
        match shape.format {
            SampleFormat::F32 => build::<f32>(device, shape, wires, blocks, source),
            SampleFormat::I16 => build::<i16>(device, shape, wires, blocks, source),
            SampleFormat::I24 => build::<I24>(device, shape, wires, blocks, source),
            SampleFormat::I32 => build::<i32>(device, shape, wires, blocks, source),
            SampleFormat::U8 => build::<u8>(device, shape, wires, blocks, source),
            SampleFormat::U16 => build::<u16>(device, shape, wires, blocks, source),
            other => Err(DeviceError::Unsupported(other.to_string())),
        }
    })
}

fn build<T>(
    device: &cpal::Device,
    shape: Shape,
    wires: Wires,
    mut blocks: ToDevice,
    mut source: SpeakerSource,
) -> Result<cpal::Stream, DeviceError>
where
    T: SizedSample + FromSample<f32>,
{
    let errors = wires.clone();
    device
        .build_output_stream::<T, _, _>(
            shape.config(),
            move |data, info| {
                let times = info.timestamp();
                wires.delay.note(times.playback.saturating_duration_since(times.callback));
                if wires.beat() {
                    blocks.fill(data, T::from_sample, &mut source);
                } else {
                    data.fill(T::EQUILIBRIUM);
                }
            },
            move |error| errors.failed(&error),
            Wires::PATIENCE,
        )
        .map_err(|error| while_opening(&error))
}
