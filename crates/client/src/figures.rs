//! What one connection has measured, second by second, and what follows from it.

use crate::media::{IncomingStats, OwnStats};
use crate::view::ParticipantStats;
use std::time::{Duration, Instant};
use tincan_call::doctor::{Diagnosis, Doctor, diagnose};
use tincan_call::quality::{QualityWatch, score};
use tincan_call::stats::{
    CallStats, Limitation, Path, Reading, Received, RemoteReport, Sent, difference,
};
use tincan_media::ladder;
use tincan_peer_connection::PeerStats;
use tincan_proto::units::{Bitrate, UnixMillis};
use tincan_proto::{AccountName, Health};

/// What the other side told of itself counts for so long.
const HEARD_FOR: Duration = Duration::from_secs(4);
/// This share of what may be sent is as much as is ever sent of it.
const USED_UP: f64 = 0.75;
/// With less than this pictures are so small that it is worth telling: 720p wants so much.
const NARROW: Bitrate = Bitrate::from_kbps(900);
/// Narrow seconds that are worth telling; other seconds count against them. A call that begins finds
/// out within three what its way carries.
const NARROW_FOR: u32 = 6;
const NARROW_MOST: u32 = 12;
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
    narrow: u32,
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
        let mut stats = difference(&before, now);
        let heard = self.heard.filter(|(then, _)| now.at.duration_since(*then) < HEARD_FOR);
        let heard = heard.map(|(_, health)| health);
        let seconds = |told: Option<u16>| told.map(|millis| f64::from(millis) / 1000.0);
        stats.video_sent.end_to_end_delay = seconds(heard.and_then(|them| them.picture_delay_ms));
        stats.audio_sent.end_to_end_delay = seconds(heard.and_then(|them| them.sound_delay_ms));
        let busy = if dropped > dropped_before { OVERWHELMED } else { busy_permille(&before, now) };
        let narrowed = narrowed_kbps(&stats, now);
        self.narrow = match narrowed {
            Some(_) => (self.narrow + 1).min(NARROW_MOST),
            None => self.narrow.saturating_sub(1),
        };
        let own = Health {
            lost_permille: permille(stats.fraction_lost),
            jitter_ms: permille(stats.audio_received.jitter.unwrap_or_default()),
            available_kbps: narrow_kbps(&stats),
            busy_permille: busy,
            narrowed_kbps: narrowed.filter(|_| self.narrow >= NARROW_FOR),
            picture_delay_ms: stats.video_received.end_to_end_delay.map(permille),
            sound_delay_ms: stats.audio_received.end_to_end_delay.map(permille),
            ..own
        };
        let score = score(&stats);
        self.quality.observe(score);
        let found = diagnose(&stats, &own, heard.as_ref());
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

/// What may be sent, where that keeps pictures small. Who sends less than they may is not kept, and
/// neither is who sends little because somebody else's way is narrow.
fn narrowed_kbps(stats: &CallStats, now: &Reading) -> Option<u32> {
    let Some(Limitation::Rate { needs }) = now.video_sent.limitation else { return None };
    narrow_kbps(stats).filter(|kbps| *kbps < needs.min(NARROW).bps() / 1000)
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
        clock: peer.clock,
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
            target: encoded.target,
            retransmitted: peer.retransmitted,
            nacks: peer.nacks,
            key_frame_requests: peer.key_frame_requests,
            frames: peer.video_frames_sent,
            encoded: encoded.frames,
            encode_time: encoded.encode_time,
            resolution: peer.video_resolution,
            level: None,
            remote: peer.video_report.map(report),
            limitation: encoded.limitation.map(|limitation| match limitation {
                ladder::Limitation::Rate { needs } => Limitation::Rate { needs },
                ladder::Limitation::Processor => Limitation::Processor,
            }),
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
            aged: media.audio.ages.count,
            age_us: media.audio.ages.total_us,
            latest: media.audio.ages.latest,
            ..Received::default()
        },
        video_received: Received {
            packets: peer.video_packets_received,
            lost: peer.video_packets_lost,
            bytes: media.video_bytes,
            frames: video.assembled.frames,
            decoded: video.decoded,
            decode_time: video.decode_time,
            resolution: media.resolution,
            freezes: video.freezes,
            frozen: video.freeze_time,
            emitted: video.emitted,
            waited: video.jitter_buffer_delay,
            aged: video.ages.count,
            age_us: video.ages.total_us,
            latest: video.ages.latest,
            drawing: media.drawing,
            inter_frame_delay: video.inter_frame_delay,
            squared_inter_frame_delay: video.squared_inter_frame_delay,
            ..Received::default()
        },
        ..Reading::new(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Bitrate = Bitrate::from_kbps(350);

    /// Seconds in which so many kilobits are sent of what may be sent, and what keeps pictures small.
    struct Sending {
        figures: Figures,
        start: Instant,
        second: u64,
        bytes: u64,
    }

    impl Sending {
        fn new() -> Self {
            Self { figures: Figures::default(), start: Instant::now(), second: 0, bytes: 0 }
        }

        fn second(&mut self, kbps: u64, available: Bitrate, needs: Option<Bitrate>) -> Health {
            self.second += 1;
            self.bytes += kbps * 1000 / 8;
            let mut reading = Reading::new(self.start + Duration::from_secs(self.second));
            (reading.bytes_sent, reading.available) = (self.bytes, Some(available));
            reading.video_sent.limitation = needs.map(|needs| Limitation::Rate { needs });
            let at = UnixMillis(self.second * 1000);
            self.figures.take(at, reading, 0, Health::default()).unwrap_or_default()
        }
    }

    fn kbps(kbps: u32) -> Bitrate {
        Bitrate::from_kbps(kbps)
    }

    #[test]
    fn a_way_that_stays_narrow_is_told_and_no_longer_when_it_is_wide() {
        let mut sending = Sending::new();
        let told: Vec<_> =
            (0..10).map(|_| sending.second(320, RATE, Some(kbps(950))).narrowed_kbps).collect();
        assert_eq!(told[..6], [None; 6]);
        assert_eq!(told[6..], [Some(350); 4]);
        for _ in 0..3 {
            assert_eq!(sending.second(2_000, kbps(2_500), None).narrowed_kbps, None);
        }
    }

    #[test]
    fn a_call_that_begins_is_not_narrow_while_it_finds_out_what_its_way_carries() {
        let mut sending = Sending::new();
        for available in [300, 800, 1_900, 3_000, 3_000, 3_000, 3_000, 3_000, 3_000] {
            let needs = (available < 950).then_some(kbps(950));
            let told = sending.second(u64::from(available), kbps(available), needs);
            assert_eq!(told.narrowed_kbps, None);
        }
    }

    #[test]
    fn who_sends_little_or_could_send_enough_is_not_narrow() {
        let mut sending = Sending::new();
        for _ in 0..20 {
            // A still picture.
            assert_eq!(sending.second(60, RATE, Some(kbps(950))).narrowed_kbps, None);
        }
        for _ in 0..20 {
            // Somebody else's way is the narrow one.
            assert_eq!(sending.second(300, kbps(4_000), Some(kbps(950))).narrowed_kbps, None);
        }
        for _ in 0..20 {
            // Enough for 720 lines, though somebody wants more.
            assert_eq!(sending.second(1_800, kbps(1_900), Some(kbps(2_400))).narrowed_kbps, None);
        }
    }

    #[test]
    fn what_the_other_side_sees_and_hears_of_us_is_told_as_they_told_it() {
        let mut sending = Sending::new();
        sending.second(300, RATE, None);
        let told = Health { picture_delay_ms: Some(90), ..Health::default() };
        sending.figures.hear(sending.start + Duration::from_secs(1), told);
        sending.second(300, RATE, None);
        let stats = sending.figures.latest().cloned().unwrap_or_default();
        assert_eq!(stats.video_sent.end_to_end_delay, Some(0.09));
        assert_eq!(stats.audio_sent.end_to_end_delay, None);
        for _ in 0..4 {
            sending.second(300, RATE, None);
        }
        let stats = sending.figures.latest().cloned().unwrap_or_default();
        assert_eq!(stats.video_sent.end_to_end_delay, None, "that was long ago");
    }
}
