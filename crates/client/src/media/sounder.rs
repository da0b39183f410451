//! The thread that plays the sounds of calls, and records and plays back what a person says to
//! hear themselves, each on a device that is open for as long.

use super::keeper::MediaNote;
use crate::view::SampleView;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tincan_media::device::{DeviceReport, Devices, OpenDevice, SpeakerSource};
use tincan_media::sample::{Recorded, Recording, record};
use tincan_media::tones::{Playing, Tone};
use tokio::sync::mpsc::UnboundedSender;

/// What a device has not played yet when its source is through.
const TAIL: Duration = Duration::from_millis(200);
/// How much is recorded to listen to.
const SAMPLE: Duration = Duration::from_secs(5);
/// A ring that no device plays is tried again after so long.
const TRY_AGAIN: Duration = Duration::from_secs(1);

enum Order {
    Last(Option<Lasting>),
    Play(Tone, Option<String>),
    Sample {
        microphone: Option<String>,
        speaker: Option<String>,
    },
    StopSample,
    /// The speaker that was opened as the so manieth has failed.
    Lost(u64),
    End,
}

/// A tone that goes on, and the device that is to play it.
type Lasting = (Tone, Option<String>);

/// Silences what is played at once, however long its device takes to close.
#[derive(Default)]
struct Hush {
    lasting: AtomicBool,
    once: AtomicBool,
}

/// The thread. Dropping it ends what is played.
pub struct Sounder {
    orders: Sender<Order>,
    hush: Arc<Hush>,
    thread: Option<JoinHandle<()>>,
}

impl Sounder {
    /// Starts the thread, which opens nothing yet.
    pub fn start(devices: Arc<dyn Devices>, notes: UnboundedSender<MediaNote>) -> Self {
        let (orders, queue) = channel();
        let hush = Arc::<Hush>::default();
        let (theirs, lost) = (hush.clone(), orders.clone());
        let thread = std::thread::Builder::new()
            .name("call sounds".into())
            .spawn(move || {
                let doing = Doing::Nothing { until: None };
                let sounding = Sounding {
                    devices,
                    hush: theirs,
                    notes,
                    lost,
                    opened: 0,
                    lasting: None,
                    doing,
                };
                sounding.run(&queue);
            })
            .inspect_err(|error| tracing::error!(%error, "no thread for the sounds of calls"))
            .ok();
        Self { orders, hush, thread }
    }

    /// Plays this tone from now on, again and again, on the device with this id or the system's
    /// own; with nothing, what is played once goes on to its end.
    pub fn last(&self, tone: Option<Lasting>) {
        self.hush.lasting.store(true, Ordering::Release);
        if tone.is_some() {
            self.hush.once.store(true, Ordering::Release);
        }
        self.order(Order::Last(tone));
    }

    /// Plays this once. What lasts goes on afterwards.
    pub fn play(&self, tone: Tone, device: Option<String>) {
        self.hush_all();
        self.order(Order::Play(tone, device));
    }

    /// Records what is said for a while, and plays it back. What lasts goes on afterwards.
    pub fn sample(&self, microphone: Option<String>, speaker: Option<String>) {
        self.hush_all();
        self.order(Order::Sample { microphone, speaker });
    }

    /// Ends that.
    pub fn stop_sample(&self) {
        self.order(Order::StopSample);
    }

    fn hush_all(&self) {
        self.hush.lasting.store(true, Ordering::Release);
        self.hush.once.store(true, Ordering::Release);
    }

    fn order(&self, order: Order) {
        // Without its thread there is no sound.
        let _ = self.orders.send(order);
    }
}

impl Drop for Sounder {
    fn drop(&mut self) {
        self.hush_all();
        self.order(Order::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the thread is about.
enum Doing {
    /// If something is to last, no device plays it; until then.
    Nothing { until: Option<Instant> },
    /// What lasts.
    Ringing { _speaker: Box<dyn OpenDevice> },
    /// A tone, once, or else a recording.
    Playing { _speaker: Box<dyn OpenDevice>, until: Instant },
    Recording {
        microphone: Box<dyn OpenDevice>,
        recording: Recording,
        until: Instant,
        speaker: Option<String>,
    },
}

struct Sounding {
    devices: Arc<dyn Devices>,
    hush: Arc<Hush>,
    notes: UnboundedSender<MediaNote>,
    lost: Sender<Order>,
    /// Speakers so far.
    opened: u64,
    lasting: Option<Lasting>,
    doing: Doing,
}

impl Sounding {
    fn run(mut self, orders: &Receiver<Order>) {
        loop {
            let until = match &self.doing {
                Doing::Ringing { .. } => None,
                Doing::Nothing { until } => *until,
                Doing::Playing { until, .. } | Doing::Recording { until, .. } => Some(*until),
            };
            let order = match until {
                Some(until) => orders.recv_timeout(until.saturating_duration_since(Instant::now())),
                None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match order {
                Ok(Order::Last(lasting)) => {
                    self.lasting = lasting;
                    let lasts = matches!(self.doing, Doing::Ringing { .. } | Doing::Nothing { .. });
                    if self.lasting.is_some() || lasts {
                        self.end();
                    }
                }
                Ok(Order::Play(tone, device)) => {
                    self.stop();
                    self.play(tone, device.as_deref());
                    self.tell(SampleView::Off);
                }
                Ok(Order::Sample { microphone, speaker }) => {
                    self.stop();
                    self.record(microphone.as_deref(), speaker);
                }
                Ok(Order::StopSample) => {
                    if matches!(self.doing, Doing::Playing { .. } | Doing::Recording { .. }) {
                        self.end();
                    }
                }
                Ok(Order::Lost(speaker)) => {
                    // What was closed meanwhile is of no interest.
                    if speaker == self.opened {
                        self.end();
                    }
                }
                Err(RecvTimeoutError::Timeout) => match self.stop() {
                    Doing::Recording { microphone, recording, speaker, .. } => {
                        drop(microphone);
                        self.play_back(recording.finish(), speaker.as_deref());
                    }
                    Doing::Nothing { .. } | Doing::Ringing { .. } | Doing::Playing { .. } => {
                        self.end();
                    }
                },
                Ok(Order::End) | Err(RecvTimeoutError::Disconnected) => return,
            }
            // Whatever has ended, or could not begin.
            if matches!(self.doing, Doing::Nothing { until: None }) && self.lasting.is_some() {
                self.ring();
            }
        }
    }

    fn stop(&mut self) -> Doing {
        std::mem::replace(&mut self.doing, Doing::Nothing { until: None })
    }

    fn end(&mut self) {
        drop(self.stop());
        self.tell(SampleView::Off);
    }

    /// Plays what lasts.
    fn ring(&mut self) {
        let Some((tone, device)) = self.lasting.clone() else { return };
        self.hush.lasting.store(false, Ordering::Release);
        let hush = self.hush.clone();
        let source = || hushed(tone, hush.clone(), |hush| &hush.lasting);
        self.doing = match self.open(device.as_deref(), source) {
            Some(_speaker) => Doing::Ringing { _speaker },
            None => Doing::Nothing { until: Some(Instant::now() + TRY_AGAIN) },
        };
    }

    fn play(&mut self, tone: Tone, device: Option<&str>) {
        self.hush.once.store(false, Ordering::Release);
        let hush = self.hush.clone();
        let source = || hushed(tone, hush.clone(), |hush| &hush.once);
        if let Some(_speaker) = self.open(device, source) {
            let until = Instant::now() + tone.length() + TAIL;
            self.doing = Doing::Playing { _speaker, until };
        }
    }

    fn record(&mut self, microphone: Option<&str>, speaker: Option<String>) {
        let (sink, recording) = record(SAMPLE);
        // One that is lost delivers no more; what came before is played back.
        match self.devices.open_microphone(microphone, sink, Box::new(|_| {})) {
            Ok(microphone) => {
                let until = Instant::now() + SAMPLE;
                self.doing = Doing::Recording { microphone, recording, until, speaker };
                self.tell(SampleView::Recording);
            }
            Err(error) => {
                tracing::info!(%error, "nothing can be recorded");
                self.tell(SampleView::Off);
            }
        }
    }

    fn play_back(&mut self, recorded: Recorded, speaker: Option<&str>) {
        let length = recorded.length();
        match self.open(speaker, || recorded.clone().player()) {
            Some(_speaker) => {
                let until = Instant::now() + length + TAIL;
                self.doing = Doing::Playing { _speaker, until };
                self.tell(SampleView::Playing);
            }
            None => self.tell(SampleView::Off),
        }
    }

    /// Opens a speaker; rather another than none.
    fn open(
        &mut self,
        device: Option<&str>,
        source: impl Fn() -> SpeakerSource,
    ) -> Option<Box<dyn OpenDevice>> {
        let mut open = |device| {
            self.opened += 1;
            let (lost, speaker) = (self.lost.clone(), self.opened);
            let report: DeviceReport = Box::new(move |result| {
                if result.is_err() {
                    // The thread ends only after the device is closed.
                    let _ = lost.send(Order::Lost(speaker));
                }
            });
            self.devices.open_speaker(device, source(), report)
        };
        let opened = open(device).or_else(|error| match device {
            Some(_) => open(None),
            None => Err(error),
        });
        opened.inspect_err(|error| tracing::info!(%error, "a sound is not heard")).ok()
    }

    fn tell(&self, sample: SampleView) {
        // The controller is gone when the app closes.
        let _ = self.notes.send(MediaNote::Sample(sample));
    }
}

/// A tone that falls silent when it is told.
fn hushed(tone: Tone, hush: Arc<Hush>, told: fn(&Hush) -> &AtomicBool) -> SpeakerSource {
    let mut playing = Playing::new(tone);
    Box::new(move |block| {
        if told(&hush).load(Ordering::Acquire) {
            playing.stop();
        }
        playing.fill(&mut block.left);
        block.right = block.left;
    })
}

#[cfg(test)]
mod tests;
