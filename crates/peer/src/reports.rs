//! What the other side reports of our streams (RTCP receiver reports, RFC 3550, section 6.4.1).

use crate::codecs::{AUDIO_CLOCK, VIDEO_CLOCK};
use rtc::rtcp::reception_report::ReceptionReport;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Of one stream.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RemoteReport {
    /// Share lost since the report before, 0 to 1.
    pub fraction_lost: f32,
    /// Interarrival jitter.
    pub jitter: Duration,
    /// None before the other side has had a sender report of ours.
    pub round_trip: Option<Duration>,
}

/// The latest of each of our two streams.
#[derive(Debug, Default)]
pub struct Reports {
    streams: Mutex<Vec<Stream>>,
}

#[derive(Debug)]
struct Stream {
    ssrc: u32,
    clock: u32,
    latest: Option<RemoteReport>,
}

impl Reports {
    /// The source of our sound is this one.
    pub fn know_audio(&self, ssrc: u32) {
        self.know(ssrc, AUDIO_CLOCK);
    }

    /// The source of our pictures is this one.
    pub fn know_video(&self, ssrc: u32) {
        self.know(ssrc, VIDEO_CLOCK);
    }

    fn know(&self, ssrc: u32, clock: u32) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.push(Stream { ssrc, clock, latest: None });
    }

    /// Takes a report's blocks; those of sources that are not ours are passed over.
    pub fn note(&self, reports: &[ReceptionReport]) {
        let now = middle_of_ntp(SystemTime::now());
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        for stream in streams.iter_mut() {
            if let Some(report) = reports.iter().find(|report| report.ssrc == stream.ssrc) {
                stream.latest = Some(read(report, stream.clock, now));
            }
        }
    }

    /// The latest about our sound.
    pub fn audio(&self) -> Option<RemoteReport> {
        self.latest(AUDIO_CLOCK)
    }

    /// The latest about our pictures.
    pub fn video(&self) -> Option<RemoteReport> {
        self.latest(VIDEO_CLOCK)
    }

    fn latest(&self, clock: u32) -> Option<RemoteReport> {
        let streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.iter().find(|stream| stream.clock == clock)?.latest
    }
}

/// A round trip longer than this comes of a clock that was set meanwhile.
const LONGEST: Duration = Duration::from_secs(30);

fn read(report: &ReceptionReport, clock: u32, now: u32) -> RemoteReport {
    let heard = report.last_sender_report != 0;
    let ticks = now.wrapping_sub(report.last_sender_report).wrapping_sub(report.delay);
    // A 65536th of a second is the grain of these times: a shorter way may come out below nought.
    let ticks = (ticks as i32).max(0);
    let round_trip = Duration::from_secs_f64(f64::from(ticks) / 65_536.0);
    RemoteReport {
        fraction_lost: f32::from(report.fraction_lost) / 256.0,
        jitter: Duration::from_secs_f64(f64::from(report.jitter) / f64::from(clock)),
        round_trip: (heard && round_trip < LONGEST).then_some(round_trip),
    }
}

/// The middle 32 bits of an NTP time: 16 of seconds, 16 of their fraction.
fn middle_of_ntp(time: SystemTime) -> u32 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    // The epochs lie 2208988800 s apart, of which the lower 16 bits matter.
    let seconds = (since.as_secs() + 2_208_988_800) as u32;
    let fraction = (u64::from(since.subsec_nanos()) << 16) / 1_000_000_000;
    seconds << 16 | fraction as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_round_trip_is_what_is_left_of_the_time_since_the_sender_report() {
        let second = 65_536;
        let report = ReceptionReport {
            last_sender_report: u32::MAX - second,
            delay: 2 * second,
            jitter: 480,
            fraction_lost: 64,
            ..Default::default()
        };
        // Three and a quarter seconds later, over the wrap.
        let read = read(&report, AUDIO_CLOCK, (u32::MAX - second).wrapping_add(13 * second / 4));
        assert_eq!(read.round_trip, Some(Duration::from_millis(1_250)));
        assert_eq!((read.jitter, read.fraction_lost), (Duration::from_millis(10), 0.25));
    }

    #[test]
    fn no_round_trip_comes_of_a_report_without_a_sender_report_or_with_a_clock_that_was_set() {
        let report =
            |last_sender_report| ReceptionReport { last_sender_report, ..Default::default() };
        assert_eq!(read(&report(0), VIDEO_CLOCK, 65_536).round_trip, None);
        assert_eq!(read(&report(1), VIDEO_CLOCK, 1_000 * 65_536).round_trip, None);
        let early = read(&report(100), VIDEO_CLOCK, 90).round_trip;
        assert_eq!(early, Some(Duration::ZERO), "the grain of the times");
    }

    #[test]
    fn reports_of_foreign_sources_are_passed_over() {
        let reports = Reports::default();
        reports.know_audio(7);
        reports.know_video(8);
        let lost =
            |ssrc, fraction_lost| ReceptionReport { ssrc, fraction_lost, ..Default::default() };
        reports.note(&[lost(9, 255), lost(8, 128)]);
        assert_eq!(reports.audio(), None);
        assert_eq!(reports.video().map(|report| report.fraction_lost), Some(0.5));
    }
}
