//! What the networks ask of the voice's encoder, of which there is one for everybody: decided from
//! what is known of each, pure, the time an argument.

use crate::codec::opus::{Content, OpusSettings, PacketTime};
use crate::congestion::VoiceForm;
use crate::congestion::budget::{MOST_VOICE, is_wide};
use std::time::{Duration, Instant};
use tincan_proto::units::Bitrate;

/// Loss rises to what is reported at once and comes back by half in this time: the next burst is
/// likelier than the end of losses.
const HALVED_IN: Duration = Duration::from_secs(8);
/// The same of what was only assumed, where all ways have room for copies of whole packets, which come with
/// the first losses: no others are needed beforehand, and packets may be short.
const HALVED_IN_WIDE: Duration = Duration::from_millis(1500);
/// Loss in percent from which copies of the packets before are sent along inside the codec. Below,
/// they would take more from the voice than they give.
const COPIES_FROM: f32 = 1.0;
/// The same at which they end, so that they do not come and go.
const COPIES_UNTIL: f32 = 0.5;
/// Loss above this is no longer made up for by announcing more to the encoder (libopus clamps at
/// about that, too).
const MOST_LOSS: f32 = 40.0;
/// Below this rate libopus would take the copies from the voice's bandwidth.
const LEAST_WITH_COPIES: Bitrate = Bitrate::from_kbps(24);
/// Below these rates of the way, headers are worth saving: 18 kbit/s in packets of 60 ms.
const LONGEST_BELOW: Bitrate = Bitrate::from_kbps(70);
const LONG_BELOW: Bitrate = Bitrate::from_kbps(100);
/// A way has come back when it carries as much more, in percent.
const BACK: u32 = 130;
/// Short packets are sent where the voice has as much as this ...
const SHORT_FROM: Bitrate = Bitrate::from_kbps(48);
/// ... and so few receive them: each costs 27 kbit/s of headers, and as many packets on the way.
const SHORT_FOR: usize = 2;

/// What is known of the way to one participant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Way {
    /// The share of our voice that they reported lost, 0 to 1.
    pub loss: f32,
    /// What the way carries, all in all.
    pub available: Bitrate,
    /// What of that is for the coded voice beside pictures.
    pub audio: Bitrate,
    /// How many copies of earlier packets go along (RFC 2198).
    pub copies: u8,
}

impl Way {
    /// The share that neither a packet nor its copies bring.
    fn left_to_the_codec(&self) -> f32 {
        let loss = if self.loss.is_finite() { self.loss.clamp(0.0, 1.0) } else { 0.0 };
        loss.powi(1 + i32::from(self.copies))
    }

    /// How the voice may be coded for it. Without pictures the voice may have up to half of the way.
    fn rate(&self, pictures: bool, packet: PacketTime, content: Content) -> Bitrate {
        let half = VoiceForm { packet, copies: self.copies }.half(self.available);
        let rate = match pictures || self.copies > 0 {
            true => self.audio,
            false => self.audio.max(half.min(Bitrate::from_bps(MOST_VOICE))),
        };
        match content {
            Content::Voice => rate,
            // It has four times as much.
            Content::Music => rate.min(Bitrate::from_bps(half.bps() / 4)).max(LEAST_MUSIC),
        }
    }
}

/// 24 kbit/s of music.
const LEAST_MUSIC: Bitrate = Bitrate::from_kbps(6);

/// Follows the ways to everybody.
#[derive(Debug)]
pub struct VoiceRate {
    loss: f32,
    /// Some was reported.
    reported: bool,
    copies: bool,
    at: Option<Instant>,
    settings: OpusSettings,
}

impl Default for VoiceRate {
    /// As on a network of which nothing is known: with copies, since the first seconds count.
    fn default() -> Self {
        let settings = OpusSettings::default();
        let loss = f32::from(settings.expected_loss);
        Self { loss, reported: false, copies: true, at: None, settings }
    }
}

impl VoiceRate {
    /// Says how to encode for these ways, beside pictures or without. Nobody to send to changes nothing.
    pub fn step(
        &mut self,
        now: Instant,
        ways: &[Way],
        pictures: bool,
        content: Content,
    ) -> OpusSettings {
        let Some(narrowest) = ways.iter().map(|way| way.available).min() else {
            return self.settings;
        };
        let worst = ways.iter().map(Way::left_to_the_codec).fold(0.0, f32::max) * 100.0;
        let passed = self.at.replace(now).map_or(Duration::ZERO, |at| now - at);
        self.reported |= worst > 0.0;
        let wide = ways.iter().all(|way| is_wide(way.available));
        let halved_in = if wide && !self.reported { HALVED_IN_WIDE } else { HALVED_IN };
        let kept = 0.5f32.powf(passed.as_secs_f32() / halved_in.as_secs_f32());
        self.loss = worst.max(self.loss * kept);
        self.copies = self.loss >= if self.copies { COPIES_UNTIL } else { COPIES_FROM };
        let long = self.long(narrowest);
        let packet = long.unwrap_or(PacketTime::Usual);
        let rates = ways.iter().map(|way| way.rate(pictures, packet, content));
        let bitrate = rates.min().unwrap_or(self.settings.bitrate);
        let with_copies = self.copies && bitrate >= LEAST_WITH_COPIES;
        let expected_loss = match with_copies {
            true => self.loss.clamp(1.0, MOST_LOSS).round() as u8,
            false => 0,
        };
        // The codec's own copies are bad in short packets; those that go along are as good, and sooner there.
        let packet = match long {
            Some(long) => long,
            None if !self.copies && bitrate >= SHORT_FROM && ways.len() <= SHORT_FOR => {
                PacketTime::Short
            }
            None => PacketTime::Usual,
        };
        self.settings = OpusSettings {
            bitrate,
            expected_loss,
            // The noise of a room that comes and goes is worth it only where each bit counts.
            dtx: long.is_some() && content == Content::Voice,
            packet,
            ..OpusSettings::default()
        };
        self.settings
    }

    /// Longer packets than usual, on a way that carries so much.
    fn long(&self, narrowest: Bitrate) -> Option<PacketTime> {
        let before = self.settings.packet;
        let starved = |below: Bitrate, already: bool| {
            narrowest.bps() < if already { below.bps() / 100 * BACK } else { below.bps() }
        };
        if starved(LONGEST_BELOW, before == PacketTime::Longest) {
            Some(PacketTime::Longest)
        } else {
            starved(LONG_BELOW, before >= PacketTime::Long).then_some(PacketTime::Long)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::congestion::budget::divide;

    /// A way that carries so much, as its budget describes it.
    fn way(kbps: u32, loss: f32, copies: u8) -> Way {
        let form = VoiceForm { copies, ..VoiceForm::default() };
        let (_, audio) = divide(f64::from(kbps) * 1000.0, f64::from(loss), 0.0, form);
        Way { loss, available: Bitrate::from_kbps(kbps), audio, copies }
    }

    fn after(
        rate: &mut VoiceRate,
        start: Instant,
        seconds: std::ops::Range<u64>,
        ways: &[Way],
    ) -> OpusSettings {
        seconds.fold(OpusSettings::default(), |_, second| {
            rate.step(start + Duration::from_secs(second), ways, true, Content::Voice)
        })
    }

    fn settled(ways: &[Way]) -> OpusSettings {
        after(&mut VoiceRate::default(), Instant::now(), 0..60, ways)
    }

    #[test]
    fn copies_end_on_a_clean_way_and_come_back_with_the_first_report_of_loss() {
        let (mut rate, start) = (VoiceRate::default(), Instant::now());
        let clean = [way(2_000, 0.0, 0)];
        assert!(after(&mut rate, start, 0..1, &clean).expected_loss > 0, "unknown at first");
        assert_eq!(after(&mut rate, start, 1..60, &clean).expected_loss, 0);
        assert_eq!(after(&mut rate, start, 60..61, &[way(2_000, 0.2, 0)]).expected_loss, 20);
    }

    #[test]
    fn what_was_lost_is_remembered_between_bursts() {
        let (mut rate, start) = (VoiceRate::default(), Instant::now());
        after(&mut rate, start, 0..1, &[way(2_000, 0.3, 0)]);
        let between = after(&mut rate, start, 1..9, &[way(2_000, 0.0, 0)]);
        assert!((14..=16).contains(&between.expected_loss), "{between:?}");
    }

    #[test]
    fn the_rate_follows_the_narrowest_way() {
        let rates = [60, 130, 200, 400, 900, 3_000].map(|kbps| {
            let settings = settled(&[way(5_000, 0.0, 0), way(kbps, 0.0, 0)]);
            settings.bitrate.bps() / 1000
        });
        assert_eq!(rates, [12, 16, 24, 32, 40, 64]);
    }

    #[test]
    fn a_voice_without_pictures_may_have_half_of_the_way() {
        let mut rate = VoiceRate::default();
        let alone = |rate: &mut VoiceRate, kbps| {
            let ways = [way(kbps, 0.0, 0)];
            rate.step(Instant::now(), &ways, false, Content::Voice).bitrate.bps()
        };
        assert_eq!(alone(&mut rate, 600), 64_000);
        assert_eq!(alone(&mut rate, 150), 150_000 / 2 - VoiceForm::default().headers());
        assert_eq!(alone(&mut rate, 60), 60_000 / 2 - 9_066, "in packets of 60 ms");
    }

    #[test]
    fn packets_are_long_where_each_bit_counts_and_short_on_good_ways_to_few() {
        let packet = |ways: &[Way]| settled(ways).packet;
        assert_eq!(packet(&[way(60, 0.0, 0)]), PacketTime::Longest);
        assert_eq!(packet(&[way(90, 0.0, 0)]), PacketTime::Long);
        assert_eq!(packet(&[way(300, 0.0, 0)]), PacketTime::Usual);
        assert_eq!(packet(&[way(3_000, 0.0, 0)]), PacketTime::Short);
        assert_eq!(packet(&[way(3_000, 0.0, 0), way(3_000, 0.03, 0)]), PacketTime::Usual);
        assert_eq!(packet(&[way(3_000, 0.0, 0), way(3_000, 0.07, 2)]), PacketTime::Short);
        assert_eq!(packet(&[way(3_000, 0.0, 0); 3]), PacketTime::Usual);
    }

    #[test]
    fn the_length_of_packets_does_not_come_and_go_with_the_estimate() {
        let (mut rate, start) = (VoiceRate::default(), Instant::now());
        let lengths: Vec<PacketTime> = [90, 105, 95, 125, 140, 105, 98]
            .into_iter()
            .enumerate()
            .map(|(second, kbps)| {
                let now = start + Duration::from_secs(second as u64);
                rate.step(now, &[way(kbps, 0.0, 0)], true, Content::Voice).packet
            })
            .collect();
        let (long, usual) = (PacketTime::Long, PacketTime::Usual);
        assert_eq!(lengths, [long, long, long, long, usual, usual, long]);
    }

    #[test]
    fn the_codec_prepares_for_what_copies_of_packets_leave() {
        let settings = settled(&[way(600, 0.3, 2)]);
        assert_eq!((settings.expected_loss, settings.bitrate), (3, Bitrate::from_kbps(32)));
        assert_eq!(settled(&[way(600, 0.1, 2)]).expected_loss, 0);
        assert_eq!(settled(&[way(600, 0.3, 2), way(600, 0.1, 0)]).expected_loss, 10);
        // A copy of a narrow voice would take its bandwidth.
        assert_eq!(settled(&[way(90, 0.1, 0)]).expected_loss, 0);
    }

    #[test]
    fn silence_is_left_out_only_where_each_bit_counts() {
        assert!(settled(&[way(90, 0.0, 0)]).dtx);
        assert!(!settled(&[way(200, 0.0, 0)]).dtx);
        let mut rate = VoiceRate::default();
        assert!(!rate.step(Instant::now(), &[way(90, 0.0, 0)], true, Content::Music).dtx);
    }

    #[test]
    fn music_takes_no_more_than_half_of_the_way_either() {
        let mut rate = VoiceRate::default();
        let mut music = |kbps, copies| {
            let ways = [way(kbps, 0.0, copies)];
            rate.step(Instant::now(), &ways, false, Content::Music).bitrate.bps() * 4
        };
        assert!((60_000..90_000).contains(&music(200, 0)));
        assert!(music(2_000, 0) >= 128_000);
        assert!(music(600, 2) * 3 <= 300_000);
    }

    #[test]
    fn no_report_leads_out_of_bounds() {
        let (mut rate, start) = (VoiceRate::default(), Instant::now());
        for (second, loss) in [f32::NAN, f32::INFINITY, -1.0, 7.0, 0.0].into_iter().enumerate() {
            for kbps in [0, 40, 600, u32::MAX / 1000] {
                let now = start + Duration::from_secs(second as u64);
                let ways = [Way { loss, ..way(kbps, 0.0, 0) }];
                let settings = rate.step(now, &ways, second % 2 == 0, Content::Voice);
                assert!(settings.expected_loss <= 40, "{loss}: {settings:?}");
                assert!((12_000..=64_000).contains(&settings.bitrate.bps()), "{settings:?}");
            }
        }
        let before = rate.step(start, &[], true, Content::Voice);
        assert_eq!(before, rate.step(start, &[], false, Content::Music), "nobody is there");
    }
}
