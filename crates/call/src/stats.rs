//! What the last second of a connection was like, from two readings of its counters. Names and
//! units are those of W3C webrtc-stats where they exist there: seconds, bytes, bits per second.
//! Shares of loss and concealment are those of the interval, not since the start.

mod reading;

pub use reading::{Limitation, Path, Reading, Received, RemoteReport, Sent};

use crate::clock::ClockOffset;
use serde::{Deserialize, Serialize};
use tincan_proto::units::Resolution;
use ts_rs::TS;

/// Figures of one interval about one participant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct CallStats {
    /// The selected candidate pair.
    pub path: Option<PathStats>,
    /// There and back, in seconds: by RTCP, and by connectivity checks where nothing was reported.
    pub round_trip_time: Option<f64>,
    /// How far the other side's clock is ahead of this one, in seconds, and how sure that is.
    pub clock: Option<ClockStats>,
    /// What may be sent, in bits per second.
    pub available_outgoing_bitrate: Option<f64>,
    /// Since the connection was made.
    #[ts(type = "number")]
    pub bytes_sent: u64,
    /// Since the connection was made.
    #[ts(type = "number")]
    pub bytes_received: u64,
    /// Sent, all together, in bits per second.
    pub sent_bitrate: f64,
    /// Received, all together, in bits per second.
    pub received_bitrate: f64,
    /// Own sound.
    pub audio_sent: SentStats,
    /// Own picture.
    pub video_sent: SentStats,
    /// Their sound.
    pub audio_received: ReceivedStats,
    /// Their picture.
    pub video_received: ReceivedStats,
    /// Share of all their packets that did not come, 0 to 1.
    pub fraction_lost: f64,
}

/// How two clocks differ. Delays from one side to the other are as uncertain as this.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ClockStats {
    /// In seconds; below nought: theirs is behind.
    pub offset: f64,
    /// In seconds: it may be so much more or less.
    pub uncertainty: f64,
}

/// The selected candidate pair.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PathStats {
    /// `host`, `srflx`, `prflx` or `relay`.
    pub local_candidate_type: String,
    /// The same of the other side.
    pub remote_candidate_type: String,
    /// `udp` or `tcp`.
    pub protocol: String,
}

/// What is sent of one kind (`outbound-rtp`, `remote-inbound-rtp`, `media-source`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SentStats {
    /// Since the connection was made.
    #[ts(type = "number")]
    pub packets_sent: u64,
    /// Payload since the connection was made.
    #[ts(type = "number")]
    pub bytes_sent: u64,
    /// In bits per second.
    pub bitrate: f64,
    /// What the encoder aims at, in bits per second.
    pub target_bitrate: Option<f64>,
    /// Packets sent again since the connection was made.
    #[ts(type = "number")]
    pub retransmitted_packets_sent: u64,
    /// Requests for lost packets since the connection was made.
    #[ts(type = "number")]
    pub nack_count: u64,
    /// Requests for key frames since the connection was made.
    #[ts(type = "number")]
    pub pli_count: u64,
    /// Pictures sent since the connection was made.
    #[ts(type = "number")]
    pub frames_sent: u64,
    /// Pictures a second.
    pub frames_per_second: f64,
    /// Size of the last picture.
    pub resolution: Option<Resolution>,
    /// Seconds that encoding one picture took.
    pub encode_time: Option<f64>,
    /// Why pictures are smaller than wanted, if they are.
    pub quality_limitation_reason: QualityLimitationReason,
    /// How loud it is, 0 to 1 (root mean square).
    pub audio_level: Option<f64>,
    /// Seconds from camera or microphone until it is shown or played there. Two readings do not know
    /// it: the other side tells it.
    pub end_to_end_delay: Option<f64>,
    /// The other side's report.
    pub remote: Option<RemoteStats>,
}

/// Why pictures are smaller than wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum QualityLimitationReason {
    /// They are not.
    #[default]
    None,
    /// The processor does not manage more.
    Cpu,
    /// The way to somebody does not carry more.
    Bandwidth,
}

/// What the other side reports of our packets (`remote-inbound-rtp`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RemoteStats {
    /// Share of packets lost since the report before, 0 to 1 (RFC 3550, section 6.4.1).
    pub fraction_lost: f64,
    /// In seconds.
    pub jitter: f64,
    /// In seconds, by the times in the report.
    pub round_trip_time: Option<f64>,
}

/// What is received of one kind (`inbound-rtp`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ReceivedStats {
    /// Since the connection was made.
    #[ts(type = "number")]
    pub packets_received: u64,
    /// Since the connection was made.
    #[ts(type = "number")]
    pub packets_lost: u64,
    /// Share of the interval's packets that did not come, 0 to 1.
    pub fraction_lost: f64,
    /// Payload since the connection was made.
    #[ts(type = "number")]
    pub bytes_received: u64,
    /// In bits per second.
    pub bitrate: f64,
    /// In seconds (RFC 3550, section 6.4.1); of sound alone.
    pub jitter: Option<f64>,
    /// Pictures a second.
    pub frames_per_second: f64,
    /// Pictures decoded, or handed to a window that decodes, since the connection was made.
    #[ts(type = "number")]
    pub frames_decoded: u64,
    /// Size of the last picture.
    pub resolution: Option<Resolution>,
    /// Times when pictures stood still, since the connection was made.
    #[ts(type = "number")]
    pub freeze_count: u64,
    /// Seconds that they stood still, since the connection was made.
    pub total_freezes_duration: f64,
    /// Seconds that decoding one picture took; absent where a window decodes.
    pub decode_time: Option<f64>,
    /// How loud it is, 0 to 1 (root mean square).
    pub audio_level: Option<f64>,
    /// Samples played since the connection was made.
    #[ts(type = "number")]
    pub total_samples_received: u64,
    /// Those of them that were made up.
    #[ts(type = "number")]
    pub concealed_samples: u64,
    /// Share of what was played in the interval that was made up, 0 to 1.
    pub concealment: f64,
    /// Seconds from their camera or microphone until it is shown or played here, on average: by their
    /// sender reports and the difference of the clocks.
    pub end_to_end_delay: Option<f64>,
    /// When what is shown or played now was taken, by their clock, in milliseconds since the NTP era
    /// began.
    pub estimated_playout_timestamp: Option<f64>,
    /// Seconds between pictures, added up since the connection was made.
    pub total_inter_frame_delay: f64,
    /// The squares of these.
    pub total_squared_inter_frame_delay: f64,
    /// Seconds that sound waits before it is played, counted from the fastest packets; or a picture
    /// since it was whole.
    pub jitter_buffer_delay: Option<f64>,
    /// Seconds that it should.
    pub jitter_buffer_target_delay: Option<f64>,
}

/// The figures of the time between two readings of the same connection.
pub fn difference(old: &Reading, new: &Reading) -> CallStats {
    let seconds = new.at.saturating_duration_since(old.at).as_secs_f64().max(MOMENT);
    let bits = |new: u64, old: u64| new.saturating_sub(old) as f64 * 8.0 / seconds;
    let (video, audio) = (&new.video_received, &new.audio_received);
    let lost =
        newly(video.lost, old.video_received.lost) + newly(audio.lost, old.audio_received.lost);
    let came = newly(video.packets, old.video_received.packets)
        + newly(audio.packets, old.audio_received.packets);
    let reported = [new.audio_sent.remote, new.video_sent.remote];
    let reported = reported.into_iter().flatten().find_map(|remote| remote.round_trip);
    let checked = new.path.as_ref().and_then(|path| path.round_trip);
    CallStats {
        path: new.path.as_ref().map(|path| PathStats {
            local_candidate_type: path.local.clone(),
            remote_candidate_type: path.remote.clone(),
            protocol: path.protocol.clone(),
        }),
        round_trip_time: reported.or(checked).map(|time| time.as_secs_f64()),
        clock: new
            .clock
            .map(|clock| ClockStats { offset: clock.ahead, uncertainty: clock.uncertainty }),
        available_outgoing_bitrate: new.available.map(|rate| f64::from(rate.bps())),
        bytes_sent: new.bytes_sent,
        bytes_received: new.bytes_received,
        sent_bitrate: bits(new.bytes_sent, old.bytes_sent),
        received_bitrate: bits(new.bytes_received, old.bytes_received),
        audio_sent: sent(seconds, &old.audio_sent, &new.audio_sent),
        video_sent: sent(seconds, &old.video_sent, &new.video_sent),
        audio_received: received(seconds, &old.audio_received, audio, new.clock),
        video_received: received(seconds, &old.video_received, video, new.clock),
        fraction_lost: share(lost, lost + came),
    }
}

/// Shorter intervals are taken to be so long: nothing is divided by nought.
const MOMENT: f64 = 0.001;

fn newly(new: u64, old: u64) -> u64 {
    new.saturating_sub(old)
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Seconds of `time` for each of `count`; none without any.
fn each(time: f64, count: u64) -> Option<f64> {
    (count > 0).then(|| time / count as f64)
}

fn sent(seconds: f64, old: &Sent, new: &Sent) -> SentStats {
    let frames = newly(new.frames, old.frames);
    let encoding = new.encode_time.saturating_sub(old.encode_time).as_secs_f64();
    SentStats {
        packets_sent: new.packets,
        bytes_sent: new.bytes,
        bitrate: newly(new.bytes, old.bytes) as f64 * 8.0 / seconds,
        target_bitrate: new.target.map(|rate| f64::from(rate.bps())),
        retransmitted_packets_sent: new.retransmitted,
        nack_count: new.nacks,
        pli_count: new.key_frame_requests,
        frames_sent: new.frames,
        frames_per_second: frames as f64 / seconds,
        resolution: new.resolution,
        encode_time: each(encoding, newly(new.encoded, old.encoded)),
        quality_limitation_reason: match new.limitation {
            None => QualityLimitationReason::None,
            Some(Limitation::Processor) => QualityLimitationReason::Cpu,
            Some(Limitation::Rate { .. }) => QualityLimitationReason::Bandwidth,
        },
        audio_level: new.level.map(f64::from),
        end_to_end_delay: None,
        remote: new.remote.map(|remote| RemoteStats {
            fraction_lost: f64::from(remote.fraction_lost),
            jitter: remote.jitter.as_secs_f64(),
            round_trip_time: remote.round_trip.map(|time| time.as_secs_f64()),
        }),
    }
}

fn received(
    seconds: f64,
    old: &Received,
    new: &Received,
    clock: Option<ClockOffset>,
) -> ReceivedStats {
    let lost = newly(new.lost, old.lost);
    let waited = new.waited.saturating_sub(old.waited).as_secs_f64();
    let aged = each(new.age_us.wrapping_sub(old.age_us) as f64 / 1e6, newly(new.aged, old.aged));
    let drawing = new.drawing.unwrap_or_default().as_secs_f64();
    let decoding = new.decode_time.saturating_sub(old.decode_time).as_secs_f64();
    ReceivedStats {
        packets_received: new.packets,
        packets_lost: new.lost,
        fraction_lost: share(lost, lost + newly(new.packets, old.packets)),
        bytes_received: new.bytes,
        bitrate: newly(new.bytes, old.bytes) as f64 * 8.0 / seconds,
        jitter: new.jitter.map(|time| time.as_secs_f64()),
        frames_per_second: newly(new.frames, old.frames) as f64 / seconds,
        frames_decoded: new.frames,
        resolution: new.resolution,
        freeze_count: new.freezes,
        total_freezes_duration: new.frozen.as_secs_f64(),
        decode_time: each(decoding, newly(new.decoded, old.decoded)),
        audio_level: new.level.map(f64::from),
        total_samples_received: new.samples,
        concealed_samples: new.concealed_samples,
        concealment: share(
            newly(new.concealed_samples, old.concealed_samples),
            newly(new.samples, old.samples),
        ),
        // An age by two clocks is too small by as much as theirs is ahead.
        end_to_end_delay: aged
            .zip(clock)
            .map(|(age, clock)| (age + clock.ahead + drawing).max(0.0)),
        estimated_playout_timestamp: new.latest.map(|wall| wall.as_secs_f64() * 1000.0),
        total_inter_frame_delay: new.inter_frame_delay,
        total_squared_inter_frame_delay: new.squared_inter_frame_delay,
        jitter_buffer_delay: new
            .delay
            .map(|time| time.as_secs_f64())
            .or_else(|| each(waited, newly(new.emitted, old.emitted))),
        jitter_buffer_target_delay: new.target_delay.map(|time| time.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn loss_is_that_of_the_interval_and_not_since_the_start() {
        let at = Instant::now();
        let counts = |packets, lost| Received { packets, lost, ..Received::default() };
        let old = Reading { audio_received: counts(100, 50), ..Reading::new(at) };
        let later = at + Duration::from_secs(1);
        let bad = Reading { audio_received: counts(190, 60), ..Reading::new(later) };
        assert_eq!(difference(&old, &bad).audio_received.fraction_lost, 0.1);
        let well = Reading { audio_received: counts(240, 60), ..Reading::new(later) };
        assert_eq!(difference(&bad, &well).fraction_lost, 0.0);
    }

    #[test]
    fn rates_count_by_the_time_that_has_really_passed() {
        let at = Instant::now();
        let old = Reading { bytes_sent: 1_000, ..Reading::new(at) };
        let later = at + Duration::from_millis(2_000);
        let video_sent = Sent { frames: 60, ..Sent::default() };
        let new = Reading { bytes_sent: 251_000, video_sent, ..Reading::new(later) };
        let stats = difference(&old, &new);
        assert_eq!(stats.sent_bitrate, 1_000_000.0);
        assert_eq!(stats.video_sent.frames_per_second, 30.0);
    }

    #[test]
    fn a_late_packet_that_is_no_longer_lost_makes_no_loss_below_nought() {
        let at = Instant::now();
        let counts = |packets, lost| Received { packets, lost, ..Received::default() };
        let old = Reading { video_received: counts(10, 3), ..Reading::new(at) };
        let new = Reading { video_received: counts(15, 1), ..Reading::new(at) };
        assert_eq!(difference(&old, &new).fraction_lost, 0.0);
    }

    /// Those that are in W3C webrtc-stats, and those that stand for totals divided by the interval.
    #[test]
    fn figures_have_their_names_and_are_there_in_both_directions() {
        let sent = "packetsSent bytesSent bitrate targetBitrate retransmittedPacketsSent nackCount \
            pliCount framesSent framesPerSecond resolution encodeTime qualityLimitationReason \
            audioLevel endToEndDelay remote";
        let received = "packetsReceived packetsLost fractionLost bytesReceived bitrate jitter \
            framesPerSecond framesDecoded resolution freezeCount totalFreezesDuration decodeTime \
            audioLevel totalSamplesReceived concealedSamples concealment endToEndDelay \
            estimatedPlayoutTimestamp totalInterFrameDelay totalSquaredInterFrameDelay \
            jitterBufferDelay jitterBufferTargetDelay";
        let whole = "path roundTripTime clock availableOutgoingBitrate bytesSent bytesReceived \
            sentBitrate receivedBitrate audioSent videoSent audioReceived videoReceived fractionLost";
        let stats = serde_json::to_value(CallStats::default()).expect("names are strings");
        let names = |value: &serde_json::Value| {
            let names = value.as_object().into_iter().flat_map(|it| it.keys().cloned());
            names.collect::<std::collections::BTreeSet<String>>()
        };
        let expected = |words: &str| words.split_whitespace().map(str::to_owned).collect();
        assert_eq!(names(&stats), expected(whole));
        for kind in ["audio", "video"] {
            assert_eq!(names(&stats[format!("{kind}Sent")]), expected(sent));
            assert_eq!(names(&stats[format!("{kind}Received")]), expected(received));
        }
    }

    #[test]
    fn times_are_in_seconds_and_shares_from_0_to_1() {
        let at = Instant::now();
        let old = Reading::new(at);
        let mut new = Reading::new(at + Duration::from_secs(1));
        new.audio_received = Received {
            jitter: Some(Duration::from_millis(4)),
            samples: 48_000,
            concealed_samples: 12_000,
            ..Received::default()
        };
        new.video_received = Received {
            decoded: 20,
            decode_time: Duration::from_millis(60),
            emitted: 20,
            waited: Duration::from_millis(400),
            freezes: 2,
            frozen: Duration::from_millis(1_500),
            ..Received::default()
        };
        new.video_sent.encoded = 10;
        new.video_sent.encode_time = Duration::from_millis(50);
        let stats = difference(&old, &new);
        let (audio, video) = (&stats.audio_received, &stats.video_received);
        assert_eq!((audio.jitter, audio.concealment), (Some(0.004), 0.25));
        assert_eq!((video.decode_time, video.jitter_buffer_delay), (Some(0.003), Some(0.02)));
        assert_eq!((video.freeze_count, video.total_freezes_duration), (2, 1.5));
        assert_eq!(stats.video_sent.encode_time, Some(0.005));
    }

    #[test]
    fn a_delay_is_an_age_by_two_clocks_and_what_they_differ_by() {
        let at = Instant::now();
        let aged = |count, age_us| Received { aged: count, age_us, ..Received::default() };
        let clock = |ahead| Some(ClockOffset { ahead, uncertainty: 0.01 });
        let old = Reading { video_received: aged(10, i64::MAX - 1_000), ..Reading::new(at) };
        // Thirty pictures, each 40 ms old, by a clock that is ten minutes ahead of this one.
        let sum = (i64::MAX - 1_000).wrapping_add(30 * (40_000 - 600_000_000));
        let mut new =
            Reading { clock: clock(600.0), video_received: aged(40, sum), ..Reading::new(at) };
        let delay = |new: &Reading| difference(&old, new).video_received.end_to_end_delay;
        assert!(delay(&new).is_some_and(|delay| (delay - 0.04).abs() < 1e-6), "{:?}", delay(&new));
        new.video_received.drawing = Some(Duration::from_millis(16));
        assert!(delay(&new).is_some_and(|delay| (delay - 0.056).abs() < 1e-6));
        new.clock = clock(599.9);
        assert_eq!(delay(&new), Some(0.0), "less than nothing is uncertain");
        new.clock = None;
        assert_eq!(delay(&new), None, "nothing is known of their clock");
        new.clock = clock(600.0);
        new.video_received.aged = 10;
        assert_eq!(delay(&new), None, "nothing was shown");
    }

    #[test]
    fn the_round_trip_of_reports_goes_before_that_of_checks() {
        let path = Path { round_trip: Some(Duration::from_millis(90)), ..Path::default() };
        let mut new = Reading { path: Some(path), ..Reading::new(Instant::now()) };
        assert_eq!(difference(&new, &new).round_trip_time, Some(0.09));
        let round_trip = Some(Duration::from_millis(40));
        new.audio_sent.remote = Some(RemoteReport { round_trip, ..RemoteReport::default() });
        assert_eq!(difference(&new, &new).round_trip_time, Some(0.04));
    }
}
