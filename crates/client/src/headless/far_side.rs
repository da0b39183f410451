//! What is seen and heard of the other side: a log of frames with their stamps, and beeps.

use super::protocol::Line;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use tincan_media::audio::StereoBlock;
use tincan_media::frame::VideoFrame;
use tincan_media::synthetic::picture::read_stamp;
use tincan_media::synthetic::tone::{BeepDetector, wall_millis};
use tincan_proto::units::UnixMillis;
use tokio::sync::mpsc;

/// Frames that wait to be reported; a reader this slow loses the rest.
const WAITING: usize = 1000;

/// Shared between the decoder's thread and the reports.
#[derive(Clone)]
pub struct FrameLog {
    lines: mpsc::UnboundedSender<Line>,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    waiting: Vec<Value>,
    total: u64,
}

impl FrameLog {
    /// Reports to `lines`.
    pub fn new(lines: mpsc::UnboundedSender<Line>) -> Self {
        Self { lines, seen: Arc::default() }
    }

    /// Notes a decoded frame: now, its stamp or -1, and its size.
    pub fn note(&self, frame: &VideoFrame) {
        let now = wall_millis();
        let size = frame.resolution();
        let stamp = read_stamp(frame.y(), size)
            .map_or(-1, |stamp| stamp.resolve(UnixMillis(now as u64)).0 as i64);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.total += 1;
        if seen.total == 1 {
            self.say(json!({"ev": "first-frame", "t": now, "w": size.width, "h": size.height}));
        }
        if seen.waiting.len() < WAITING {
            seen.waiting.push(json!([now, stamp, size.width, size.height]));
        }
    }

    /// Writes what has gathered.
    pub fn report(&self) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if !seen.waiting.is_empty() {
            let frames = std::mem::take(&mut seen.waiting);
            self.say(json!({"ev": "frames", "f": frames}));
        }
    }

    /// Frames so far.
    pub fn total(&self) -> u64 {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).total
    }

    fn say(&self, value: Value) {
        // The process is ending if nobody writes lines any more.
        let _ = self.lines.send(Line::new(value));
    }
}

/// Reports beeps at the place where sound would go to a sound card.
pub fn beeps(lines: mpsc::UnboundedSender<Line>) -> impl FnMut(&StereoBlock) + Send {
    let mut detector = BeepDetector::default();
    move |block| {
        if let Some(t) = detector.listen(&block.left, wall_millis()) {
            let _ = lines.send(Line::new(json!({"ev": "beep", "t": t, "latency": t % 1000.0})));
        }
    }
}
