//! What reports speak of. The crate takes whatever left before the newest packet that arrived and was
//! not reported for lost; but where it is the report that was lost, nobody knows.

use crate::stage::{Stage, Ways};
use rtc::interceptor::{Packet, Slot, TaggedPacket};
use rtc::rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Reports that are remembered: those of the two seconds for which the crate remembers what left, at one
/// in 50 ms and more.
const KEPT: usize = 128;

/// Ranges of transport-wide numbers, the newest last: the first, and how many.
#[derive(Debug, Default)]
pub struct Told {
    ranges: Mutex<VecDeque<(u16, u16)>>,
}

impl Told {
    /// Whether a report spoke of the packet with this number.
    pub fn of(&self, number: u16) -> bool {
        let ranges = self.ranges.lock().unwrap_or_else(PoisonError::into_inner);
        ranges.iter().rev().any(|(first, count)| number.wrapping_sub(*first) < *count)
    }

    fn note(&self, report: &TransportLayerCc) {
        let mut ranges = self.ranges.lock().unwrap_or_else(PoisonError::into_inner);
        if ranges.len() == KEPT {
            ranges.pop_front();
        }
        ranges.push_back((report.base_sequence_number, report.packet_status_count));
    }
}

/// Looks at reports.
pub struct Listening(pub Arc<Told>);

impl Stage for Listening {
    /// Before they are taken for what has become of packets.
    fn slot() -> Slot {
        Slot::from(500)
    }

    fn read(&mut self, packet: TaggedPacket, ways: &mut Ways) {
        if let Packet::Rtcp(packets) = &packet.message.packet {
            let reports = packets.iter().filter_map(|rtcp| rtcp.as_any().downcast_ref());
            reports.for_each(|report| self.0.note(report));
        }
        ways.up(packet);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_report_covers_is_known_also_over_the_wrap() {
        let told = Told::default();
        let report = |base_sequence_number, packet_status_count| TransportLayerCc {
            base_sequence_number,
            packet_status_count,
            ..Default::default()
        };
        assert!(!told.of(0));
        told.note(&report(65_530, 10));
        // The one of 4 to 13 was lost.
        told.note(&report(14, 5));
        let known: Vec<u16> = (0..30).map(|at| 65_525u16.wrapping_add(at)).collect();
        let known: Vec<u16> = known.into_iter().filter(|number| told.of(*number)).collect();
        assert_eq!(
            known,
            [65_530, 65_531, 65_532, 65_533, 65_534, 65_535, 0, 1, 2, 3, 14, 15, 16, 17, 18]
        );
        for number in 0..KEPT as u16 {
            told.note(&report(1000 + number, 1));
        }
        assert!(!told.of(14), "long ago");
    }
}
