//! The thread: block by block from the rings to packets.

use super::frame::Frame;
use super::numbered::NumberedOut;
use super::{AudioSendSettings, EncodedAudioSink, Shared};
use crate::audio::{AudioBlock, BLOCK, SILENCE, StereoBlock};
use crate::codec::opus::{Content, OpusEncoder, PacketTime};
use crate::device::DeviceDelay;
use crate::encoded::EncodedAudio;
use crate::pipeline::worker::Stop;
use crate::process::chain::{CaptureChain, ChainMeters};
use crate::process::downmix::Downmix;
use crate::process::echo_watch::EchoWatch;
use crate::process::voice::VoiceDetector;
use rtrb::Consumer;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// Without a block of the microphone for this long the accompaniment goes alone.
const ALONE_AFTER: Duration = Duration::from_millis(60);
/// Without a block for this long the microphone counts as silent.
const SILENT_AFTER: Duration = Duration::from_millis(200);
/// The longest sleep.
const IDLE: Duration = Duration::from_millis(100);
/// Blocks for which the past is heard in what leaves the chain: 14 ms of delay in bands, canceller
/// and suppressor, and the high-pass dying away, raised by the gain.
const CHAIN_MEMORY: usize = 4;
/// Longer packets come later than the ones before would have: the change waits for a pause of the
/// voice, for so many packets at most.
const PAUSE_WITHIN: u32 = 150;
/// Missing blocks that are made up for. After more of them the canceller looks for the delay anew.
const MOST_MISSING: u64 = 50;

pub(super) struct Sending {
    shared: Arc<Shared>,
    settings: AudioSendSettings,
    microphone: Option<NumberedOut<StereoBlock>>,
    reference: Option<NumberedOut<AudioBlock>>,
    accompaniment: Option<Consumer<AudioBlock>>,
    microphone_delay: DeviceDelay,
    chain: CaptureChain,
    echo: EchoWatch,
    downmix: Downmix,
    voice: VoiceDetector,
    encoder: OpusEncoder,
    sink: EncodedAudioSink,
    frame: Frame,
    /// How long the frame becomes.
    length: PacketTime,
    /// Packets for which longer ones have waited.
    waited: u32,
    /// The encoder has forgotten what came before the next packet.
    fresh: bool,
    /// Silence may be left out.
    dtx: bool,
    /// Blocks yet to come that were heard while muted.
    held_back: usize,
    /// Blocks of the microphone that were lost, and whose counterparts were not left out yet.
    unheard: u64,
    /// Squares of samples since the last packet, before and after processing.
    heard: (f32, f32),
    /// When the frame begins by the microphone's clock.
    at: Duration,
    last_block: Option<Instant>,
    /// When the microphone last delivered.
    last_heard: Option<Instant>,
}

impl Sending {
    pub fn new(
        shared: Arc<Shared>,
        settings: AudioSendSettings,
        encoder: OpusEncoder,
        sink: EncodedAudioSink,
    ) -> Self {
        Self {
            shared,
            settings,
            microphone: None,
            reference: None,
            accompaniment: None,
            microphone_delay: DeviceDelay::default(),
            chain: CaptureChain::new(settings.chain()),
            echo: EchoWatch::default(),
            downmix: Downmix::default(),
            voice: VoiceDetector::new(),
            encoder,
            sink,
            frame: Frame::default(),
            length: settings.opus.packet,
            waited: 0,
            fresh: true,
            dtx: settings.opus.dtx,
            held_back: 0,
            unheard: 0,
            heard: (0.0, 0.0),
            at: Duration::ZERO,
            last_block: None,
            last_heard: None,
        }
    }

    pub fn run(&mut self, stop: &Stop) {
        while !stop.is_set() {
            self.obey();
            self.accompaniment.take_if(|ring| ring.is_abandoned() && ring.is_empty());
            self.fit_encoder();
            if let Some((missing, block)) = self.microphone.as_mut().and_then(NumberedOut::pop) {
                self.take(missing, &block);
            } else if self.last_heard.is_none_or(|last| last.elapsed() > ALONE_AFTER)
                && let Some(along) = self.accompany()
            {
                self.note_pause(0);
                self.append(&along, &along);
            } else {
                let waits = self.accompaniment.as_ref().is_some_and(|ring| !ring.is_empty());
                std::thread::park_timeout(if waits { ALONE_AFTER } else { IDLE });
                self.notice_silence();
            }
        }
    }

    fn obey(&mut self) {
        if !self.shared.changed.swap(false, Ordering::AcqRel) {
            return;
        }
        let orders =
            std::mem::take(&mut *self.shared.orders.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(microphone) = orders.microphone {
            self.microphone = Some(microphone);
            self.drop_frame();
            // What was played without it nobody has heard.
            self.reference.iter_mut().for_each(NumberedOut::begin_anew);
        }
        if let Some(reference) = orders.reference {
            self.reference = Some(reference);
        }
        if let Some(accompaniment) = orders.accompaniment {
            self.accompaniment = Some(accompaniment);
        }
        if let Some(delay) = orders.microphone_delay {
            self.microphone_delay = delay;
        }
        if let Some(settings) = orders.settings {
            self.set(settings);
        }
    }

    fn set(&mut self, settings: AudioSendSettings) {
        let before = std::mem::replace(&mut self.settings, settings);
        self.chain.set(settings.chain());
        if settings.opus != before.opus
            && let Err(error) = self.encoder.set(settings.opus)
        {
            tracing::warn!(%error, "the codec keeps its settings");
        }
        self.dtx = settings.opus.dtx;
        self.fit_encoder();
        if settings.muted != before.muted {
            self.forget();
        }
    }

    /// What accompanies a screen may be music, whatever the microphone hears.
    fn fit_encoder(&mut self) {
        let content = match self.accompaniment {
            Some(_) => Content::Music,
            None => self.settings.content(),
        };
        if content == self.encoder.content() {
            return;
        }
        self.drop_frame();
        match OpusEncoder::of(content, self.settings.opus) {
            Ok(encoder) => {
                self.encoder = encoder;
                self.dtx = self.settings.opus.dtx;
            }
            Err(error) => {
                tracing::warn!(%error, "the codec stays as it is");
                self.accompaniment = None;
                self.settings.original = self.encoder.content() == Content::Music;
            }
        }
    }

    /// Nothing of what was heard up to now gets into a packet, neither by the frame in progress nor
    /// by what encoder and chain look back on.
    fn forget(&mut self) {
        self.drop_frame();
        self.fresh = true;
        if let Err(error) = self.encoder.reset() {
            tracing::warn!(%error, "the codec keeps what it has heard");
        }
        if !self.settings.muted {
            let waiting = self.microphone.as_ref().map_or(0, NumberedOut::len);
            self.held_back = waiting + CHAIN_MEMORY;
        }
    }

    fn drop_frame(&mut self) {
        self.at += self.frame.clear();
    }

    fn take(&mut self, missing: u64, block: &StereoBlock) {
        self.last_heard = Some(self.note_pause(missing));
        self.align(missing);
        let input = self.downmix.mix(block);
        let mut voice = input;
        self.chain.capture(&mut voice);
        let speaking = self.voice.listen(&voice);
        self.shared.speaking.store(speaking, Ordering::Relaxed);
        let echoing = self.echo.listen(&input, &voice);
        self.shared.echoing.store(echoing && !self.settings.muted, Ordering::Relaxed);
        self.heard.0 += squares(&input);
        self.heard.1 += squares(&voice);
        let (mut left, mut right) = match self.settings.content() {
            Content::Voice => (voice, voice),
            Content::Music => (block.left, block.right),
        };
        let silenced = self.settings.muted || self.held_back > 0;
        self.held_back = self.held_back.saturating_sub(1);
        if silenced {
            (left, right) = (SILENCE, SILENCE);
        }
        if let Some(along) = self.accompany() {
            for side in [&mut left, &mut right] {
                side.iter_mut().zip(&along).for_each(|(x, it)| *x = (*x + it).clamp(-1.0, 1.0));
            }
        }
        self.frame.speaking |= speaking && !silenced;
        self.append(&left, &right);
    }

    /// Gives the canceller what was played until now. What was played while the microphone's blocks
    /// were lost is left out, and silence takes the place of what was lost of it: otherwise all
    /// that follows would come too early or too late.
    fn align(&mut self, missing: u64) {
        self.unheard = (self.unheard + missing).min(MOST_MISSING);
        let mut played_any = false;
        while let Some((lost, played)) = self.reference.as_mut().and_then(NumberedOut::pop) {
            played_any = true;
            self.shared.missed_reference.fetch_add(lost, Ordering::Relaxed);
            (0..lost.min(MOST_MISSING)).for_each(|_| self.render(&SILENCE));
            self.render(&played);
        }
        if !played_any {
            self.unheard = 0;
        }
    }

    fn render(&mut self, block: &AudioBlock) {
        match self.unheard.checked_sub(1) {
            Some(rest) => self.unheard = rest,
            None => {
                self.chain.render(block);
                self.echo.render(block);
            }
        }
    }

    /// The next of what goes along, if there is any.
    fn accompany(&mut self) -> Option<AudioBlock> {
        let block = self.accompaniment.as_mut()?.pop().ok()?;
        self.frame.accompanied = true;
        Some(block)
    }

    fn append(&mut self, left: &AudioBlock, right: &AudioBlock) {
        if self.frame.add(self.encoder.content(), self.length, left, right) {
            self.send();
            self.fit_length();
            self.drop_frame();
        }
    }

    /// Takes up another length of packets, once nothing is lost by it.
    fn fit_length(&mut self) {
        let wanted = self.settings.opus.packet;
        let pause = !self.frame.speaking || self.waited >= PAUSE_WITHIN;
        if wanted <= self.length || pause {
            (self.length, self.waited) = (wanted, 0);
        } else {
            self.waited += 1;
        }
    }

    /// Leaves silence out where the codec hears none of a voice and the voice detector none either, whose
    /// hangover lasts over the ends of words: no word begins in what was left out.
    fn leave_out_silence(&mut self) {
        let dtx = self.settings.opus.dtx && !self.frame.speaking;
        if dtx == self.dtx {
            return;
        }
        match self.encoder.set_dtx(dtx) {
            Ok(()) => self.dtx = dtx,
            Err(error) => tracing::warn!(%error, "the codec keeps its settings"),
        }
    }

    fn send(&mut self) {
        self.show();
        self.leave_out_silence();
        let content = self.encoder.content();
        // Asked anew: the order to be silent may still wait, and then the frame has a voice in it.
        let muted = self.settings.muted || self.shared.muted.load(Ordering::Acquire);
        let silent = muted && !(self.settings.muted && self.frame.accompanied);
        let coded =
            if silent { Ok(None) } else { self.encoder.encode(self.frame.samples(content)) };
        match coded {
            Ok(Some(payload)) => {
                let captured = self.captured();
                self.shared.packets.fetch_add(1, Ordering::Relaxed);
                self.shared.bytes.fetch_add(payload.len() as u64, Ordering::Relaxed);
                (self.sink)(EncodedAudio {
                    payload,
                    duration: self.frame.duration(),
                    level: self.frame.level(content),
                    fresh: std::mem::take(&mut self.fresh),
                    at: self.at,
                    captured,
                });
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "a frame of sound is not sent"),
        }
    }

    /// When what is heard first of the frame that is full reached the microphone.
    fn captured(&mut self) -> Instant {
        let now = Instant::now();
        let ended = self.last_block.unwrap_or(now);
        let processing = self.chain.delay() + self.encoder.delay();
        let before = self.frame.duration() + processing + self.microphone_delay.get();
        ended.checked_sub(before).unwrap_or(now)
    }

    /// Tells meters of the frame that is full.
    fn show(&mut self) {
        let (input, output) = std::mem::take(&mut self.heard);
        let samples = self.frame.samples(Content::Voice).len() as f32;
        let rms = |squares: f32| (squares / samples).sqrt().to_bits();
        self.shared.input.store(rms(input), Ordering::Relaxed);
        self.shared.level.store(rms(output), Ordering::Relaxed);
        self.tell(self.chain.meters());
    }

    fn tell(&self, meters: ChainMeters) {
        *self.shared.meters.lock().unwrap_or_else(PoisonError::into_inner) = meters;
    }

    /// Time without a microphone passes, as do blocks that are missing, so that the far side keeps its
    /// clock. What waits in the ring is no pause: it comes yet.
    fn note_pause(&mut self, missing: u64) -> Instant {
        let now = Instant::now();
        let passed = self.last_block.replace(now).map_or(Duration::ZERO, |last| now - last);
        let waiting = self.microphone.as_ref().map_or(0, NumberedOut::len) as u64;
        let missing = blocks(missing);
        let paused = passed.saturating_sub(blocks(waiting + 1) + missing);
        let paused = if paused > SILENT_AFTER { paused } else { Duration::ZERO };
        if !(missing + paused).is_zero() {
            self.drop_frame();
            self.at += missing + paused;
        }
        now
    }

    fn notice_silence(&self) {
        if self.last_heard.is_none_or(|last| last.elapsed() > SILENT_AFTER) {
            self.shared.input.store(0, Ordering::Relaxed);
            self.shared.level.store(0, Ordering::Relaxed);
            self.shared.speaking.store(false, Ordering::Relaxed);
            self.shared.echoing.store(false, Ordering::Relaxed);
            self.tell(ChainMeters::default());
        }
    }
}

fn blocks(count: u64) -> Duration {
    BLOCK * u32::try_from(count).unwrap_or(u32::MAX)
}

fn squares(block: &AudioBlock) -> f32 {
    block.iter().map(|sample| sample * sample).sum()
}

#[cfg(test)]
mod tests;
