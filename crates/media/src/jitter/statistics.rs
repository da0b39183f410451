//! What a jitter buffer tells of itself.

use std::time::Duration;

/// Counts since the start, named as in W3C webrtc-stats (`RTCInboundRtpStreamStats`) where they
/// are in it. Samples are those of one channel.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct JitterStatistics {
    /// Packets received, without duplicates.
    pub packets: u64,
    /// Packets that have not come, whether or not a copy of them has.
    pub lost: u64,
    /// Packets that came after their time and were dropped.
    pub late: u64,
    /// Packets dropped to make up for delay.
    pub skipped: u64,
    /// Packets that were rebuilt from the copy in the next one.
    pub recovered: u64,
    /// Lost packets of which a whole copy came with a later one in time (RFC 2198).
    pub restored: u64,
    /// Samples played, without silence while nobody sends: `totalSamplesReceived`.
    pub samples: u64,
    /// Samples among them that were made up.
    pub concealed_samples: u64,
    /// Samples among those that were silent.
    pub silent_concealed_samples: u64,
    /// Times when making up began.
    pub concealment_events: u64,
    /// Samples inserted to wait longer.
    pub inserted_samples_for_deceleration: u64,
    /// Samples left out to wait less.
    pub removed_samples_for_acceleration: u64,
    /// Seconds that the samples emitted have waited, added up.
    pub jitter_buffer_delay: f64,
    /// Seconds that they should have, added up.
    pub jitter_buffer_target_delay: f64,
    /// Samples emitted that had come over the network.
    pub jitter_buffer_emitted_count: u64,
    /// Interarrival jitter in seconds (RFC 3550, 6.4.1).
    pub jitter: f64,
    /// How long sound waits now.
    pub delay: Duration,
    /// How long it should.
    pub target: Duration,
}
