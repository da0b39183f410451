//! Rooms between speaker and microphone: noise that decays, delays, bent loudspeakers, two clocks.

use crate::speech::White;
use tincan_media::audio::SAMPLE_RATE;

/// What the room lets back, in amplitude: -6 dB, a laptop at half volume.
const COUPLING: f32 = 0.5;

/// The impulse response of a room in which sound has lost 60 dB after 250 ms: a direct path and
/// white noise that decays.
pub fn response(seed: u64) -> Vec<f32> {
    let length = SAMPLE_RATE as usize / 4;
    let mut white = White::new(seed);
    let mut taps: Vec<f32> = (0..length)
        .map(|n| white.next() * 10f32.powf(-3.0 * n as f32 / length as f32) * 0.12)
        .collect();
    taps[0] = 1.0;
    let energy = taps.iter().map(|tap| tap * tap).sum::<f32>().sqrt();
    taps.iter_mut().for_each(|tap| *tap *= COUPLING / energy);
    taps
}

/// What the room makes of what is played.
pub fn reverberate(played: &[f32], response: &[f32]) -> Vec<f32> {
    let mut heard = vec![0.0; played.len()];
    for (late, &tap) in response.iter().enumerate() {
        let (from, to) = (&played[..played.len() - late], &mut heard[late..]);
        to.iter_mut().zip(from).for_each(|(to, from)| *to += tap * from);
    }
    heard
}

/// Later by so many milliseconds.
pub fn delay(heard: &[f32], ms: usize) -> Vec<f32> {
    let late = ms * SAMPLE_RATE as usize / 1000;
    let mut delayed = vec![0.0; late];
    delayed.extend_from_slice(&heard[..heard.len() - late]);
    delayed
}

/// A small loudspeaker at its limits.
pub fn overdrive(played: &[f32]) -> Vec<f32> {
    played.iter().map(|sample| (4.0 * sample).tanh() / 4.0).collect()
}

/// The same sound by a clock that is so many millionths fast: a windowed sinc at each sample.
pub fn drift(heard: &[f32], ppm: f64) -> Vec<f32> {
    const HALF: i64 = 12;
    (0..heard.len())
        .map(|n| {
            let at = n as f64 * (1.0 - ppm * 1e-6);
            let whole = at.floor();
            (1 - HALF..=HALF)
                .map(|offset| {
                    let index = whole as i64 + offset;
                    let far = at - index as f64;
                    let x = std::f64::consts::PI * far;
                    let sinc = if x == 0.0 { 1.0 } else { x.sin() / x };
                    let window = (0.5 * x / HALF as f64).cos().max(0.0).powi(2);
                    let sample = usize::try_from(index).ok().and_then(|index| heard.get(index));
                    sample.map_or(0.0, |sample| f64::from(*sample) * sinc * window)
                })
                .sum::<f64>() as f32
        })
        .collect()
}
