//! When each picture is due: no later than its network needs, evenly where arrivals vary, and not
//! far before the sound that belongs to it. Pure; times come with the pictures.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// RTP clock of pictures, in Hz (RFC 6184).
const CLOCK: f64 = 90_000.0;
/// The fastest picture of this long is what others are late against, in seconds.
const FASTEST_OF: f64 = 4.0;
/// Lateness is looked at over so many pictures.
const LOOKED_AT: usize = 60;
/// Of ten pictures, so many are to come in time. The others are shown when they come: what is waited
/// for is always waited for, and pictures that come a little unevenly are less bad than late ones. With
/// half of them the usual picture is shown when it is there, and evenness costs it nothing.
const IN_TIME: usize = 5;
/// Nobody sees pictures that are this uneven, in seconds: nothing is waited for.
const UNSEEN: f64 = 0.012;
/// Pictures are not made later than this to be even.
const MOST_EVEN: f64 = 0.04;
/// Pictures may be this far ahead of their sound: nobody notices (ITU-R BT.1359).
const LEAD: f64 = 0.045;
/// They wait no longer for it: a late picture is worse than one out of step.
const MOST_SYNCED: f64 = 0.2;
/// What a decoder takes longer than this, in seconds, was a hold-up.
const MOST_DECODING: f64 = 0.03;
/// How fast the wait follows, as a share of the difference for each picture.
const FOLLOWS: f64 = 0.1;
/// A timestamp this far off in seconds is a new clock.
const JUMP: f64 = 10.0;

/// One source's times. Seconds since `epoch`.
#[derive(Debug, Default)]
pub struct PicturePlayout {
    epoch: Option<Instant>,
    last: Option<(u32, f64)>,
    /// Arrivals and transits of the fastest of late, transits rising.
    fast: VecDeque<(f64, f64)>,
    late: VecDeque<f64>,
    even: f64,
    synced: f64,
    /// What decoding takes of late.
    decoding: f64,
    due: Option<Instant>,
}

impl PicturePlayout {
    /// When a picture with this RTP timestamp that was complete at `complete` is due. `sound`: when
    /// what was heard with it is played, if that is known.
    pub fn due(&mut self, timestamp: u32, complete: Instant, sound: Option<Instant>) -> Instant {
        let epoch = *self.epoch.get_or_insert(complete);
        let at = complete.saturating_duration_since(epoch).as_secs_f64();
        let taken = self.taken(timestamp, at);
        let transit = at - taken;
        while self.fast.pop_front_if(|(at_then, _)| *at_then < at - FASTEST_OF).is_some() {}
        while self.fast.pop_back_if(|(_, slower)| *slower >= transit).is_some() {}
        self.fast.push_back((at, transit));
        let fastest = self.fast.front().map_or(transit, |(_, transit)| *transit);
        self.late.push_back(transit - fastest);
        if self.late.len() > LOOKED_AT {
            self.late.pop_front();
        }
        self.even += (self.unevenness() - self.even) * FOLLOWS;
        let in_step = sound.map_or(0.0, |sound| {
            let sound = sound.saturating_duration_since(epoch).as_secs_f64();
            (sound - LEAD - self.decoding - taken - fastest).clamp(0.0, MOST_SYNCED)
        });
        self.synced += (in_step - self.synced) * FOLLOWS;
        // In order, and never earlier than it is there.
        let held = taken + fastest + self.even.max(self.synced) - at;
        let due = complete + Duration::from_secs_f64(held.max(0.0));
        let due = self.due.map_or(due, |before| {
            due.max(before.min(complete + Duration::from_secs_f64(MOST_SYNCED)))
        });
        self.due = Some(due);
        due
    }

    /// A picture took this long from its turn until it could be seen: those after it have their turn
    /// that much before they would be out of step.
    pub fn decoded(&mut self, took: Duration) {
        self.decoding += (took.as_secs_f64().min(MOST_DECODING) - self.decoding) * FOLLOWS;
    }

    /// When it was taken, by the sender's clock.
    fn taken(&mut self, timestamp: u32, at: f64) -> f64 {
        let taken = self
            .last
            .map(|(last, taken)| taken + f64::from(timestamp.wrapping_sub(last) as i32) / CLOCK);
        let expected = self.fast.back().map_or(at, |(_, transit)| at - transit);
        let taken = match taken {
            Some(taken) if (taken - expected).abs() < JUMP => taken,
            _ => {
                self.fast.clear();
                self.late.clear();
                at
            }
        };
        self.last = Some((timestamp, taken));
        taken
    }

    /// What has to be waited for the usual share of pictures.
    fn unevenness(&self) -> f64 {
        let mut late: Vec<f64> = self.late.iter().copied().collect();
        late.sort_by(f64::total_cmp);
        let usual = late.get(late.len() * IN_TIME / 10).copied().unwrap_or(0.0);
        if usual < UNSEEN { 0.0 } else { usual.min(MOST_EVEN) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng, rngs::StdRng};

    const FRAME: Duration = Duration::from_millis(33);
    const TICKS: u32 = 2970;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Pictures that take `transit` each, in order: how long each is held, and the times between them.
    fn run(
        pictures: u32,
        mut transit: impl FnMut(u32) -> Duration,
        sound: impl Fn(Instant) -> Option<Instant>,
    ) -> (Vec<Duration>, Vec<Duration>) {
        let (mut playout, start) = (PicturePlayout::default(), Instant::now());
        let (mut held, mut shown, mut latest) = (Vec::new(), Vec::new(), start);
        for n in 0..pictures {
            let taken = start + FRAME * n;
            latest = latest.max(taken + transit(n));
            let due = playout.due((n * TICKS).wrapping_sub(5 * TICKS), latest, sound(taken));
            assert!(due >= latest, "not before it is there");
            assert!(shown.last().is_none_or(|before| *before <= due), "in order");
            held.push(due - latest);
            shown.push(due);
        }
        (held, shown.windows(2).map(|two| two[1] - two[0]).collect())
    }

    #[test]
    fn on_a_calm_network_nothing_is_held() {
        let (held, _) = run(300, |n| ms(20 + u64::from(n % 5)), |_| None);
        assert!(held.iter().all(Duration::is_zero), "{held:?}");
    }

    #[test]
    fn uneven_arrivals_become_more_even_and_nothing_waits_long() {
        for seed in 0..20 {
            let mut random = StdRng::seed_from_u64(seed);
            let transits: Vec<u64> = (0..600).map(|_| random.random_range(70..130)).collect();
            let (held, gaps) = run(600, |n| ms(transits[n as usize]), |_| None);
            let mut before = Vec::new();
            let mut latest = 0;
            for (n, transit) in transits.iter().enumerate() {
                let at = (33 * n as u64 + transit).max(latest);
                before.push(at - latest);
                latest = at;
            }
            let off = |gaps: &[f64]| {
                gaps.iter().map(|gap| (gap - 33.0).abs()).sum::<f64>() / gaps.len() as f64
            };
            let before: Vec<f64> = before[100..].iter().map(|gap| *gap as f64).collect();
            let after: Vec<f64> = gaps[100..].iter().map(|gap| gap.as_secs_f64() * 1e3).collect();
            assert!(off(&after) < 0.7 * off(&before), "{seed}: {} {}", off(&after), off(&before));
            assert!(held.iter().all(|held| *held <= ms(41)), "{seed}: {held:?}");
        }
    }

    #[test]
    fn pictures_wait_for_late_sound_until_nobody_notices() {
        for late in [20u64, 60, 120, 180, 400] {
            let sound = |taken: Instant| Some(taken + ms(20 + late));
            let (held, _) = run(200, |_| ms(20), sound);
            let ahead = late as f64 / 1e3 - held[199].as_secs_f64();
            let bound = (late as f64 / 1e3 - MOST_SYNCED).max(LEAD);
            assert!(ahead <= bound + 0.001, "{late}: ahead by {ahead}");
            assert!(held[199] <= ms(late), "never behind the sound for its sake");
        }
    }

    #[test]
    fn what_decoding_takes_is_part_of_the_wait() {
        let (mut playout, start) = (PicturePlayout::default(), Instant::now());
        let mut ahead = 0.0;
        for n in 0..200 {
            let taken = start + FRAME * n;
            let (complete, sound) = (taken + ms(20), taken + ms(120));
            let seen = playout.due(n * TICKS, complete, Some(sound)) + ms(12);
            playout.decoded(ms(12));
            ahead = (sound - seen).as_secs_f64();
        }
        assert!((ahead - LEAD).abs() < 0.001, "ahead by {ahead}");
    }

    #[test]
    fn after_a_queue_or_a_new_clock_it_goes_on_at_once() {
        let (held, _) = run(300, |n| ms(if (100..130).contains(&n) { 900 } else { 20 }), |_| None);
        assert!(held[200..].iter().all(|held| *held <= ms(41)), "{held:?}");
        let (mut playout, start) = (PicturePlayout::default(), Instant::now());
        for (n, timestamp) in [0u32, 3000, 2_000_000_000, 2_000_003_000].into_iter().enumerate() {
            let at = start + FRAME * n as u32;
            assert_eq!(playout.due(timestamp, at, None), at);
        }
    }
}
