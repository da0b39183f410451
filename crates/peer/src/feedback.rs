//! An interceptor of our own: `webrtc` 0.21.1 neither tells the application of key-frame
//! requests nor fills in the statistics that come from receiver reports.

use crate::arrivals::ArrivalCounts;
use crate::reports::Reports;
use crate::stage::{Stage, Ways};
use rtc::interceptor::{Packet, Slot, TaggedPacket};
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::reception_report::ReceptionReport;
use rtc::rtcp::sender_report::SenderReport;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tincan_media::rtp::sender_report::SenderReport as Clocks;

/// What the other side reports of our sending.
#[derive(Debug, Default)]
pub struct FeedbackCounts {
    /// Key-frame requests: PLI and FIR (RFC 4585, RFC 5104).
    pub key_frame_requests: AtomicU64,
    /// Negative acknowledgements (RFC 4585).
    pub nacks: AtomicU64,
    /// Share lost since the last report, 0 to 255 for 0 to 1 (RFC 3550, section 6.4.1).
    pub fraction_lost: AtomicU64,
    /// The same of our sound alone.
    pub audio_fraction_lost: AtomicU64,
    /// The source of our sound; 0 if there is none.
    pub audio_ssrc: AtomicU32,
    /// All that was reported last.
    pub reports: Reports,
    /// What has come of their pictures.
    pub arrivals: ArrivalCounts,
}

impl FeedbackCounts {
    /// The share of our sound that the other side missed lately, 0 to 1.
    pub fn audio_loss(&self) -> f32 {
        self.audio_fraction_lost.load(Ordering::Relaxed) as f32 / 256.0
    }
}

/// The interceptor.
pub struct Feedback {
    counts: Arc<FeedbackCounts>,
    key_frame_wanted: Box<dyn Fn() + Send + Sync>,
    clocks: Mutex<Box<dyn FnMut(Clocks) + Send>>,
}

impl Feedback {
    /// Calls `key_frame_wanted` for each request and `clocks` for each sender report, on the driver's
    /// task: they must return at once.
    pub fn new(
        counts: Arc<FeedbackCounts>,
        key_frame_wanted: impl Fn() + Send + Sync + 'static,
        clocks: Box<dyn FnMut(Clocks) + Send>,
    ) -> Self {
        Self { counts, key_frame_wanted: Box::new(key_frame_wanted), clocks: Mutex::new(clocks) }
    }

    fn look(&self, packet: &TaggedPacket) {
        let Packet::Rtcp(packets) = &packet.message.packet else { return };
        for packet in packets {
            let any = packet.as_any();
            if any.is::<PictureLossIndication>() || any.is::<FullIntraRequest>() {
                self.counts.key_frame_requests.fetch_add(1, Ordering::Relaxed);
                (self.key_frame_wanted)();
            } else if any.is::<TransportLayerNack>() {
                self.counts.nacks.fetch_add(1, Ordering::Relaxed);
            } else if let Some(report) = any.downcast_ref::<ReceiverReport>() {
                self.note(&report.reports);
            } else if let Some(report) = any.downcast_ref::<SenderReport>() {
                (self.clocks.lock().unwrap_or_else(PoisonError::into_inner))(clocks(report));
                self.note(&report.reports);
            }
        }
    }

    fn note(&self, reports: &[ReceptionReport]) {
        self.counts.reports.note(reports);
        if let Some(worst) = reports.iter().map(|report| report.fraction_lost).max() {
            self.counts.fraction_lost.store(u64::from(worst), Ordering::Relaxed);
        }
        let sound = self.counts.audio_ssrc.load(Ordering::Relaxed);
        if let Some(report) = reports.iter().find(|report| report.ssrc == sound) {
            let lost = u64::from(report.fraction_lost);
            self.counts.audio_fraction_lost.store(lost, Ordering::Relaxed);
        }
    }
}

/// What a report says of its sender's clocks.
fn clocks(report: &SenderReport) -> Clocks {
    // Seconds in 32.32 bits (RFC 5905).
    let (seconds, fraction) = (report.ntp_time >> 32, report.ntp_time & 0xffff_ffff);
    let nanos = (fraction * 1_000_000_000) >> 32;
    let wall = Duration::from_secs(seconds) + Duration::from_nanos(nanos);
    Clocks { ssrc: report.ssrc, timestamp: report.rtp_time, wall }
}

impl Stage for Feedback {
    /// Between the statistics of the crate and the application.
    fn slot() -> Slot {
        Slot::from(12_500)
    }

    fn read(&mut self, packet: TaggedPacket, ways: &mut Ways) {
        self.look(&packet);
        ways.up(packet);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_of_our_sound_is_told_apart_from_that_of_pictures() {
        let counts = Arc::new(FeedbackCounts::default());
        counts.audio_ssrc.store(7, Ordering::Relaxed);
        let feedback = Feedback::new(counts.clone(), || {}, Box::new(|_| {}));
        let report =
            |ssrc, fraction_lost| ReceptionReport { ssrc, fraction_lost, ..Default::default() };
        feedback.note(&[report(7, 10), report(8, 90)]);
        feedback.note(&[report(8, 60)]);
        assert_eq!(counts.audio_fraction_lost.load(Ordering::Relaxed), 10);
        assert_eq!(counts.fraction_lost.load(Ordering::Relaxed), 60);
    }

    #[test]
    fn a_report_tells_the_time_to_the_microsecond() {
        let report = SenderReport {
            ssrc: 7,
            ntp_time: 3_900_000_000 << 32 | 0x4000_0000,
            rtp_time: 90_000,
            ..Default::default()
        };
        let Clocks { ssrc, timestamp, wall } = clocks(&report);
        assert_eq!((ssrc, timestamp), (7, 90_000));
        assert_eq!(wall, Duration::from_millis(3_900_000_000_250));
    }
}
