//! Coded sound and pictures on their way to or from the network.

use crate::rtp::red::Earlier;
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
    /// How loud it is.
    pub level: SoundLevel,
    /// When its sound begins by the microphone's clock, since that began: what lies between the end of
    /// one packet and the beginning of the next was not sent, as silence, or is lost.
    pub at: Duration,
    /// The encoder has forgotten what came before, of which nothing may go along with this.
    pub fresh: bool,
    /// When the first of what is heard of it reached the microphone, as far as that is known: it may
    /// be told too late, but not too early.
    pub captured: Instant,
}

/// What a sound packet's header says of it (RFC 6464).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoundLevel {
    /// Level below full scale, 0 (loudest) to 127 (silence).
    pub below_full: u8,
    /// A voice was detected in it.
    pub voice: bool,
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
    /// What else a packet of sound carries.
    pub sound: BesideSound,
}

/// What may come with a packet of sound.
#[derive(Clone, Debug, Default)]
pub struct BesideSound {
    /// How loud it is, if its sender says so.
    pub level: Option<SoundLevel>,
    /// Copies of packets before it (RFC 2198), oldest first.
    pub earlier: Vec<Earlier>,
}
