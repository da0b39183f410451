//! The thread that takes pictures: it opens the camera, converts what comes and closes it.

use super::errors::{is_gone, while_opening};
use super::format::{Offer, ranked};
use super::nodes::CameraNode;
use super::picture::Converter;
use super::{Event, Pulse};
use nokhwa::Camera;
use nokhwa::utils::{FrameFormat, RequestedFormat, RequestedFormatType};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};
use tincan_media::device::{CameraFormat, DeviceError};
use tincan_media::frame::VideoFrame;
use tincan_media::mailbox::NewestIn;

/// How many of the nearest formats are tried where a driver refuses what it offered.
const TRIES: usize = 4;
/// An erring camera errs at once and every time; the pause keeps it from taking a whole core.
const AFTER_ERROR: Duration = Duration::from_millis(20);
/// Errors in a row after which a camera counts as lost: one second of them.
const MOST_ERRORS: u32 = 50;

/// All formats that we can read.
const READABLE: &[FrameFormat] = &[FrameFormat::YUYV, FrameFormat::NV12, FrameFormat::MJPEG];

/// What the thread is given.
pub(super) struct Capture {
    pub(super) node: CameraNode,
    pub(super) asked: CameraFormat,
    pub(super) sink: NewestIn<VideoFrame>,
    pub(super) pulse: Arc<Pulse>,
    pub(super) failures: SyncSender<Event>,
}

impl Capture {
    /// Runs until the camera is closed or lost. `opened` is told once, after the first
    /// picture or the error in its place: drivers refuse much only then.
    pub(super) fn run(self, opened: &SyncSender<Result<(), DeviceError>>) {
        let started = open(&self.node, self.asked);
        let (mut camera, mut converter) = match started {
            Ok(started) => started,
            Err(error) => return drop(opened.try_send(Err(error))),
        };
        let mut pictures = 0u64;
        let mut errors = 0;
        while !self.pulse.closed.load(Ordering::Acquire) {
            let picture = camera.frame_raw();
            let captured = Instant::now();
            if self.pulse.closed.load(Ordering::Acquire) {
                break;
            }
            match picture {
                Ok(bytes) => {
                    errors = 0;
                    let Some(frame) = converter.convert(&bytes, captured) else { continue };
                    self.sink.put(frame);
                    pictures += 1;
                    self.pulse.pictures.store(pictures, Ordering::Relaxed);
                    if pictures == 1 {
                        let _ = opened.try_send(Ok(()));
                    }
                }
                Err(error) if pictures == 0 => {
                    return drop(opened.try_send(Err(while_opening(&error))));
                }
                Err(error) => {
                    errors += 1;
                    if is_gone(&error) || errors >= MOST_ERRORS {
                        let failure = DeviceError::Lost(error.to_string());
                        drop(camera);
                        return drop(self.failures.try_send(Event::Failed(failure)));
                    }
                    std::thread::sleep(AFTER_ERROR);
                }
            }
        }
        if let Err(error) = camera.stop_stream() {
            tracing::debug!(%error, "while closing the camera");
        }
        tracing::info!(id = self.node.id, pictures, unreadable = converter.unreadable(), "closed");
    }
}

fn open(node: &CameraNode, asked: CameraFormat) -> Result<(Camera, Converter), DeviceError> {
    let mut last = DeviceError::Unsupported("it has no format that we know".into());
    for offer in ranked(offers(node, asked)?, asked).into_iter().take(TRIES) {
        match open_as(node, offer) {
            Ok(camera) => {
                tracing::info!(id = node.id, ?offer, "the camera is open");
                return Ok((camera, Converter::new(offer.pixels, offer.resolution)));
            }
            Err(error @ DeviceError::Unsupported(_)) => {
                tracing::debug!(%error, ?offer, "not accepted");
                last = error;
            }
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

fn open_as(node: &CameraNode, offer: Offer) -> Result<Camera, DeviceError> {
    #[cfg(target_os = "linux")]
    super::v4l2::prepare(&node.index, offer)?;
    let exact = RequestedFormatType::Exact(offer.nokhwa());
    let request = RequestedFormat::with_formats(exact, READABLE);
    let mut camera =
        Camera::new(node.index.clone(), request).map_err(|error| while_opening(&error))?;
    camera.open_stream().map_err(|error| while_opening(&error))?;
    Ok(camera)
}

#[cfg(target_os = "linux")]
fn offers(node: &CameraNode, asked: CameraFormat) -> Result<Vec<Offer>, DeviceError> {
    super::v4l2::offers(&node.index, asked)
}

#[cfg(not(target_os = "linux"))]
fn offers(node: &CameraNode, _asked: CameraFormat) -> Result<Vec<Offer>, DeviceError> {
    #[cfg(target_os = "macos")]
    if !nokhwa::nokhwa_check() {
        // The question goes to the person; opening again after the answer works.
        nokhwa::nokhwa_initialize(|allowed| tracing::info!(allowed, "camera permission"));
        return Err(DeviceError::Refused("the camera is not allowed yet".into()));
    }
    let any = RequestedFormat::with_formats(RequestedFormatType::None, READABLE);
    let mut camera = Camera::new(node.index.clone(), any).map_err(|error| while_opening(&error))?;
    let formats = camera.compatible_camera_formats().map_err(|error| while_opening(&error))?;
    Ok(formats.into_iter().filter_map(Offer::of).collect())
}
