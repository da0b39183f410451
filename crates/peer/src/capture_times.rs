//! Sender reports that tell when sound and pictures were taken (RFC 3550, section 6.4.1). Those of
//! `webrtc` 0.21.1 tell when the first packet was written, which leaves out processing and encoding.

use crate::stage::{Stage, Ways};
use rtc::interceptor::{Packet, Slot, TaggedPacket};
use rtc::rtcp::sender_report::SenderReport;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Devices deliver in bursts: too late often, too early never. So the times follow what came earlier
/// than was thought at once, and what came later by this share for each packet, as clocks drift.
const FOLLOWS: f64 = 0.01;
/// What is further off than this is a new beginning.
const JUMP: f64 = 0.2;

/// When what is sent was taken.
#[derive(Debug, Default)]
pub struct CaptureTimes {
    streams: Mutex<Vec<Stream>>,
}

#[derive(Debug)]
struct Stream {
    ssrc: u32,
    clock: f64,
    /// An RTP timestamp, and when its sound or picture was taken.
    known: Option<(u32, Instant)>,
}

impl CaptureTimes {
    /// A stream with this source has so many ticks a second.
    pub fn know(&self, ssrc: u32, clock: u32) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.push(Stream { ssrc, clock: f64::from(clock), known: None });
    }

    /// What has this timestamp was taken then.
    pub fn note(&self, ssrc: u32, timestamp: u32, taken: Instant) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stream) = streams.iter_mut().find(|stream| stream.ssrc == ssrc) {
            stream.note(timestamp, taken);
        }
    }

    /// The timestamp of what is taken at a moment.
    fn at(&self, ssrc: u32, moment: Instant) -> Option<u32> {
        let streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let stream = streams.iter().find(|stream| stream.ssrc == ssrc)?;
        let (timestamp, taken) = stream.known?;
        let ticks = (seconds(taken, moment) * stream.clock) as i64;
        Some(timestamp.wrapping_add(ticks as u32))
    }
}

impl Stream {
    fn note(&mut self, timestamp: u32, taken: Instant) {
        let usual = self.known.and_then(|(before, then)| {
            let ticks = timestamp.wrapping_sub(before) as i32;
            moved(then, f64::from(ticks) / self.clock)
        });
        let taken = usual.map_or(taken, |usual| {
            let late = seconds(usual, taken);
            let follows = (0.0..JUMP).contains(&late);
            if follows { moved(usual, late * FOLLOWS).unwrap_or(taken) } else { taken }
        });
        self.known = Some((timestamp, taken));
    }
}

/// From one moment to another, below nought if that came before.
fn seconds(from: Instant, to: Instant) -> f64 {
    match to.checked_duration_since(from) {
        Some(after) => after.as_secs_f64(),
        None => -from.duration_since(to).as_secs_f64(),
    }
}

fn moved(at: Instant, seconds: f64) -> Option<Instant> {
    let by = Duration::from_secs_f64(seconds.abs());
    if seconds < 0.0 { at.checked_sub(by) } else { at.checked_add(by) }
}

/// The interceptor.
pub struct TruthfulReports {
    times: Arc<CaptureTimes>,
}

impl TruthfulReports {
    /// Corrects reports of the streams that `times` knows.
    pub fn new(times: Arc<CaptureTimes>) -> Self {
        Self { times }
    }

    fn correct(&self, packet: &mut TaggedPacket) {
        let now = packet.now;
        let Packet::Rtcp(packets) = &mut packet.message.packet else { return };
        for packet in packets {
            let Some(report) = packet.as_any().downcast_ref::<SenderReport>() else { continue };
            if let Some(rtp_time) = self.times.at(report.ssrc, now) {
                *packet = Box::new(SenderReport { rtp_time, ..report.clone() });
            }
        }
    }
}

impl Stage for TruthfulReports {
    /// On the way out from the crate's sender reports.
    fn slot() -> Slot {
        Slot::from(10_500)
    }

    fn write(&mut self, mut packet: TaggedPacket, ways: &mut Ways) {
        self.correct(&mut packet);
        ways.down(packet);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Duration = Duration::from_millis(20);

    fn times() -> CaptureTimes {
        let times = CaptureTimes::default();
        times.know(7, 48_000);
        times
    }

    #[test]
    fn moments_before_and_behind_what_was_sent_have_timestamps_over_the_wrap() {
        let (times, now) = (times(), Instant::now() + Duration::from_secs(60));
        assert_eq!(times.at(7, now), None, "nothing was sent");
        times.note(7, u32::MAX - 10, now);
        assert_eq!(times.at(7, now + FRAME), Some((u32::MAX - 10).wrapping_add(960)));
        assert_eq!(times.at(7, now - FRAME), Some(u32::MAX - 970));
        assert_eq!(times.at(8, now), None, "another stream");
    }

    #[test]
    fn bursts_of_a_device_count_by_their_latest_sound() {
        let (times, start) = (times(), Instant::now());
        // Three frames come at once, each time: the first of them was taken 40 ms before.
        for n in 0..600u32 {
            times.note(7, n * 960, start + FRAME * (n / 3 * 3 + 2));
        }
        let exact = 600 * 960;
        let told = times.at(7, start + FRAME * 600).expect("known");
        assert!(told.abs_diff(exact) < 48, "{told} and {exact} are a millisecond apart");
    }

    #[test]
    fn drift_is_followed_and_a_new_beginning_at_once() {
        let (times, start) = (times(), Instant::now());
        // A device that is a thousandth slow.
        for n in 0..6_000u32 {
            times.note(7, n * 960, start + (FRAME + FRAME / 1_000) * n);
        }
        let late = times.at(7, start + (FRAME + FRAME / 1_000) * 6_000).expect("known");
        assert!(late.abs_diff(6_000 * 960) < 144, "within 3 ms: {late}");
        let later = start + Duration::from_secs(3_600);
        times.note(7, 42, later);
        assert_eq!(times.at(7, later), Some(42));
    }
}
