//! A room in which somebody speaks or is silent, and what its speaker plays.

use std::f32::consts::TAU;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tincan_media::audio::{BLOCK, BLOCK_SAMPLES, SAMPLE_RATE, StereoBlock};
use tincan_media::device::{DeviceEntry, DeviceList, MicrophoneSink, OpenDevice, SpeakerSource};
use tincan_media::pipeline::worker::{Stop, Worker};

/// A block that is louder is heard.
const HEARD: f32 = 0.02;

/// One pair of devices, paced by the clock.
#[derive(Default)]
pub struct Room {
    speaks: AtomicBool,
    /// Blocks that the speaker has played.
    played: AtomicU64,
    loudest: Mutex<f32>,
    /// Silent blocks since the last loud one, and the longest such gap.
    gap: Mutex<(u64, u64)>,
}

impl Room {
    /// Somebody speaks, or nobody does.
    pub fn speak(&self, speaks: bool) {
        self.speaks.store(speaks, Ordering::Relaxed);
    }

    /// The loudest sample that was played since this was asked last.
    pub fn loudest(&self) -> f32 {
        std::mem::take(&mut *self.loudest.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// For how long nothing has been heard now.
    pub fn silent_for(&self) -> Duration {
        BLOCK * self.gap.lock().unwrap_or_else(PoisonError::into_inner).0 as u32
    }

    /// For how long nothing was heard at the most since this was asked last.
    pub fn longest_gap(&self) -> Duration {
        let mut gap = self.gap.lock().unwrap_or_else(PoisonError::into_inner);
        BLOCK * std::mem::replace(&mut gap.1, 0) as u32
    }

    /// How many blocks were played so far.
    pub fn played(&self) -> u64 {
        self.played.load(Ordering::Relaxed)
    }

    pub fn list() -> DeviceList {
        let only = |id: &str| {
            let (id, name) = (id.into(), id.into());
            vec![DeviceEntry { id, name, default: true, formats: Vec::new() }]
        };
        DeviceList {
            microphones: only("microphone"),
            speakers: only("speaker"),
            ..Default::default()
        }
    }

    pub fn microphone(self: &Arc<Self>, mut sink: MicrophoneSink) -> Box<dyn OpenDevice> {
        let room = self.clone();
        let mut time = 0usize;
        Box::new(Open::start("microphone", move || {
            let speaks = room.speaks.load(Ordering::Relaxed);
            let block = std::array::from_fn(|n| if speaks { voice(time + n) } else { 0.0 });
            time += BLOCK_SAMPLES;
            sink(&StereoBlock::both(block));
        }))
    }

    pub fn speaker(self: &Arc<Self>, mut source: SpeakerSource) -> Box<dyn OpenDevice> {
        let room = self.clone();
        Box::new(Open::start("speaker", move || {
            let mut block = StereoBlock::SILENCE;
            source(&mut block);
            let peak = block.left.iter().fold(0f32, |peak, x| peak.max(x.abs()));
            let mut loudest = room.loudest.lock().unwrap_or_else(PoisonError::into_inner);
            *loudest = loudest.max(peak);
            let mut gap = room.gap.lock().unwrap_or_else(PoisonError::into_inner);
            gap.0 = if peak > HEARD { 0 } else { gap.0 + 1 };
            gap.1 = gap.1.max(gap.0);
            room.played.fetch_add(1, Ordering::Relaxed);
        }))
    }
}

/// A vowel, five syllables a second: what is taken for noise has no such rise and fall.
fn voice(sample: usize) -> f32 {
    let t = sample as f32 / SAMPLE_RATE as f32;
    let syllable = (TAU * 2.5 * t).sin().powi(2);
    let partials = (1..=20).map(|n| (TAU * 130.0 * n as f32 * t).sin() / n as f32);
    0.3 * syllable * partials.sum::<f32>()
}

struct Open {
    id: &'static str,
    _running: Worker,
}

impl Open {
    fn start(id: &'static str, mut block: impl FnMut() + Send + 'static) -> Self {
        let run = move |stop: Stop| {
            let mut due = Instant::now();
            while !stop.is_set() {
                block();
                due += BLOCK;
                stop.wait_until(due);
            }
        };
        Self { id, _running: Worker::spawn(id, run) }
    }
}

impl OpenDevice for Open {
    fn id(&self) -> &str {
        self.id
    }
}
