//! What a connection can carry: H.264 constrained baseline with retransmission, and Opus.

use crate::capture_times::TruthfulReports;
use crate::companions::WithCompanions;
use crate::congestion::{Listening, Pacing, Reports};
use crate::feedback::{Feedback, FeedbackCounts};
use crate::protection::{Protect, Protecting, Recover, Speaks};
use crate::repair::{Answers, Requests, RoundTrip};
use crate::stage::{Stage, Staged};
use rtc::interceptor::{CongestionControlBuilder, Slot, TwccReceiverBuilder, TwccSenderBuilder};
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::interceptor_registry::{
    Registry, configure_rtcp_reports, configure_simulcast_extension_headers,
};
use rtc::peer_connection::configuration::media_engine::{
    MIME_TYPE_FLEX_FEC03, MIME_TYPE_H264, MIME_TYPE_OPUS, MediaEngine,
};
use rtc::rtp_transceiver::rtp_sender::{
    RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters,
    RTCRtpEncodingParameters, RTCRtpFecParameters, RTCRtpHeaderExtensionCapability,
    RTCRtpParameters, RTCRtpRtxParameters, RtpCodecKind,
};
use std::sync::Arc;
use std::time::Duration;
use webrtc::error::Result;

const H264_PAYLOAD_TYPE: u8 = 102;
const H264_RTX_PAYLOAD_TYPE: u8 = 103;
const FEC_PAYLOAD_TYPE: u8 = 104;
const OPUS_PAYLOAD_TYPE: u8 = 111;
/// The same as Chromium's.
const RED_PAYLOAD_TYPE: u8 = 63;
/// Names of codecs.
pub const OPUS: &str = MIME_TYPE_OPUS;
const RED: &str = "audio/red";
/// RTP clock of pictures (RFC 6184).
pub const VIDEO_CLOCK: u32 = 90_000;
/// RTP clock of Opus (RFC 7587).
pub const AUDIO_CLOCK: u32 = 48_000;
/// Time between two reports of what has arrived: the other side learns of a full way by them.
const REPORT_INTERVAL: Duration = Duration::from_millis(50);
/// Where what has arrived is noted: what makes up for losses has a number, too, and goes no further than
/// [`Recover`]. Above the pacer, so that reports pass all that sends.
const ARRIVALS: usize = 5_500;
/// Header extension that numbers packets over the whole connection.
const TRANSPORT_CC_URI: &str =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
/// Header extension that carries the sound level (RFC 6464).
const AUDIO_LEVEL_URI: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";

fn feedback(typ: &str, parameter: &str) -> RTCPFeedback {
    RTCPFeedback { typ: typ.into(), parameter: parameter.into() }
}

/// H.264 as we send it: constrained baseline 3.1, packetization mode 1.
pub fn h264() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: MIME_TYPE_H264.into(),
        clock_rate: VIDEO_CLOCK,
        channels: 0,
        sdp_fmtp_line: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
            .into(),
        rtcp_feedback: vec![
            feedback("ccm", "fir"),
            feedback("nack", ""),
            feedback("nack", "pli"),
            feedback("transport-cc", ""),
        ],
    }
}

/// Opus with in-band error correction, in stereo both ways where there is any.
pub fn opus() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: MIME_TYPE_OPUS.into(),
        clock_rate: AUDIO_CLOCK,
        channels: 2,
        sdp_fmtp_line: "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1".into(),
        rtcp_feedback: vec![feedback("transport-cc", "")],
    }
}

/// Opus with whole copies of packets before (RFC 2198), as Chromium describes it.
fn red() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: RED.into(),
        clock_rate: AUDIO_CLOCK,
        channels: 2,
        sdp_fmtp_line: format!("{OPUS_PAYLOAD_TYPE}/{OPUS_PAYLOAD_TYPE}"),
        rtcp_feedback: vec![feedback("transport-cc", "")],
    }
}

/// The payload type that was negotiated for this codec.
pub fn payload_type(parameters: &RTCRtpParameters, mime: &str) -> Option<u8> {
    let mut codecs = parameters.codecs.iter();
    let codec = codecs.find(|codec| codec.rtp_codec.mime_type.eq_ignore_ascii_case(mime))?;
    Some(codec.payload_type)
}

/// The payload type of packets with copies, all of this payload type.
pub fn red_of(parameters: &RTCRtpParameters, opus: u8) -> Option<u8> {
    let of_opus = |line: &str| line.split('/').all(|one| one.trim().parse() == Ok(opus));
    let mut codecs = parameters.codecs.iter();
    let red = codecs.find(|codec| {
        codec.rtp_codec.mime_type.eq_ignore_ascii_case(RED)
            && of_opus(&codec.rtp_codec.sdp_fmtp_line)
    })?;
    Some(red.payload_type)
}

/// The number that was negotiated for the header extension with the sound level.
pub fn audio_level_id(parameters: &RTCRtpParameters) -> Option<u8> {
    let mut extensions = parameters.header_extensions.iter();
    let level = extensions.find(|extension| extension.uri == AUDIO_LEVEL_URI)?;
    u8::try_from(level.id).ok()
}

/// What of ours is in the chain.
pub struct Ours {
    /// Counts what comes.
    pub counts: Arc<FeedbackCounts>,
    /// Sees what the other side says of our sending.
    pub feedback: Feedback,
    /// Lets packets go when it is their time.
    pub pacing: Pacing,
    /// Learns what the way carries.
    pub reports: Reports,
    /// How pictures are protected.
    pub protecting: Box<dyn Protecting>,
    /// Whether the other side protects them as we do.
    pub rebuilding: Speaks,
    /// Tells when what is sent was taken.
    pub sender_reports: TruthfulReports,
}

/// The codecs and the chain of interceptors.
pub fn media_engine(ours: Ours) -> Result<(MediaEngine, Registry)> {
    let mut engine = MediaEngine::default();
    let video = [
        (h264(), H264_PAYLOAD_TYPE),
        (
            RTCRtpCodec {
                mime_type: "video/rtx".into(),
                clock_rate: VIDEO_CLOCK,
                channels: 0,
                sdp_fmtp_line: format!("apt={H264_PAYLOAD_TYPE}"),
                rtcp_feedback: vec![],
            },
            H264_RTX_PAYLOAD_TYPE,
        ),
        (
            RTCRtpCodec {
                mime_type: MIME_TYPE_FLEX_FEC03.into(),
                clock_rate: VIDEO_CLOCK,
                channels: 0,
                sdp_fmtp_line: "repair-window=10000000".into(),
                rtcp_feedback: vec![],
            },
            FEC_PAYLOAD_TYPE,
        ),
    ];
    for (rtp_codec, payload_type) in video {
        engine.register_codec(
            RTCRtpCodecParameters { rtp_codec, payload_type },
            RtpCodecKind::Video,
        )?;
    }
    for (rtp_codec, payload_type) in [(opus(), OPUS_PAYLOAD_TYPE), (red(), RED_PAYLOAD_TYPE)] {
        engine.register_codec(
            RTCRtpCodecParameters { rtp_codec, payload_type },
            RtpCodecKind::Audio,
        )?;
    }
    engine.register_header_extension(
        RTCRtpHeaderExtensionCapability { uri: AUDIO_LEVEL_URI.into() },
        RtpCodecKind::Audio,
        None,
    )?;
    for kind in [RtpCodecKind::Audio, RtpCodecKind::Video] {
        let extension = RTCRtpHeaderExtensionCapability { uri: TRANSPORT_CC_URI.into() };
        engine.register_header_extension(extension, kind, None)?;
    }
    let round_trip = Arc::<RoundTrip>::default();
    let congestion = ours.reports.congestion.clone();
    let registry = configure_rtcp_reports(Registry::new())
        .with(Listening::slot(), Staged::new(Listening(ours.reports.told.clone())))
        .with(
            Slot::CongestionControl,
            WithCompanions(CongestionControlBuilder::new(ours.reports).build()),
        )
        .with(Slot::TwccSender, WithCompanions(TwccSenderBuilder::new().build()))
        .with(Pacing::slot(), ours.pacing)
        .with(
            Slot::from(ARRIVALS),
            TwccReceiverBuilder::new().with_interval(REPORT_INTERVAL).build(),
        )
        .with(
            Answers::slot(),
            Staged::new(Answers::new(round_trip.clone(), move || congestion.budget().round_trip)),
        )
        .with(Protect::slot(), Staged::new(Protect::new(ours.protecting)))
        .with(Recover::slot(), Staged::new(Recover::new(ours.counts, ours.rebuilding)))
        .with(Requests::slot(), Staged::new(Requests::new(round_trip)))
        .with(TruthfulReports::slot(), Staged::new(ours.sender_reports))
        .with(Feedback::slot(), Staged::new(ours.feedback));
    configure_simulcast_extension_headers(&mut engine)?;
    Ok((engine, registry))
}

/// A local track with one encoding.
pub fn track(kind: RtpCodecKind, codec: RTCRtpCodec, ssrc: u32, stream: &str) -> MediaStreamTrack {
    let pictures = kind == RtpCodecKind::Video;
    let id = match kind {
        RtpCodecKind::Audio => "audio",
        _ => "video",
    };
    MediaStreamTrack::new(
        stream.into(),
        format!("{stream}-{id}"),
        id.into(),
        kind,
        vec![RTCRtpEncodingParameters {
            rtp_coding_parameters: RTCRtpCodingParameters {
                ssrc: Some(ssrc),
                // Streams of their own, if the other side takes them.
                rtx: pictures.then(|| RTCRtpRtxParameters { ssrc: rand::random() }),
                fec: pictures.then(|| RTCRtpFecParameters { ssrc: rand::random() }),
                ..Default::default()
            },
            codec,
            ..Default::default()
        }],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture_times::CaptureTimes;
    use crate::congestion::Congestion;
    use rtc::interceptor::{
        AttributedPacket, Interceptor, Packet, RTPHeaderExtension, StreamInfo, TaggedPacket,
    };
    use rtc::rtp;
    use rtc::sansio::Protocol;
    use std::time::Instant;
    use tincan_media::congestion::Protection;

    const STREAM: u32 = 7;
    const REPAIR: u32 = 9;

    fn stream() -> StreamInfo {
        StreamInfo {
            ssrc: STREAM,
            ssrc_fec: Some(REPAIR),
            payload_type_fec: Some(FEC_PAYLOAD_TYPE),
            clock_rate: VIDEO_CLOCK,
            rtp_header_extensions: vec![RTPHeaderExtension { uri: TRANSPORT_CC_URI.into(), id: 5 }],
            ..Default::default()
        }
    }

    fn chain(protected: bool) -> (Arc<Congestion>, impl Interceptor) {
        let congestion = Congestion::new();
        let protection = Protection { loss: 0.03, within: Duration::from_millis(50) };
        let ours = Ours {
            counts: Arc::default(),
            feedback: Feedback::new(Arc::default(), || {}, Box::new(|_| {})),
            pacing: Pacing::new(congestion.clone(), || {}),
            reports: Reports { congestion: congestion.clone(), told: Arc::default() },
            protecting: Box::new(protected.then_some(protection)),
            rebuilding: Box::new(move || protected),
            sender_reports: TruthfulReports::new(Arc::<CaptureTimes>::default()),
        };
        let (_, registry) = media_engine(ours).expect("the codecs are ours");
        (congestion, registry.build())
    }

    fn picture(now: Instant, number: u16) -> TaggedPacket {
        let header = rtp::header::Header {
            version: 2,
            ssrc: STREAM,
            payload_type: H264_PAYLOAD_TYPE,
            sequence_number: number,
            marker: number % 3 == 2,
            ..Default::default()
        };
        let packet = rtp::Packet { header, payload: vec![1; 900].into() };
        let message = AttributedPacket::new(Packet::Rtp(packet));
        TaggedPacket { now, transport: Default::default(), message }
    }

    #[test]
    fn what_makes_up_for_losses_is_not_reported_as_lost() {
        let (congestion, mut sends) = chain(true);
        let (_, mut takes) = chain(false);
        sends.bind_local_stream(&stream());
        takes.bind_remote_stream(&stream());
        let start = Instant::now();
        let (mut repairs, mut passed_on) = (0, 0);
        for step in 0..400u16 {
            let now = start + Duration::from_millis(10) * u32::from(step);
            sends.handle_write(picture(now, step)).expect("it is taken");
            sends.handle_timeout(now).expect("time passes");
            while let Some(packet) = sends.poll_write() {
                let Packet::Rtp(rtp) = &packet.message.packet else { continue };
                repairs += usize::from(rtp.header.ssrc == REPAIR);
                takes.handle_read(TaggedPacket { now, ..packet }).expect("it is taken");
            }
            while let Some(packet) = takes.poll_read() {
                let Packet::Rtp(rtp) = &packet.message.packet else { continue };
                passed_on += 1;
                assert_eq!(rtp.header.ssrc, STREAM, "no medium");
            }
            takes.handle_timeout(now).expect("time passes");
            while let Some(packet) = takes.poll_write() {
                sends.handle_read(TaggedPacket { now, ..packet }).expect("it is taken");
            }
            while sends.poll_read().is_some() {}
        }
        let budget = congestion.budget();
        assert!(repairs > 50 && passed_on > 300, "{repairs} and {passed_on}");
        assert!(budget.round_trip.is_some(), "it was reported");
        assert_eq!(budget.loss, 0.0);
    }
}
