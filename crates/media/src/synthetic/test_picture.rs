//! A camera that is not there: a thread that paints the test picture at an exact rate.

use crate::device::{CameraFormat, OpenDevice};
use crate::frame::{FrameError, VideoFrame};
use crate::mailbox::NewestIn;
use crate::pipeline::worker::Worker;
use crate::synthetic::picture::{Picture, Stamp, Style};
use crate::synthetic::tone::wall_millis;
use std::time::Instant;

/// The id of the test picture in lists of cameras.
pub const TEST_PICTURE_ID: &str = "test-picture";

/// The open test picture.
#[derive(Debug)]
pub struct TestPicture {
    _thread: Worker,
}

impl TestPicture {
    /// Starts painting into `sink`. Dropping the value stops it and closes the slot.
    ///
    /// # Errors
    /// [`FrameError::OddSize`].
    pub fn start(
        format: CameraFormat,
        style: Style,
        sink: NewestIn<VideoFrame>,
    ) -> Result<Self, FrameError> {
        let mut picture = Picture::new(format.resolution, style)?;
        let interval = format.rate.interval();
        let thread = Worker::spawn("test picture", move |stop| {
            let mut due = Instant::now();
            let mut n = 0;
            while !stop.is_set() {
                sink.put(picture.paint(n, Stamp::from_unix_millis(wall_millis().round() as u64)));
                n += 1;
                due += interval;
                let now = Instant::now();
                if due + interval < now {
                    due = now; // Far behind, after a sleep of the machine: no burst.
                }
                stop.wait_until(due);
            }
        });
        Ok(Self { _thread: thread })
    }
}

impl OpenDevice for TestPicture {
    fn id(&self) -> &str {
        TEST_PICTURE_ID
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::{Taken, newest};
    use crate::synthetic::picture::read_stamp;
    use std::time::Duration;
    use tincan_proto::units::{FrameRate, Resolution};

    #[test]
    fn it_paints_until_it_is_dropped() {
        let (sink, frames) = newest();
        let format =
            CameraFormat { resolution: Resolution::new(320, 240), rate: FrameRate::from_fps(60) };
        let device = TestPicture::start(format, Style::Colour, sink).unwrap();
        for _ in 0..3 {
            let Taken::Value(frame) = frames.take(Duration::from_secs(5)) else {
                panic!("no picture came")
            };
            assert!(read_stamp(frame.y(), frame.resolution()).is_some());
        }
        drop(device);
        while let Taken::Value(_) = frames.take(Duration::ZERO) {}
        assert!(matches!(frames.take(Duration::ZERO), Taken::Closed));
    }
}
