//! Coded sound and pictures on their way to or from the network.

use bytes::Bytes;
use std::time::{Duration, Instant};
use tincan_proto::units::Resolution;

/// One Opus packet (RFC 6716).
#[derive(Clone, Debug)]
pub struct EncodedAudio {
    /// The packet.
    pub payload: Bytes,
    /// How much sound it holds.
    pub duration: Duration,
    /// Level below full scale for RFC 6464, 0 (loudest) to 127 (silence).
    pub level_dbov: u8,
    /// A voice was detected in it.
    pub voice: bool,
    /// Nothing was sent just before it (silence): the RTP timestamp jumps by this.
    pub gap: Duration,
}

/// One coded picture: an H.264 access unit in Annex B form (start codes), without access
/// unit delimiters. A key frame carries SPS and PPS in front of the IDR.
#[derive(Clone, Debug)]
pub struct EncodedVideo {
    /// The access unit; never empty.
    pub annex_b: Bytes,
    /// An IDR picture.
    pub key: bool,
    /// Size in pixels.
    pub resolution: Resolution,
    /// When the picture was taken.
    pub captured: Instant,
}

/// An RTP packet's fields that depacketizing and jitter buffering need (RFC 3550).
#[derive(Clone, Debug)]
pub struct RtpPayload {
    /// Sequence number, wraps.
    pub sequence: u16,
    /// Media timestamp in ticks of the codec's clock (48 kHz Opus, 90 kHz H.264), wraps.
    pub timestamp: u32,
    /// Marker bit: last packet of a picture.
    pub marker: bool,
    /// Synchronisation source.
    pub ssrc: u32,
    /// The payload without header, extensions and padding.
    pub payload: Bytes,
    /// When it arrived.
    pub arrived: Instant,
}
