//! Clicks, and where they are found again. Pure.

use tincan_test_support::sound::SAMPLE_RATE;

/// A click rises from a low tone to a high one in this time: no other moment is like it, and what
/// processes voices takes it for none of its noises.
const CLICK: usize = SAMPLE_RATE as usize * 3 / 100;
/// Between the beginnings of clicks: no multiple of any packet's length, so that clicks fall
/// everywhere in packets.
const EVERY: usize = SAMPLE_RATE as usize * 9 / 10 + 331;
/// The latest moment at which a click is looked for.
const LATEST: usize = SAMPLE_RATE as usize * 8 / 10;
const LOWEST: f32 = 300.0;
const HIGHEST: f32 = 3000.0;
const LOUD: f32 = 0.5;
/// A click is found where it is at least so like itself: 1 is the same.
const ALIKE: f32 = 0.4;

/// So many clicks, with silence before, between and after.
pub fn made(count: usize) -> Vec<f32> {
    let mut samples = vec![0.0; EVERY * (count + 1)];
    for n in 0..count {
        let at = EVERY * n + EVERY / 2;
        samples[at..at + CLICK].copy_from_slice(&click());
    }
    samples
}

fn click() -> Vec<f32> {
    let mut phase = 0.0f32;
    let sample = |n: usize| {
        let part = n as f32 / CLICK as f32;
        phase += (LOWEST + (HIGHEST - LOWEST) * part) / SAMPLE_RATE as f32;
        let window = (std::f32::consts::PI * part).sin();
        LOUD * window * (std::f32::consts::TAU * phase).sin()
    };
    (0..CLICK).map(sample).collect()
}

/// How long after each click of `said` it is in `heard`, in milliseconds; none if it is not found.
pub fn delays(said: &[f32], heard: &[f32]) -> Vec<Option<f64>> {
    let mut delays = Vec::new();
    let mut at = 0;
    while let Some(next) = said.iter().skip(at).position(|x| x.abs() > LOUD / 10.0) {
        let begin = at + next;
        at = begin + EVERY / 2;
        let Some(pattern) = said.get(begin..begin + CLICK) else { break };
        delays.push(heard.get(begin..).and_then(|rest| find(pattern, rest)));
    }
    delays
}

fn find(pattern: &[f32], rest: &[f32]) -> Option<f64> {
    let windows = rest.windows(pattern.len()).take(LATEST);
    let norm = energy(pattern).sqrt();
    let alike = windows.map(|window| {
        let product: f32 = window.iter().zip(pattern).map(|(a, b)| a * b).sum();
        let level = energy(window).sqrt();
        // Of silence nothing is like anything.
        if level < 1e-3 { 0.0 } else { product / (norm * level) }
    });
    let (lag, best) = alike.enumerate().max_by(|a, b| a.1.total_cmp(&b.1))?;
    (best >= ALIKE).then_some(lag as f64 * 1000.0 / f64::from(SAMPLE_RATE))
}

fn energy(samples: &[f32]) -> f32 {
    samples.iter().map(|x| x * x).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clicks_are_found_where_they_are_and_not_where_they_are_lost() {
        let said = made(3);
        let late = |ms: usize| SAMPLE_RATE as usize * ms / 1000;
        let mut heard = vec![0.0; late(60)];
        heard.extend(said.iter().map(|x| 0.2 * x));
        // The second one does not come through, and the third is late.
        let second = late(60) + EVERY + EVERY / 2;
        heard[second - CLICK..second + 2 * CLICK].fill(0.0);
        let third = second + EVERY - CLICK;
        let tail = heard.split_off(third);
        heard.extend(vec![0.0; late(40)]);
        heard.extend(tail);
        let found = delays(&said, &heard);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!((found[0].unwrap() - 60.0).abs() < 0.1, "{found:?}");
        assert_eq!(found[1], None);
        assert!((found[2].unwrap() - 100.0).abs() < 0.1, "{found:?}");
    }
}
