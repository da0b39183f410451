//! What a jitter buffer tells of itself.

use std::time::Duration;

/// Counts since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct JitterStatistics {
    /// Packets received, without duplicates.
    pub packets: u64,
    /// Packets that have not come.
    pub lost: u64,
    /// Packets that came after their time and were dropped.
    pub late: u64,
    /// Packets dropped to make up for delay.
    pub skipped: u64,
    /// Samples played, without silence while nobody sends.
    pub samples: u64,
    /// Samples among them that were made up or recovered.
    pub concealed_samples: u64,
    /// Interarrival jitter in seconds (RFC 3550, 6.4.1).
    pub jitter: f64,
    /// How long sound waits now.
    pub delay: Duration,
    /// How long it should.
    pub target: Duration,
}
