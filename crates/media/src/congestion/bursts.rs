//! How fast the way lets packets through that leave close together: each picture is a probe, and no
//! padding is sent.

use super::Fate;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Packets that leave within this of each other are one burst.
const CLOSE: Duration = Duration::from_millis(6);
/// A burst has as many.
const LEAST_PACKETS: usize = 4;
/// How long one counts.
const KEPT: Duration = Duration::from_millis(1500);
/// So many are evidence.
const EVIDENCE: usize = 4;
/// A clock cannot tell shorter times (transport-wide feedback has quarters of a millisecond).
const SHORTEST: f64 = 0.000_5;

/// What bursts say.
#[derive(Debug, Default)]
pub struct Bursts {
    /// The burst whose packets are still reported.
    open: Vec<(Instant, Duration, usize)>,
    /// When each was reported, and how fast it went, in bits a second.
    seen: VecDeque<(Instant, f64)>,
}

impl Bursts {
    /// Takes what one report says, in the order in which packets left.
    pub fn note(&mut self, now: Instant, fates: &[Fate]) {
        for fate in fates {
            let Some(arrived) = fate.arrived else { continue };
            let joins = self.open.last().is_some_and(|(departed, ..)| {
                fate.departed.saturating_duration_since(*departed) <= CLOSE
            });
            if !joins {
                self.close(now);
            }
            self.open.push((fate.departed, arrived, fate.bytes));
        }
        while self.seen.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) > KEPT) {
            self.seen.pop_front();
        }
    }

    fn close(&mut self, now: Instant) {
        let burst = std::mem::take(&mut self.open);
        if let ([first, .., last], true) = (burst.as_slice(), burst.len() >= LEAST_PACKETS) {
            let bytes: usize = burst[1..].iter().map(|(.., bytes)| bytes).sum();
            let left = last.0.saturating_duration_since(first.0).as_secs_f64();
            let came = last.1.saturating_sub(first.1).as_secs_f64();
            let took = left.max(came).max(SHORTEST);
            self.seen.push_back((now, bytes as f64 * 8.0 / took));
        }
    }

    /// What the way let through for most bursts of late, in bits a second; none if there were few.
    pub fn evidence(&self) -> Option<f64> {
        let mut rates: Vec<f64> = self.seen.iter().map(|(_, rate)| *rate).collect();
        if rates.len() < EVIDENCE {
            return None;
        }
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 4).copied()
    }

    /// Forgets everything.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bursts of six packets of 1250 bytes, 2 ms apart, over a way that takes `per_packet` each.
    fn bursts(per_packet: Duration) -> Bursts {
        let (mut bursts, start) = (Bursts::default(), Instant::now());
        for burst in 0..8u32 {
            let begins = Duration::from_millis(33) * burst;
            let fates: Vec<Fate> = (0..6u32)
                .map(|packet| Fate {
                    departed: start + begins + Duration::from_millis(2) * packet,
                    arrived: Some(begins + per_packet.max(Duration::from_millis(2)) * packet),
                    bytes: 1250,
                })
                .collect();
            bursts.note(start + begins, &fates);
        }
        bursts
    }

    #[test]
    fn a_wide_way_lets_bursts_through_as_they_left() {
        let evidence = bursts(Duration::ZERO).evidence().expect("bursts");
        assert!((evidence - 5_000_000.0).abs() < 1_000.0, "{evidence}");
    }

    #[test]
    fn a_narrow_way_draws_them_out_to_its_rate() {
        let evidence = bursts(Duration::from_millis(5)).evidence().expect("bursts");
        assert!((evidence - 2_000_000.0).abs() < 1_000.0, "{evidence}");
    }
}
