//! The thread that plays the sounds of calls, and records and plays back what a person says to
//! hear themselves, each on a device that is open for as long.

use super::keeper::MediaNote;
use crate::view::SampleView;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tincan_media::device::{Devices, OpenDevice, SpeakerSource};
use tincan_media::sample::{Recorded, Recording, record};
use tincan_media::tones::{Playing, Tone};
use tokio::sync::mpsc::UnboundedSender;

/// What a device has not played yet when its source is through.
const TAIL: Duration = Duration::from_millis(200);
/// How much is recorded to listen to.
const SAMPLE: Duration = Duration::from_secs(5);

enum Order {
    Play(Tone, Option<String>),
    Sample { microphone: Option<String>, speaker: Option<String> },
    Stop,
    End,
}

/// The thread. Dropping it ends what is played.
pub struct Sounder {
    orders: Sender<Order>,
    /// Silences what is played at once, however long its device takes to close.
    hush: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Sounder {
    /// Starts the thread, which opens nothing yet.
    pub fn start(devices: Arc<dyn Devices>, notes: UnboundedSender<MediaNote>) -> Self {
        let (orders, queue) = channel();
        let hush = Arc::<AtomicBool>::default();
        let theirs = hush.clone();
        let thread = std::thread::Builder::new()
            .name("call sounds".into())
            .spawn(move || {
                Sounding { devices, hush: theirs, notes, doing: Doing::Nothing }.run(&queue)
            })
            .inspect_err(|error| tracing::error!(%error, "no thread for the sounds of calls"))
            .ok();
        Self { orders, hush, thread }
    }

    /// Plays this instead of what is played, on the device with this id or the system's own.
    pub fn play(&self, tone: Tone, device: Option<String>) {
        self.order(Order::Play(tone, device));
    }

    /// Records what is said for a while, and plays it back.
    pub fn sample(&self, microphone: Option<String>, speaker: Option<String>) {
        self.order(Order::Sample { microphone, speaker });
    }

    /// Ends what is played or recorded.
    pub fn stop(&self) {
        self.order(Order::Stop);
    }

    fn order(&self, order: Order) {
        self.hush.store(true, Ordering::Release);
        // Without its thread there is no sound.
        let _ = self.orders.send(order);
    }
}

impl Drop for Sounder {
    fn drop(&mut self) {
        self.order(Order::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the thread is about.
enum Doing {
    Nothing,
    /// Until then, if it does not go on.
    Playing {
        _speaker: Box<dyn OpenDevice>,
        until: Option<Instant>,
    },
    Recording {
        microphone: Box<dyn OpenDevice>,
        recording: Recording,
        until: Instant,
        speaker: Option<String>,
    },
}

struct Sounding {
    devices: Arc<dyn Devices>,
    hush: Arc<AtomicBool>,
    notes: UnboundedSender<MediaNote>,
    doing: Doing,
}

impl Sounding {
    fn run(mut self, orders: &Receiver<Order>) {
        loop {
            let until = match &self.doing {
                Doing::Nothing => None,
                Doing::Playing { until, .. } => *until,
                Doing::Recording { until, .. } => Some(*until),
            };
            let order = match until {
                Some(until) => orders.recv_timeout(until.saturating_duration_since(Instant::now())),
                None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let before = std::mem::replace(&mut self.doing, Doing::Nothing);
            match (order, before) {
                (Ok(Order::Play(tone, device)), before) => {
                    drop(before);
                    self.play(tone, device.as_deref());
                    self.tell(SampleView::Off);
                }
                (Ok(Order::Sample { microphone, speaker }), before) => {
                    drop(before);
                    self.record(microphone.as_deref(), speaker);
                }
                (
                    Err(RecvTimeoutError::Timeout),
                    Doing::Recording { microphone, recording, speaker, .. },
                ) => {
                    drop(microphone);
                    self.play_back(recording.finish(), speaker.as_deref());
                }
                (Ok(Order::Stop) | Err(RecvTimeoutError::Timeout), before) => {
                    drop(before);
                    self.tell(SampleView::Off);
                }
                (Ok(Order::End) | Err(RecvTimeoutError::Disconnected), _) => return,
            }
        }
    }

    fn play(&mut self, tone: Tone, device: Option<&str>) {
        let until = (!tone.repeats()).then(|| tone.length());
        let hush = self.hush.clone();
        self.sound(device, until, || {
            let (mut playing, hush) = (Playing::new(tone), hush.clone());
            Box::new(move |block| {
                if hush.load(Ordering::Acquire) {
                    playing.stop();
                }
                playing.fill(&mut block.left);
                block.right = block.left;
            })
        });
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
        self.sound(speaker, Some(length), || recorded.clone().player());
        let playing = matches!(self.doing, Doing::Playing { .. });
        self.tell(if playing { SampleView::Playing } else { SampleView::Off });
    }

    /// Opens a speaker for as long; rather another than none.
    fn sound(
        &mut self,
        device: Option<&str>,
        length: Option<Duration>,
        source: impl Fn() -> SpeakerSource,
    ) {
        self.hush.store(false, Ordering::Release);
        // One that is lost falls silent; the next sound looks for another.
        let open = |device| self.devices.open_speaker(device, source(), Box::new(|_| {}));
        let opened = open(device).or_else(|error| match device {
            Some(_) => open(None),
            None => Err(error),
        });
        match opened {
            Ok(speaker) => {
                let until = length.map(|length| Instant::now() + length + TAIL);
                self.doing = Doing::Playing { _speaker: speaker, until };
            }
            Err(error) => tracing::info!(%error, "a sound is not heard"),
        }
    }

    fn tell(&self, sample: SampleView) {
        // The controller is gone when the app closes.
        let _ = self.notes.send(MediaNote::Sample(sample));
    }
}
