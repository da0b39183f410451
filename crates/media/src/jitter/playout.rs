//! Does what the jitter buffer decides: packets in, blocks of sound out.

use crate::audio::{BLOCK_SAMPLES, StereoBlock};
use crate::codec::opus::{OpusDecoder, OpusError};
use crate::encoded::{RtpPayload, SoundLevel};
use crate::jitter::buffer::MAX_CONCEALED;
use crate::jitter::stretch::{LONGEST, Tempo, WINDOW, stretch};
use crate::jitter::{AudioJitterBuffer, JitterStatistics, Pulled};
use std::time::Instant;

/// What is pulled at most for one block: packets skipped, and the shortest ones.
const MAX_PULLS: usize = 16;
/// Made-up sound fades from the eleventh block on and is gone when nothing more is made up.
const FADE_FROM: usize = 10;
const FADE_TO: usize = MAX_CONCEALED as usize / BLOCK_SAMPLES;
/// Samples over which made-up sound passes into what was sent, 5 ms.
const MERGE: usize = BLOCK_SAMPLES / 2;
/// Blocks between two changes of tempo, so that each is heard for itself, if at all.
const TEMPO_EVERY: u32 = 4;
/// The same in a hurry.
const HURRIED_EVERY: u32 = 2;

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Played {
    /// Sound that was sent.
    Sound,
    /// Sound made up for what is missing.
    Concealed,
    /// Nothing, because nobody sends.
    Silence,
}

/// The jitter buffer and the decoder of one voice.
pub struct Playout {
    buffer: AudioJitterBuffer,
    decoder: OpusDecoder,
    /// Interleaved: what was played lately, and from `head` on what is to be played.
    pcm: Vec<f32>,
    /// In samples of a channel.
    head: usize,
    channels: usize,
    /// Blocks made up since the last packet.
    made_up: usize,
    since_tempo: u32,
}

impl Playout {
    /// An empty one.
    ///
    /// # Errors
    /// [`OpusError`].
    pub fn new(now: Instant) -> Result<Self, OpusError> {
        Ok(Self {
            buffer: AudioJitterBuffer::new(now),
            decoder: OpusDecoder::new()?,
            pcm: Vec::new(),
            head: 0,
            channels: 1,
            made_up: 0,
            since_tempo: 0,
        })
    }

    /// Takes a packet.
    pub fn push(&mut self, packet: RtpPayload) {
        self.buffer.push(packet);
    }

    /// Whether the two sides of its blocks may differ.
    pub fn is_stereo(&self) -> bool {
        self.channels > 1
    }

    /// Fills the next 10 ms.
    pub fn pull(&mut self, now: Instant, block: &mut StereoBlock) -> Played {
        let mut played = Played::Sound;
        for _ in 0..MAX_PULLS {
            let left = self.left();
            if left >= BLOCK_SAMPLES {
                break;
            }
            match self.buffer.pull(now, left) {
                Pulled::Decode(packet) => self.decode(&packet),
                Pulled::Skip(packet) => {
                    // Not played, but known to the decoder, so that the next one fits.
                    _ = self.decoder.decode(&packet, &mut Vec::new());
                }
                Pulled::Recover { next, samples, skip } => self.recover(&next, samples, skip),
                Pulled::Conceal => {
                    self.conceal();
                    played = Played::Concealed;
                }
                Pulled::Silence => {
                    played = Played::Silence;
                    break;
                }
            }
        }
        if played == Played::Sound {
            self.keep_time(now);
        }
        self.take(block);
        if played == Played::Sound {
            self.buffer.emitted(now, self.left());
        }
        played
    }

    /// Whose sound was pulled last, and its RTP timestamp.
    pub fn playing(&self) -> Option<(u32, u32)> {
        self.buffer.playing()
    }

    /// What the sender says of how loud what was pulled last is, if it does.
    pub fn level(&self) -> Option<SoundLevel> {
        self.buffer.level()
    }

    /// The counts.
    pub fn statistics(&self) -> JitterStatistics {
        self.buffer.statistics()
    }

    fn left(&self) -> usize {
        self.pcm.len() / self.channels - self.head
    }

    fn decode(&mut self, packet: &[u8]) {
        let mut decoded = Vec::new();
        if let Err(error) = self.decoder.decode(packet, &mut decoded) {
            tracing::debug!(%error, "a packet cannot be decoded");
        }
        self.append(decoded);
    }

    /// The joint is hidden by a little more of what was made up.
    fn recover(&mut self, next: &[u8], samples: usize, skip: usize) {
        let (mut tail, mut decoded) = (Vec::new(), Vec::new());
        if skip > 0 {
            _ = self.decoder.conceal(&mut tail, MERGE);
        }
        if let Err(error) = self.decoder.recover(next, &mut decoded, samples) {
            tracing::debug!(%error, "a lost packet cannot be rebuilt");
        }
        let channels = self.decoder.channels();
        decoded.drain(..(skip * channels).min(decoded.len()));
        let length = tail.len() as f32;
        for (at, (sample, tail)) in decoded.iter_mut().zip(&tail).enumerate() {
            *sample = tail + (*sample - tail) * at as f32 / length;
        }
        self.append(decoded);
    }

    fn conceal(&mut self) {
        let mut made = Vec::new();
        if self.decoder.conceal(&mut made, BLOCK_SAMPLES).is_err() {
            made = vec![0.0; BLOCK_SAMPLES * self.decoder.channels()];
        }
        let before = faded(self.made_up);
        self.made_up += 1;
        ramp(&mut made, before, faded(self.made_up));
        self.extend(&made);
    }

    /// Appends sound that was sent, rising from where made-up sound has faded to.
    fn append(&mut self, mut decoded: Vec<f32>) {
        let gain = faded(std::mem::take(&mut self.made_up));
        let merge = (MERGE * self.decoder.channels()).min(decoded.len());
        ramp(&mut decoded[..merge], gain, 1.0);
        self.extend(&decoded);
    }

    fn extend(&mut self, decoded: &[f32]) {
        let channels = self.decoder.channels();
        if channels > self.channels {
            self.pcm = self.pcm.iter().flat_map(|&sample| [sample; 2]).collect();
            self.channels = channels;
        }
        self.pcm.extend_from_slice(decoded);
    }

    fn keep_time(&mut self, now: Instant) {
        self.since_tempo = self.since_tempo.saturating_add(1);
        let Some((tempo, by)) = self.buffer.tempo(now, self.left()) else { return };
        let every = if tempo == Tempo::MuchFaster { HURRIED_EVERY } else { TEMPO_EVERY };
        if self.since_tempo < every {
            return;
        }
        while self.left() < WINDOW
            && let Some(packet) = self.buffer.pull_ahead(now, self.left())
        {
            self.decode(&packet);
        }
        if let Some(samples) = stretch(&mut self.pcm, self.head, self.channels, tempo, by) {
            self.buffer.stretched(tempo, samples);
            self.since_tempo = 0;
        }
    }

    /// Hands out a block, with silence where there is nothing left.
    fn take(&mut self, block: &mut StereoBlock) {
        *block = StereoBlock::SILENCE;
        let count = self.left().min(BLOCK_SAMPLES);
        let frames = self.pcm[self.head * self.channels..].chunks_exact(self.channels);
        for (at, frame) in frames.take(count).enumerate() {
            block.left[at] = frame[0].clamp(-1.0, 1.0);
            block.right[at] = frame[self.channels - 1].clamp(-1.0, 1.0);
        }
        self.head += count;
        let over = self.head.saturating_sub(LONGEST);
        self.pcm.drain(..over * self.channels);
        self.head -= over;
    }
}

/// The gain of what is made up, after so many blocks of it.
fn faded(made_up: usize) -> f32 {
    let left = FADE_TO.saturating_sub(made_up) as f32;
    (left / (FADE_TO - FADE_FROM) as f32).min(1.0)
}

fn ramp(pcm: &mut [f32], from: f32, to: f32) {
    let length = pcm.len() as f32;
    for (at, sample) in pcm.iter_mut().enumerate() {
        *sample *= from + (to - from) * at as f32 / length;
    }
}
