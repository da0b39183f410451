//! One voice on the mixer's thread, and what others see of it.

use super::AudioReceiveStatistics;
use crate::audio::StereoBlock;
use crate::codec::opus::OpusError;
use crate::encoded::{RtpPayload, SoundLevel};
use crate::jitter::{Played, Playout};
use crate::mixer::Mixer;
use crate::pipeline::sound_clock::SoundClock;
use crate::process::level::Level;
use crate::process::voice::VoiceDetector;
use crate::rtp::ages::{Ages, wall_now};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What is further below full scale than this is no voice, whatever its sender says: some call
/// everything one that they send.
const NO_VOICE_BELOW: u8 = 55;
/// Blocks for which a voice is still one, from word to word.
const WORDS_APART: u32 = 30;

pub(super) struct VoiceShared {
    level: AtomicU32,
    speaking: AtomicBool,
    volume: AtomicU32,
    overflowed: AtomicU64,
    statistics: Mutex<AudioReceiveStatistics>,
    pub clock: SoundClock,
}

impl Default for VoiceShared {
    fn default() -> Self {
        Self {
            level: AtomicU32::new(0),
            speaking: AtomicBool::new(false),
            volume: AtomicU32::new(1f32.to_bits()),
            overflowed: AtomicU64::new(0),
            statistics: Mutex::default(),
            clock: SoundClock::default(),
        }
    }
}

impl VoiceShared {
    pub fn overflow(&self) {
        self.overflowed.fetch_add(1, Ordering::Relaxed);
    }

    pub fn statistics(&self) -> AudioReceiveStatistics {
        let statistics = *self.statistics.lock().unwrap_or_else(PoisonError::into_inner);
        let overflowed = self.overflowed.load(Ordering::Relaxed);
        AudioReceiveStatistics { overflowed, ..statistics }
    }

    pub fn level(&self) -> Level {
        Level::from_rms(f32::from_bits(self.level.load(Ordering::Relaxed)))
    }

    pub fn is_speaking(&self) -> bool {
        self.speaking.load(Ordering::Relaxed)
    }

    pub fn set_volume(&self, volume: f32) {
        self.volume.store(volume.to_bits(), Ordering::Relaxed);
    }
}

pub(super) struct Voice {
    label: String,
    incoming: Receiver<RtpPayload>,
    playout: Playout,
    detector: VoiceDetector,
    /// Blocks since its sender said that it speaks.
    told: u32,
    shared: Arc<VoiceShared>,
    energy: f64,
    duration: f64,
    ages: Ages,
}

impl Voice {
    pub fn new(
        label: &str,
        incoming: Receiver<RtpPayload>,
        shared: Arc<VoiceShared>,
    ) -> Result<Self, OpusError> {
        Ok(Self {
            label: label.into(),
            incoming,
            playout: Playout::new(Instant::now())?,
            detector: VoiceDetector::new(),
            told: WORDS_APART,
            shared,
            energy: 0.0,
            duration: 0.0,
            ages: Ages::default(),
        })
    }

    /// Adds the next 10 ms, which are heard after `ahead`, to the mix. False when the receiver is
    /// gone.
    pub fn pull(&mut self, now: Instant, ahead: Duration, mixer: &mut Mixer) -> bool {
        loop {
            match self.incoming.try_recv() {
                Ok(packet) => self.playout.push(packet),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    tracing::debug!(label = self.label, "the voice has left");
                    return false;
                }
            }
        }
        let mut block = StereoBlock::SILENCE;
        let played = self.playout.pull(now, &mut block);
        if played == Played::Sound
            && let Some((ssrc, timestamp)) = self.playout.playing()
        {
            self.shared.clock.play(ssrc, timestamp, now + ahead);
            if let Some(taken) = self.shared.clock.taken(ssrc, timestamp) {
                self.ages.note(taken, wall_now() + ahead);
            }
        }
        let mono = if self.playout.is_stereo() { block.mono() } else { block.left };
        let level = Level::of(&mono);
        let speaking = match self.playout.level() {
            Some(level) => self.speaks(level),
            None => self.detector.listen(&mono),
        };
        let speaking = speaking && played != Played::Silence;
        self.shared.level.store(level.rms().to_bits(), Ordering::Relaxed);
        self.shared.speaking.store(speaking, Ordering::Relaxed);
        if played != Played::Silence {
            self.energy += 0.01 * f64::from(level.rms()).powi(2);
            self.duration += 0.01;
            mixer.add(&block, f32::from_bits(self.shared.volume.load(Ordering::Relaxed)));
        }
        *self.shared.statistics.lock().unwrap_or_else(PoisonError::into_inner) =
            AudioReceiveStatistics {
                jitter: self.playout.statistics(),
                overflowed: 0,
                energy: self.energy,
                duration: self.duration,
                ages: self.ages,
            };
        true
    }

    /// What its sender hears, behind their processing, says more than what comes here (RFC 6464).
    fn speaks(&mut self, level: SoundLevel) -> bool {
        let now = level.voice && level.below_full < NO_VOICE_BELOW;
        self.told = if now { 0 } else { self.told.saturating_add(1) };
        self.told < WORDS_APART
    }
}
