//! What one side saw of the other, from the pictures that were delivered to it. Pure.

use serde::Serialize;
use tincan_test_support::far_side::Delivered;
use tincan_test_support::figures::percentile;

/// Gaps that the mean is taken over (W3C webrtc-stats, `freezeCount`).
const GAPS: usize = 30;
/// The gap that is usual before there are others, in milliseconds.
const USUAL_GAP: f64 = 33.0;
/// A gap at the end counts if it is as long as this.
const LAST_GAP: f64 = 500.0;

/// A span of a call as one side saw it; times in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Watched {
    /// Pictures a second.
    pub fps: f64,
    /// From being made to being delivered.
    pub p50: Option<f64>,
    /// The same.
    pub p95: Option<f64>,
    /// The same.
    pub worst: Option<f64>,
    /// Gaps longer than three times the mean and than 150 ms more than it (W3C `freezeCount`).
    pub freezes: usize,
    /// The longest gap.
    pub gap: f64,
    /// Width and height of the last one in pixels.
    pub size: Option<(u64, u64)>,
}

impl Watched {
    /// Between two moments, in milliseconds since the epoch.
    pub fn between(pictures: &[Delivered], from: f64, to: f64) -> Self {
        let seen: Vec<&Delivered> =
            pictures.iter().filter(|picture| (from..to).contains(&picture.at)).collect();
        let latency: Vec<f64> = seen.iter().copied().filter_map(latency).collect();
        let mut gaps: Vec<f64> = seen.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
        gaps.extend(seen.last().map(|last| to - last.at).filter(|gap| *gap > LAST_GAP));
        Self {
            fps: seen.len() as f64 / ((to - from) / 1000.0).max(f64::EPSILON),
            p50: percentile(&latency, 0.5),
            p95: percentile(&latency, 0.95),
            worst: percentile(&latency, 1.0),
            freezes: freezes(&gaps),
            gap: gaps.iter().copied().fold(0.0, f64::max),
            size: seen.last().map(|last| last.size),
        }
    }
}

/// How old a picture was when it was delivered, in milliseconds; none if it cannot be read.
pub fn latency(picture: &Delivered) -> Option<f64> {
    picture.made.map(|made| picture.at - made)
}

fn freezes(gaps: &[f64]) -> usize {
    let frozen = |at: &usize| {
        let before = &gaps[at.saturating_sub(GAPS)..*at];
        let mean = match before {
            [] => USUAL_GAP,
            _ => before.iter().sum::<f64>() / before.len() as f64,
        };
        gaps[*at] > f64::max(3.0 * mean, mean + 150.0)
    };
    (0..gaps.len()).filter(frozen).count()
}

/// How long after `from` three seconds begin in which almost no picture is later than `limit`, in
/// milliseconds; none if there are no such before `to`.
pub fn settled(pictures: &[Delivered], from: f64, to: f64, limit: f64) -> Option<f64> {
    let good = |begin: f64| {
        let watched = Watched::between(pictures, begin, begin + 1000.0);
        watched.fps >= 5.0 && watched.p95.is_some_and(|p95| p95 < limit)
    };
    let steps = ((to - from - 3000.0) / 100.0).max(0.0) as usize;
    let begins = (0..=steps).map(|step| from + step as f64 * 100.0);
    begins
        .into_iter()
        .find(|begin| (0..3).all(|second| good(begin + f64::from(second) * 1000.0)))
        .map(|begin| begin - from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(ms: f64, from: f64, to: f64, late: f64) -> Vec<Delivered> {
        let count = ((to - from) / ms) as usize;
        let at = |n: usize| from + n as f64 * ms;
        let picture = |n| Delivered { at: at(n), made: Some(at(n) - late), size: (640, 480) };
        (0..count).map(picture).collect()
    }

    #[test]
    fn a_pause_is_a_freeze_and_an_even_course_is_none() {
        let mut pictures = every(33.0, 0.0, 2_000.0, 40.0);
        let even = Watched::between(&pictures, 0.0, 2_000.0);
        assert_eq!((even.freezes, even.p95), (0, Some(40.0)));
        pictures.extend(every(33.0, 2_400.0, 4_000.0, 60.0));
        let broken = Watched::between(&pictures, 0.0, 4_000.0);
        assert_eq!(broken.freezes, 1);
        assert!((400.0..470.0).contains(&broken.gap), "{broken:?}");
        assert_eq!(broken.worst, Some(60.0));
    }

    #[test]
    fn silence_to_the_end_is_a_gap() {
        let pictures = every(33.0, 0.0, 1_000.0, 40.0);
        let watched = Watched::between(&pictures, 0.0, 4_000.0);
        assert_eq!(watched.freezes, 1);
        assert!(watched.gap > 2_900.0);
    }

    #[test]
    fn it_has_settled_when_three_seconds_are_good() {
        let mut pictures = every(50.0, 0.0, 2_000.0, 900.0);
        pictures.extend(every(50.0, 2_000.0, 9_000.0, 80.0));
        let after = settled(&pictures, 0.0, 9_000.0, 500.0).expect("it settles");
        assert!((1_900.0..=2_100.0).contains(&after), "{after}");
        assert_eq!(settled(&pictures, 0.0, 4_000.0, 500.0), None);
    }
}
