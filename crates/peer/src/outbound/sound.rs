//! The way out of sound: packets with what they weigh in loudness, and with copies of those before where
//! the network loses too many.

use super::{OutboundCounts, Outgoing, rand_u32};
use crate::capture_times::CaptureTimes;
use crate::codecs::{self, AUDIO_CLOCK};
use crate::congestion::Congestion;
use crate::feedback::FeedbackCounts;
use bytes::Bytes;
use rtc::rtp::Packet;
use rtc::rtp::extension::HeaderExtension;
use rtc::rtp::extension::audio_level_extension::AudioLevelExtension;
use rtc::rtp::header::Header;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tincan_media::codec::opus::{Content, PacketTime, is_stereo};
use tincan_media::congestion::VoiceForm;
use tincan_media::encoded::EncodedAudio;
use tincan_media::rtp::red::{self, Earlier};
use tokio::sync::mpsc;

/// Bytes of a packet with copies at most: more would not go through every network in one piece.
const MOST_BYTES: usize = 1_150;
/// Copies that may go along.
const MOST_COPIES: usize = 4;

/// What was negotiated for sound.
#[derive(Clone, Copy)]
struct PayloadTypes {
    opus: u8,
    /// None: the other side cannot take copies out.
    red: Option<u8>,
}

/// Writes the packets of one connection.
pub struct Writer {
    outgoing: Outgoing,
    counts: Arc<OutboundCounts>,
    capture_times: Arc<CaptureTimes>,
    congestion: Arc<Congestion>,
    feedback: Arc<FeedbackCounts>,
    types: Option<PayloadTypes>,
    timestamp: u32,
    /// When the packet before ended, by the microphone's clock.
    ended: Option<Duration>,
    sequence: u16,
    after_gap: bool,
    /// The packets before, oldest first, with their timestamps.
    before: VecDeque<(u32, Bytes)>,
}

impl Writer {
    pub fn new(
        outgoing: Outgoing,
        counts: Arc<OutboundCounts>,
        capture_times: Arc<CaptureTimes>,
        congestion: Arc<Congestion>,
        feedback: Arc<FeedbackCounts>,
    ) -> Self {
        Self {
            outgoing,
            counts,
            capture_times,
            congestion,
            feedback,
            types: None,
            timestamp: rand_u32(),
            ended: None,
            sequence: rand_u32() as u16,
            after_gap: true,
            before: VecDeque::new(),
        }
    }

    /// Ends when nobody has anything more to send, or when the connection closes.
    pub async fn run(mut self, mut packets: mpsc::Receiver<EncodedAudio>) {
        while let Some(packet) = packets.recv().await {
            if !self.write(packet).await {
                tracing::debug!("a sound packet was not written: the connection closes");
                return;
            }
        }
    }

    async fn write(&mut self, packet: EncodedAudio) -> bool {
        if self.types.is_none() {
            self.types = self.negotiated().await;
        }
        let Some(types) = self.types else { return true };
        // Silence, or what was lost on the way to here: the far side's clock goes on meanwhile.
        let left_out = self.ended.and_then(|ended| packet.at.checked_sub(ended));
        let left_out = left_out.unwrap_or(Duration::ZERO);
        self.ended = Some(packet.at + packet.duration);
        self.after_gap |= !left_out.is_zero();
        if !left_out.is_zero() || packet.fresh {
            self.before.clear();
        }
        let timestamp = self.timestamp.wrapping_add(ticks(left_out));
        self.timestamp = timestamp.wrapping_add(ticks(packet.duration));
        self.capture_times.note(self.outgoing.ssrc, timestamp, packet.captured);
        let (payload_type, payload) = self.with_copies(types, timestamp, &packet);
        self.before.push_back((timestamp, packet.payload));
        if self.before.len() > MOST_COPIES {
            self.before.pop_front();
        }
        let header = Header {
            version: 2,
            marker: std::mem::take(&mut self.after_gap),
            payload_type,
            sequence_number: self.sequence,
            timestamp,
            ssrc: self.outgoing.ssrc,
            ..Default::default()
        };
        self.sequence = self.sequence.wrapping_add(1);
        self.counts.audio_packets.fetch_add(1, Ordering::Relaxed);
        self.counts.audio_bytes.fetch_add(payload.len() as u64, Ordering::Relaxed);
        let level = HeaderExtension::AudioLevel(AudioLevelExtension {
            level: packet.level.below_full.min(127),
            voice: packet.level.voice,
        });
        let packet = Packet { header, payload };
        self.outgoing.track.write_rtp_with_extensions(packet, &[level]).await.is_ok()
    }

    /// The packet as it is, or with copies of those before it. Its timestamps are known of here alone,
    /// so that it is put together here.
    fn with_copies(
        &self,
        types: PayloadTypes,
        timestamp: u32,
        packet: &EncodedAudio,
    ) -> (u8, Bytes) {
        let plain = (types.opus, packet.payload.clone());
        let form = VoiceForm { packet: length(packet.duration), copies: 0 };
        let Some(red) = types.red else {
            self.congestion.set_voice(form);
            return plain;
        };
        let content = if is_stereo(&packet.payload) { Content::Music } else { Content::Voice };
        let loss = self.feedback.audio_loss();
        let copies = self.congestion.decide_copies(Instant::now(), loss, form, content);
        let first = self.before.len().saturating_sub(usize::from(copies));
        let earlier: Vec<Earlier> = self
            .before
            .range(first..)
            .rev()
            .zip(1..)
            .map(|((before, payload), distance)| Earlier {
                distance,
                back: timestamp.wrapping_sub(*before),
                payload: payload.clone(),
            })
            .collect();
        if earlier.is_empty() {
            return plain;
        }
        let earlier: Vec<Earlier> = earlier.into_iter().rev().collect();
        self.counts.audio_redundant.fetch_add(1, Ordering::Relaxed);
        (red, red::build(types.opus, &packet.payload, &earlier, MOST_BYTES))
    }

    async fn negotiated(&self) -> Option<PayloadTypes> {
        let parameters = self.outgoing.sender.get_parameters().await.ok()?;
        let opus = codecs::payload_type(&parameters.rtp_parameters, codecs::OPUS)?;
        Some(PayloadTypes { opus, red: codecs::red_of(&parameters.rtp_parameters, opus) })
    }
}

fn ticks(duration: Duration) -> u32 {
    (duration.as_secs_f64() * f64::from(AUDIO_CLOCK)).round() as u32
}

/// The length that is nearest.
fn length(duration: Duration) -> PacketTime {
    let lengths = [PacketTime::Short, PacketTime::Usual, PacketTime::Long, PacketTime::Longest];
    let fits = lengths.into_iter().find(|length| length.duration() >= duration);
    fits.unwrap_or(PacketTime::Longest)
}
