//! What the network asks of the voice's encoder: decided from reported loss, pure, the time an argument.

use crate::codec::opus::OpusSettings;
use std::time::{Duration, Instant};
use tincan_proto::units::Bitrate;

/// Loss rises to what is reported at once and comes back by half in this time: the next burst is
/// likelier than the end of losses.
const HALVED_IN: Duration = Duration::from_secs(8);
/// Loss in percent from which copies of the packets before are sent along. Below, they would take
/// more from the voice than they give.
const COPIES_FROM: f32 = 1.0;
/// The same at which they end, so that they do not come and go.
const COPIES_UNTIL: f32 = 0.5;
/// Loss above this is no longer made up for by announcing more to the encoder (libopus clamps at
/// about that, too).
const MOST_LOSS: f32 = 40.0;
/// The rate of a voice on a good link.
const USUAL: Bitrate = Bitrate::from_kbps(32);
/// The rate from this loss on: the copies take what is more, and the voice stays as good.
const LOSSY: Bitrate = Bitrate::from_kbps(40);
const LOSSY_FROM: f32 = 5.0;
/// Below this rate libopus writes no copies.
const LEAST_WITH_COPIES: Bitrate = Bitrate::from_kbps(24);

/// Follows the loss that the other sides report of our voice.
#[derive(Debug)]
pub struct VoiceRate {
    loss: f32,
    copies: bool,
    at: Option<Instant>,
}

impl Default for VoiceRate {
    /// As on a network of which nothing is known: with copies, since the first seconds count.
    fn default() -> Self {
        Self { loss: f32::from(OpusSettings::default().expected_loss), copies: true, at: None }
    }
}

impl VoiceRate {
    /// Takes what was reported last, 0 to 1, of whoever loses most, and says how to encode.
    pub fn step(&mut self, now: Instant, reported: f32) -> OpusSettings {
        let reported = if reported.is_finite() { reported.clamp(0.0, 1.0) * 100.0 } else { 0.0 };
        let passed = self.at.replace(now).map_or(Duration::ZERO, |at| now - at);
        let kept = 0.5f32.powf(passed.as_secs_f32() / HALVED_IN.as_secs_f32());
        self.loss = reported.max(self.loss * kept);
        self.copies = self.loss >= if self.copies { COPIES_UNTIL } else { COPIES_FROM };
        let expected_loss = match self.copies {
            true => self.loss.clamp(1.0, MOST_LOSS).round() as u8,
            false => 0,
        };
        let bitrate = if self.loss >= LOSSY_FROM { LOSSY } else { USUAL };
        debug_assert!(!self.copies || bitrate >= LEAST_WITH_COPIES);
        OpusSettings { bitrate, expected_loss, ..OpusSettings::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(
        rate: &mut VoiceRate,
        start: Instant,
        seconds: std::ops::Range<u64>,
        loss: f32,
    ) -> OpusSettings {
        seconds.fold(OpusSettings::default(), |_, second| {
            rate.step(start + Duration::from_secs(second), loss)
        })
    }

    #[test]
    fn copies_end_on_a_clean_link_and_come_back_with_the_first_report_of_loss() {
        let (mut rate, start) = (VoiceRate::default(), Instant::now());
        assert!(rate.step(start, 0.0).expected_loss > 0, "unknown at first");
        let clean = after(&mut rate, start, 1..60, 0.0);
        assert_eq!((clean.expected_loss, clean.bitrate), (0, USUAL));
        let lossy = rate.step(start + Duration::from_secs(60), 0.2);
        assert_eq!((lossy.expected_loss, lossy.bitrate), (20, LOSSY));
    }

    #[test]
    fn what_was_lost_is_remembered_between_bursts() {
        let (mut rate, start) = (VoiceRate::default(), Instant::now());
        rate.step(start, 0.3);
        let between = after(&mut rate, start, 1..9, 0.0);
        assert!((14..=16).contains(&between.expected_loss), "{between:?}");
    }

    #[test]
    fn no_report_leads_out_of_bounds() {
        let (mut rate, start) = (VoiceRate::default(), Instant::now());
        for (second, loss) in [f32::NAN, f32::INFINITY, -1.0, 7.0, 0.0].into_iter().enumerate() {
            let settings = rate.step(start + Duration::from_secs(second as u64), loss);
            assert!(settings.expected_loss <= 40, "{loss}: {settings:?}");
            assert!(settings.bitrate >= LEAST_WITH_COPIES, "{loss}: {settings:?}");
        }
    }
}
