//! The share of packets that are lost, and how much of it has nothing to do with the rate.

use super::Fate;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The share of late is that over this time.
const LATELY: Duration = Duration::from_millis(800);
/// What is usual is an average over about so long.
const USUALLY: f64 = 8.0;
/// Fewer packets say nothing.
const LEAST_PACKETS: usize = 20;
/// Fewer losses are chance.
const LEAST_LOST: usize = 3;

/// So many standard deviations more than usual are chance, too.
const CHANCE: f64 = 2.0;

/// Over so many packets: some seconds of pictures.
const AVERAGE_OF: f64 = 600.0;
/// What each report with losses counts in how long rows are.
const ROWS_OVER: f64 = 0.1;

/// Counts of packets and losses.
#[derive(Debug, Default)]
pub struct Losses {
    reports: VecDeque<(Instant, usize, usize)>,
    usual: Option<f64>,
    /// Over how long, in seconds.
    learned: f64,
    /// The share of late, whatever the reason.
    average: f64,
    /// How many are lost in a row, on average.
    row: f64,
    losing: bool,
    last: Option<Instant>,
}

impl Losses {
    /// Takes what one report says.
    pub fn note(&mut self, now: Instant, fates: &[Fate]) {
        let lost = fates.iter().filter(|fate| fate.arrived.is_none()).count();
        let mut rows = 0;
        for fate in fates {
            let lost = fate.arrived.is_none();
            rows += usize::from(lost && !self.losing);
            self.losing = lost;
        }
        if rows > 0 {
            let row = lost as f64 / rows as f64;
            self.row += (row - self.row) * ROWS_OVER;
        }
        self.reports.push_back((now, fates.len(), lost));
        self.average += (lost as f64 - self.average * fates.len() as f64) / AVERAGE_OF;
        let old = |at: Instant| now.saturating_duration_since(at) > LATELY;
        while self.reports.front().is_some_and(|(at, ..)| old(*at)) {
            self.reports.pop_front();
        }
    }

    /// Learns what is usual; only from times without congestion.
    pub fn learn(&mut self, now: Instant) {
        let passed = self.last.replace(now).map_or(0.0, |last| (now - last).as_secs_f64());
        if self.packets() < LEAST_PACKETS {
            return;
        }
        // The average of all at first.
        let passed = passed.min(LATELY.as_secs_f64());
        self.learned = (self.learned + passed).clamp(LATELY.as_secs_f64(), USUALLY);
        let share = self.share();
        let usual = self.usual.get_or_insert(share);
        *usual += (share - *usual) * passed / self.learned;
    }

    /// The share that is usually lost, 0 to 1; 0 while that is not known.
    pub fn usual(&self) -> f64 {
        self.usual.unwrap_or(0.0)
    }

    /// The share lost on average, 0 to 1, over a longer time than [`Self::share`].
    pub fn average(&self) -> f64 {
        self.average.clamp(0.0, 1.0)
    }

    /// The share lost of late, 0 to 1; 0 while there were few packets.
    pub fn share(&self) -> f64 {
        if self.packets() < LEAST_PACKETS {
            return 0.0;
        }
        self.lost() as f64 / self.packets() as f64
    }

    /// How much more is lost than usual; 0 if that may be chance.
    pub fn excess(&self) -> f64 {
        if self.lost() < LEAST_LOST {
            return 0.0;
        }
        let usual = self.usual.unwrap_or_else(|| self.share());
        (self.share() - usual - self.chance(usual)).max(0.0)
    }

    /// The share that is lost even if chance had its part in what was seen: a voice alone has few
    /// packets.
    pub fn at_least(&self) -> f64 {
        (self.share() - self.chance(self.share())).max(0.0)
    }

    /// By how much more than this share may be lost by chance.
    fn chance(&self, share: f64) -> f64 {
        // Where packets are lost in rows, there are fewer chances.
        let chances = self.packets().max(1) as f64 / (2.0 * self.row.max(1.0) - 1.0);
        CHANCE * (share * (1.0 - share) / chances).sqrt()
    }

    /// Begins to count anew: what was lost belongs to a rate that is no longer sent.
    pub fn restart(&mut self) {
        self.reports.clear();
    }

    fn packets(&self) -> usize {
        self.reports.iter().map(|(_, packets, _)| packets).sum()
    }

    fn lost(&self) -> usize {
        self.reports.iter().map(|(.., lost)| lost).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(losses: &mut Losses, at: Instant, lost: usize) {
        let fate = |n| Fate {
            departed: at,
            arrived: (n >= lost).then_some(Duration::from_secs(1)),
            bytes: 1200,
        };
        losses.note(at, &(0..10).map(fate).collect::<Vec<_>>());
    }

    #[test]
    fn loss_that_is_always_there_is_not_in_excess_and_more_is() {
        let (mut losses, start) = (Losses::default(), Instant::now());
        let at = |n: u32| start + Duration::from_millis(50) * n;
        for n in 0..200 {
            report(&mut losses, at(n), 1);
            losses.learn(at(n));
        }
        assert!(losses.excess() < 0.01, "{losses:?}");
        for n in 200..220 {
            report(&mut losses, at(n), 4);
        }
        assert!(losses.excess() > 0.15, "{losses:?}");
        losses.restart();
        assert!(losses.excess() < f64::EPSILON);
    }

    #[test]
    fn one_loss_at_the_beginning_is_soon_nothing_usual() {
        let (mut losses, start) = (Losses::default(), Instant::now());
        let at = |n: u32| start + Duration::from_millis(50) * n;
        report(&mut losses, at(0), 0);
        report(&mut losses, at(1), 1);
        losses.learn(at(1));
        assert!(losses.usual() > 0.04, "as far as is known");
        for n in 2..100 {
            report(&mut losses, at(n), 0);
            losses.learn(at(n));
        }
        assert!(losses.usual() < 0.01, "{losses:?}");
    }
}
