//! What comes of the other side's pictures before anything is repaired (W3C `packetsLost`, which counts
//! the original stream).

use rtc::interceptor::StreamInfo;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use tincan_media::rtp::sequence::Sequence;

/// Totals, for others.
#[derive(Debug, Default)]
pub struct ArrivalCounts {
    /// Packets that came by themselves.
    pub packets: AtomicU64,
    /// Packets that did not, whether or not they were repaired.
    pub lost: AtomicU64,
}

/// Follows the streams of pictures.
#[derive(Debug, Default)]
pub struct Arrivals {
    /// None until a packet has come.
    streams: HashMap<u32, Option<Sequence>>,
    /// Streams that repeat others or make up for their losses: the crate binds them as those of
    /// pictures.
    repeats: HashSet<u32>,
    /// Of streams that have ended.
    before: (u64, u64),
}

impl Arrivals {
    /// A stream begins. Sound, of which nothing is asked for again, counts its own.
    pub fn bind(&mut self, info: &StreamInfo) {
        let mut feedback = info.rtcp_feedback.iter();
        let pictures = feedback.any(|one| one.typ == "nack" && one.parameter.is_empty());
        if pictures && !self.repeats.contains(&info.ssrc) {
            self.streams.entry(info.ssrc).or_default();
            self.repeats.extend(info.ssrc_rtx.into_iter().chain(info.ssrc_fec));
        }
    }

    /// A stream ends.
    pub fn unbind(&mut self, info: &StreamInfo) {
        if let Some(Some(sequence)) = self.streams.remove(&info.ssrc) {
            self.before.0 += sequence.received();
            self.before.1 += sequence.lost();
        }
        self.repeats.retain(|ssrc| ![info.ssrc_rtx, info.ssrc_fec].contains(&Some(*ssrc)));
    }

    /// Counts a packet.
    pub fn note(&mut self, ssrc: u32, number: u16, counts: &ArrivalCounts) {
        let Some(sequence) = self.streams.get_mut(&ssrc) else { return };
        sequence.get_or_insert_with(|| Sequence::starting_at(number)).arrive(number);
        let (mut packets, mut lost) = self.before;
        for sequence in self.streams.values().flatten() {
            packets += sequence.received();
            lost += sequence.lost();
        }
        counts.packets.store(packets, Ordering::Relaxed);
        counts.lost.store(lost, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtc::interceptor::RTCPFeedback;

    fn totals(counts: &ArrivalCounts) -> (u64, u64) {
        (counts.packets.load(Ordering::Relaxed), counts.lost.load(Ordering::Relaxed))
    }

    #[test]
    fn what_is_repaired_was_lost_all_the_same() {
        let (mut arrivals, counts) = (Arrivals::default(), ArrivalCounts::default());
        let nack = RTCPFeedback { typ: "nack".into(), parameter: String::new() };
        let repeated = StreamInfo { ssrc: 8, rtcp_feedback: vec![nack], ..Default::default() };
        let protecting = StreamInfo { ssrc: 5, ..repeated.clone() };
        let companions = StreamInfo { ssrc_rtx: Some(8), ssrc_fec: Some(5), ..repeated.clone() };
        let pictures = StreamInfo { ssrc: 7, ..companions };
        let sound = StreamInfo { ssrc: 6, ..Default::default() };
        let streams = [&pictures, &repeated, &protecting, &sound];
        streams.into_iter().for_each(|info| arrivals.bind(info));
        for number in (0..100u16).filter(|number| number % 10 != 5) {
            arrivals.note(7, number, &counts);
            // Others are no pictures.
            arrivals.note(8, number / 10, &counts);
            arrivals.note(5, number / 3, &counts);
            arrivals.note(6, number * 2, &counts);
        }
        assert_eq!(totals(&counts), (90, 10));
        arrivals.note(7, 95, &counts);
        assert_eq!(totals(&counts), (91, 9), "it was only late");
        arrivals.unbind(&pictures);
        arrivals.bind(&StreamInfo { ssrc: 9, ssrc_rtx: None, ..pictures });
        arrivals.note(9, 1, &counts);
        assert_eq!(totals(&counts), (92, 9), "totals go on with the next stream");
    }
}
