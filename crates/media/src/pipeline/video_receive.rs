//! From RTP packets to coded or decoded pictures, on one thread: a hand-over between assembling
//! and decoding would only add delay.

use crate::codec::h264::{DecodeError, H264Decoder};
use crate::encoded::RtpPayload;
use crate::frame::VideoFrame;
use crate::pipeline::freezes::Freezes;
use crate::pipeline::key_frame_pace::KeyFramePace;
use crate::pipeline::sound_clock::SoundClock;
use crate::pipeline::worker::{Stop, Worker};
use crate::rtp::ages::{Ages, wall_now};
use crate::rtp::frame_assembler::{Assembled, AssemblerStatistics, EncodedUnit, FrameAssembler};
use crate::rtp::picture_playout::PicturePlayout;
use crate::rtp::sender_report::{SenderReport, SenderReports};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tincan_proto::units::Resolution;

/// Packets on their way to the thread: a second of 10 Mbit/s. When it is full, packets are
/// dropped and counted, which the assembler treats as loss.
const CAPACITY: usize = 1024;
/// Key frames are asked for at most this often, until one comes.
const REQUEST_INTERVAL: Duration = Duration::from_millis(500);
/// RTP clock of pictures, in Hz (RFC 6184).
const VIDEO_CLOCK: u32 = 90_000;
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
#[derive(Clone, Copy, Debug, Default, PartialEq)]
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
    /// Pictures handed on, and how long they have waited for their turn since they were whole, added
    /// up: `jitterBufferEmittedCount` and `jitterBufferDelay` of W3C webrtc-stats.
    pub emitted: u64,
    /// See `emitted`.
    pub jitter_buffer_delay: Duration,
    /// `freezeCount`.
    pub freezes: u64,
    /// `totalFreezesDuration`.
    pub freeze_time: Duration,
    /// Size of the last decoded picture.
    pub resolution: Option<Resolution>,
    /// From the camera there until they were handed on here, decoded if nobody wants them coded.
    pub ages: Ages,
    /// Seconds between pictures handed on, added up, and their squares: `totalInterFrameDelay` and
    /// `totalSquaredInterFrameDelay`.
    pub inter_frame_delay: f64,
    /// See `inter_frame_delay`.
    pub squared_inter_frame_delay: f64,
}

#[derive(Default)]
struct Shared {
    overflowed: AtomicU64,
    statistics: Mutex<VideoReceiveStatistics>,
    reports: Mutex<SenderReports>,
    sound: Mutex<Option<SoundClock>>,
    /// No pictures are to come.
    resting: AtomicBool,
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
        let shared = Arc::<Shared>::default();
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
                playout: PicturePlayout::default(),
                waiting: VecDeque::new(),
                freezes: Freezes::default(),
                handed_on: None,
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

    /// Takes the sender's word on its clock.
    pub fn report(&self, report: SenderReport) {
        self.shared.reports.lock().unwrap_or_else(PoisonError::into_inner).note(report);
    }

    /// Keeps the pictures in step with this sound from now on.
    pub fn follow(&self, sound: SoundClock) {
        *self.shared.sound.lock().unwrap_or_else(PoisonError::into_inner) = Some(sound);
    }

    /// Pictures are to come now, or not: gaps while none are, are no freezes.
    pub fn expect_pictures(&self, expected: bool) {
        self.shared.resting.store(!expected, Ordering::Relaxed);
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
    playout: PicturePlayout,
    /// Pictures whose turn comes, with the time.
    waiting: VecDeque<(Instant, EncodedUnit)>,
    freezes: Freezes,
    /// When the last picture was.
    handed_on: Option<Instant>,
}

impl Receiving {
    fn run(&mut self, stop: &Stop, incoming: &Receiver<RtpPayload>) {
        while !stop.is_set() {
            let now = Instant::now();
            let turn = self.waiting.front().map(|(due, _)| *due);
            let deadlines = [self.assembler.next_deadline(), self.pace.deadline(), turn];
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
                    Assembled::Unit(unit) => self.queue(unit, now),
                    Assembled::KeyFrameNeeded => {}
                }
            }
            if self.shared.resting.load(Ordering::Relaxed) {
                self.freezes.excuse();
                self.handed_on = None;
            }
            while let Some((_, unit)) = self.waiting.pop_front_if(|(due, _)| *due <= now) {
                self.statistics.emitted += 1;
                self.statistics.jitter_buffer_delay +=
                    now.saturating_duration_since(unit.last_arrival);
                self.freezes.shown(now);
                self.note_gap(now);
                let (ssrc, timestamp) = (unit.ssrc, unit.timestamp);
                self.deliver(unit);
                self.note_age(ssrc, timestamp);
            }
            (self.statistics.freezes, self.statistics.freeze_time) = self.freezes.so_far();
            self.request(now);
            self.statistics.assembled = self.assembler.statistics();
            *self.shared.statistics.lock().unwrap_or_else(PoisonError::into_inner) =
                self.statistics;
        }
    }

    /// Gives a picture its turn.
    fn queue(&mut self, unit: EncodedUnit, now: Instant) {
        let sound = self.shared.sound.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let sound =
            self.taken(unit.ssrc, unit.timestamp).and_then(|wall| sound?.played_at(now, wall));
        let due = self.playout.due(unit.timestamp, now, sound);
        self.waiting.push_back((due, unit));
    }

    /// When a picture was taken, by its sender's wall clock.
    fn taken(&self, ssrc: u32, timestamp: u32) -> Option<Duration> {
        let report = self.shared.reports.lock().unwrap_or_else(PoisonError::into_inner).of(ssrc);
        report?.wall_at(timestamp, VIDEO_CLOCK)
    }

    fn note_age(&mut self, ssrc: u32, timestamp: u32) {
        if let Some(taken) = self.taken(ssrc, timestamp) {
            self.statistics.ages.note(taken, wall_now());
        }
    }

    fn note_gap(&mut self, now: Instant) {
        if let Some(before) = self.handed_on.replace(now) {
            let gap = now.saturating_duration_since(before).as_secs_f64();
            self.statistics.inter_frame_delay += gap;
            self.statistics.squared_inter_frame_delay += gap * gap;
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
        let took = start.elapsed();
        self.statistics.decode_time += took;
        self.playout.decoded(took);
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

#[cfg(test)]
mod tests;
