//! Faster and slower without another pitch: leaves out or repeats one period of the voice where
//! it resembles the next (WSOLA; Verhelst and Roelands, ICASSP 1993).

/// Samples of a channel that are looked at: the longest period twice.
pub const WINDOW: usize = 2 * LONGEST;
/// The shortest period, 2.5 ms.
const SHORTEST: usize = 120;
/// The longest period, 15 ms.
pub const LONGEST: usize = 720;
/// To play a period twice, so much of what comes is looked at: a short packet.
const LEAST_AHEAD: usize = 480;
/// The rough search looks at every fourth sample.
const STRIDE: usize = 4;
/// Two periods that resemble each other by this much are heard as one.
const ALIKE: f32 = 0.9;
/// In this hurry, this will do.
const ALIKE_IN_HURRY: f32 = 0.5;
/// Mean square of what is too quiet for a cut to be heard.
const QUIET: f32 = 0.004 * 0.004;

/// In which direction, and how much of it may be heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tempo {
    /// Leave a period out.
    Faster,
    /// Leave one out, even where it is heard a little.
    MuchFaster,
    /// Play a period twice.
    Slower,
}

/// Changes `pcm`, which was played up to `head`, by one period from there on, if there are two
/// that are alike: the next two, or the last and the next. Positions are in samples of one of the
/// `channels`, which are interleaved. What is quiet changes by `by` samples, of what is not no more than
/// these are left out unless it is in a hurry. Returns how many were left out or inserted; `None` as well
/// where there is too little to look at.
pub fn stretch(
    pcm: &mut Vec<f32>,
    head: usize,
    channels: usize,
    tempo: Tempo,
    by: usize,
) -> Option<usize> {
    let (begin, end) = match tempo {
        Tempo::Faster | Tempo::MuchFaster => (head, head + WINDOW),
        Tempo::Slower => {
            let ahead = (pcm.len() / channels).saturating_sub(head).min(LONGEST);
            (ahead >= LEAST_AHEAD).then_some(())?;
            (head.checked_sub(LONGEST)?, head + ahead / STRIDE * STRIDE)
        }
    };
    let window = pcm.get(begin * channels..end * channels)?;
    let mono: Vec<f32> =
        window.chunks_exact(channels).map(|frame| frame.iter().sum::<f32>()).collect();
    let (period, alike) = period(&mono, tempo, by.clamp(SHORTEST, LONGEST));
    let wanted = if tempo == Tempo::MuchFaster { ALIKE_IN_HURRY } else { ALIKE };
    if alike < wanted {
        return None;
    }
    let (head, length) = (head * channels, period * channels);
    let next = head..head + length;
    match tempo {
        Tempo::Faster | Tempo::MuchFaster => {
            let after = next.end..next.end + length;
            let joined = fade(&pcm[next], &pcm[after.clone()], channels);
            pcm.splice(head..after.end, joined);
        }
        Tempo::Slower => {
            let joined = fade(&pcm[next], &pcm[head - length..head], channels);
            pcm.splice(head..head, joined);
        }
    }
    Some(period)
}

/// From one piece to the other, linearly, since they are alike.
fn fade(from: &[f32], to: &[f32], channels: usize) -> Vec<f32> {
    let frames = (from.len() / channels) as f32;
    let both = from.iter().zip(to).enumerate();
    both.map(|(at, (from, to))| from + (to - from) * ((at / channels) as f32 + 0.5) / frames)
        .collect()
}

/// The period by which the window resembles itself most, and by how much: 1 is the same, and
/// what is quiet counts as that. See [`stretch`] for `by`.
fn period(mono: &[f32], tempo: Tempo, by: usize) -> (usize, f32) {
    let longest = match tempo {
        Tempo::Faster => by,
        Tempo::MuchFaster => LONGEST,
        Tempo::Slower => mono.len() - LONGEST,
    };
    let energy = mono.iter().map(|x| x * x).sum::<f32>() / mono.len() as f32;
    if energy < QUIET {
        return (by.min(longest), 1.0);
    }
    let rough: Vec<f32> =
        mono.chunks_exact(STRIDE).map(|piece| piece.iter().sum::<f32>()).collect();
    let lags = SHORTEST / STRIDE..=longest / STRIDE;
    let (lag, _) = most_alike(&rough, tempo, lags, LONGEST / STRIDE);
    let lag = lag * STRIDE;
    let lags = (lag - STRIDE).max(SHORTEST)..=(lag + STRIDE).min(longest);
    most_alike(mono, tempo, lags, LONGEST)
}

fn most_alike(
    x: &[f32],
    tempo: Tempo,
    lags: std::ops::RangeInclusive<usize>,
    played: usize,
) -> (usize, f32) {
    let first = *lags.start();
    lags.map(|lag| (lag, likeness(x, tempo, lag, played)))
        .max_by(|(_, a), (_, b)| a.total_cmp(b))
        .unwrap_or((first, 0.0))
}

/// Correlation of the first half of `x` with what comes `lag` later, or, where it is to be
/// played again, of what comes behind the `played` ones with what came `lag` earlier.
fn likeness(x: &[f32], tempo: Tempo, lag: usize, played: usize) -> f32 {
    let half = x.len() / 2;
    let (a, b) = match tempo {
        Tempo::Faster | Tempo::MuchFaster => (&x[..half], &x[lag..lag + half]),
        Tempo::Slower => (&x[played..], &x[played - lag..x.len() - lag]),
    };
    let (mut dot, mut aa, mut bb) = (0.0f32, 1e-9f32, 1e-9f32);
    for (a, b) in a.iter().zip(b) {
        dot += a * b;
        aa += a * a;
        bb += b * b;
    }
    dot / (aa * bb).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::testing::Noise;

    const HEAD: usize = LONGEST;

    fn tone(samples: usize, frequency: f32) -> Vec<f32> {
        let step = std::f32::consts::TAU * frequency / 48_000.0;
        (0..samples).map(|n| 0.5 * (n as f32 * step).sin()).collect()
    }

    /// The largest second difference: a click has one far above a tone's own.
    fn roughness(pcm: &[f32]) -> f32 {
        pcm.windows(3).map(|w| (w[0] - 2.0 * w[1] + w[2]).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn a_tone_becomes_shorter_or_longer_and_stays_a_tone() {
        for frequency in [90.0, 170.0, 440.0, 1_000.0] {
            for tempo in [Tempo::Faster, Tempo::Slower] {
                let whole = tone(3 * WINDOW, frequency);
                let mut pcm = whole.clone();
                let period = stretch(&mut pcm, HEAD, 1, tempo, LONGEST).unwrap();
                let cycles = period as f32 * frequency / 48_000.0;
                assert!((cycles - cycles.round()).abs() < 0.03, "{cycles} cycles");
                let expected = match tempo {
                    Tempo::Faster | Tempo::MuchFaster => whole.len() - period,
                    Tempo::Slower => whole.len() + period,
                };
                assert_eq!(pcm.len(), expected);
                assert!((pcm[0] - whole[0]).abs() < 0.02);
                assert!(roughness(&pcm) < 1.5 * roughness(&whole), "{frequency} Hz, {tempo:?}");
            }
        }
    }

    #[test]
    fn noise_is_let_be_unless_it_is_too_quiet_to_be_heard() {
        let mut noise = Noise::new(0.3);
        let loud: Vec<f32> = (0..2 * WINDOW).map(|_| noise.next()).collect();
        let mut pcm = loud.clone();
        assert_eq!(stretch(&mut pcm, HEAD, 1, Tempo::Faster, LONGEST), None);
        assert_eq!(stretch(&mut pcm, HEAD, 1, Tempo::Slower, LONGEST), None);
        assert_eq!(pcm, loud);
        let mut quiet: Vec<f32> = loud.iter().map(|x| 0.01 * x).collect();
        assert_eq!(stretch(&mut quiet, HEAD, 1, Tempo::Faster, LONGEST), Some(LONGEST));
    }

    #[test]
    fn no_more_is_left_out_than_there_is_too_much() {
        // A period of 10 ms.
        let mut pcm = tone(3 * WINDOW, 100.0);
        assert_eq!(stretch(&mut pcm, HEAD, 1, Tempo::Faster, 300), None);
        assert_eq!(stretch(&mut pcm, HEAD, 1, Tempo::Faster, 500), Some(480));
        let mut quiet = vec![0.0; 3 * WINDOW];
        assert_eq!(stretch(&mut quiet, HEAD, 1, Tempo::Faster, 300), Some(300));
        assert_eq!(stretch(&mut quiet, HEAD, 1, Tempo::Slower, 300), Some(300));
        assert_eq!(stretch(&mut quiet, HEAD, 1, Tempo::Slower, 1), Some(SHORTEST));
    }

    #[test]
    fn both_sides_change_together() {
        let mono = tone(2 * WINDOW, 200.0);
        let mut stereo: Vec<f32> = mono.iter().flat_map(|&x| [x, -0.5 * x]).collect();
        let period = stretch(&mut stereo, HEAD, 2, Tempo::Faster, LONGEST).unwrap();
        assert_eq!(stereo.len(), 2 * (mono.len() - period));
        assert!(stereo.as_chunks::<2>().0.iter().all(|[l, r]| (r + 0.5 * l).abs() < 1e-5));
    }

    #[test]
    fn too_little_is_let_be() {
        let mut pcm = tone(WINDOW - 1, 200.0);
        assert_eq!(stretch(&mut pcm, WINDOW - LEAST_AHEAD, 1, Tempo::Slower, LONGEST), None);
        assert_eq!(stretch(&mut pcm, 0, 1, Tempo::Faster, LONGEST), None);
        assert_eq!(stretch(&mut pcm, 0, 1, Tempo::Slower, LONGEST), None);
        let mut quiet = vec![0.0; LONGEST + LEAST_AHEAD];
        let inserted = stretch(&mut quiet, LONGEST, 1, Tempo::Slower, LONGEST);
        assert_eq!(inserted, Some(LEAST_AHEAD), "no more than there is to repeat");
    }
}
