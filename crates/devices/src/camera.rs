//! An open camera: a thread that takes its pictures and one that watches it, since taking a
//! picture waits for ever when a camera stalls.

mod capture;
mod errors;
mod format;
mod nodes;
mod picture;
#[cfg(target_os = "linux")]
mod v4l2;

pub(crate) use nodes::{CameraNode, nodes};

use crate::listing::Listing;
use capture::Capture;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tincan_media::device::{CameraFormat, DeviceError, DeviceReport, OpenDevice};
use tincan_media::frame::VideoFrame;
use tincan_media::mailbox::NewestIn;

/// The slowest rate that is any use is a picture a second.
const STALLED: Duration = Duration::from_secs(3);
/// How often the watch looks for new pictures.
const WATCH_EVERY: Duration = Duration::from_millis(250);
/// Pictures come at least every second or so; a camera that stalls is left to its thread,
/// which lets go of it as soon as the driver returns.
const CLOSING: Duration = Duration::from_millis(1500);
/// At most one end and one stop are ever sent.
const EVENTS: usize = 4;

/// What happens to an open camera.
enum Event {
    Stop,
    Failed(DeviceError),
}

/// What the two threads share.
#[derive(Default)]
struct Pulse {
    pictures: AtomicU64,
    closed: AtomicBool,
}

/// Opens the camera with this id (`None`: the first) and waits for its first picture, which is to come
/// `within` this.
pub(crate) fn open(
    listing: &Arc<Listing>,
    id: Option<&str>,
    asked: CameraFormat,
    within: Duration,
    sink: NewestIn<VideoFrame>,
    report: DeviceReport,
) -> Result<Box<dyn OpenDevice>, DeviceError> {
    let node = listing
        .cameras()
        .into_iter()
        .find(|node| id.is_none_or(|id| id == node.id))
        .ok_or(DeviceError::Missing)?;
    let id = node.id.clone();
    let pulse = Arc::new(Pulse::default());
    let (events, happened) = sync_channel(EVENTS);
    let (opened, opening) = sync_channel(1);
    let (alive, ended) = sync_channel::<()>(1);

    let capture = Capture { node, asked, sink, pulse: pulse.clone(), failures: events.clone() };
    let capture = thread("tincan-camera", move || {
        let _alive = alive;
        capture.run(&opened);
    })?;
    // From here on, dropping closes the camera: also when opening fails or takes too long.
    let mut camera = Running { id, pulse, events, ended, threads: vec![capture] };
    match opening.recv_timeout(within) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(error),
        Err(RecvTimeoutError::Timeout) => {
            return Err(DeviceError::Lost("it delivers no picture".into()));
        }
        Err(RecvTimeoutError::Disconnected) => {
            return Err(DeviceError::Unsupported("its driver failed".into()));
        }
    }
    let pulse = camera.pulse.clone();
    let watch = thread("tincan-camera-watch", move || watch(&pulse, &happened, &report))?;
    camera.threads.push(watch);
    Ok(Box::new(camera))
}

fn watch(pulse: &Pulse, happened: &Receiver<Event>, report: &DeviceReport) {
    report(Ok(()));
    let mut last = (pulse.pictures.load(Ordering::Relaxed), Instant::now());
    let failure = loop {
        match happened.recv_timeout(WATCH_EVERY) {
            Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Ok(Event::Failed(failure)) => break failure,
            Err(RecvTimeoutError::Timeout) => {}
        }
        let pictures = pulse.pictures.load(Ordering::Relaxed);
        if pictures != last.0 {
            last = (pictures, Instant::now());
        } else if last.1.elapsed() > STALLED {
            break DeviceError::Lost("it stopped delivering".into());
        }
    };
    pulse.closed.store(true, Ordering::Release);
    tracing::info!(%failure, "the camera stopped");
    report(Err(failure));
}

fn thread(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, DeviceError> {
    std::thread::Builder::new()
        .name(name.into())
        .spawn(body)
        .map_err(|error| DeviceError::Refused(format!("no thread: {error}")))
}

struct Running {
    id: String,
    pulse: Arc<Pulse>,
    events: SyncSender<Event>,
    ended: Receiver<()>,
    threads: Vec<JoinHandle<()>>,
}

impl OpenDevice for Running {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.pulse.closed.store(true, Ordering::Release);
        let _ = self.events.try_send(Event::Stop);
        if let Err(RecvTimeoutError::Timeout) = self.ended.recv_timeout(CLOSING) {
            tracing::warn!(id = self.id, "the camera's driver does not return");
            self.threads.remove(0);
        }
        let here = std::thread::current().id();
        for thread in self.threads.drain(..) {
            // The watch drops the camera itself when its report does.
            if thread.thread().id() != here {
                drop(thread.join());
            }
        }
    }
}
