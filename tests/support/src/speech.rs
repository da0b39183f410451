//! Speech to be played, and the proof that a recording holds it.
//!
//! A call's noise suppression takes steady tones out, so voices are used. Levelling and codecs
//! change the waveform; the rise and fall of loudness survives, and is what is compared.

use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::Command;

/// The loudness is taken over so many milliseconds.
const WINDOW_MS: usize = 20;
/// The recording may begin so much before or after the playing.
const LARGEST_LAG_MS: usize = 4_000;

/// Mono sound.
#[derive(Clone, Debug)]
pub struct Sound {
    /// Samples a second.
    pub rate: u32,
    /// From -1 to 1.
    pub samples: Vec<f32>,
}

impl Sound {
    /// The same at another rate.
    pub fn at(&self, rate: u32) -> Self {
        let length = self.samples.len() as u64 * u64::from(rate) / u64::from(self.rate.max(1));
        let samples = (0..length)
            .map(|at| {
                let place = at as f64 * f64::from(self.rate) / f64::from(rate);
                let sample = |index: usize| self.samples.get(index).copied().unwrap_or_default();
                let part = place.fract() as f32;
                sample(place as usize) * (1.0 - part) + sample(place as usize + 1) * part
            })
            .collect();
        Self { rate, samples }
    }

    /// How loud the loudest twentieth of it is, in decibels below full scale.
    pub fn loudness_db(&self) -> f32 {
        self.quieter_db(19, 20)
    }

    /// How loud it is most of the time: one half is softer.
    pub fn usual_db(&self) -> f32 {
        self.quieter_db(1, 2)
    }

    /// What a share of its windows is softer than.
    fn quieter_db(&self, part: usize, of: usize) -> f32 {
        let mut windows: Vec<f32> = powers(self).collect();
        windows.sort_by(f32::total_cmp);
        let power = windows.get(windows.len() * part / of).copied().unwrap_or_default();
        10.0 * power.max(1e-9).log10()
    }
}

/// Has espeak-ng say something into a WAV file.
pub fn say(words: &str, voice: &str, file: &Path) -> Result<Sound> {
    let status = Command::new("espeak-ng")
        .args(["-v", voice, "-s", "150", "-a", "180", "-w"])
        .arg(file)
        .arg(words)
        .status()
        .context("while starting espeak-ng")?;
    ensure!(status.success(), "espeak-ng failed: {status}");
    read_wav(&std::fs::read(file).with_context(|| format!("while reading {file:?}"))?)
}

/// Writes 16 bit PCM, for a person to listen to.
pub fn write_wav(sound: &Sound, file: &Path) -> Result<()> {
    let size = u32::try_from(sound.samples.len() * 2).context("too long for a WAV file")?;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((size + 36).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    bytes.extend(sound.rate.to_le_bytes());
    bytes.extend((sound.rate * 2).to_le_bytes());
    bytes.extend(b"\x02\0\x10\0data");
    bytes.extend(size.to_le_bytes());
    for sample in &sound.samples {
        bytes.extend(((sample.clamp(-1.0, 1.0) * 32_767.0) as i16).to_le_bytes());
    }
    std::fs::write(file, bytes).with_context(|| format!("while writing {file:?}"))
}

/// Reads 16 bit PCM; of several channels the first.
pub fn read_wav(file: &[u8]) -> Result<Sound> {
    ensure!(file.get(..4) == Some(b"RIFF") && file.get(8..12) == Some(b"WAVE"), "not a WAV file");
    let mut rest = &file[12..];
    let (mut rate, mut channels) = (0, 1);
    while let Some((head, body)) = rest.split_first_chunk::<8>() {
        let size = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        // A streaming writer leaves the size open.
        let size = size.min(body.len());
        let content = &body[..size];
        match &head[..4] {
            b"fmt " => {
                let format = content.first_chunk::<16>().context("the format is cut off")?;
                ensure!(format[14] == 16, "not 16 bit");
                channels = usize::from(u16::from_le_bytes([format[2], format[3]])).max(1);
                rate = u32::from_le_bytes([format[4], format[5], format[6], format[7]]);
            }
            b"data" => {
                ensure!(rate > 0, "sound before its format");
                let samples = content
                    .chunks_exact(2 * channels)
                    .map(|frame| f32::from(i16::from_le_bytes([frame[0], frame[1]])) / 32_768.0)
                    .collect();
                return Ok(Sound { rate, samples });
            }
            _ => {}
        }
        rest = &body[(size + size % 2).min(body.len())..];
    }
    anyhow::bail!("there is no sound in it")
}

/// How loud it is over time. The fourth root of the power is near to what people perceive
/// (Stevens), and tells speech from other speech better than decibels do.
fn loudness(sound: &Sound) -> Vec<f32> {
    powers(sound).map(|power| power.sqrt().sqrt()).collect()
}

fn powers(sound: &Sound) -> impl Iterator<Item = f32> {
    let length = sound.rate as usize * WINDOW_MS / 1000;
    let windows = sound.samples.chunks_exact(length.max(1));
    windows.map(|window| window.iter().map(|x| x * x).sum::<f32>() / window.len() as f32)
}

/// How alike the rise and fall of loudness are, at the lag where they are most alike: 1 for the same
/// sound, about 0 for unrelated or no sound.
pub fn likeness(played: &Sound, recorded: &Sound) -> f32 {
    let (played, recorded) = (loudness(played), loudness(recorded));
    let reach = LARGEST_LAG_MS / WINDOW_MS;
    let mut best = 0.0_f32;
    for lag in 0..=2 * reach {
        let (skip_played, skip_recorded) = (reach.saturating_sub(lag), lag.saturating_sub(reach));
        let pairs: Vec<(f32, f32)> = played
            .iter()
            .skip(skip_played)
            .zip(recorded.iter().skip(skip_recorded))
            .map(|(a, b)| (*a, *b))
            .collect();
        // A few overlapping windows are alike by chance.
        if pairs.len() >= played.len() / 2 {
            best = best.max(correlation(&pairs));
        }
    }
    best
}

fn correlation(pairs: &[(f32, f32)]) -> f32 {
    let count = pairs.len() as f32;
    let mean = |pick: fn(&(f32, f32)) -> f32| pairs.iter().map(pick).sum::<f32>() / count;
    let (mean_a, mean_b) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in pairs {
        let (a, b) = (a - mean_a, b - mean_b);
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    if aa <= f32::EPSILON || bb <= f32::EPSILON { 0.0 } else { ab / (aa * bb).sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bursts of noise whose places the seed decides.
    fn bursts(seed: u32, rate: u32, seconds: u32) -> Sound {
        let mut state = seed;
        let mut random = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 16_777_216.0
        };
        let samples = (0..seconds * 8)
            .flat_map(|_| {
                let level = if random() < 0.5 { 0.3 } else { 0.0003 };
                (0..rate / 8).map(|_| (random() - 0.5) * level).collect::<Vec<_>>()
            })
            .collect();
        Sound { rate, samples }
    }

    #[test]
    fn delayed_and_levelled_sound_is_recognised_at_another_rate() {
        let played = bursts(7, 24_000, 6);
        let mut samples = vec![0.0; 48_000 * 2];
        samples.extend(played.samples.iter().flat_map(|x| [x * 0.2, x * 0.2]));
        let recorded = Sound { rate: 48_000, samples };
        let alike = likeness(&played, &recorded);
        assert!(alike > 0.9, "{alike}");
    }

    #[test]
    fn other_sound_and_silence_are_not_recognised() {
        let played = bursts(7, 24_000, 6);
        let other = likeness(&played, &bursts(99, 24_000, 8));
        assert!(other < 0.55, "{other}");
        let silence = Sound { rate: 48_000, samples: vec![0.0; 48_000 * 8] };
        assert!(likeness(&played, &silence) < 0.1);
    }

    #[test]
    fn sound_keeps_its_length_and_loudness_at_another_rate() {
        let sound = bursts(3, 24_000, 2);
        let other = sound.at(48_000);
        assert_eq!(other.samples.len(), 96_000);
        assert!((sound.loudness_db() - other.loudness_db()).abs() < 3.0);
    }

    #[test]
    fn wav_of_two_channels_yields_the_first() {
        let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x02\0".to_vec();
        file.extend(8_000_u32.to_le_bytes());
        file.extend(32_000_u32.to_le_bytes());
        file.extend([4, 0, 16, 0]);
        file.extend(b"data\x08\0\0\0");
        for sample in [16_384_i16, 1, -16_384, 2] {
            file.extend(sample.to_le_bytes());
        }
        let sound = read_wav(&file).expect("well formed");
        assert_eq!((sound.rate, sound.samples.as_slice()), (8_000, [0.5, -0.5].as_slice()));
    }

    #[test]
    fn written_sound_is_read_again() {
        let sound = Sound { rate: 16_000, samples: vec![0.5, -0.25, 2.0] };
        let file = std::env::temp_dir().join(format!("tincan-wav-{}.wav", std::process::id()));
        write_wav(&sound, &file).expect("a temporary file");
        let again = read_wav(&std::fs::read(&file).expect("just written")).expect("a WAV file");
        std::fs::remove_file(&file).expect("just written");
        assert_eq!(again.rate, 16_000);
        for (one, other) in again.samples.iter().zip([0.5, -0.25, 1.0]) {
            assert!((one - other).abs() < 0.001, "{one} {other}");
        }
    }
}
