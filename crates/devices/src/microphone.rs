//! An open microphone: from cpal's callbacks to blocks of 10 ms.

use crate::blocks::FromDevice;
use crate::listing::Listing;
use crate::sound::{self, Shape, Side, Wires, while_opening};
use cpal::traits::DeviceTrait;
use cpal::{FromSample, I24, Sample, SampleFormat, SizedSample};
use std::sync::Arc;
use tincan_media::device::{DeviceError, DeviceReport, MicrophoneSink, OpenDevice};

/// Opens the microphone with this id (`None`: the system's choice).
pub(crate) fn open(
    listing: &Arc<Listing>,
    id: Option<&str>,
    sink: MicrophoneSink,
    report: DeviceReport,
) -> Result<Box<dyn OpenDevice>, DeviceError> {
    sound::open(listing, Side::Microphone, id, report, move |device, shape, wires| {
        let blocks = FromDevice::new(shape.channels, shape.rate)?;
        match shape.format {
            SampleFormat::F32 => build::<f32>(device, shape, wires, blocks, sink),
            SampleFormat::I16 => build::<i16>(device, shape, wires, blocks, sink),
            SampleFormat::I24 => build::<I24>(device, shape, wires, blocks, sink),
            SampleFormat::I32 => build::<i32>(device, shape, wires, blocks, sink),
            SampleFormat::U8 => build::<u8>(device, shape, wires, blocks, sink),
            SampleFormat::U16 => build::<u16>(device, shape, wires, blocks, sink),
            other => Err(DeviceError::Unsupported(other.to_string())),
        }
    })
}

fn build<T>(
    device: &cpal::Device,
    shape: Shape,
    wires: Wires,
    mut blocks: FromDevice,
    mut sink: MicrophoneSink,
) -> Result<cpal::Stream, DeviceError>
where
    T: SizedSample,
    f32: FromSample<T>,
{
    let errors = wires.clone();
    device
        .build_input_stream::<T, _, _>(
            shape.config(),
            move |data, info| {
                let times = info.timestamp();
                wires.delay.note(times.callback.saturating_duration_since(times.capture));
                if wires.beat() {
                    blocks.take(data, f32::from_sample, &mut sink);
                }
            },
            move |error| errors.failed(&error),
            Wires::PATIENCE,
        )
        .map_err(|error| while_opening(&error))
}
