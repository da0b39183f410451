//! From the microphone through processing and Opus to the network, on one thread. What
//! accompanies a shared screen is added behind the processing.

use crate::audio::{AudioBlock, BLOCK, BLOCK_SAMPLES, SILENCE};
use crate::codec::opus::{FRAME_SAMPLES, OpusEncoder, OpusError, OpusSettings};
use crate::device::MicrophoneSink;
use crate::encoded::EncodedAudio;
use crate::pipeline::worker::{Stop, Worker};
use crate::process::apm::{Apm, ApmSettings};
use crate::process::level::Level;
use crate::process::voice::VoiceDetector;
use crate::screen::ScreenSoundSink;
use rtrb::{Consumer, Producer, RingBuffer};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Blocks between the audio callback and the thread: 160 ms. When it is full, blocks are dropped
/// and counted.
const MICROPHONE_RING: usize = 16;
/// Blocks of what the speaker plays, on their way to the echo canceller. When it is full, blocks
/// are dropped: without a microphone there is no echo either.
const REFERENCE_RING: usize = 32;
/// Blocks of the accompaniment that may wait: it comes by another clock than the microphone's.
const ACCOMPANIMENT_RING: usize = 8;
/// Without a block of the microphone for this long the accompaniment goes alone.
const ALONE_AFTER: Duration = Duration::from_millis(60);
/// Without a block for this long the microphone counts as silent.
const SILENT_AFTER: Duration = Duration::from_millis(200);
/// The longest sleep.
const IDLE: Duration = Duration::from_millis(100);

/// Takes coded sound; called on the pipeline's thread.
pub type EncodedAudioSink = Box<dyn FnMut(EncodedAudio) + Send>;

/// What is sent, and how it is processed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AudioSendSettings {
    /// Processing of the microphone.
    pub apm: ApmSettings,
    /// The codec.
    pub opus: OpusSettings,
    /// Send nothing of the microphone.
    pub muted: bool,
}

/// What the microphone hears now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MicrophoneLevels {
    /// How loud it is after processing, muted or not.
    pub level: Level,
    /// Somebody speaks, muted or not.
    pub speaking: bool,
    /// Packets given to the sink since the start.
    pub packets: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Blocks lost because the thread did not keep up.
    pub dropped: u64,
}

/// Carries what is played to the echo canceller; for the receiving pipeline.
pub struct RenderReference(pub(crate) Producer<AudioBlock>);

#[derive(Default)]
struct Shared {
    changed: AtomicBool,
    orders: Mutex<Orders>,
    level: AtomicU32,
    speaking: AtomicBool,
    packets: AtomicU64,
    bytes: AtomicU64,
    dropped: AtomicU64,
}

#[derive(Default)]
struct Orders {
    microphone: Option<Consumer<AudioBlock>>,
    reference: Option<Consumer<AudioBlock>>,
    accompaniment: Option<Consumer<AudioBlock>>,
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
        let encoder = OpusEncoder::new(settings.opus)?;
        let shared = Arc::<Shared>::default();
        let theirs = shared.clone();
        let worker = Worker::spawn("audio encoder", move |stop| {
            Sending {
                shared: theirs,
                settings,
                microphone: None,
                reference: None,
                accompaniment: None,
                apm: Apm::new(settings.apm),
                voice: VoiceDetector::new(),
                encoder,
                sink,
                frame: [0.0; FRAME_SAMPLES],
                filled: 0,
                heard: 0.0,
                accompanied: false,
                gap: Duration::ZERO,
                last_block: None,
                last_heard: None,
            }
            .run(&stop);
        });
        Ok(Self { settings: Mutex::new(settings), shared, worker })
    }

    /// Makes the sink of a microphone, which takes the place of the one before. It neither
    /// allocates nor locks nor waits.
    pub fn microphone(&self) -> MicrophoneSink {
        let (producer, consumer) = RingBuffer::new(MICROPHONE_RING);
        self.order(|orders| orders.microphone = Some(consumer));
        self.way_in(producer)
    }

    /// Makes the sink of what goes along with the voice, muted or not, until it is dropped; it
    /// takes the place of the one before.
    pub fn accompaniment(&self) -> ScreenSoundSink {
        let (producer, consumer) = RingBuffer::new(ACCOMPANIMENT_RING);
        self.order(|orders| orders.accompaniment = Some(consumer));
        self.way_in(producer)
    }

    fn way_in(&self, mut producer: Producer<AudioBlock>) -> Box<dyn FnMut(&AudioBlock) + Send> {
        let (shared, thread) = (self.shared.clone(), self.worker.thread().cloned());
        Box::new(move |block| {
            if producer.push(*block).is_err() {
                shared.dropped.fetch_add(1, Ordering::Relaxed);
            }
            if let Some(thread) = &thread {
                thread.unpark();
            }
        })
    }

    /// Makes the way for what is played to the echo canceller; takes the place of the one before.
    pub fn render_reference(&self) -> RenderReference {
        let (producer, consumer) = RingBuffer::new(REFERENCE_RING);
        self.order(|orders| orders.reference = Some(consumer));
        RenderReference(producer)
    }

    /// Stops or resumes sending. The microphone is metered all the same.
    pub fn set_muted(&self, muted: bool) {
        self.set(|settings| settings.muted = muted);
    }

    /// Changes the processing.
    pub fn set_apm(&self, apm: ApmSettings) {
        self.set(|settings| settings.apm = apm);
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
            level: Level::from_rms(f32::from_bits(shared.level.load(Ordering::Relaxed))),
            speaking: shared.speaking.load(Ordering::Relaxed),
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

struct Sending {
    shared: Arc<Shared>,
    settings: AudioSendSettings,
    microphone: Option<Consumer<AudioBlock>>,
    reference: Option<Consumer<AudioBlock>>,
    accompaniment: Option<Consumer<AudioBlock>>,
    apm: Apm,
    voice: VoiceDetector,
    encoder: OpusEncoder,
    sink: EncodedAudioSink,
    frame: [f32; FRAME_SAMPLES],
    filled: usize,
    /// Squares of the voice's samples in the frame, added up.
    heard: f32,
    /// Something in the frame accompanies the voice.
    accompanied: bool,
    /// What was not sent since the last packet.
    gap: Duration,
    last_block: Option<Instant>,
    /// When the microphone last delivered.
    last_heard: Option<Instant>,
}

impl Sending {
    fn run(&mut self, stop: &Stop) {
        while !stop.is_set() {
            self.obey();
            self.accompaniment.take_if(|ring| ring.is_abandoned() && ring.is_empty());
            if let Some(block) = self.microphone.as_mut().and_then(|ring| ring.pop().ok()) {
                self.take(block);
            } else if self.last_heard.is_none_or(|last| last.elapsed() > ALONE_AFTER)
                && let Some(block) = self.accompany()
            {
                self.note_pause();
                self.append(&block, false);
            } else {
                let waits = self.accompaniment.as_ref().is_some_and(|ring| !ring.is_empty());
                std::thread::park_timeout(if waits { ALONE_AFTER } else { IDLE });
                self.notice_silence();
            }
        }
    }

    fn obey(&mut self) {
        if !self.shared.changed.swap(false, Ordering::AcqRel) {
            return;
        }
        let orders =
            std::mem::take(&mut *self.shared.orders.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(microphone) = orders.microphone {
            self.microphone = Some(microphone);
            self.filled = 0;
        }
        if let Some(reference) = orders.reference {
            self.reference = Some(reference);
        }
        if let Some(accompaniment) = orders.accompaniment {
            self.accompaniment = Some(accompaniment);
        }
        if let Some(settings) = orders.settings {
            self.apm.set(settings.apm);
            if settings.opus != self.settings.opus
                && let Err(error) = self.encoder.set(settings.opus)
            {
                tracing::warn!(%error, "the codec keeps its settings");
            }
            self.settings = settings;
        }
    }

    fn take(&mut self, mut block: AudioBlock) {
        self.last_heard = Some(self.note_pause());
        while let Some(played) = self.reference.as_mut().and_then(|ring| ring.pop().ok()) {
            self.apm.render(&played);
        }
        self.apm.capture(&mut block);
        let speaking = self.voice.listen(&block);
        self.shared.speaking.store(speaking, Ordering::Relaxed);
        self.heard += block.iter().map(|sample| sample * sample).sum::<f32>();
        if self.settings.muted {
            block = SILENCE;
        }
        if let Some(along) = self.accompany() {
            block.iter_mut().zip(along).for_each(|(sample, it)| *sample = bounded(*sample + it));
        }
        self.append(&block, speaking);
    }

    /// The next of what goes along, if there is any.
    fn accompany(&mut self) -> Option<AudioBlock> {
        let block = self.accompaniment.as_mut()?.pop().ok()?;
        self.accompanied = true;
        Some(block)
    }

    fn append(&mut self, block: &AudioBlock, speaking: bool) {
        self.frame[self.filled..self.filled + BLOCK_SAMPLES].copy_from_slice(block);
        self.filled += BLOCK_SAMPLES;
        if self.filled == FRAME_SAMPLES {
            self.filled = 0;
            self.send(speaking);
        }
    }

    fn send(&mut self, voice: bool) {
        let heard = (std::mem::take(&mut self.heard) / FRAME_SAMPLES as f32).sqrt();
        self.shared.level.store(heard.to_bits(), Ordering::Relaxed);
        let level = Level::of(&self.frame);
        let accompanied = std::mem::take(&mut self.accompanied);
        let silent = self.settings.muted && !accompanied;
        let coded = if silent { Ok(None) } else { self.encoder.encode(&self.frame) };
        match coded {
            Ok(Some(payload)) => {
                self.shared.packets.fetch_add(1, Ordering::Relaxed);
                self.shared.bytes.fetch_add(payload.len() as u64, Ordering::Relaxed);
                (self.sink)(EncodedAudio {
                    payload,
                    duration: 2 * BLOCK,
                    level_dbov: level.dbov(),
                    voice: voice && !self.settings.muted,
                    gap: std::mem::take(&mut self.gap),
                });
            }
            Ok(None) => self.gap += 2 * BLOCK,
            Err(error) => {
                tracing::warn!(%error, "a frame of sound is not sent");
                self.gap += 2 * BLOCK;
            }
        }
    }

    /// Time without a microphone is part of the gap, so that the far side keeps its clock.
    fn note_pause(&mut self) -> Instant {
        let now = Instant::now();
        let paused = self.last_block.replace(now).map(|last| now - last);
        if let Some(paused) = paused.filter(|paused| *paused > SILENT_AFTER) {
            self.filled = 0;
            self.gap += paused;
        }
        now
    }

    fn notice_silence(&self) {
        if self.last_heard.is_none_or(|last| last.elapsed() > SILENT_AFTER) {
            self.shared.level.store(0, Ordering::Relaxed);
            self.shared.speaking.store(false, Ordering::Relaxed);
        }
    }
}

fn bounded(sample: f32) -> f32 {
    sample.clamp(-1.0, 1.0)
}
