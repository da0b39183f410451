//! From RTP packets of any number of voices to one speaker: jitter buffers, decoders and mixer on
//! one thread, which the speaker paces, or the clock where there is none.

mod speaker;
mod voice;

use crate::audio::{BLOCK, SILENCE, StereoBlock};
use crate::device::{DeviceDelay, SpeakerSource};
use crate::encoded::RtpPayload;
use crate::jitter::JitterStatistics;
use crate::mixer::Mixer;
use crate::pipeline::audio_send::RenderReference;
use crate::pipeline::sound_clock::SoundClock;
use crate::pipeline::worker::{Stop, Worker};
use crate::process::level::Level;
use crate::rtp::ages::Ages;
use speaker::{Feeder, SpeakerCounts};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use voice::{Voice, VoiceShared};

/// Packets of one voice on their way to the thread: 5 s. When it is full, packets are dropped
/// and counted.
const CAPACITY: usize = 256;
/// A speaker that takes nothing for this long has stopped: the clock takes over.
const STALLED: Duration = Duration::from_millis(100);

/// Sees each mixed block as it is played.
pub type AudioTap = Box<dyn FnMut(&StereoBlock) + Send>;

/// Counts of one voice.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AudioReceiveStatistics {
    /// The jitter buffer's.
    pub jitter: JitterStatistics,
    /// Packets dropped because the thread did not keep up.
    pub overflowed: u64,
    /// Energy of what was played, as `totalAudioEnergy` of W3C webrtc-stats.
    pub energy: f64,
    /// Seconds that were played.
    pub duration: f64,
    /// From the microphone there to the speaker here.
    pub ages: Ages,
}

/// Counts of the speaker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpeakerStatistics {
    /// Blocks given to it.
    pub blocks: u64,
    /// Times when there was none in time.
    pub underruns: u64,
}

#[derive(Default)]
struct Shared {
    changed: AtomicBool,
    orders: Mutex<Orders>,
    counts: Arc<SpeakerCounts>,
}

#[derive(Default)]
struct Orders {
    voices: Vec<Voice>,
    speaker: Option<Feeder>,
    speaker_delay: Option<DeviceDelay>,
    reference: Option<RenderReference>,
    tap: Option<Option<AudioTap>>,
}

/// The running pipeline. Dropping it stops it; receivers that are left lead nowhere then.
pub struct AudioReceivePipeline {
    shared: Arc<Shared>,
    worker: Worker,
}

impl AudioReceivePipeline {
    /// Starts the pipeline with no voice and no speaker.
    pub fn start() -> Self {
        let shared = Arc::<Shared>::default();
        let theirs = shared.clone();
        let worker = Worker::spawn_real_time("audio mixer", move |stop| {
            Receiving::new(theirs).run(&stop);
        });
        Self { shared, worker }
    }

    /// Adds a voice; `label` names it in logs. Dropping the receiver takes it out again.
    pub fn add(&self, label: &str) -> AudioReceiver {
        let (packets, incoming) = sync_channel(CAPACITY);
        let shared = Arc::new(VoiceShared::default());
        match Voice::new(label, incoming, shared.clone()) {
            Ok(voice) => self.order(|orders| orders.voices.push(voice)),
            Err(error) => tracing::error!(%error, label, "a voice cannot be heard"),
        }
        AudioReceiver { packets, shared }
    }

    /// Makes the source of a speaker, which takes the place of the one before. It neither
    /// allocates nor locks nor waits.
    pub fn speaker(&self) -> SpeakerSource {
        let thread = self.worker.thread().cloned();
        let (feeder, source) = Feeder::new(self.shared.counts.clone(), thread);
        self.order(|orders| orders.speaker = Some(feeder));
        source
    }

    /// Learns how long the speaker takes to play what it was given.
    pub fn set_speaker_delay(&self, delay: DeviceDelay) {
        self.order(|orders| orders.speaker_delay = Some(delay));
    }

    /// Tells an echo canceller what the speaker plays.
    pub fn set_reference(&self, reference: RenderReference) {
        self.order(|orders| orders.reference = Some(reference));
    }

    /// Lets `tap` see each block, on the pipeline's thread, whether a speaker is open or not.
    pub fn set_tap(&self, tap: Option<AudioTap>) {
        self.order(|orders| orders.tap = Some(tap));
    }

    /// The speaker's counts.
    pub fn speaker_statistics(&self) -> SpeakerStatistics {
        self.shared.counts.snapshot()
    }

    fn order(&self, order: impl FnOnce(&mut Orders)) {
        order(&mut self.shared.orders.lock().unwrap_or_else(PoisonError::into_inner));
        self.shared.changed.store(true, Ordering::Release);
        self.worker.wake();
    }
}

/// The way in for one voice. Dropping it takes the voice out of the mix.
pub struct AudioReceiver {
    packets: SyncSender<RtpPayload>,
    shared: Arc<VoiceShared>,
}

impl AudioReceiver {
    /// Takes a packet. Never waits.
    pub fn push(&self, packet: RtpPayload) {
        if self.packets.try_send(packet).is_err() {
            self.shared.overflow();
        }
    }

    /// The counts.
    pub fn statistics(&self) -> AudioReceiveStatistics {
        self.shared.statistics()
    }

    /// Tells when its sound is played.
    pub fn clock(&self) -> SoundClock {
        self.shared.clock.clone()
    }

    /// How loud the voice is now, before its volume.
    pub fn level(&self) -> Level {
        self.shared.level()
    }

    /// Whether it speaks.
    pub fn is_speaking(&self) -> bool {
        self.shared.is_speaking()
    }

    /// Sets the volume: 0 is mute, 1 as it was sent, 2 at most.
    pub fn set_volume(&self, volume: f32) {
        self.shared.set_volume(volume.clamp(0.0, 2.0));
    }
}

struct Receiving {
    shared: Arc<Shared>,
    voices: Vec<Voice>,
    speaker: Option<Feeder>,
    speaker_delay: DeviceDelay,
    reference: Option<RenderReference>,
    tap: Option<AudioTap>,
    mixer: Mixer,
}

impl Receiving {
    fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            voices: Vec::new(),
            speaker: None,
            speaker_delay: DeviceDelay::default(),
            reference: None,
            tap: None,
            mixer: Mixer::default(),
        }
    }

    fn run(&mut self, stop: &Stop) {
        // By the clock, the next block is due then.
        let mut due = Instant::now();
        while !stop.is_set() {
            self.obey();
            let now = Instant::now();
            self.speaker.take_if(|speaker| speaker.is_gone());
            let wanting = self.speaker.as_mut().is_some_and(|speaker| speaker.has_room(now));
            match &self.speaker {
                Some(_) if wanting => due = now + STALLED,
                _ if now < due => {
                    std::thread::park_timeout(due - now);
                    continue;
                }
                // No speaker, or one that takes nothing. After a hold-up the clock is caught up
                // with, after a long one (the machine slept) it is not.
                _ if now > due + STALLED => due = now + BLOCK,
                _ => due += BLOCK,
            }
            self.play(now);
        }
    }

    fn obey(&mut self) {
        if !self.shared.changed.swap(false, Ordering::AcqRel) {
            return;
        }
        let orders =
            std::mem::take(&mut *self.shared.orders.lock().unwrap_or_else(PoisonError::into_inner));
        self.voices.extend(orders.voices);
        if let Some(speaker) = orders.speaker {
            self.speaker = Some(speaker);
        }
        if let Some(delay) = orders.speaker_delay {
            self.speaker_delay = delay;
        }
        if let Some(reference) = orders.reference {
            self.reference = Some(reference);
        }
        if let Some(tap) = orders.tap {
            self.tap = tap;
        }
    }

    fn play(&mut self, now: Instant) {
        let ahead = match &self.speaker {
            // Behind what its ring holds; the callback that woke this thread has just taken a block.
            Some(speaker) => BLOCK * (speaker.waiting() + 1) as u32 + self.speaker_delay.get(),
            None => Duration::ZERO,
        };
        let mixer = &mut self.mixer;
        self.voices.retain_mut(|voice| voice.pull(now, ahead, mixer));
        let block = self.mixer.take();
        if let Some(tap) = &mut self.tap {
            tap(&block);
        }
        let Some(speaker) = &mut self.speaker else { return };
        let missed = speaker.missed();
        if let Some(reference) = &mut self.reference {
            // In place of what came too late the speaker has played silence.
            (0..missed).for_each(|_| reference.play(&SILENCE));
        }
        if speaker.feed(&block)
            && let Some(reference) = &mut self.reference
        {
            reference.play(&block.mono());
        }
    }
}
