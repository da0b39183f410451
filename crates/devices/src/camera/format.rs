//! Which of a camera's formats comes nearest to what is asked for.

use nokhwa::utils::{CameraFormat as NokhwaFormat, FrameFormat, Resolution as NokhwaResolution};
use tincan_media::device::CameraFormat;
use tincan_proto::units::{FrameRate, Resolution};

/// From this height on, what a USB cable carries uncompressed is a few pictures a second.
const COMPRESSED_FROM: u32 = 720;

/// How a camera writes pixels, as far as we can read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pixels {
    /// Packed 4:2:2.
    Yuyv,
    /// A plane of brightness and one of colours, 4:2:0.
    Nv12,
    /// A JPEG picture for each frame.
    Mjpeg,
}

/// One format that a camera offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    /// Pixels.
    pub(super) pixels: Pixels,
    /// Size.
    pub(super) resolution: Resolution,
    /// Rate.
    pub(super) rate: FrameRate,
}

impl Offer {
    /// From nokhwa's words; `None` for pixels that we cannot read. On Linux we ask V4L2.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn of(format: NokhwaFormat) -> Option<Self> {
        let pixels = match format.format() {
            FrameFormat::YUYV => Pixels::Yuyv,
            FrameFormat::NV12 => Pixels::Nv12,
            FrameFormat::MJPEG => Pixels::Mjpeg,
            FrameFormat::GRAY | FrameFormat::RAWRGB | FrameFormat::RAWBGR => return None,
        };
        Some(Self {
            pixels,
            resolution: Resolution::new(format.width(), format.height()),
            rate: FrameRate::from_fps(format.frame_rate()),
        })
    }

    /// In nokhwa's words.
    pub(super) fn nokhwa(self) -> NokhwaFormat {
        let format = match self.pixels {
            Pixels::Yuyv => FrameFormat::YUYV,
            Pixels::Nv12 => FrameFormat::NV12,
            Pixels::Mjpeg => FrameFormat::MJPEG,
        };
        let size = NokhwaResolution::new(self.resolution.width, self.resolution.height);
        NokhwaFormat::new(size, format, self.rate.fps())
    }
}

/// The offers, best first: the nearest size, then the least that is missing from the rate,
/// then the pixels that suit the size, then the least that is too much of the rate.
pub(super) fn ranked(mut offers: Vec<Offer>, asked: CameraFormat) -> Vec<Offer> {
    offers.retain(|offer| offer.resolution.even().area() > 0);
    offers.sort_by_key(|offer| {
        let size = offer.resolution;
        let distance = size.width.abs_diff(asked.resolution.width)
            + size.height.abs_diff(asked.resolution.height);
        let missing = asked.rate.fps().saturating_sub(offer.rate.fps());
        let surplus = offer.rate.fps().saturating_sub(asked.rate.fps());
        (distance, missing, pixels_rank(*offer), surplus)
    });
    offers
}

fn pixels_rank(offer: Offer) -> u8 {
    let large = offer.resolution.height >= COMPRESSED_FROM;
    match (offer.pixels, large) {
        (Pixels::Mjpeg, true) | (Pixels::Yuyv, false) => 0,
        (Pixels::Nv12, _) => 1,
        (Pixels::Mjpeg, false) | (Pixels::Yuyv, true) => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(pixels: Pixels, width: u32, height: u32, fps: u32) -> Offer {
        let rate = FrameRate::from_fps(fps);
        Offer { pixels, resolution: Resolution::new(width, height), rate }
    }

    fn best(offers: &[Offer], width: u32, height: u32, fps: u32) -> Offer {
        let resolution = Resolution::new(width, height);
        ranked(offers.to_vec(), CameraFormat { resolution, rate: FrameRate::from_fps(fps) })[0]
    }

    /// What a usual USB camera offers.
    fn usb() -> Vec<Offer> {
        vec![
            offer(Pixels::Mjpeg, 1280, 720, 30),
            offer(Pixels::Mjpeg, 640, 480, 30),
            offer(Pixels::Mjpeg, 320, 240, 30),
            offer(Pixels::Yuyv, 1280, 720, 10),
            offer(Pixels::Yuyv, 640, 480, 30),
            offer(Pixels::Yuyv, 640, 480, 15),
            offer(Pixels::Yuyv, 320, 240, 30),
        ]
    }

    #[test]
    fn small_pictures_come_uncompressed_and_large_ones_compressed() {
        assert_eq!(best(&usb(), 640, 480, 30), offer(Pixels::Yuyv, 640, 480, 30));
        assert_eq!(best(&usb(), 320, 240, 15), offer(Pixels::Yuyv, 320, 240, 30));
        assert_eq!(best(&usb(), 1280, 720, 30), offer(Pixels::Mjpeg, 1280, 720, 30));
    }

    #[test]
    fn the_nearest_rate_is_taken() {
        assert_eq!(best(&usb(), 640, 480, 15), offer(Pixels::Yuyv, 640, 480, 15));
        let slow = [offer(Pixels::Nv12, 640, 480, 5), offer(Pixels::Nv12, 640, 480, 10)];
        assert_eq!(best(&slow, 640, 480, 25), slow[1]);
    }

    #[test]
    fn a_size_that_is_not_offered_gives_the_nearest() {
        assert_eq!(best(&usb(), 640, 360, 30).resolution, Resolution::VGA);
        assert_eq!(best(&usb(), 1920, 1080, 30).resolution, Resolution::new(1280, 720));
    }

    #[test]
    fn small_pictures_come_compressed_where_nothing_else_is_fast_enough() {
        let offers = [offer(Pixels::Yuyv, 640, 480, 5), offer(Pixels::Mjpeg, 640, 480, 30)];
        assert_eq!(best(&offers, 640, 480, 30), offers[1]);
        assert_eq!(best(&offers, 640, 480, 5), offers[0]);
    }

    #[test]
    fn a_camera_without_a_usable_size_offers_nothing() {
        let asked = CameraFormat { resolution: Resolution::VGA, rate: FrameRate::from_fps(30) };
        assert_eq!(ranked(vec![offer(Pixels::Yuyv, 1, 480, 30)], asked), []);
    }
}
