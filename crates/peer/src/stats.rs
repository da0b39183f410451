//! What a connection measures. `webrtc` 0.21.1 fills in transport, pair and candidates; what
//! comes from receiver reports is counted by our own interceptor, sending by the writers.

use crate::feedback::FeedbackCounts;
use crate::outbound::OutboundCounts;
use crate::reports::RemoteReport;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tincan_call::clock::ClockOffset;
use tincan_proto::units::{Bitrate, Resolution};
use webrtc::peer_connection::{RTCStatsReport, RTCStatsReportEntry};

/// The selected candidate pair.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PathStats {
    /// `host`, `srflx`, `prflx` or `relay`.
    pub local: String,
    /// The same of the other side.
    pub remote: String,
    /// `udp` or `tcp`.
    pub protocol: String,
    /// Round trip of the last check; absent until one was measured.
    pub round_trip: Option<Duration>,
}

/// Totals since the connection was made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PeerStats {
    /// Absent until a pair is selected.
    pub path: Option<PathStats>,
    /// Bytes received on the transport.
    pub bytes_received: u64,
    /// Bytes sent on the transport.
    pub bytes_sent: u64,
    /// Picture packets sent, retransmissions not counted.
    pub video_packets_sent: u64,
    /// Payload bytes of them.
    pub video_bytes_sent: u64,
    /// Pictures sent.
    pub video_frames_sent: u64,
    /// Size of the last picture sent.
    pub video_resolution: Option<Resolution>,
    /// Sound packets sent.
    pub audio_packets_sent: u64,
    /// Payload bytes of them.
    pub audio_bytes_sent: u64,
    /// Those of them that carried copies of earlier ones (RFC 2198).
    pub audio_redundant_sent: u64,
    /// Packets of their pictures that came, repaired ones not counted.
    pub video_packets_received: u64,
    /// Those that did not come by themselves, whether or not they were repaired.
    pub video_packets_lost: u64,
    /// Packets sent again.
    pub retransmitted: u64,
    /// Key frames that the other side asked for.
    pub key_frame_requests: u64,
    /// Requests for lost packets by the other side.
    pub nacks: u64,
    /// Share of our packets that the other side missed lately, 0 to 1.
    pub remote_fraction_lost: f32,
    /// The same of our sound alone.
    pub remote_audio_fraction_lost: f32,
    /// How far the other side's clock is ahead, as far as that is known.
    pub clock: Option<ClockOffset>,
    /// What may be sent, as far as that is known.
    pub available: Option<Bitrate>,
    /// The other side's last report of our sound.
    pub audio_report: Option<RemoteReport>,
    /// The same of our pictures.
    pub video_report: Option<RemoteReport>,
}

pub fn collect(
    report: &RTCStatsReport,
    sent: &OutboundCounts,
    feedback: &FeedbackCounts,
) -> PeerStats {
    let transport = report.transport();
    PeerStats {
        path: transport.and_then(|t| path(report, &t.selected_candidate_pair_id)),
        bytes_received: transport.map_or(0, |t| t.bytes_received),
        bytes_sent: transport.map_or(0, |t| t.bytes_sent),
        video_packets_sent: sent.video_packets.load(Relaxed),
        video_bytes_sent: sent.video_bytes.load(Relaxed),
        video_frames_sent: sent.video_frames.load(Relaxed),
        video_resolution: sent.resolution(),
        audio_packets_sent: sent.audio_packets.load(Relaxed),
        audio_bytes_sent: sent.audio_bytes.load(Relaxed),
        audio_redundant_sent: sent.audio_redundant.load(Relaxed),
        video_packets_received: feedback.arrivals.packets.load(Relaxed),
        video_packets_lost: feedback.arrivals.lost.load(Relaxed),
        retransmitted: report
            .outbound_rtp_streams()
            .map(|stream| stream.retransmitted_packets_sent)
            .sum(),
        key_frame_requests: feedback.key_frame_requests.load(Relaxed),
        nacks: feedback.nacks.load(Relaxed),
        remote_fraction_lost: feedback.fraction_lost.load(Relaxed) as f32 / 256.0,
        remote_audio_fraction_lost: feedback.audio_loss(),
        clock: None,
        available: None,
        audio_report: feedback.reports.audio(),
        video_report: feedback.reports.video(),
    }
}

fn path(report: &RTCStatsReport, selected: &str) -> Option<PathStats> {
    let Some(RTCStatsReportEntry::IceCandidatePair(pair)) = report.get(selected) else {
        return None;
    };
    // The pair names its candidates without the prefix of their entries. One that was learned from
    // a check was neither gathered nor signalled, and is not listed.
    let candidate = |side: &str, id: &str| match report.get(&format!("RTC{side}IceCandidate_{id}"))
    {
        Some(RTCStatsReportEntry::LocalCandidate(c) | RTCStatsReportEntry::RemoteCandidate(c)) => {
            (c.candidate_type.to_string(), c.protocol.clone())
        }
        _ => ("prflx".to_owned(), "udp".to_owned()),
    };
    let (local, protocol) = candidate("Local", &pair.local_candidate_id);
    let (remote, _) = candidate("Remote", &pair.remote_candidate_id);
    let seconds = pair.current_round_trip_time;
    let round_trip = (seconds > 0.0).then(|| Duration::from_secs_f64(seconds));
    Some(PathStats { local, remote, protocol, round_trip })
}
