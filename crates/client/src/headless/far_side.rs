//! What is seen and heard of the other side: a log of frames with their stamps, beeps, and sound.

use super::protocol::Line;
use anyhow::Context;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tincan_media::audio::{SAMPLE_RATE, StereoBlock};
use tincan_media::frame::VideoFrame;
use tincan_media::synthetic::picture::read_stamp;
use tincan_media::synthetic::tone::{BeepDetector, wall_millis};
use tincan_proto::units::UnixMillis;
use tokio::sync::mpsc;

/// Sound that is kept: five minutes.
const KEPT: usize = 300 * SAMPLE_RATE as usize;
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

/// All that was heard, where sound would go to a sound card.
#[derive(Clone, Default)]
pub struct Heard(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    samples: Vec<f32>,
    begun: Option<f64>,
}

impl Heard {
    /// Listens to each block.
    pub fn listen(&self) -> impl FnMut(&StereoBlock) + Send + use<> {
        let kept = self.0.clone();
        move |block| {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            // The block that waited least for its turn tells when all of it began.
            let before = kept.samples.len() as f64 * 1000.0 / f64::from(SAMPLE_RATE);
            let begun = wall_millis() - before;
            kept.begun = Some(kept.begun.map_or(begun, |least| least.min(begun)));
            if kept.samples.len() < KEPT {
                kept.samples.extend(block.left);
            }
        }
    }

    /// Writes it; when its first sample was heard, in milliseconds since the Unix epoch.
    pub fn write(&self, file: &Path) -> anyhow::Result<Option<f64>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = kept.samples.iter().flat_map(|x| x.to_le_bytes()).collect();
        std::fs::write(file, bytes).with_context(|| format!("while writing {file:?}"))?;
        Ok(kept.begun)
    }
}
