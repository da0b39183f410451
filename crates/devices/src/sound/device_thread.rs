//! The thread of one open microphone or speaker: it owns the stream, finds out that the device
//! is lost, and closes it. cpal tells nobody of an unplugged device, and on a sound server the
//! stream silently moves elsewhere: hence the looking around.

use super::{Shape, Side, choose, connect, find, hears, id_of, while_opening, while_running};
use crate::listing::Listing;
use crate::sound::SoundDevices;
use crate::worker::{Answer, poll};
use cpal::traits::{DeviceTrait, StreamTrait};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tincan_media::device::{DeviceDelay, DeviceError, DeviceReport, OpenDevice};
use tincan_media::pipeline::real_time::{hurry, this_thread};

/// How often an open device looks whether it still exists.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A second look follows so soon where the system seems to have chosen another device: while one is
/// unplugged, the list and the choice may disagree. Longer than looks are shared.
const SECOND_LOOK: Duration = Duration::from_millis(300);
/// How often it looks whether the answer has come.
const ANSWER_EVERY: Duration = Duration::from_millis(50);
/// A stream without a callback for so long is dead; Bluetooth devices pause for 2 to 3 s when
/// they change their profile.
const STALLED: Duration = Duration::from_secs(6);
/// Longer than a sound server takes to wake a suspended device.
const OPENING: Duration = Duration::from_secs(5);
/// A hung server can hold a stream for ever; the thread is then left behind.
const CLOSING: Duration = Duration::from_secs(2);
/// Orders to the thread. When full it has one that ends it already, so others may be dropped.
const ORDERS: usize = 4;

enum Order {
    Stop,
    Failed(DeviceError),
}

/// What the callbacks share with the thread.
#[derive(Default)]
struct Pulse {
    callbacks: AtomicU64,
    lost_buffers: AtomicU64,
    closed: AtomicBool,
    /// Where the callbacks run; 0 before the first.
    thread: AtomicI32,
}

/// Handed to whoever builds the stream, for its callbacks.
#[derive(Clone)]
pub(crate) struct Wires {
    pulse: Arc<Pulse>,
    /// For the data callback to tell how long sound takes.
    pub(crate) delay: DeviceDelay,
    orders: SyncSender<Order>,
}

impl Wires {
    /// For the data callback: `false` when nothing may be delivered any more.
    pub(crate) fn beat(&self) -> bool {
        if self.pulse.callbacks.fetch_add(1, Ordering::Relaxed) == 0 {
            // Its priority is asked for on the device's own thread: that may wait and log.
            self.pulse.thread.store(this_thread(), Ordering::Relaxed);
        }
        !self.pulse.closed.load(Ordering::Acquire)
    }

    /// For the error callback.
    pub(crate) fn failed(&self, error: &cpal::Error) {
        match while_running(error) {
            Some(failure) => drop(self.orders.try_send(Order::Failed(failure))),
            None => drop(self.pulse.lost_buffers.fetch_add(1, Ordering::Relaxed)),
        }
    }

    /// How long the system may take to make a stream.
    pub(crate) const PATIENCE: Option<Duration> = Some(Duration::from_secs(3));
}

/// Opens a device on a thread of its own; `build` makes the stream there.
pub(crate) fn open<B>(
    listing: &Arc<Listing>,
    side: Side,
    id: Option<&str>,
    report: DeviceReport,
    build: B,
) -> Result<Box<dyn OpenDevice>, DeviceError>
where
    B: FnOnce(&cpal::Device, Shape, Wires) -> Result<cpal::Stream, DeviceError> + Send + 'static,
{
    let (orders, ordered) = sync_channel(ORDERS);
    let (opened, opening) = sync_channel(1);
    let (alive, ended) = sync_channel::<()>(1);
    let delay = DeviceDelay::default();
    let wires = Wires { pulse: Arc::default(), delay: delay.clone(), orders: orders.clone() };
    let wanted = id.map(str::to_owned);
    let listing = listing.clone();
    let thread = std::thread::Builder::new()
        .name(format!("tincan-{side:?}").to_lowercase())
        .spawn(move || {
            let _alive = alive;
            let result = start(side, wanted.as_deref(), wires.clone(), build);
            let (stream, id) = match result {
                Ok(running) => running,
                Err(error) => return drop(opened.send(Err(error))),
            };
            if opened.send(Ok(id.clone())).is_err() {
                return; // Whoever asked has given up.
            }
            report(Ok(()));
            let pinned = wanted.is_some();
            let mut watch =
                Watch { listing, side, at: id, pinned, doubted: false, pulse: wires.pulse };
            let failure = watch.until_the_end(&ordered);
            watch.pulse.closed.store(true, Ordering::Release);
            drop(stream);
            if let Some(failure) = failure {
                tracing::info!(?side, %failure, "a sound device stopped");
                report(Err(failure));
            }
        })
        .map_err(|error| DeviceError::Refused(format!("no thread: {error}")))?;
    match opening.recv_timeout(OPENING) {
        Ok(Ok(id)) => Ok(Box::new(Running { id, delay, orders, ended, thread: Some(thread) })),
        Ok(Err(error)) => Err(error),
        Err(RecvTimeoutError::Timeout) => {
            Err(DeviceError::Busy("the sound system does not answer".into()))
        }
        Err(RecvTimeoutError::Disconnected) => {
            Err(DeviceError::Unsupported("the sound system failed".into()))
        }
    }
}

/// A connection of its own for each stream: cpal runs all callbacks of one connection on one
/// thread, under one lock.
fn start<B>(
    side: Side,
    id: Option<&str>,
    wires: Wires,
    build: B,
) -> Result<(cpal::Stream, String), DeviceError>
where
    B: FnOnce(&cpal::Device, Shape, Wires) -> Result<cpal::Stream, DeviceError>,
{
    let host = connect().ok_or(DeviceError::Missing)?;
    let device = find(&host, side, id)?;
    let shape = match side {
        Side::Microphone => {
            let own = device.default_input_config().ok().map(|config| config.channels());
            device.supported_input_configs().map(|offers| choose(offers, own))
        }
        // Sides that a speaker does not have are mixed where that is known.
        Side::Speaker => device.supported_output_configs().map(|offers| choose(offers, None)),
    };
    let shape = shape
        .map_err(|error| while_opening(&error))?
        .ok_or_else(|| DeviceError::Unsupported("no sample format that we know".into()))?;
    let stream = build(&device, shape, wires)?;
    stream.play().map_err(|error| while_opening(&error))?;
    let id = id_of(&device).unwrap_or_default();
    tracing::info!(?side, id, ?shape, "a sound device is open");
    Ok((stream, id))
}

struct Watch {
    listing: Arc<Listing>,
    side: Side,
    /// Where the stream is. cpal asks sound servers for a certain device always: a server moves the
    /// stream when that is gone, but PulseAudio does not when the system's choice is another one.
    at: String,
    /// A person chose it.
    pinned: bool,
    /// The system's choice is another at the last look.
    doubted: bool,
    pulse: Arc<Pulse>,
}

impl Watch {
    /// Returns when the device is to be closed, with the reason if it failed.
    fn until_the_end(&mut self, orders: &Receiver<Order>) -> Option<DeviceError> {
        let mut look: Option<Receiver<Option<SoundDevices>>> = None;
        let mut last_callback = (0, Instant::now());
        let mut lost_buffers = 0;
        loop {
            let pause = match look {
                Some(_) => ANSWER_EVERY,
                None if self.doubted => SECOND_LOOK,
                None => LOOK_EVERY,
            };
            match orders.recv_timeout(pause) {
                Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => return None,
                Ok(Order::Failed(failure)) => return Some(failure),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let thread = self.pulse.thread.swap(0, Ordering::Relaxed);
            if thread != 0 {
                hurry(thread);
            }
            let callbacks = self.pulse.callbacks.load(Ordering::Relaxed);
            if callbacks != last_callback.0 {
                last_callback = (callbacks, Instant::now());
            } else if last_callback.1.elapsed() > STALLED {
                return Some(DeviceError::Lost("it stopped delivering".into()));
            }
            let lost = self.pulse.lost_buffers.load(Ordering::Relaxed);
            if lost != lost_buffers {
                tracing::debug!(side = ?self.side, lost, "buffers lost so far");
                lost_buffers = lost;
            }
            look = match look {
                None => self.listing.begin_sound_look(),
                Some(answer) => match poll(&answer) {
                    Answer::Waiting => Some(answer),
                    Answer::Here(devices) => {
                        if let Some(failure) = devices.and_then(|devices| self.judge(&devices)) {
                            return Some(failure);
                        }
                        None
                    }
                    Answer::Gone => None,
                },
            };
        }
    }

    /// Why the device is to be closed, if it is.
    fn judge(&mut self, devices: &SoundDevices) -> Option<DeviceError> {
        let listed = devices.side(self.side);
        let there = listed.iter().any(|entry| entry.id == self.at);
        if self.pinned {
            return (!there).then(|| DeviceError::Lost("it was removed".into()));
        }
        let default = listed.iter().find(|entry| entry.default)?;
        let doubted = there && default.id != self.at;
        if doubted && self.doubted {
            return Some(DeviceError::Lost("the system chose another".into()));
        }
        self.doubted = doubted;
        if !there {
            if host(&default.id) != host(&self.at) {
                return Some(DeviceError::Lost("the sound server is another".into()));
            }
            let mut speakers = devices.side(Side::Speaker).iter();
            let speaker = speakers.find(|entry| entry.default).map(|entry| entry.id.as_str());
            if self.side == Side::Microphone && hears(&default.id, speaker) {
                return Some(DeviceError::Lost("only the speaker's own sound is left".into()));
            }
            self.at = default.id.clone();
        }
        None
    }
}

/// By whom a device is reached.
fn host(id: &str) -> Option<&str> {
    id.split_once(':').map(|(host, _)| host)
}

struct Running {
    id: String,
    delay: DeviceDelay,
    orders: SyncSender<Order>,
    ended: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl OpenDevice for Running {
    fn id(&self) -> &str {
        &self.id
    }

    fn delay(&self) -> DeviceDelay {
        self.delay.clone()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        let _ = self.orders.try_send(Order::Stop);
        // Dropped from within a report: the thread is past its stream already.
        if thread.thread().id() == std::thread::current().id() {
            return;
        }
        match self.ended.recv_timeout(CLOSING) {
            Err(RecvTimeoutError::Timeout) => {
                tracing::warn!(id = self.id, "the sound system does not let go of a device");
            }
            Ok(()) | Err(RecvTimeoutError::Disconnected) => drop(thread.join()),
        }
    }
}
