//! The thread that plays the sounds of calls, each on a device that is open for as long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tincan_media::device::{DeviceError, Devices, OpenDevice, SpeakerSource};
use tincan_media::tones::{Playing, Tone};

/// What a device has not played yet when its source is through.
const TAIL: Duration = Duration::from_millis(200);

enum Order {
    Play(Tone, Option<String>),
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
    pub fn start(devices: Arc<dyn Devices>) -> Self {
        let (orders, queue) = channel();
        let hush = Arc::<AtomicBool>::default();
        let theirs = hush.clone();
        let thread = std::thread::Builder::new()
            .name("call sounds".into())
            .spawn(move || play(&*devices, &queue, &theirs))
            .inspect_err(|error| tracing::error!(%error, "no thread for the sounds of calls"))
            .ok();
        Self { orders, hush, thread }
    }

    /// Plays this instead of what is played, on the device with this id or the system's own.
    pub fn play(&self, tone: Tone, device: Option<String>) {
        self.order(Order::Play(tone, device));
    }

    /// Ends what is played.
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

fn play(devices: &dyn Devices, orders: &Receiver<Order>, hush: &Arc<AtomicBool>) {
    let mut open: Option<(Box<dyn OpenDevice>, Option<Instant>)> = None;
    loop {
        let order = match open.as_ref().and_then(|(_, until)| *until) {
            Some(until) => orders.recv_timeout(until.saturating_duration_since(Instant::now())),
            None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        open = None;
        match order {
            Ok(Order::Play(tone, device)) => {
                hush.store(false, Ordering::Release);
                let device = device.as_deref();
                let opened = begin(devices, tone, device, hush).or_else(|error| match device {
                    // Rather from another device than not at all.
                    Some(_) => begin(devices, tone, None, hush),
                    None => Err(error),
                });
                match opened {
                    Ok(device) => {
                        let until =
                            (!tone.repeats()).then(|| Instant::now() + tone.length() + TAIL);
                        open = Some((device, until));
                    }
                    Err(error) => tracing::info!(%error, ?tone, "a sound is not heard"),
                }
            }
            Ok(Order::Stop) | Err(RecvTimeoutError::Timeout) => {}
            Ok(Order::End) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn begin(
    devices: &dyn Devices,
    tone: Tone,
    device: Option<&str>,
    hush: &Arc<AtomicBool>,
) -> Result<Box<dyn OpenDevice>, DeviceError> {
    let mut playing = Playing::new(tone);
    let hush = hush.clone();
    let source: SpeakerSource = Box::new(move |block| {
        if hush.load(Ordering::Acquire) {
            playing.stop();
        }
        playing.fill(block);
    });
    // One that is lost falls silent; the next sound looks for another.
    devices.open_speaker(device, source, Box::new(|_| {}))
}
