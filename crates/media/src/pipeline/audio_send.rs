//! From the microphone through processing and Opus to the network, on one thread. What
//! accompanies a shared screen is added behind the processing.

mod frame;
mod numbered;
mod sending;

use crate::audio::{AudioBlock, StereoBlock};
use crate::codec::opus::{Content, OpusEncoder, OpusError, OpusSettings};
use crate::device::{DeviceDelay, MicrophoneSink};
use crate::encoded::EncodedAudio;
use crate::pipeline::worker::Worker;
use crate::process::chain::{ChainMeters, ChainSettings};
use crate::process::level::Level;
use crate::screen::ScreenSoundSink;
use numbered::{NumberedIn, NumberedOut, numbered};
use rtrb::{Consumer, RingBuffer};
use sending::Sending;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Blocks between the audio callback and the thread: 160 ms. When it is full, blocks are dropped
/// and counted.
const MICROPHONE_RING: usize = 16;
/// Blocks of what the speaker plays, on their way to the echo canceller. When it is full, blocks
/// are dropped, but their places kept: without a microphone there is no echo either.
const REFERENCE_RING: usize = 32;
/// Blocks of the accompaniment that may wait: it comes by another clock than the microphone's.
const ACCOMPANIMENT_RING: usize = 8;
/// Takes coded sound; called on the pipeline's thread.
pub type EncodedAudioSink = Box<dyn FnMut(EncodedAudio) + Send>;

/// What is sent, and how it is processed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AudioSendSettings {
    /// Processing of the microphone.
    pub processing: ChainSettings,
    /// Both sides of the microphone as they are, for music: nothing is processed.
    pub original: bool,
    /// The codec.
    pub opus: OpusSettings,
    /// Send nothing of the microphone.
    pub muted: bool,
}

/// What the microphone hears now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MicrophoneLevels {
    /// How loud it is before processing.
    pub input: Level,
    /// How loud it is after processing, muted or not.
    pub level: Level,
    /// What the processing does.
    pub chain: ChainMeters,
    /// Somebody speaks, muted or not.
    pub speaking: bool,
    /// The others hear themselves strongly, from the speaker by way of this microphone.
    pub echoing: bool,
    /// Packets given to the sink since the start.
    pub packets: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Blocks lost because the thread did not keep up.
    pub dropped: u64,
    /// Blocks of the speaker's that the canceller had to do without, as they came too late.
    pub missed_reference: u64,
}

impl AudioSendSettings {
    const fn content(&self) -> Content {
        if self.original { Content::Music } else { Content::Voice }
    }

    const fn chain(&self) -> ChainSettings {
        if self.original { ChainSettings::NONE } else { self.processing }
    }
}

/// Carries what is played to the echo canceller; for the receiving pipeline.
pub struct RenderReference(NumberedIn<AudioBlock>);

impl RenderReference {
    /// Takes the next block that the speaker gets. Where nobody takes it, its place is kept.
    pub(crate) fn play(&mut self, block: &AudioBlock) {
        self.0.push(*block);
    }
}

#[derive(Default)]
struct Shared {
    changed: AtomicBool,
    orders: Mutex<Orders>,
    muted: AtomicBool,
    input: AtomicU32,
    level: AtomicU32,
    meters: Mutex<ChainMeters>,
    missed_reference: AtomicU64,
    speaking: AtomicBool,
    echoing: AtomicBool,
    packets: AtomicU64,
    bytes: AtomicU64,
    dropped: AtomicU64,
}

#[derive(Default)]
struct Orders {
    microphone: Option<NumberedOut<StereoBlock>>,
    reference: Option<NumberedOut<AudioBlock>>,
    accompaniment: Option<Consumer<AudioBlock>>,
    microphone_delay: Option<DeviceDelay>,
    settings: Option<AudioSendSettings>,
}

/// The running pipeline. Dropping it stops it.
pub struct AudioSendPipeline {
    settings: Mutex<AudioSendSettings>,
    shared: Arc<Shared>,
    worker: Worker,
}

impl AudioSendPipeline {
    /// Starts the pipeline. It sends nothing until a [`microphone`](Self::microphone) delivers.
    ///
    /// # Errors
    /// [`OpusError`].
    pub fn start(settings: AudioSendSettings, sink: EncodedAudioSink) -> Result<Self, OpusError> {
        let encoder = OpusEncoder::of(settings.content(), settings.opus)?;
        let shared = Arc::<Shared>::default();
        shared.muted.store(settings.muted, Ordering::Release);
        let theirs = shared.clone();
        let worker = Worker::spawn_real_time("audio encoder", move |stop| {
            Sending::new(theirs, settings, encoder, sink).run(&stop);
        });
        Ok(Self { settings: Mutex::new(settings), shared, worker })
    }

    /// Makes the sink of a microphone, which takes the place of the one before. It neither
    /// allocates nor locks nor waits.
    pub fn microphone(&self) -> MicrophoneSink {
        let (mut blocks, out) = numbered(MICROPHONE_RING);
        self.order(|orders| orders.microphone = Some(out));
        let (shared, thread) = (self.shared.clone(), self.worker.thread().cloned());
        Box::new(move |block| {
            if !blocks.push(*block) {
                shared.dropped.fetch_add(1, Ordering::Relaxed);
            }
            if let Some(thread) = &thread {
                thread.unpark();
            }
        })
    }

    /// Learns how long the microphone takes to deliver what it heard.
    pub fn set_microphone_delay(&self, delay: DeviceDelay) {
        self.order(|orders| orders.microphone_delay = Some(delay));
    }

    /// Makes the sink of what goes along with the voice, muted or not, until it is dropped; it
    /// takes the place of the one before.
    pub fn accompaniment(&self) -> ScreenSoundSink {
        let (mut blocks, out) = RingBuffer::new(ACCOMPANIMENT_RING);
        self.order(|orders| orders.accompaniment = Some(out));
        let (shared, thread) = (self.shared.clone(), self.worker.thread().cloned());
        Box::new(move |block: &AudioBlock| {
            if blocks.push(*block).is_err() {
                shared.dropped.fetch_add(1, Ordering::Relaxed);
            }
            if let Some(thread) = &thread {
                thread.unpark();
            }
        })
    }

    /// Makes the way for what is played to the echo canceller; takes the place of the one before.
    pub fn render_reference(&self) -> RenderReference {
        let (blocks, out) = numbered(REFERENCE_RING);
        self.order(|orders| orders.reference = Some(out));
        RenderReference(blocks)
    }

    /// Stops or resumes sending. The microphone is metered all the same. Once this returns, no
    /// packet begins its way that holds anything from before, neither now nor after resuming.
    pub fn set_muted(&self, muted: bool) {
        // Before the order, which the thread obeys with its next block.
        self.shared.muted.store(muted, Ordering::Release);
        self.set(|settings| settings.muted = muted);
    }

    /// Changes the processing.
    pub fn set_processing(&self, processing: ChainSettings) {
        self.set(|settings| settings.processing = processing);
    }

    /// Sends both sides as they are, or one processed voice.
    pub fn set_original(&self, original: bool) {
        self.set(|settings| settings.original = original);
    }

    /// Changes the codec's settings.
    pub fn set_opus(&self, opus: OpusSettings) {
        self.set(|settings| settings.opus = opus);
    }

    /// The settings.
    pub fn settings(&self) -> AudioSendSettings {
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the microphone hears now.
    pub fn levels(&self) -> MicrophoneLevels {
        let shared = &self.shared;
        MicrophoneLevels {
            input: Level::from_rms(f32::from_bits(shared.input.load(Ordering::Relaxed))),
            chain: *shared.meters.lock().unwrap_or_else(PoisonError::into_inner),
            missed_reference: shared.missed_reference.load(Ordering::Relaxed),
            level: Level::from_rms(f32::from_bits(shared.level.load(Ordering::Relaxed))),
            speaking: shared.speaking.load(Ordering::Relaxed),
            echoing: shared.echoing.load(Ordering::Relaxed),
            packets: shared.packets.load(Ordering::Relaxed),
            bytes: shared.bytes.load(Ordering::Relaxed),
            dropped: shared.dropped.load(Ordering::Relaxed),
        }
    }

    fn set(&self, change: impl FnOnce(&mut AudioSendSettings)) {
        let mut settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut settings);
        let settings = *settings;
        self.order(|orders| orders.settings = Some(settings));
    }

    fn order(&self, order: impl FnOnce(&mut Orders)) {
        order(&mut self.shared.orders.lock().unwrap_or_else(PoisonError::into_inner));
        self.shared.changed.store(true, Ordering::Release);
        self.worker.wake();
    }
}
