//! From RTP packets to coded or decoded pictures, on one thread: a hand-over between assembling
//! and decoding would only add delay.

use crate::codec::h264::{DecodeError, H264Decoder};
use crate::encoded::RtpPayload;
use crate::frame::VideoFrame;
use crate::pipeline::key_frame_pace::KeyFramePace;
use crate::pipeline::worker::{Stop, Worker};
use crate::rtp::frame_assembler::{Assembled, AssemblerStatistics, EncodedUnit, FrameAssembler};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tincan_proto::units::Resolution;

/// Packets on their way to the thread: a second of 10 Mbit/s. When it is full, packets are
/// dropped and counted, which the assembler treats as loss.
const CAPACITY: usize = 1024;
/// Key frames are asked for at most this often, until one comes.
const REQUEST_INTERVAL: Duration = Duration::from_millis(500);
/// The longest sleep: how late a change of settings may be seen when no packets come.
const IDLE: Duration = Duration::from_millis(100);

/// Which form of the pictures is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Delivery {
    /// Coded, for a window that decodes.
    Coded = 1,
    /// Decoded.
    Decoded = 2,
    /// Both; the coded one first.
    Both = 3,
}

impl Delivery {
    const fn has(self, other: Self) -> bool {
        self as u8 & other as u8 == other as u8
    }
}

/// Where pictures and requests go. All are called on the pipeline's thread.
pub struct VideoReceiveSinks {
    /// Takes coded pictures. All since the last key frame, none missing.
    pub coded: Box<dyn FnMut(EncodedUnit) + Send>,
    /// Takes decoded pictures.
    pub decoded: Box<dyn FnMut(VideoFrame) + Send>,
    /// The sender is to be asked for a key frame. At once the first time, then at most every
    /// 500 ms until one comes.
    pub key_frame_needed: Box<dyn FnMut() + Send>,
}

impl Default for VideoReceiveSinks {
    fn default() -> Self {
        Self {
            coded: Box::new(|_| ()),
            decoded: Box::new(|_| ()),
            key_frame_needed: Box::new(|| ()),
        }
    }
}

/// Counts since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VideoReceiveStatistics {
    /// Packets and coded pictures.
    pub assembled: AssemblerStatistics,
    /// Packets dropped because the thread did not keep up.
    pub overflowed: u64,
    /// Pictures decoded.
    pub decoded: u64,
    /// Pictures that could not be decoded.
    pub undecodable: u64,
    /// Time spent in the decoder.
    pub decode_time: Duration,
    /// Key frames asked for.
    pub requests: u64,
    /// Size of the last decoded picture.
    pub resolution: Option<Resolution>,
}

struct Shared {
    overflowed: AtomicU64,
    statistics: Mutex<VideoReceiveStatistics>,
}

/// The running pipeline. Dropping it stops it.
pub struct VideoReceivePipeline {
    // Dropped before the worker: the thread ends when no packet can come.
    packets: SyncSender<RtpPayload>,
    shared: Arc<Shared>,
    _worker: Worker,
}

impl VideoReceivePipeline {
    /// Starts the pipeline.
    ///
    /// # Errors
    /// [`DecodeError::Setup`].
    pub fn start(delivery: Delivery, sinks: VideoReceiveSinks) -> Result<Self, DecodeError> {
        let decoder = H264Decoder::new()?;
        let (packets, incoming) = sync_channel(CAPACITY);
        let shared =
            Arc::new(Shared { overflowed: AtomicU64::new(0), statistics: Mutex::default() });
        let theirs = shared.clone();
        let worker = Worker::spawn("video decoder", move |stop| {
            Receiving {
                shared: theirs,
                assembler: FrameAssembler::new(),
                decoder,
                delivery,
                pace: KeyFramePace::new(REQUEST_INTERVAL),
                sinks,
                statistics: VideoReceiveStatistics::default(),
            }
            .run(&stop, &incoming);
        });
        Ok(Self { packets, shared, _worker: worker })
    }

    /// Takes a packet. Never waits.
    pub fn push(&self, packet: RtpPayload) {
        if self.packets.try_send(packet).is_err() {
            self.shared.overflowed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The counts.
    pub fn statistics(&self) -> VideoReceiveStatistics {
        let statistics = *self.shared.statistics.lock().unwrap_or_else(PoisonError::into_inner);
        let overflowed = self.shared.overflowed.load(Ordering::Relaxed);
        VideoReceiveStatistics { overflowed, ..statistics }
    }
}

struct Receiving {
    shared: Arc<Shared>,
    assembler: FrameAssembler,
    decoder: H264Decoder,
    delivery: Delivery,
    pace: KeyFramePace,
    sinks: VideoReceiveSinks,
    statistics: VideoReceiveStatistics,
}

impl Receiving {
    fn run(&mut self, stop: &Stop, incoming: &Receiver<RtpPayload>) {
        while !stop.is_set() {
            let now = Instant::now();
            let deadlines = [self.assembler.next_deadline(), self.pace.deadline()];
            let due = deadlines.into_iter().flatten().min();
            let patience = due.map_or(IDLE, |due| due.saturating_duration_since(now)).min(IDLE);
            let packet = match incoming.recv_timeout(patience) {
                Ok(packet) => Some(packet),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let now = Instant::now();
            let out = match packet {
                Some(packet) => self.assembler.push(packet, now),
                None => self.assembler.poll(now),
            };
            for assembled in out {
                match assembled {
                    Assembled::Unit(unit) => self.deliver(unit),
                    Assembled::KeyFrameNeeded => {}
                }
            }
            self.request(now);
            self.statistics.assembled = self.assembler.statistics();
            *self.shared.statistics.lock().unwrap_or_else(PoisonError::into_inner) =
                self.statistics;
        }
    }

    fn deliver(&mut self, unit: EncodedUnit) {
        if !self.delivery.has(Delivery::Decoded) {
            (self.sinks.coded)(unit);
            return;
        }
        let annex_b = unit.annex_b.clone();
        if self.delivery.has(Delivery::Coded) {
            (self.sinks.coded)(unit);
        }
        let start = Instant::now();
        let decoded = self.decoder.decode(&annex_b);
        self.statistics.decode_time += start.elapsed();
        match decoded {
            Ok(Some(frame)) => {
                self.statistics.decoded += 1;
                self.statistics.resolution = Some(frame.resolution());
                (self.sinks.decoded)(frame);
            }
            Ok(None) => {}
            Err(error) => {
                tracing::debug!(%error, "the picture freezes until a key frame comes");
                self.statistics.undecodable += 1;
                self.assembler.require_key_frame();
            }
        }
    }

    /// Asks as long as nothing but a key frame helps.
    fn request(&mut self, now: Instant) {
        if !self.assembler.needs_key_frame(now) {
            return self.pace.forget();
        }
        self.pace.want();
        if self.pace.take(now) {
            self.statistics.requests += 1;
            (self.sinks.key_frame_needed)();
            self.pace.want();
        }
    }
}
