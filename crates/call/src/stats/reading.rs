//! A connection's counters at one moment, all since it was made.

use crate::clock::ClockOffset;
use std::time::{Duration, Instant};
use tincan_proto::units::{Bitrate, Resolution};

/// All counters.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// When they were read.
    pub at: Instant,
    /// The selected pair.
    pub path: Option<Path>,
    /// The other side's clock.
    pub clock: Option<ClockOffset>,
    /// What may be sent, as far as that is known.
    pub available: Option<Bitrate>,
    /// Sent on the transport.
    pub bytes_sent: u64,
    /// Received on the transport.
    pub bytes_received: u64,
    /// Own sound.
    pub audio_sent: Sent,
    /// Own picture.
    pub video_sent: Sent,
    /// Their sound.
    pub audio_received: Received,
    /// Their picture.
    pub video_received: Received,
}

impl Reading {
    /// A connection on which nothing has happened yet.
    pub fn new(at: Instant) -> Self {
        Self {
            at,
            path: None,
            clock: None,
            available: None,
            bytes_sent: 0,
            bytes_received: 0,
            audio_sent: Sent::default(),
            video_sent: Sent::default(),
            audio_received: Received::default(),
            video_received: Received::default(),
        }
    }
}

/// The selected pair.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path {
    /// Candidate type of this side.
    pub local: String,
    /// Candidate type of the other.
    pub remote: String,
    /// `udp` or `tcp`.
    pub protocol: String,
    /// Of the last check.
    pub round_trip: Option<Duration>,
}

/// What was sent of one kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sent {
    /// Packets, none counted twice.
    pub packets: u64,
    /// Payload bytes of them.
    pub bytes: u64,
    /// What the encoder aims at now.
    pub target: Option<Bitrate>,
    /// Packets sent again.
    pub retransmitted: u64,
    /// Requests for them.
    pub nacks: u64,
    /// Requests for key frames.
    pub key_frame_requests: u64,
    /// Pictures sent.
    pub frames: u64,
    /// Pictures encoded, whoever they were sent to.
    pub encoded: u64,
    /// Time spent on that.
    pub encode_time: Duration,
    /// Size of the last one.
    pub resolution: Option<Resolution>,
    /// How loud it is now, 0 to 1.
    pub level: Option<f32>,
    /// What the other side reported last.
    pub remote: Option<RemoteReport>,
    /// What keeps pictures smaller than wanted.
    pub limitation: Option<Limitation>,
}

/// What keeps pictures smaller than wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limitation {
    /// Somebody's way carries less than larger ones need.
    Rate {
        /// That.
        needs: Bitrate,
    },
    /// The processor did not manage larger ones.
    Processor,
}

/// A block of an RTCP receiver report (RFC 3550, section 6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RemoteReport {
    /// Share lost since the report before, 0 to 1.
    pub fraction_lost: f32,
    /// Interarrival jitter.
    pub jitter: Duration,
    /// By the report's times; none before a sender report of ours has reached the other side.
    pub round_trip: Option<Duration>,
}

/// What was received of one kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Received {
    /// Packets, none counted twice.
    pub packets: u64,
    /// Packets that have not come; falls when one comes late.
    pub lost: u64,
    /// Payload bytes.
    pub bytes: u64,
    /// Interarrival jitter.
    pub jitter: Option<Duration>,
    /// Pictures decoded or handed over.
    pub frames: u64,
    /// Pictures decoded here.
    pub decoded: u64,
    /// Time spent on that.
    pub decode_time: Duration,
    /// Size of the last one.
    pub resolution: Option<Resolution>,
    /// Times when pictures stood still.
    pub freezes: u64,
    /// For how long, together.
    pub frozen: Duration,
    /// How loud it is now, 0 to 1.
    pub level: Option<f32>,
    /// Samples played.
    pub samples: u64,
    /// Those of them that were made up.
    pub concealed_samples: u64,
    /// How long sound waits now.
    pub delay: Option<Duration>,
    /// How long it should.
    pub target_delay: Option<Duration>,
    /// Pictures handed on, and how long they have waited since they were whole, together.
    pub emitted: u64,
    /// See `emitted`.
    pub waited: Duration,
    /// Pictures, or blocks of sound, of which it is known when they were taken.
    pub aged: u64,
    /// Microseconds from when each was taken by the other side's clock to when it was shown or played
    /// by this one's, added up; the sum may wrap.
    pub age_us: i64,
    /// When the latest of them was taken, since the NTP era began.
    pub latest: Option<Duration>,
    /// What the window takes on top until it has drawn a picture.
    pub drawing: Option<Duration>,
    /// Seconds between pictures, added up.
    pub inter_frame_delay: f64,
    /// Their squares.
    pub squared_inter_frame_delay: f64,
}
