//! A source of pictures that come only when something has changed: keeps the last one, repeats it
//! now and then, and hands it to whoever begins to take them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tincan_media::frame::VideoFrame;
use tincan_media::mailbox::{NewestIn, NewestOut, Taken, newest};
use tincan_media::pipeline::worker::Worker;
use tincan_proto::units::Resolution;

/// How often a picture is repeated while nothing changes: whoever watches the arrival of pictures
/// knows by it that the path still stands, and a lost one does not stay lost.
const REPEAT: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Shared {
    last: Option<VideoFrame>,
    taker: Option<NewestIn<VideoFrame>>,
}

/// The running source. Its thread ends with the slot that it takes from.
pub struct StillSource {
    shared: Arc<Mutex<Shared>>,
    _thread: Worker,
}

impl StillSource {
    /// Takes pictures from `frames`; `sized` is told the size of the first and every new one.
    pub fn start(
        frames: NewestOut<VideoFrame>,
        mut sized: impl FnMut(Resolution) + Send + 'static,
    ) -> Self {
        let shared = Arc::<Mutex<Shared>>::default();
        let theirs = shared.clone();
        let thread = Worker::spawn("screen", move |stop| {
            let mut size = None;
            while !stop.is_set() {
                let frame = match frames.take(REPEAT) {
                    Taken::Value(frame) => Some(frame),
                    Taken::Timeout => None,
                    Taken::Closed => break,
                };
                let mut shared = theirs.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(frame) = frame.or_else(|| shared.repeated()) else { continue };
                let resolution = frame.resolution();
                shared.pass_on(frame);
                drop(shared);
                if size.replace(resolution) != Some(resolution) {
                    sized(resolution);
                }
            }
        });
        Self { shared, _thread: thread }
    }

    /// The pictures from now on, beginning with the last one; whoever took them before gets none
    /// any more.
    pub fn pictures(&self) -> NewestOut<VideoFrame> {
        let (taker, frames) = newest();
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.taker = Some(taker);
        if let Some(frame) = shared.repeated() {
            shared.pass_on(frame);
        }
        frames
    }
}

impl Shared {
    fn repeated(&self) -> Option<VideoFrame> {
        self.last.clone().map(|frame| frame.at(Instant::now()))
    }

    fn pass_on(&mut self, frame: VideoFrame) {
        if let Some(taker) = &self.taker {
            taker.put(frame.clone());
        }
        self.last = Some(frame);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn frame(size: Resolution) -> VideoFrame {
        VideoFrame::paint(size, Instant::now(), |_| {}).expect("even")
    }

    fn taken(frames: &NewestOut<VideoFrame>) -> VideoFrame {
        let Taken::Value(frame) = frames.take(PATIENCE) else { panic!("no picture came") };
        frame
    }

    #[test]
    fn a_still_picture_comes_again_and_every_taker_begins_with_it() {
        let (sink, frames) = newest();
        let (sizes, told) = channel();
        let source = StillSource::start(frames, move |size| sizes.send(size).expect("heard"));
        sink.put(frame(Resolution::VGA));
        assert_eq!(told.recv_timeout(PATIENCE), Ok(Resolution::VGA));
        let first = source.pictures();
        let shown = taken(&first);
        let repeated = taken(&first);
        assert!(repeated.captured() > shown.captured());
        let second = source.pictures();
        assert_eq!(taken(&second).resolution(), Resolution::VGA);
        assert!(matches!(first.take(PATIENCE), Taken::Closed));

        let wide = Resolution::new(1280, 720);
        sink.put(frame(wide));
        assert_eq!(told.recv_timeout(PATIENCE), Ok(wide), "the same size is told once");
    }

    #[test]
    fn nothing_is_told_before_the_first_picture_and_the_end_of_the_source_is_the_end() {
        let (sink, frames) = newest();
        let (sizes, told) = channel();
        let source = StillSource::start(frames, move |size| sizes.send(size).expect("heard"));
        let pictures = source.pictures();
        drop(sink);
        assert!(told.recv_timeout(PATIENCE).is_err(), "no size of nothing");
        drop(source);
        assert!(matches!(pictures.take(PATIENCE), Taken::Closed));
    }
}
