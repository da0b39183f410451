//! Does what the jitter buffer decides: packets in, blocks of sound out.

use crate::audio::{AudioBlock, BLOCK_SAMPLES, SILENCE};
use crate::codec::opus::{MAX_PACKET_SAMPLES, OpusDecoder, OpusError};
use crate::encoded::RtpPayload;
use crate::jitter::{AudioJitterBuffer, JitterStatistics, Pulled};
use crate::process::level::Level;
use std::time::Instant;

/// Quieter than this a cut is not heard.
const QUIET_RMS: f32 = 0.004;
/// Packets skipped at most for one block.
const MAX_SKIPS: usize = 10;
/// Made-up sound fades from the fourth block on and is gone with the tenth.
const FADE_FROM: u32 = 4;
const FADE_TO: u32 = 10;

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
    pcm: Box<[f32; MAX_PACKET_SAMPLES]>,
    /// What is left to play of `pcm`.
    rest: std::ops::Range<usize>,
    made_up: u32,
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
            pcm: Box::new([0.0; MAX_PACKET_SAMPLES]),
            rest: 0..0,
            made_up: 0,
        })
    }

    /// Takes a packet.
    pub fn push(&mut self, packet: RtpPayload) {
        self.buffer.push(packet);
    }

    /// Fills the next 10 ms.
    pub fn pull(&mut self, now: Instant, block: &mut AudioBlock) -> Played {
        for _ in 0..MAX_SKIPS {
            let played = match self.buffer.pull(now) {
                Pulled::Decode(packet) => {
                    self.decode(&packet);
                    Played::Sound
                }
                Pulled::Skip(packet) => {
                    self.decode(&packet);
                    self.rest = 0..0;
                    continue;
                }
                Pulled::Recover { next, samples, skip } => {
                    let samples = samples.min(MAX_PACKET_SAMPLES);
                    let result = self.decoder.recover(&next, &mut self.pcm[..samples]);
                    self.rest = if result.is_ok() { skip.min(samples)..samples } else { 0..0 };
                    Played::Sound
                }
                Pulled::Rest => Played::Sound,
                Pulled::Conceal => {
                    let made = self.decoder.conceal(&mut self.pcm[..BLOCK_SAMPLES]).is_ok();
                    self.rest = 0..if made { BLOCK_SAMPLES } else { 0 };
                    Played::Concealed
                }
                Pulled::Silence => Played::Silence,
            };
            self.fill(played, block);
            return played;
        }
        *block = SILENCE;
        Played::Silence
    }

    /// The counts.
    pub fn statistics(&self) -> JitterStatistics {
        self.buffer.statistics()
    }

    fn decode(&mut self, packet: &[u8]) {
        let samples = self.decoder.decode(packet, &mut self.pcm).unwrap_or_else(|error| {
            tracing::debug!(%error, "a packet cannot be decoded");
            0
        });
        self.rest = 0..samples;
    }

    fn fill(&mut self, played: Played, block: &mut AudioBlock) {
        *block = SILENCE;
        if played == Played::Silence {
            self.rest = 0..0;
        }
        let count = self.rest.len().min(BLOCK_SAMPLES);
        block[..count].copy_from_slice(&self.pcm[self.rest.start..self.rest.start + count]);
        self.rest.start += count;
        self.made_up = if played == Played::Concealed { self.made_up + 1 } else { 0 };
        if self.made_up > FADE_FROM {
            self.fade(block);
        }
        self.buffer.played(Level::of(block).rms() < QUIET_RMS);
    }

    fn fade(&self, block: &mut AudioBlock) {
        let gain = |made_up: u32| {
            let left = FADE_TO.saturating_sub(made_up) as f32;
            left / (FADE_TO - FADE_FROM) as f32
        };
        let (from, to) = (gain(self.made_up - 1).min(1.0), gain(self.made_up).min(1.0));
        for (i, sample) in block.iter_mut().enumerate() {
            *sample *= from + (to - from) * i as f32 / BLOCK_SAMPLES as f32;
        }
    }
}
