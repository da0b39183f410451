//! From a screen's pixels to the slot that pictures go into: converted, made small enough, and
//! left out where nothing has changed.

use std::time::Instant;
use tincan_media::frame::VideoFrame;
use tincan_media::mailbox::NewestIn;
use tincan_media::process::convert::{ConvertError, PixelFormat, to_i420_strided};
use tincan_media::process::scale::{fit, scale};
use tincan_proto::units::Resolution;

/// The largest picture that is sent of a screen.
const BOUNDS: Resolution = Resolution::new(1920, 1080);

/// A screen's pixels: four bytes each, lines `stride` bytes apart.
pub(super) struct Pixels<'a> {
    pub(super) format: PixelFormat,
    pub(super) bytes: &'a [u8],
    pub(super) stride: u32,
    pub(super) size: Resolution,
}

impl Pixels<'_> {
    /// As a picture of the same size; an odd last line or column is left out.
    pub(super) fn picture(&self, captured: Instant) -> Result<VideoFrame, ConvertError> {
        to_i420_strided(self.format, self.bytes, self.stride, self.size.even(), captured)
    }
}

/// Where the pictures of one capture go.
pub(super) struct Delivery {
    sink: NewestIn<VideoFrame>,
    last: Option<VideoFrame>,
}

impl Delivery {
    pub(super) fn new(sink: NewestIn<VideoFrame>) -> Self {
        Self { sink, last: None }
    }

    /// Delivers a picture of the pixels, unless it is the same as the one before: programs draw
    /// what is there already, and comparing costs a hundredth of encoding.
    pub(super) fn put(&mut self, pixels: &Pixels<'_>, captured: Instant) {
        let picture = pixels.picture(captured).map_err(|error| error.to_string());
        let picture = picture.and_then(|picture| {
            scale(&picture, fit(pixels.size, BOUNDS)).map_err(|error| error.to_string())
        });
        match picture {
            Ok(picture) if self.last.as_ref().is_some_and(|last| same(last, &picture)) => {}
            Ok(picture) => {
                self.last = Some(picture.clone());
                self.sink.put(picture);
            }
            Err(error) => tracing::debug!(error, "no picture can be made of the screen"),
        }
    }
}

fn same(a: &VideoFrame, b: &VideoFrame) -> bool {
    a.resolution() == b.resolution() && a.i420() == b.i420()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tincan_media::mailbox::{Taken, newest};

    fn grey(level: u8, size: Resolution) -> Vec<u8> {
        vec![level; size.area() * 4]
    }

    #[test]
    fn pictures_fit_and_the_same_one_is_not_sent_twice() {
        let (sink, frames) = newest();
        let mut delivery = Delivery::new(sink);
        for (level, size, expected) in [
            (50, Resolution::new(301, 301), Some(Resolution::new(300, 300))),
            (50, Resolution::new(301, 301), None),
            (51, Resolution::new(301, 301), Some(Resolution::new(300, 300))),
            (51, Resolution::new(3840, 2400), Some(Resolution::new(1728, 1080))),
            (51, Resolution::new(3840, 2400), None),
            (51, Resolution::new(1, 40), None),
        ] {
            let bytes = grey(level, size);
            let pixels =
                Pixels { format: PixelFormat::Bgra, bytes: &bytes, stride: size.width * 4, size };
            delivery.put(&pixels, Instant::now());
            let got = match frames.take(Duration::ZERO) {
                Taken::Value(frame) => Some(frame.resolution()),
                Taken::Timeout | Taken::Closed => None,
            };
            assert_eq!(got, expected, "{level} at {size}");
        }
    }
}
