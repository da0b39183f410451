//! A page of text to share: letters of a made-up alphabet under the barcode of the test picture. It
//! stands still, or scrolls.

use crate::device::CameraFormat;
use crate::frame::{FrameError, VideoFrame};
use crate::mailbox::NewestIn;
use crate::pipeline::worker::Worker;
use crate::synthetic::picture::{Stamp, paint_stamp};
use crate::synthetic::tone::wall_millis;
use std::time::Instant;
use tincan_proto::units::Resolution;

/// A letter's cell, as of a font of 10 points.
const CELL: (usize, usize) = (8, 16);
/// Pixels that the text moves up from one picture to the next.
const STEP: usize = 4;
const PAPER: u8 = 235;
const INK: u8 = 30;
/// Neither blue nor red.
const GREY: u8 = 128;

/// The page, delivering. Dropping it stops that.
#[derive(Debug)]
pub struct Page {
    _thread: Worker,
}

impl Page {
    /// Puts one picture into `sink`, and with `scrolls` the next ones at the format's rate. A still
    /// page keeps the slot open.
    ///
    /// # Errors
    /// [`FrameError::OddSize`].
    pub fn start(
        format: CameraFormat,
        scrolls: bool,
        sink: NewestIn<VideoFrame>,
    ) -> Result<Self, FrameError> {
        let text = text(format.resolution);
        sink.put(paint(&text, format.resolution, 0)?);
        let thread = Worker::spawn("page", move |stop| {
            let mut due = Instant::now();
            let mut n = 0;
            while !stop.is_set() {
                // Whoever is late begins anew without a burst.
                due = (due + format.rate.interval()).max(Instant::now());
                stop.wait_until(due);
                n += 1;
                if scrolls && let Ok(frame) = paint(&text, format.resolution, n) {
                    sink.put(frame);
                }
            }
        });
        Ok(Self { _thread: thread })
    }
}

fn paint(text: &[u8], size: Resolution, n: usize) -> Result<VideoFrame, FrameError> {
    VideoFrame::paint(size, Instant::now(), |planes| {
        let (y, uv) = planes.split_at_mut(size.area());
        let (width, height) = (size.width as usize, size.height as usize);
        let top = n * STEP % height * width;
        y.copy_from_slice(&text[top..top + y.len()]);
        paint_stamp(y, size, Stamp::from_unix_millis(wall_millis().round() as u64));
        uv.fill(GREY);
    })
}

/// A page as high as two pictures, both halves alike, so that it scrolls round.
fn text(size: Resolution) -> Vec<u8> {
    let (width, height) = (size.width as usize, size.height as usize);
    let mut half = vec![PAPER; width * height];
    let mut random = 12_345_u32;
    for row in 0..height / CELL.1 {
        for column in 1..(width / CELL.0).saturating_sub(1) {
            random = random.wrapping_mul(1_103_515_245).wrapping_add(12_345);
            // One in six cells is the space between words.
            if (random >> 16).is_multiple_of(6) {
                continue;
            }
            for stroke in 0..4 {
                let (x, y) = (random >> (4 + 3 * stroke) & 3, random >> (16 + 3 * stroke) & 7);
                let at = (row * CELL.1 + 3 + y as usize) * width + column * CELL.0 + x as usize;
                if stroke % 2 == 0 {
                    half[at..at + 4].fill(INK);
                } else {
                    (0..4).for_each(|down| half[at + down * width] = INK);
                }
            }
        }
    }
    half.extend_from_within(..);
    half
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::{Taken, newest};
    use crate::synthetic::picture::read_stamp;
    use std::time::Duration;
    use tincan_proto::units::FrameRate;

    const FORMAT: CameraFormat =
        CameraFormat { resolution: Resolution::new(640, 360), rate: FrameRate::from_fps(60) };

    #[test]
    fn a_still_page_comes_once_and_a_scrolling_one_moves() {
        for scrolls in [false, true] {
            let (sink, frames) = newest();
            let _page = Page::start(FORMAT, scrolls, sink).unwrap();
            let Taken::Value(first) = frames.take(Duration::from_secs(5)) else {
                panic!("no picture came")
            };
            assert!(read_stamp(first.y(), FORMAT.resolution).is_some());
            let ink = first.y().iter().filter(|&&pixel| pixel == INK).count();
            assert!(ink > 5_000, "{ink} pixels are a page without text");
            match frames.take(Duration::from_millis(if scrolls { 5_000 } else { 100 })) {
                Taken::Value(next) => {
                    let below = 640 * 100;
                    assert!(scrolls);
                    assert_eq!(next.y()[below..][..6400], first.y()[below + STEP * 640..][..6400]);
                }
                Taken::Timeout | Taken::Closed => assert!(!scrolls, "it stands still"),
            }
        }
    }
}
