//! What time it was at the sender.

use std::time::Duration;

/// A sender's word on its clocks (RTCP sender report, RFC 3550, section 6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderReport {
    /// Whose timestamps.
    pub ssrc: u32,
    /// An RTP timestamp ...
    pub timestamp: u32,
    /// ... and the sender's wall clock at that moment, since the NTP era began.
    pub wall: Duration,
}

impl SenderReport {
    /// The sender's wall clock at another timestamp of the same stream, with `clock` ticks a second.
    pub fn wall_at(&self, timestamp: u32, clock: u32) -> Option<Duration> {
        let ticks = timestamp.wrapping_sub(self.timestamp) as i32;
        let distance = Duration::from_secs_f64(f64::from(ticks.unsigned_abs()) / f64::from(clock));
        if ticks < 0 { self.wall.checked_sub(distance) } else { self.wall.checked_add(distance) }
    }
}

/// Streams whose last report is kept.
const STREAMS: usize = 4;

/// The last report of each stream.
#[derive(Clone, Debug, Default)]
pub struct SenderReports {
    reports: Vec<SenderReport>,
}

impl SenderReports {
    /// Takes a report in the place of the stream's last.
    pub fn note(&mut self, report: SenderReport) {
        self.reports.retain(|other| other.ssrc != report.ssrc);
        if self.reports.len() == STREAMS {
            self.reports.remove(0);
        }
        self.reports.push(report);
    }

    /// The stream's last one.
    pub fn of(&self, ssrc: u32) -> Option<SenderReport> {
        self.reports.iter().find(|report| report.ssrc == ssrc).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stream_has_its_own_last_report_and_few_are_kept() {
        let report = |ssrc, timestamp| SenderReport { ssrc, timestamp, wall: Duration::ZERO };
        let mut reports = SenderReports::default();
        for (ssrc, timestamp) in [(1, 10), (2, 20), (1, 11)] {
            reports.note(report(ssrc, timestamp));
        }
        assert_eq!((reports.of(1), reports.of(2)), (Some(report(1, 11)), Some(report(2, 20))));
        (10..20).for_each(|ssrc| reports.note(report(ssrc, 0)));
        assert_eq!((reports.of(1), reports.of(19)), (None, Some(report(19, 0))));
    }

    #[test]
    fn other_timestamps_lie_before_and_behind_and_over_the_wrap() {
        let report = SenderReport { ssrc: 1, timestamp: 100, wall: Duration::from_secs(50) };
        assert_eq!(report.wall_at(90_100, 90_000), Some(Duration::from_secs(51)));
        assert_eq!(
            report.wall_at(100u32.wrapping_sub(45_000), 90_000),
            Some(Duration::from_millis(49_500))
        );
    }
}
