//! From a camera's slot through the encoder to the network, on one thread.

use crate::codec::h264::{Content, EncodeError, EncoderSettings, H264Encoder};
use crate::encoded::EncodedVideo;
use crate::frame::VideoFrame;
use crate::ladder::{Allowance, Ladder, Limitation, Rung};
use crate::mailbox::{Interrupt, NewestOut, Taken};
use crate::pipeline::cadence::Cadence;
use crate::pipeline::key_frame_pace::KeyFramePace;
use crate::pipeline::worker::{Stop, Worker};
use crate::process::scale::{fit, scale};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tincan_proto::units::{Bitrate, Resolution};

/// Key frames are made at most this often: a second request within it is answered by the same.
const KEY_FRAME_INTERVAL: Duration = Duration::from_millis(300);
/// How long the thread waits for a picture before it looks whether there is a new source.
const PATIENCE: Duration = Duration::from_millis(25);
/// A source without a new picture for this long answers a request for a key frame with its last.
const STILL: Duration = Duration::from_millis(150);

/// How much later than itself a picture is taken to be when it is encoded again.
const TICK: Duration = Duration::from_millis(1);

/// Takes coded pictures; called on the encoder's thread.
pub type EncodedVideoSink = Box<dyn FnMut(EncodedVideo) + Send>;

/// Sees each picture before it is encoded; called on the encoder's thread.
pub type VideoTap = Box<dyn FnMut(&VideoFrame) + Send>;

/// Says what the next picture may count on; none: it would come too late or nobody would see it, and
/// it is not made. Asked before each picture, on the encoder's thread.
pub type VideoRate = Box<dyn FnMut() -> Option<Allowance> + Send>;

/// What is encoded, and how.
pub struct VideoSend {
    /// What the pictures show.
    pub content: Content,
    /// In which sizes.
    pub ladder: Ladder,
    /// At which rate.
    pub rate: VideoRate,
    /// Sees each picture, too.
    pub tap: Option<VideoTap>,
}

/// Encoding takes about as long as it did over so many pictures.
const ENCODING_OVER: f64 = 15.0;
/// The target changes by at least this share of itself: less is not worth a change.
const WORTH: f64 = 0.03;

/// Counts since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VideoSendStatistics {
    /// Pictures encoded.
    pub frames: u64,
    /// Key frames among them.
    pub key_frames: u64,
    /// Pictures that the encoder skipped or failed on.
    pub skipped: u64,
    /// Pictures that were not encoded, since they would have come too late or too soon after another.
    pub held: u64,
    /// Bytes encoded.
    pub bytes: u64,
    /// Time spent in the encoder.
    pub encode_time: Duration,
    /// The size encoded last.
    pub resolution: Option<Resolution>,
    /// The size in which the last picture came.
    pub came: Option<Resolution>,
    /// Where the ladder stood then.
    pub rung: Option<Rung>,
    /// What the encoder aims at.
    pub target: Option<Bitrate>,
    /// What keeps it from being larger.
    pub limitation: Option<Limitation>,
}

#[derive(Default)]
struct Shared {
    orders: Mutex<Orders>,
    statistics: Mutex<VideoSendStatistics>,
}

/// What the thread is to do next; a later order replaces an earlier one of its kind.
#[derive(Default)]
struct Orders {
    source: Option<NewestOut<VideoFrame>>,
    ladder: Option<Ladder>,
    key_frame: bool,
    begin: bool,
}

/// The running pipeline. Dropping it stops it.
pub struct VideoSendPipeline {
    shared: Arc<Shared>,
    interrupt: Mutex<Interrupt<VideoFrame>>,
    worker: Worker,
}

impl VideoSendPipeline {
    /// Starts encoding what comes from `frames` into `sink`. The first picture is a key frame.
    ///
    /// # Errors
    /// [`EncodeError::Setup`].
    pub fn start(
        frames: NewestOut<VideoFrame>,
        send: VideoSend,
        sink: EncodedVideoSink,
    ) -> Result<Self, EncodeError> {
        let VideoSend { content, ladder, rate, tap } = send;
        let rung = ladder.top();
        let encoder = H264Encoder::new(settings(content, rung))?;
        let shared = Arc::<Shared>::default();
        let interrupt = Mutex::new(frames.interrupter());
        let theirs = shared.clone();
        let worker = Worker::spawn("video encoder", move |stop| {
            Encoding {
                shared: theirs,
                frames: Some(frames),
                encoder,
                content,
                ladder,
                rung,
                target: rung.most,
                encoding: Duration::ZERO,
                cadence: Cadence::default(),
                tap,
                rate,
                sink,
                pace: KeyFramePace::new(KEY_FRAME_INTERVAL).eager(),
                fresh: true,
                late: false,
                last: None,
                latest: None,
            }
            .run(&stop);
        });
        Ok(Self { shared, interrupt, worker })
    }

    /// Makes the next picture a key frame, at most one in 300 ms: a request within that is
    /// answered when the time is over.
    pub fn request_key_frame(&self) {
        self.order(|orders| orders.key_frame = true);
    }

    /// Somebody has just come who has seen nothing yet: makes a key frame at once, of the last
    /// picture if need be, however short ago another was made, and a second one soon if asked.
    pub fn begin(&self) {
        self.order(|orders| orders.begin = true);
        self.interrupt.lock().unwrap_or_else(PoisonError::into_inner).interrupt();
    }

    /// Encodes from another source from now on, beginning with a key frame.
    pub fn set_source(&self, frames: NewestOut<VideoFrame>) {
        *self.interrupt.lock().unwrap_or_else(PoisonError::into_inner) = frames.interrupter();
        self.order(|orders| orders.source = Some(frames));
    }

    /// Takes pictures by another ladder from now on.
    pub fn set_ladder(&self, ladder: Ladder) {
        self.order(|orders| orders.ladder = Some(ladder));
    }

    /// The counts.
    pub fn statistics(&self) -> VideoSendStatistics {
        *self.shared.statistics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn order(&self, order: impl FnOnce(&mut Orders)) {
        order(&mut self.shared.orders.lock().unwrap_or_else(PoisonError::into_inner));
        self.worker.wake();
    }
}

fn settings(content: Content, rung: Rung) -> EncoderSettings {
    let Rung { bounds: resolution, rate, most: bitrate, .. } = rung;
    EncoderSettings { resolution, rate, bitrate, content }
}

struct Encoding {
    shared: Arc<Shared>,
    frames: Option<NewestOut<VideoFrame>>,
    encoder: H264Encoder,
    content: Content,
    ladder: Ladder,
    rung: Rung,
    /// What is aimed at now.
    target: Bitrate,
    /// How long it takes to encode a picture.
    encoding: Duration,
    /// When pictures go by the rung's rate, and the newest that could not go yet.
    cadence: Cadence<VideoFrame>,
    tap: Option<VideoTap>,
    rate: VideoRate,
    sink: EncodedVideoSink,
    pace: KeyFramePace,
    /// No picture of this source has been encoded.
    fresh: bool,
    /// Somebody waits for a key frame of the last picture.
    late: bool,
    last: Option<VideoFrame>,
    /// When the picture encoded last was taken: times rise, since they become RTP's.
    latest: Option<Instant>,
}

impl Encoding {
    fn run(&mut self, stop: &Stop) {
        while !stop.is_set() {
            self.obey();
            self.catch_up();
            let Some(frames) = &self.frames else {
                std::thread::park_timeout(Duration::from_secs(1));
                continue;
            };
            match frames.take(PATIENCE) {
                Taken::Value(frame) => {
                    // An order may have come while the thread waited.
                    if !self.obey() {
                        self.offer(frame);
                    }
                }
                Taken::Timeout => match self.cadence.again(Instant::now()) {
                    Some(frame) => self.offer(frame),
                    None => self.repeat(),
                },
                Taken::Closed => {
                    (self.frames, self.last) = (None, None);
                    self.cadence.take_held();
                }
            }
        }
    }

    /// Returns whether the source has changed.
    fn obey(&mut self) -> bool {
        let orders =
            std::mem::take(&mut *self.shared.orders.lock().unwrap_or_else(PoisonError::into_inner));
        if orders.begin {
            self.pace.renew();
            // One that could not go yet is newer than the last that did.
            self.last = self.cadence.take_held().or_else(|| self.last.take());
            self.late = self.last.is_some();
        }
        if orders.key_frame {
            self.pace.want();
        }
        if let Some(ladder) = orders.ladder {
            self.ladder = ladder;
        }
        let Some(source) = orders.source else { return false };
        (self.frames, self.last) = (Some(source), None);
        self.cadence.take_held();
        (self.fresh, self.late) = (true, false);
        true
    }

    /// Encodes a picture if it can go; else the newest one waits until it can.
    fn offer(&mut self, frame: VideoFrame) {
        let now = Instant::now();
        let allowed = (self.rate)();
        let between = Duration::from_secs(1) / self.rung.rate.fps().max(1);
        let frame = self.cadence.offer(now, frame, allowed.is_some(), between);
        let (Some(allowed), Some(frame)) = (allowed, frame) else {
            self.shared.statistics.lock().unwrap_or_else(PoisonError::into_inner).held += 1;
            return;
        };
        self.climb(now, allowed);
        self.aim_at(allowed.rate.min(self.rung.most));
        self.shared.statistics.lock().unwrap_or_else(PoisonError::into_inner).target =
            Some(self.target);
        self.encode(frame);
    }

    /// Takes another size or rate where the ladder says so: another encoder, whose first picture is a
    /// key frame.
    fn climb(&mut self, now: Instant, allowed: Allowance) {
        let rung = self.ladder.step(now, allowed, self.encoding);
        self.shared.statistics.lock().unwrap_or_else(PoisonError::into_inner).limitation =
            self.ladder.limitation(now, allowed.rate);
        if rung == self.rung {
            return;
        }
        let resized = rung.bounds != self.rung.bounds;
        self.rung = rung;
        self.cadence.restart();
        if !resized {
            return;
        }
        tracing::debug!(size = %rung.bounds, fps = rung.rate.fps(), "another rung");
        let settings = EncoderSettings {
            bitrate: allowed.rate.min(rung.most),
            ..settings(self.content, rung)
        };
        match H264Encoder::new(settings) {
            Ok(encoder) => {
                (self.encoder, self.target) = (encoder, settings.bitrate);
                (self.fresh, self.encoding) = (true, Duration::ZERO);
            }
            Err(error) => tracing::warn!(%error, "the size stays"),
        }
    }

    fn aim_at(&mut self, target: Bitrate) {
        let (old, new) = (f64::from(self.target.bps()), f64::from(target.bps()));
        if (new - old).abs() <= WORTH * old {
            return;
        }
        match self.encoder.set_bitrate(target) {
            Ok(()) => self.target = target,
            Err(error) => tracing::warn!(%error, bps = target.bps(), "the bit rate stays"),
        }
    }

    /// Encodes the last picture anew for whoever has just come. It stays older than the next.
    fn catch_up(&mut self) {
        if let Some(frame) = self.last.take_if(|_| std::mem::take(&mut self.late)) {
            self.encode(frame);
        }
    }

    fn encode(&mut self, frame: VideoFrame) {
        let now = Instant::now();
        // A source may take its first picture before the last one of another was encoded again.
        let frame = match self.latest {
            Some(latest) if frame.captured() <= latest => frame.at(latest + TICK),
            _ => frame,
        };
        self.latest = Some(frame.captured());
        let key = self.pace.take(now) || self.fresh;
        let size = fit(frame.resolution(), self.rung.bounds);
        let coded = match scale(&frame, size) {
            Ok(scaled) => self.encoder.encode(&scaled, key),
            Err(error) => Err(EncodeError::Encode(error.to_string())),
        };
        let took = now.elapsed();
        if !key {
            self.encoding = self.encoding.mul_f64(1.0 - 1.0 / ENCODING_OVER)
                + took.mul_f64(1.0 / ENCODING_OVER);
        }
        let mut statistics = self.shared.statistics.lock().unwrap_or_else(PoisonError::into_inner);
        statistics.encode_time += took;
        (statistics.came, statistics.rung) = (Some(frame.resolution()), Some(self.rung));
        match coded {
            Ok(Some(coded)) => {
                statistics.frames += 1;
                statistics.key_frames += u64::from(coded.key);
                statistics.bytes += coded.annex_b.len() as u64;
                statistics.resolution = Some(coded.resolution);
                drop(statistics);
                self.fresh = false;
                if coded.key {
                    self.pace.passed(now);
                }
                (self.sink)(coded);
            }
            result => {
                statistics.skipped += 1;
                drop(statistics);
                if let Err(error) = result {
                    tracing::warn!(%error, "a picture is not sent");
                }
                if key {
                    self.pace.want();
                }
            }
        }
        // What goes out comes first.
        if let Some(tap) = &mut self.tap {
            tap(&frame);
        }
        self.last = Some(frame);
    }

    /// A still source, such as a screen on which nothing happens, owes a key frame all the same.
    fn repeat(&mut self) {
        let now = Instant::now();
        let still = self.last.take_if(|last| {
            self.pace.is_due(now) && now.saturating_duration_since(last.captured()) > STILL
        });
        if let Some(frame) = still {
            self.encode(frame.at(now));
        }
    }
}
