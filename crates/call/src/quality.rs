//! The figures of a call in one word.

use crate::stats::CallStats;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How good a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum Quality {
    /// Below 40.
    Poor,
    /// From 40.
    Fair,
    /// From 60.
    Good,
    /// From 80.
    Excellent,
}

/// So many seconds in a row have to be worse before that is shown: one bad second is none.
const WORSE_AFTER: u32 = 2;
/// So many have to be better: what wavers is shown as it is at its worst.
const BETTER_AFTER: u32 = 5;

/// Above each bound so much is taken off; the highest that is passed counts.
type Bounds<const N: usize> = [(f64, u8); N];
/// By round trip in seconds.
const ROUND_TRIP: Bounds<3> = [(0.3, 30), (0.15, 15), (0.1, 5)];
/// By share of lost packets.
const LOSS: Bounds<3> = [(0.1, 40), (0.05, 20), (0.02, 10)];
/// By jitter in seconds.
const JITTER: Bounds<2> = [(0.05, 20), (0.03, 10)];

impl Quality {
    /// Of a score from 0 to 100.
    pub const fn of(score: u8) -> Self {
        match score {
            80.. => Self::Excellent,
            60..80 => Self::Good,
            40..60 => Self::Fair,
            0..40 => Self::Poor,
        }
    }
}

/// What a connection is worth, 0 to 100: both directions count, the worse one each time.
pub fn score(stats: &CallStats) -> u8 {
    let remotes = || [&stats.audio_sent, &stats.video_sent].into_iter().filter_map(|s| s.remote);
    let loss = remotes().map(|remote| remote.fraction_lost).fold(stats.fraction_lost, f64::max);
    let here = stats.audio_received.jitter.unwrap_or_default();
    let jitter = stats.audio_sent.remote.map_or(here, |remote| remote.jitter.max(here));
    let off = |value: f64, bounds: &[(f64, u8)]| {
        bounds.iter().find(|(bound, _)| value > *bound).map_or(0, |(_, off)| *off)
    };
    let round_trip = stats.round_trip_time.unwrap_or_default();
    100 - off(round_trip, &ROUND_TRIP) - off(loss, &LOSS) - off(jitter, &JITTER)
}

/// Keeps the word from flickering.
#[derive(Clone, Debug, Default)]
pub struct QualityWatch {
    shown: Option<Quality>,
    /// Seconds in a row that differ from what is shown, all on one side of it, and the one among
    /// them that is nearest to it for the worse, or the worst for the better.
    run: Option<(Quality, u32)>,
}

impl QualityWatch {
    /// What is shown.
    pub const fn shown(&self) -> Option<Quality> {
        self.shown
    }

    /// Takes the score of one more second and returns what is shown.
    pub fn observe(&mut self, score: u8) -> Quality {
        let now = Quality::of(score);
        let Some(shown) = self.shown else {
            self.shown = Some(now);
            return now;
        };
        self.run = match self.run {
            _ if now == shown => None,
            Some((run, seconds)) if (run < shown) == (now < shown) => {
                let sure = if now < shown { run.max(now) } else { run.min(now) };
                Some((sure, seconds + 1))
            }
            Some(_) | None => Some((now, 1)),
        };
        if let Some((sure, seconds)) = self.run
            && seconds >= if sure < shown { WORSE_AFTER } else { BETTER_AFTER }
        {
            (self.shown, self.run) = (Some(sure), None);
        }
        self.shown.unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{ReceivedStats, RemoteStats};

    fn figures(round_trip: f64, loss: f64, jitter: f64) -> CallStats {
        let audio_received = ReceivedStats { jitter: Some(jitter), ..ReceivedStats::default() };
        CallStats {
            round_trip_time: Some(round_trip),
            fraction_lost: loss,
            audio_received,
            ..CallStats::default()
        }
    }

    #[test]
    fn each_figure_takes_off_what_its_highest_bound_says() {
        let cases = [
            ((0.0, 0.0, 0.0), 100),
            ((0.1, 0.02, 0.03), 100),
            ((0.11, 0.0, 0.0), 95),
            ((0.16, 0.0, 0.0), 85),
            ((0.31, 0.0, 0.0), 70),
            ((0.0, 0.03, 0.0), 90),
            ((0.0, 0.06, 0.0), 80),
            ((0.0, 0.11, 0.0), 60),
            ((0.0, 0.0, 0.04), 90),
            ((0.0, 0.0, 0.06), 80),
            ((1.0, 1.0, 1.0), 10),
        ];
        for ((round_trip, loss, jitter), expected) in cases {
            let score = score(&figures(round_trip, loss, jitter));
            assert_eq!(score, expected, "{round_trip} s, {loss}, {jitter} s");
        }
    }

    #[test]
    fn what_the_other_side_misses_counts_as_well() {
        let mut stats = figures(0.02, 0.0, 0.0);
        let remote = RemoteStats { fraction_lost: 0.2, jitter: 0.06, round_trip_time: None };
        stats.audio_sent.remote = Some(remote);
        assert_eq!(score(&stats), 40);
    }

    #[test]
    fn words_begin_at_their_scores() {
        let words = [100, 80, 79, 60, 59, 40, 39, 0].map(Quality::of);
        let (e, g, f, p) = (Quality::Excellent, Quality::Good, Quality::Fair, Quality::Poor);
        assert_eq!(words, [e, e, g, g, f, f, p, p]);
    }

    #[test]
    fn one_bad_second_is_not_shown_and_two_are() {
        let mut watch = QualityWatch::default();
        let shown = [90, 50, 90, 50, 30].map(|score| watch.observe(score));
        let (e, f) = (Quality::Excellent, Quality::Fair);
        assert_eq!(shown, [e, e, e, e, f], "as bad as all of them");
    }

    #[test]
    fn it_gets_better_once_it_has_been_so_for_a_while() {
        let mut watch = QualityWatch::default();
        watch.observe(30);
        let wavering: Vec<_> =
            (0..20).map(|n| watch.observe(if n % 4 == 0 { 30 } else { 90 })).collect();
        assert_eq!(wavering, [Quality::Poor; 20]);
        watch.observe(30);
        let shown = [90, 70, 90, 90, 90].map(|score| watch.observe(score));
        assert_eq!(shown[3], Quality::Poor);
        assert_eq!(shown[4], Quality::Good, "no better than the worst of them");
    }
}
