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

/// Each size once, at its highest rate, the largest first.
#[cfg(target_os = "linux")]
pub(super) fn listed(offers: Vec<Offer>) -> Vec<CameraFormat> {
    let format = |offer: Offer| CameraFormat { resolution: offer.resolution, rate: offer.rate };
    let mut formats: Vec<CameraFormat> = offers.into_iter().map(format).collect();
    formats.sort_by_key(|format| (format.resolution.area(), format.resolution, format.rate));
    formats.reverse();
    formats.dedup_by_key(|format| format.resolution);
    formats
}

/// A picture may be so many percent smaller than asked for before a larger one is taken.
const NEARLY: u64 = 90;
/// Shapes are alike within so many percent.
const ALIKE: u64 = 5;

/// The offers, best first: not at less than half of the rate, large enough, of the shape that is
/// asked for, in the nearest size; then the least that is missing from the rate, the pixels that suit
/// the size, and the least that is too much of the rate.
pub(super) fn ranked(mut offers: Vec<Offer>, asked: CameraFormat) -> Vec<Offer> {
    offers.retain(|offer| offer.resolution.even().area() > 0);
    offers.sort_by_key(|offer| {
        let size = offer.resolution;
        let distance = size.width.abs_diff(asked.resolution.width)
            + size.height.abs_diff(asked.resolution.height);
        let missing = asked.rate.fps().saturating_sub(offer.rate.fps());
        let surplus = offer.rate.fps().saturating_sub(asked.rate.fps());
        let slow = offer.rate.fps() * 2 < asked.rate.fps();
        let small = !fills(size, asked.resolution);
        let bent = !has_shape(size, asked.resolution);
        (slow, small, bent, distance, missing, pixels_rank(*offer), surplus)
    });
    offers
}

/// A picture of this size, made smaller, fills the other at least one way.
fn fills(size: Resolution, asked: Resolution) -> bool {
    let fills = |is: u32, asked: u32| u64::from(is) * 100 >= u64::from(asked) * NEARLY;
    fills(size.width, asked.width) || fills(size.height, asked.height)
}

fn has_shape(size: Resolution, asked: Resolution) -> bool {
    let one = u64::from(size.width) * u64::from(asked.height);
    let other = u64::from(asked.width) * u64::from(size.height);
    one.abs_diff(other) * 100 <= one.max(other) * ALIKE
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
        assert_eq!(best(&usb(), 660, 500, 30).resolution, Resolution::VGA);
        assert_eq!(best(&usb(), 1920, 1080, 30).resolution, Resolution::new(1280, 720));
    }

    #[test]
    fn a_larger_size_is_taken_before_a_smaller_one_and_the_shape_before_the_nearest() {
        let sizes = |sizes: &[(u32, u32)]| -> Vec<Offer> {
            sizes.iter().map(|(width, height)| offer(Pixels::Yuyv, *width, *height, 30)).collect()
        };
        let best = |of: &[(u32, u32)], width, height| {
            let Resolution { width, height } = best(&sizes(of), width, height, 30).resolution;
            (width, height)
        };
        assert_eq!(best(&[(640, 480), (1920, 1080)], 1280, 720), (1920, 1080));
        assert_eq!(best(&[(320, 180), (1280, 720)], 322, 182), (320, 180), "nearly");
        assert_eq!(best(&[(640, 480), (640, 360), (1280, 720)], 640, 360), (640, 360));
        assert_eq!(best(&[(640, 480), (1280, 720)], 640, 360), (1280, 720), "the shape stays");
        assert_eq!(best(&[(640, 480), (1024, 768)], 1280, 720), (1024, 768));
        assert_eq!(best(&[(480, 640), (720, 1280)], 270, 480), (720, 1280));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn each_size_is_listed_once_at_its_best() {
        let format = |width, height, fps| CameraFormat {
            resolution: Resolution::new(width, height),
            rate: FrameRate::from_fps(fps),
        };
        let expected = [format(1280, 720, 30), format(640, 480, 30), format(320, 240, 30)];
        assert_eq!(listed(usb()), expected);
        assert_eq!(listed(Vec::new()), []);
    }

    #[test]
    fn a_slow_large_size_gives_way_to_a_smooth_smaller_one() {
        let offers = [offer(Pixels::Yuyv, 1280, 720, 10), offer(Pixels::Yuyv, 640, 480, 30)];
        assert_eq!(best(&offers, 1280, 720, 30), offers[1]);
        assert_eq!(best(&offers, 1280, 720, 20), offers[0]);
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
