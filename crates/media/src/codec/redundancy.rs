//! Whether copies of earlier packets go along with the voice on one connection (RFC 2198): decided from
//! what became of its packets, pure, the time an argument.

use crate::codec::opus::Content;
use crate::congestion::VoiceForm;
use crate::congestion::budget::{LEAST_VOICE, is_wide};
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use tincan_proto::units::Bitrate;

/// Packets that are looked at, two seconds of usual ones.
const RECENT: usize = 100;
/// Fewer say nothing.
const LEAST: usize = 25;
/// From this loss on the copy inside the codec, which is coarse and of one packet alone, is not enough.
const ONE_FROM: f32 = 0.09;
/// From this loss on two packets in a row are often lost.
const TWO_FROM: f32 = 0.16;
/// The same on a way on which copies are of no weight: there a whole copy is better than a coarse one, and
/// packets may be short, whose copies come sooner.
const ONE_FROM_WIDE: f32 = 0.015;
const TWO_FROM_WIDE: f32 = 0.06;
/// Losses in a row make it as much worse than chance would, up to this factor.
const MOST_IN_ROWS: f32 = 2.5;
/// Packets over which it is looked how long rows are, of which there are few: eight seconds of usual ones.
const ROWS_OVER: usize = 400;
/// If that many are lost in a row on average, more copies are needed than two: they bring the last two.
const LONG_ROWS: f32 = 2.5;
/// Copies then: what is longer is waited for too long.
const FOR_LONG_ROWS: u8 = 4;
/// What was needed a moment ago is kept: the next losses are likelier than their end.
const KEPT_FOR: Duration = Duration::from_secs(8);

/// Follows one connection.
#[derive(Debug, Default)]
pub struct Redundancy {
    /// What became of the latest packets, oldest first; true: lost. The share is of [`RECENT`] of them.
    recent: VecDeque<bool>,
    copies: u8,
    until: Option<Instant>,
}

impl Redundancy {
    /// Notes what became of the next packet of sound.
    pub fn note(&mut self, lost: bool) {
        self.recent.push_back(lost);
        if self.recent.len() > ROWS_OVER {
            self.recent.pop_front();
        }
    }

    /// How many copies go along with each packet from now on. `reported` is the share lost by the other
    /// side's reports, 0 to 1, which counts where nothing is known of single packets.
    pub fn step(
        &mut self,
        now: Instant,
        reported: f32,
        available: Bitrate,
        form: VoiceForm,
        content: Content,
    ) -> u8 {
        let loss = self.loss().unwrap_or(reported);
        let (one, two) = match is_wide(available) {
            true => (ONE_FROM_WIDE, TWO_FROM_WIDE),
            false => (ONE_FROM, TWO_FROM),
        };
        let wanted = match u8::from(loss >= one) + u8::from(loss >= two) {
            1.. if self.row().is_some_and(|row| row >= LONG_ROWS) => FOR_LONG_ROWS,
            wanted => wanted,
        };
        if wanted >= self.copies || self.until.is_none_or(|until| now >= until) {
            self.copies = wanted;
            self.until = Some(now + KEPT_FOR);
        }
        let least = LEAST_VOICE.bps() * content.channels().pow(2) as u32;
        let fits =
            |copies: &u8| VoiceForm { copies: *copies, ..form }.half(available).bps() >= least;
        (1..=self.copies).rev().find(fits).unwrap_or(0)
    }

    /// The share lost of late, and more than that where losses come in rows; `None` while too little
    /// is known.
    fn loss(&self) -> Option<f32> {
        if self.recent.len() < LEAST {
            return None;
        }
        let recent = self.recent.range(self.recent.len().saturating_sub(RECENT)..);
        let looked_at = recent.len();
        let share = recent.filter(|lost| **lost).count() as f32 / looked_at as f32;
        // By chance a row is 1 / (1 - share) long.
        let longer = self.row().map_or(1.0, |row| (row * (1.0 - share)).clamp(1.0, MOST_IN_ROWS));
        Some(share * longer)
    }

    /// How many were lost in a row on average; a row or two say little.
    fn row(&self) -> Option<f32> {
        let lost = self.recent.iter().filter(|lost| **lost).count();
        let before = std::iter::once(&false).chain(&self.recent);
        let rows =
            self.recent.iter().zip(before).filter(|(lost, before)| **lost && !**before).count();
        (rows >= 3).then(|| lost as f32 / rows as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng, rngs::StdRng};

    const WIDE: Bitrate = Bitrate::from_kbps(600);

    fn step(redundancy: &mut Redundancy, now: Instant, available: Bitrate) -> u8 {
        redundancy.step(now, 0.0, available, VoiceForm::default(), Content::Voice)
    }

    /// The mean number of copies over a minute of packets of which `lost` says whether they arrive.
    fn mean(mut lost: impl FnMut() -> bool, available: Bitrate) -> f32 {
        let (mut redundancy, start) = (Redundancy::default(), Instant::now());
        let sum: u32 = (0..3000)
            .map(|n| {
                redundancy.note(lost());
                let now = start + Duration::from_millis(20) * n;
                u32::from(step(&mut redundancy, now, available))
            })
            .sum();
        sum as f32 / 3000.0
    }

    fn random(share: f64, seed: u64) -> impl FnMut() -> bool {
        let mut rng = StdRng::seed_from_u64(seed);
        move || rng.random_bool(share)
    }

    /// Rows of three packets on average.
    fn bursts(share: f64, seed: u64) -> impl FnMut() -> bool {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut lost = false;
        move || {
            let change = if lost { 1.0 / 3.0 } else { share / 3.0 / (1.0 - share) };
            lost ^= rng.random_bool(change);
            lost
        }
    }

    fn over_seeds(mean: &dyn Fn(u64) -> f32) -> f32 {
        (0..8).map(mean).sum::<f32>() / 8.0
    }

    #[test]
    fn copies_grow_with_loss() {
        let means = [0.0, 0.02, 0.05, 0.1, 0.2, 0.3]
            .map(|share| over_seeds(&|seed| mean(random(share, seed), WIDE)));
        let [none, little, some, tenth, fifth, third] = means;
        assert!(none < 0.01 && little < 0.1 && some < 1.0, "{means:?}");
        assert!((0.9..1.8).contains(&tenth), "{means:?}");
        assert!(fifth > 1.8 && third > 1.9, "{means:?}");
    }

    #[test]
    fn copies_come_sooner_where_they_are_of_no_weight() {
        let wide = Bitrate::from_kbps(2_000);
        let means =
            [0.0, 0.03, 0.1].map(|share| over_seeds(&|seed| mean(random(share, seed), wide)));
        let [none, little, tenth] = means;
        assert!(none < 0.01 && little > 0.8 && tenth > 1.8, "{means:?}");
    }

    #[test]
    fn losses_in_rows_need_copies_sooner() {
        let alone = over_seeds(&|seed| mean(random(0.05, seed), WIDE));
        let in_rows = over_seeds(&|seed| mean(bursts(0.05, seed), WIDE));
        assert!(in_rows > 1.2 && in_rows > 1.5 * alone, "{in_rows} and {alone}");
        let by_chance = (0..8).map(|seed| mean(random(0.3, seed), WIDE)).fold(0.0, f32::max);
        assert!(by_chance <= 2.0, "{by_chance}: rows of chance are short");
    }

    #[test]
    fn what_the_way_does_not_carry_is_not_sent() {
        let copies = |kbps| {
            let mut redundancy = Redundancy::default();
            (0..RECENT).for_each(|n| redundancy.note(n % 4 == 0));
            step(&mut redundancy, Instant::now(), Bitrate::from_kbps(kbps))
        };
        assert_eq!([60, 120, 200].map(copies), [0, 1, 2]);
    }

    #[test]
    fn copies_stay_for_a_while_after_the_last_losses_and_then_end() {
        let (mut redundancy, start) = (Redundancy::default(), Instant::now());
        (0..RECENT).for_each(|n| redundancy.note(n % 4 == 0));
        assert_eq!(step(&mut redundancy, start, WIDE), 2);
        (0..RECENT).for_each(|_| redundancy.note(false));
        assert_eq!(step(&mut redundancy, start + KEPT_FOR / 2, WIDE), 2);
        assert_eq!(step(&mut redundancy, start + KEPT_FOR, WIDE), 0);
    }

    #[test]
    fn reports_stand_in_where_nothing_is_known_of_single_packets() {
        let mut redundancy = Redundancy::default();
        let form = VoiceForm::default();
        let now = Instant::now();
        assert_eq!(redundancy.step(now, 0.1, WIDE, form, Content::Voice), 1);
        assert_eq!(redundancy.step(now, f32::NAN, WIDE, form, Content::Voice), 1, "kept");
    }
}
