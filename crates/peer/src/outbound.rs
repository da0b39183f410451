//! The way out: coded sound and pictures become RTP packets on the connection's one sound
//! track and one picture track. Sources are switched in front of the encoders; the tracks
//! stay for the life of the call.

mod sound;

use crate::capture_times::CaptureTimes;
use crate::codecs::{self, AUDIO_CLOCK, VIDEO_CLOCK};
use crate::congestion::Congestion;
use crate::feedback::FeedbackCounts;
use bytes::Bytes;
use rtc::rtp::Packet;
use rtc::rtp::header::Header;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tincan_media::codec::voice_rate::Way;
use tincan_media::congestion::SendBudget;
use tincan_media::encoded::{EncodedAudio, EncodedVideo};
use tincan_media::rtp::h264_packetizer::{MAX_PAYLOAD, packetize};
use tincan_proto::units::{Bitrate, Resolution};
use tokio::sync::mpsc;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::rtp_transceiver::RtpSender;

/// Pictures that wait for the writer. More means that the connection takes nothing; the new
/// one is dropped then, and a key frame is asked for.
const VIDEO_QUEUE: usize = 8;
/// Sound packets that wait for the writer (160 ms of usual ones). The new one is dropped when it is full.
const AUDIO_QUEUE: usize = 8;

/// An H.264 access unit delimiter: the least that a picture can begin with.
const DELIMITER: [u8; 2] = [0x09, 0xf0];
/// How long the first picture's delimiter goes ahead of the rest. The far side's crate learns of
/// the track from the first packet, and loses what comes together with it.
const LEAD: Duration = Duration::from_millis(8);

/// What was sent so far.
#[derive(Debug, Default)]
pub struct OutboundCounts {
    pub video_packets: AtomicU64,
    pub video_bytes: AtomicU64,
    pub video_frames: AtomicU64,
    pub video_resolution: AtomicU64,
    pub audio_packets: AtomicU64,
    pub audio_bytes: AtomicU64,
    /// Sound packets that carried copies of earlier ones.
    pub audio_redundant: AtomicU64,
}

impl OutboundCounts {
    pub fn resolution(&self) -> Option<Resolution> {
        let packed = self.video_resolution.load(Ordering::Relaxed);
        (packed != 0).then(|| Resolution::new((packed >> 32) as u32, packed as u32))
    }
}

/// What has to hold before media goes out.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub enum Condition {
    /// The connection is up.
    Connected = 1,
    /// The other side knows that it is connected.
    Allowed = 2,
}

/// Every [`Condition`].
const OPEN: u8 = Condition::Connected as u8 | Condition::Allowed as u8;

/// Takes coded media from pipeline threads. Never blocks; cheap to clone.
#[derive(Clone)]
pub struct MediaSender {
    video: mpsc::Sender<EncodedVideo>,
    audio: mpsc::Sender<EncodedAudio>,
    holds: Arc<AtomicU8>,
    wants_key_frame: Arc<AtomicBool>,
    congestion: Arc<Congestion>,
    feedback: Arc<FeedbackCounts>,
}

impl MediaSender {
    /// Sends one picture if the connection is up. False: it was not taken, and what follows
    /// must begin with a key frame.
    pub fn send_video(&self, picture: &EncodedVideo) -> bool {
        if !self.is_open() {
            return false;
        }
        if picture.key {
            self.wants_key_frame.store(false, Ordering::Release);
        } else if self.wants_key_frame.load(Ordering::Acquire) {
            return false;
        }
        let taken = self.video.try_send(picture.clone()).is_ok();
        if !taken {
            self.wants_key_frame.store(true, Ordering::Release);
        }
        taken
    }

    /// Sends one sound packet if the connection is up.
    pub fn send_audio(&self, packet: &EncodedAudio) -> bool {
        self.is_open() && self.audio.try_send(packet.clone()).is_ok()
    }

    /// What may be sent.
    pub fn budget(&self) -> SendBudget {
        self.congestion.budget()
    }

    /// What the way to them carries.
    pub fn carried(&self) -> Bitrate {
        self.congestion.carried()
    }

    /// Sound and pictures take no more than this together, headers and all; none: what the way carries.
    pub fn set_most(&self, most: Option<Bitrate>) {
        self.congestion.set_most(most);
    }

    /// What the way to them means for the voice; none while it seems to be cut.
    pub fn voice_way(&self) -> Option<Way> {
        let budget = self.budget();
        (!budget.silent).then(|| Way {
            loss: self.feedback.audio_loss(),
            available: budget.steady,
            audio: budget.audio,
            copies: self.congestion.voice().copies,
        })
    }

    /// What was made before still waits to go: a picture that is made now would only come late.
    pub fn is_behind(&self) -> bool {
        self.congestion.is_behind()
    }

    /// The connection is up and takes media.
    pub fn is_open(&self) -> bool {
        self.holds.load(Ordering::Acquire) == OPEN
    }

    /// A condition holds from now on, or no longer. When the last one comes to hold, pictures
    /// begin with a key frame.
    pub(crate) fn set(&self, condition: Condition, holds: bool) {
        self.wants_key_frame.store(true, Ordering::Release);
        if holds {
            self.holds.fetch_or(condition as u8, Ordering::AcqRel);
        } else {
            self.holds.fetch_and(!(condition as u8), Ordering::AcqRel);
        }
    }
}

/// One outgoing track.
pub struct Outgoing {
    pub track: Arc<TrackLocalStaticRTP>,
    pub sender: Arc<dyn RtpSender>,
    pub ssrc: u32,
}

impl Outgoing {
    /// The payload type that was negotiated for this codec, asked for until it is known.
    async fn payload_type(&self, mime: &str) -> Option<u8> {
        let parameters = self.sender.get_parameters().await.ok()?;
        codecs::payload_type(&parameters.rtp_parameters, mime)
    }
}

/// Starts the writers. They end when every [`MediaSender`] is gone.
pub fn start(
    video: Option<Outgoing>,
    audio: Option<Outgoing>,
    counts: &Arc<OutboundCounts>,
    capture_times: &Arc<CaptureTimes>,
    congestion: Arc<Congestion>,
    feedback: Arc<FeedbackCounts>,
) -> MediaSender {
    let (video_in, video_out) = mpsc::channel(VIDEO_QUEUE);
    let (audio_in, audio_out) = mpsc::channel(AUDIO_QUEUE);
    if let Some(outgoing) = video {
        capture_times.know(outgoing.ssrc, VIDEO_CLOCK);
        tokio::spawn(write_video(outgoing, video_out, counts.clone(), capture_times.clone()));
    }
    if let Some(outgoing) = audio {
        capture_times.know(outgoing.ssrc, AUDIO_CLOCK);
        let writer = sound::Writer::new(
            outgoing,
            counts.clone(),
            capture_times.clone(),
            congestion.clone(),
            feedback.clone(),
        );
        tokio::spawn(writer.run(audio_out));
    }
    MediaSender {
        video: video_in,
        audio: audio_in,
        holds: Arc::default(),
        wants_key_frame: Arc::new(AtomicBool::new(true)),
        congestion,
        feedback,
    }
}

async fn write_video(
    outgoing: Outgoing,
    mut pictures: mpsc::Receiver<EncodedVideo>,
    counts: Arc<OutboundCounts>,
    capture_times: Arc<CaptureTimes>,
) {
    let mut clock = RtpClock::new(VIDEO_CLOCK);
    let mut sequence: u16 = rand_u32() as u16;
    let mut payload_type = None;
    while let Some(picture) = pictures.recv().await {
        if payload_type.is_none() {
            payload_type = outgoing.payload_type("video/H264").await;
        }
        let Some(payload_type) = payload_type else { continue };
        let mut payloads = packetize(&picture.annex_b, MAX_PAYLOAD);
        let first = counts.video_frames.load(Ordering::Relaxed) == 0;
        if first {
            payloads.insert(0, Bytes::from_static(&DELIMITER));
        }
        let timestamp = clock.at(picture.captured);
        capture_times.note(outgoing.ssrc, timestamp, picture.captured);
        let last = payloads.len().saturating_sub(1);
        for (index, payload) in payloads.into_iter().enumerate() {
            if first && index == 1 {
                tokio::time::sleep(LEAD).await;
            }
            counts.video_packets.fetch_add(1, Ordering::Relaxed);
            counts.video_bytes.fetch_add(payload.len() as u64, Ordering::Relaxed);
            let header = Header {
                version: 2,
                marker: index == last,
                payload_type,
                sequence_number: sequence,
                timestamp,
                ssrc: outgoing.ssrc,
                ..Default::default()
            };
            sequence = sequence.wrapping_add(1);
            // The error would print the packet with its payload: say only that it happened.
            if outgoing.track.write_rtp(Packet { header, payload }).await.is_err() {
                tracing::debug!("a picture packet was not written: the connection closes");
                return;
            }
        }
        counts.video_frames.fetch_add(1, Ordering::Relaxed);
        let Resolution { width, height } = picture.resolution;
        counts
            .video_resolution
            .store(u64::from(width) << 32 | u64::from(height), Ordering::Relaxed);
    }
}

/// Maps capture times to RTP timestamps from a random start (RFC 3550, section 5.1).
struct RtpClock {
    rate: u32,
    offset: u32,
    origin: Option<Instant>,
}

impl RtpClock {
    fn new(rate: u32) -> Self {
        Self { rate, offset: rand_u32(), origin: None }
    }

    fn at(&mut self, time: Instant) -> u32 {
        let origin = *self.origin.get_or_insert(time);
        let elapsed = time.saturating_duration_since(origin);
        let ticks = elapsed.as_nanos() * u128::from(self.rate) / 1_000_000_000;
        self.offset.wrapping_add(ticks as u32)
    }
}

/// Unpredictable enough for stream ids and offsets, which are no secrets.
pub fn rand_u32() -> u32 {
    rand::random()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_follow_capture_times_and_wrap() {
        let mut clock = RtpClock { rate: 90_000, offset: u32::MAX - 10, origin: None };
        let start = Instant::now();
        let first = clock.at(start);
        assert_eq!(clock.at(start + Duration::from_secs(2)).wrapping_sub(first), 180_000);
        assert_eq!(clock.at(start + Duration::from_millis(40)).wrapping_sub(first), 3_600);
    }
}
