//! What one connection has measured, second by second, and what follows from it.

use crate::media::{IncomingStats, OwnStats};
use crate::view::ParticipantStats;
use std::time::{Duration, Instant};
use tincan_call::doctor::{Diagnosis, Doctor, diagnose};
use tincan_call::quality::{QualityWatch, score};
use tincan_call::stats::{CallStats, Path, Reading, Received, RemoteReport, Sent, difference};
use tincan_peer_connection::PeerStats;
use tincan_proto::units::UnixMillis;
use tincan_proto::{AccountName, Health};

/// What the other side told of itself counts for so long.
const HEARD_FOR: Duration = Duration::from_secs(4);
/// This share of what may be sent is as much as is ever sent of it.
const USED_UP: f64 = 0.75;
/// A machine that drops what it cannot deal with is busier than busy.
const OVERWHELMED: u16 = 1_500;

/// What one connection has measured so far.
#[derive(Default)]
pub struct Figures {
    before: Option<Reading>,
    dropped: u64,
    latest: Option<(UnixMillis, u8, CallStats)>,
    quality: QualityWatch,
    heard: Option<(Instant, Health)>,
    doctor: Doctor,
}

impl Figures {
    /// The other side says how it is doing.
    pub fn hear(&mut self, now: Instant, health: Health) {
        self.heard = Some((now, health));
    }

    /// Takes a reading; from the second one on there are figures, and something to tell the other
    /// side: `own`, completed.
    pub fn take(
        &mut self,
        at: UnixMillis,
        reading: Reading,
        dropped: u64,
        own: Health,
    ) -> Option<Health> {
        let before = self.before.replace(reading)?;
        let now = self.before.as_ref()?;
        let dropped_before = std::mem::replace(&mut self.dropped, dropped);
        let stats = difference(&before, now);
        let busy = if dropped > dropped_before { OVERWHELMED } else { busy_permille(&before, now) };
        let own = Health {
            lost_permille: permille(stats.fraction_lost),
            jitter_ms: permille(stats.audio_received.jitter.unwrap_or_default()),
            available_kbps: narrow_kbps(&stats),
            busy_permille: busy,
            ..own
        };
        let score = score(&stats);
        self.quality.observe(score);
        let heard = self.heard.filter(|(then, _)| now.at.duration_since(*then) < HEARD_FOR);
        let found = diagnose(&stats, &own, heard.map(|(_, health)| health).as_ref());
        self.doctor.observe(found);
        self.latest = Some((at, score, stats));
        Some(own)
    }

    /// Of the last second.
    pub fn latest(&self) -> Option<&CallStats> {
        self.latest.as_ref().map(|(_, _, stats)| stats)
    }

    /// What is wrong, if anything is.
    pub const fn diagnosis(&self) -> Option<Diagnosis> {
        self.doctor.told()
    }

    /// As windows see them.
    pub fn view(&self, account: AccountName) -> Option<ParticipantStats> {
        let (at, score, stats) = self.latest.clone()?;
        let quality = self.quality.shown()?;
        let diagnosis = self.diagnosis();
        Some(ParticipantStats { account, at, quality, score, diagnosis, stats })
    }
}

/// What may be sent, where that is what limits: who sends little does not learn how much they might.
fn narrow_kbps(stats: &CallStats) -> Option<u32> {
    let available = stats.available_outgoing_bitrate?;
    (stats.sent_bitrate > available * USED_UP).then_some((available / 1000.0) as u32)
}

/// Thousandths; also milliseconds of seconds.
fn permille(value: f64) -> u16 {
    (value * 1000.0).clamp(0.0, f64::from(u16::MAX)) as u16
}

/// The share of the time that the busier of the two picture codecs worked.
fn busy_permille(before: &Reading, now: &Reading) -> u16 {
    let seconds = now.at.duration_since(before.at).as_secs_f64();
    let encoding = now.video_sent.encode_time.saturating_sub(before.video_sent.encode_time);
    let decoding = now.video_received.decode_time.saturating_sub(before.video_received.decode_time);
    if seconds > 0.0 { permille(encoding.max(decoding).as_secs_f64() / seconds) } else { 0 }
}

/// The counters of a connection and of what is taken here.
pub fn reading(at: Instant, peer: &PeerStats, media: &IncomingStats, own: &OwnStats) -> Reading {
    let encoded = own.encoded.unwrap_or_default();
    let (video, audio) = (&media.video, &media.audio.jitter);
    let report = |report: tincan_peer_connection::RemoteReport| RemoteReport {
        fraction_lost: report.fraction_lost,
        jitter: report.jitter,
        round_trip: report.round_trip,
    };
    Reading {
        path: peer.path.as_ref().map(|path| Path {
            local: path.local.clone(),
            remote: path.remote.clone(),
            protocol: path.protocol.clone(),
            round_trip: path.round_trip,
        }),
        available: peer.available,
        bytes_sent: peer.bytes_sent,
        bytes_received: peer.bytes_received,
        audio_sent: Sent {
            packets: peer.audio_packets_sent,
            bytes: peer.audio_bytes_sent,
            target: Some(own.voice_rate).filter(|_| own.microphone.is_some()),
            level: own.microphone.map(|levels| levels.level.rms()),
            remote: peer.audio_report.map(report),
            ..Sent::default()
        },
        video_sent: Sent {
            packets: peer.video_packets_sent,
            bytes: peer.video_bytes_sent,
            target: peer.video_target.filter(|_| own.encoded.is_some()),
            retransmitted: peer.retransmitted,
            nacks: peer.nacks,
            key_frame_requests: peer.key_frame_requests,
            frames: peer.video_frames_sent,
            encoded: encoded.frames,
            encode_time: encoded.encode_time,
            resolution: peer.video_resolution,
            level: None,
            remote: peer.video_report.map(report),
        },
        audio_received: Received {
            packets: audio.packets,
            lost: audio.lost,
            bytes: media.audio_bytes,
            jitter: Some(Duration::from_secs_f64(audio.jitter.max(0.0))),
            level: Some(media.level.rms()),
            samples: audio.samples,
            concealed_samples: audio.concealed_samples,
            delay: Some(audio.delay),
            target_delay: Some(audio.target),
            ..Received::default()
        },
        video_received: Received {
            packets: video.assembled.packets,
            lost: video.assembled.lost,
            bytes: media.video_bytes,
            frames: video.assembled.frames,
            decoded: video.decoded,
            decode_time: video.decode_time,
            resolution: media.resolution,
            freezes: video.freezes,
            frozen: video.freeze_time,
            ..Received::default()
        },
        ..Reading::new(at)
    }
}
