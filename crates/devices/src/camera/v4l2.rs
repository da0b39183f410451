//! Cameras on Linux: what nokhwa's interface to V4L2 leaves out or gets wrong.

use super::errors::of_system;
use super::format::{Offer, Pixels, listed};
use super::nodes::CameraNode;
use nokhwa::utils::CameraIndex;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::Path;
use tincan_media::device::{CameraFormat, DeviceError};
use tincan_proto::units::{FrameRate, Resolution};
use v4l::frameinterval::FrameIntervalEnum;
use v4l::framesize::{FrameSizeEnum, Stepwise};
use v4l::video::Capture;
use v4l::video::capture::Parameters;
use v4l::{Device, Format, FourCC};

/// Of a range of sizes and rates, the nearest to this is listed.
const LARGEST: CameraFormat =
    CameraFormat { resolution: Resolution::new(1920, 1080), rate: FrameRate::from_fps(30) };

const CLASS: &str = "/sys/class/video4linux";

/// The nodes that deliver pictures. A node that cannot be opened is listed: opening it says
/// why.
pub(super) fn nodes() -> Vec<CameraNode> {
    let names = std::fs::read_dir(CLASS).into_iter().flatten().flatten();
    let mut numbers: Vec<u32> =
        names.filter_map(|it| number(&it.file_name())).filter(|n| is_camera(*n)).collect();
    numbers.sort_unstable();
    let by_id = links(Path::new("/dev/v4l/by-id"));
    let by_path = links(Path::new("/dev/v4l/by-path"));
    let node = |number: u32| {
        let name = std::fs::read_to_string(format!("{CLASS}/video{number}/name"));
        let fixed = by_id.get(&number).or_else(|| by_path.get(&number)).cloned();
        CameraNode {
            id: format!("camera:{}", fixed.unwrap_or_else(|| format!("/dev/video{number}"))),
            formats: listed(offers(&CameraIndex::Index(number), LARGEST).unwrap_or_default()),
            name: name.map_or_else(|_| format!("Camera {number}"), |it| it.trim().to_owned()),
            index: CameraIndex::Index(number),
        }
    };
    numbers.into_iter().map(node).collect()
}

fn number(name: &OsStr) -> Option<u32> {
    name.to_str()?.strip_prefix("video")?.parse().ok()
}

/// USB cameras have a second node for metadata, which offers no format.
fn is_camera(number: u32) -> bool {
    if !Path::new(&format!("/dev/video{number}")).exists() {
        return false;
    }
    match Device::new(number as usize) {
        Ok(device) => device.enum_formats().is_ok_and(|formats| !formats.is_empty()),
        Err(_) => true,
    }
}

/// The names that udev gives nodes by make and serial number or by socket: unlike the numbers
/// they survive unplugging. The first in alphabet where there are several.
fn links(folder: &Path) -> HashMap<u32, String> {
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|link| {
            let target = std::fs::read_link(link.path()).ok()?;
            Some((number(target.file_name()?)?, link.path().to_str()?.to_owned()))
        })
        .collect();
    found.sort();
    found.reverse();
    found.into_iter().collect()
}

/// What a camera offers near to what is asked for. nokhwa walks ranges of sizes along their
/// diagonal and forgets half of each rate, so we ask ourselves. Only whole rates: nokhwa
/// refuses others.
pub(super) fn offers(index: &CameraIndex, asked: CameraFormat) -> Result<Vec<Offer>, DeviceError> {
    let device = device(index)?;
    let mut found = Vec::new();
    for pixels in [Pixels::Yuyv, Pixels::Nv12, Pixels::Mjpeg] {
        let fourcc = fourcc(pixels);
        for size in device.enum_framesizes(fourcc).unwrap_or_default() {
            let resolution = match size.size {
                FrameSizeEnum::Discrete(size) => Resolution::new(size.width, size.height),
                FrameSizeEnum::Stepwise(range) => nearest(&range, asked.resolution),
            };
            let rates = rates(&device, fourcc, resolution, asked.rate);
            found.extend(rates.into_iter().map(|rate| Offer { pixels, resolution, rate }));
        }
    }
    Ok(found)
}

/// Sets the format before nokhwa sees the device: it gives up where the format that another
/// program left behind is one that it does not know.
pub(super) fn prepare(index: &CameraIndex, offer: Offer) -> Result<(), DeviceError> {
    let device = device(index)?;
    let Resolution { width, height } = offer.resolution;
    device
        .set_format(&Format::new(width, height, fourcc(offer.pixels)))
        .map_err(|error| of_system(&error))?;
    // Not every driver can set a rate; the one that it has is then what we get.
    if let Err(error) = device.set_params(&Parameters::with_fps(offer.rate.fps())) {
        tracing::debug!(%error, "the camera's rate could not be set");
    }
    Ok(())
}

fn device(index: &CameraIndex) -> Result<Device, DeviceError> {
    let number = index.as_index().map_err(|_| DeviceError::Missing)?;
    Device::new(number as usize).map_err(|error| of_system(&error))
}

fn fourcc(pixels: Pixels) -> FourCC {
    match pixels {
        Pixels::Yuyv => FourCC::new(b"YUYV"),
        Pixels::Nv12 => FourCC::new(b"NV12"),
        Pixels::Mjpeg => FourCC::new(b"MJPG"),
    }
}

fn rates(
    device: &Device,
    fourcc: FourCC,
    resolution: Resolution,
    asked: FrameRate,
) -> Vec<FrameRate> {
    let Resolution { width, height } = resolution;
    let intervals = device.enum_frameintervals(fourcc, width, height).unwrap_or_default();
    if intervals.is_empty() {
        return vec![asked]; // The driver knows no rates; it has one nevertheless.
    }
    let rate = |interval| match interval {
        FrameIntervalEnum::Discrete(it) if it.numerator == 1 => {
            Some(FrameRate::from_fps(it.denominator))
        }
        FrameIntervalEnum::Discrete(_) => None,
        FrameIntervalEnum::Stepwise(range) => {
            // The longest interval is the lowest rate.
            let lowest = range.max.denominator.div_ceil(range.max.numerator.max(1)).max(1);
            let highest = (range.min.denominator / range.min.numerator.max(1)).max(lowest);
            Some(FrameRate::from_fps(asked.fps().clamp(lowest, highest)))
        }
    };
    intervals.into_iter().filter_map(|it| rate(it.interval)).collect()
}

fn nearest(range: &Stepwise, asked: Resolution) -> Resolution {
    let side = |asked: u32, min: u32, max: u32, step: u32| {
        let asked = asked.clamp(min.min(max), max);
        asked - (asked - min.min(max)) % step.max(1)
    };
    Resolution::new(
        side(asked.width, range.min_width, range.max_width, range.step_width),
        side(asked.height, range.min_height, range.max_height, range.step_height),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_sizes_gives_the_nearest_step_below() {
        let range = Stepwise {
            min_width: 48,
            max_width: 1920,
            step_width: 16,
            min_height: 32,
            max_height: 1080,
            step_height: 8,
        };
        assert_eq!(nearest(&range, Resolution::VGA), Resolution::VGA);
        assert_eq!(nearest(&range, Resolution::new(650, 365)), Resolution::new(640, 360));
        assert_eq!(nearest(&range, Resolution::new(9999, 1)), Resolution::new(1920, 32));
    }

    #[test]
    fn only_numbered_nodes_count() {
        assert_eq!(number(OsStr::new("video12")), Some(12));
        assert_eq!(number(OsStr::new("video-dec")), None);
        assert_eq!(number(OsStr::new("radio0")), None);
    }
}
