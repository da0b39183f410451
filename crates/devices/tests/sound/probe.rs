//! Sources, sinks and reports that tests look into.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tincan_media::audio::{BLOCK_SAMPLES, SAMPLE_RATE, StereoBlock};
use tincan_media::device::{DeviceError, DeviceReport, MicrophoneSink, SpeakerSource};

/// A click every quarter of a second.
const CLICK_EVERY: u64 = 25;
/// The length of a click: long enough to survive a resampler.
const CLICK: usize = 48;
/// Clicks that are remembered.
const MOST: usize = 256;

/// Clicks on their way from a speaker to a microphone.
pub struct Clicks {
    start: Instant,
    blocks_out: AtomicU64,
    blocks_in: AtomicU64,
    sent_at: AtomicU64,
    found: [AtomicU64; MOST],
    count: AtomicUsize,
}

impl Default for Clicks {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            blocks_out: AtomicU64::new(0),
            blocks_in: AtomicU64::new(0),
            sent_at: AtomicU64::new(0),
            found: std::array::from_fn(|_| AtomicU64::new(0)),
            count: AtomicUsize::new(0),
        }
    }
}

impl Clicks {
    fn micros(&self) -> u64 {
        self.start.elapsed().as_micros() as u64
    }

    /// Clicks that arrived.
    pub fn arrived(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// Blocks that a microphone delivered.
    pub fn blocks(&self) -> u64 {
        self.blocks_in.load(Ordering::SeqCst)
    }

    /// For a speaker.
    pub fn source(self: &Arc<Self>) -> SpeakerSource {
        let clicks = self.clone();
        Box::new(move |block| {
            *block = StereoBlock::SILENCE;
            if clicks.blocks_out.fetch_add(1, Ordering::SeqCst) % CLICK_EVERY == CLICK_EVERY - 1 {
                block.left[..CLICK].fill(0.9);
                block.right = block.left;
                clicks.sent_at.store(clicks.micros(), Ordering::SeqCst);
            }
        })
    }

    /// For a microphone.
    pub fn sink(self: &Arc<Self>) -> MicrophoneSink {
        let clicks = self.clone();
        Box::new(move |block| {
            clicks.blocks_in.fetch_add(1, Ordering::SeqCst);
            let Some(at) = block.left.iter().position(|sample| sample.abs() > 0.3) else { return };
            let sent = clicks.sent_at.swap(0, Ordering::SeqCst);
            let count = clicks.count.load(Ordering::SeqCst);
            if sent == 0 || count == MOST {
                return; // The rest of a click on the border of two blocks.
            }
            // What comes later in the block was there later, but handed over with it.
            let waited = (BLOCK_SAMPLES - at) as u64 * 1_000_000 / u64::from(SAMPLE_RATE);
            let latency = (clicks.micros() - sent).saturating_sub(waited);
            clicks.found[count].store(latency, Ordering::SeqCst);
            clicks.count.store(count + 1, Ordering::SeqCst);
        })
    }
}

/// The latencies found, in milliseconds, sorted.
pub fn latencies(clicks: &Clicks) -> Vec<u64> {
    let mut found: Vec<u64> = clicks.found[..clicks.arrived()]
        .iter()
        .map(|micros| micros.load(Ordering::SeqCst) / 1000)
        .collect();
    found.sort_unstable();
    found
}

/// What devices reported.
#[derive(Clone, Default)]
pub struct Reports(Arc<Mutex<Vec<DeviceError>>>);

impl Reports {
    /// For a device.
    pub fn sink(&self) -> DeviceReport {
        let reports = self.0.clone();
        Box::new(move |state| {
            if let Err(error) = state {
                reports.lock().expect("no test panics in it").push(error);
            }
        })
    }

    /// The failures so far.
    pub fn failures(&self) -> Vec<DeviceError> {
        self.0.lock().expect("no test panics in it").clone()
    }
}
