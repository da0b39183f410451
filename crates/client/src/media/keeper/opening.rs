//! Opening a device, or what is used instead of it.

use super::super::camera_size::CameraSize;
use super::super::track::Source;
use super::keeping::Keeping;
use super::{MediaNote, Order, entries};
use crate::view::DeviceKind;
use std::time::{Duration, Instant};
use tincan_media::device::{CAMERA_OPENING, CameraFormat, DeviceError, DeviceReport, OpenDevice};
use tincan_media::frame::VideoFrame;
use tincan_media::mailbox::{NewestOut, newest};
use tincan_media::synthetic::picture::Style;
use tincan_media::synthetic::test_picture::{TEST_PICTURE_ID, TestPicture};

/// A camera that has just delivered in another size may take so long to the first picture: hanging up and
/// all other devices wait for it.
const REFITTING: Duration = Duration::from_secs(2);
/// How a sound server calls the microphone that hears what a speaker plays.
const MONITOR: &str = ".monitor";

impl Keeping {
    /// Opens a device; where the chosen one is gone, the one that the system would use, and where
    /// that does not work, any other.
    pub(super) fn open(&mut self, kind: DeviceKind, choice: Option<String>) {
        // Who has not chosen a camera was seen by one all the same, and by no other.
        let gone = self.slots.get(&kind).and_then(|slot| slot.gone.clone());
        let gone = gone.filter(|_| kind == DeviceKind::Camera);
        let chosen = self.open_one(kind, choice.as_deref().or(gone.as_deref()));
        let (opened, stands_in) = match chosen {
            // A person who chose a camera does not want to be seen by another.
            Err(error) if kind != DeviceKind::Camera => match (&choice, &error) {
                (Some(_), DeviceError::Missing | DeviceError::Lost(_)) => {
                    let system = self.open_one(kind, None);
                    (system.or_else(|error| self.open_next_best(kind).ok_or(error)), true)
                }
                // The one that was chosen is there; others are no answer to why it does not open.
                (Some(_), _) => (Err(error), false),
                (None, _) => (self.open_next_best(kind).ok_or(error), true),
            },
            chosen => (chosen, false),
        };
        let generation = self.opened;
        let Some(slot) = self.slots.get_mut(&kind) else { return };
        slot.generation = generation;
        match opened {
            Ok(device) => {
                let id = device.id().to_owned();
                slot.open = Some(device);
                slot.stands_in = stands_in;
                slot.try_again = None;
                slot.told = None;
                slot.gone.take_if(|gone| *gone == id);
                let stands_in = stands_in || slot.gone.is_some();
                self.tell(MediaNote::Opened { kind, id, stands_in });
            }
            Err(error) => self.fail(kind, error),
        }
    }

    /// Opens the first that works, if any does.
    fn open_next_best(&mut self, kind: DeviceKind) -> Option<Box<dyn OpenDevice>> {
        let list = self.devices.list();
        let others = entries(&list, kind).iter();
        // What a speaker plays is no microphone: the others would hear themselves.
        let others = others.filter(|entry| !entry.default && !entry.id.ends_with(MONITOR));
        others.into_iter().find_map(|entry| self.open_one(kind, Some(&entry.id)).ok())
    }

    fn open_one(
        &mut self,
        kind: DeviceKind,
        id: Option<&str>,
    ) -> Result<Box<dyn OpenDevice>, DeviceError> {
        self.opened += 1;
        let generation = self.opened;
        let report = self.report(kind, generation);
        match kind {
            DeviceKind::Microphone => {
                let device = self.devices.open_microphone(id, self.voice.microphone(), report)?;
                self.voice.set_microphone_delay(device.delay());
                Ok(device)
            }
            DeviceKind::Speaker => {
                let playout = self.playout.as_ref().ok_or(DeviceError::Missing)?;
                let device = self.devices.open_speaker(id, playout.speaker(), report)?;
                playout.set_speaker_delay(device.delay());
                Ok(device)
            }
            DeviceKind::Camera => self.open_camera(id, report),
            // Rings are played on a thread of their own.
            DeviceKind::Ringer => Err(DeviceError::Missing),
        }
    }

    fn report(&self, kind: DeviceKind, generation: u64) -> DeviceReport {
        let orders = self.orders.clone();
        Box::new(move |result| {
            if let Err(error) = result {
                // The thread ends only after the device is closed.
                let _ = orders.send(Order::Lost(kind, generation, error));
            }
        })
    }

    fn open_camera(
        &mut self,
        id: Option<&str>,
        report: DeviceReport,
    ) -> Result<Box<dyn OpenDevice>, DeviceError> {
        let format = self.track.camera_format();
        let (device, frames) = self.open_camera_as(id, format, CAMERA_OPENING, report)?;
        self.track
            .carry(Source::Camera, frames)
            .map_err(|error| DeviceError::Unsupported(error.to_string()))?;
        self.camera_size = Some(CameraSize::opened(format));
        Ok(device)
    }

    fn open_camera_as(
        &self,
        id: Option<&str>,
        format: CameraFormat,
        within: Duration,
        report: DeviceReport,
    ) -> Result<(Box<dyn OpenDevice>, NewestOut<VideoFrame>), DeviceError> {
        let (sink, frames) = newest();
        // Nothing takes the place of a camera that was there a moment ago.
        let lost = self.slots.get(&DeviceKind::Camera).is_some_and(|slot| slot.told.is_some());
        let none = id.is_none() && !lost && self.devices.list().cameras.is_empty();
        let device: Box<dyn OpenDevice> = if none || id == Some(TEST_PICTURE_ID) {
            let picture = TestPicture::start(format, Style::Colour, sink)
                .map_err(|error| DeviceError::Unsupported(error.to_string()))?;
            Box::new(picture)
        } else {
            self.devices.open_camera(id, format, within, sink, report)?
        };
        Ok((device, frames))
    }

    /// Opens the camera anew in another size where that pays off.
    pub(super) fn fit_camera(&mut self) {
        let Some((delivers, rung)) = self.track.delivered() else { return };
        let Some(size) = &mut self.camera_size else { return };
        let Some(format) = size.look(Instant::now(), delivers, rung) else { return };
        let before = size.asked();
        let Some(slot) = self.slots.get_mut(&DeviceKind::Camera) else { return };
        let Some(open) = slot.open.take() else { return };
        tracing::info!(from = %before.resolution, to = %format.resolution, "the camera's size");
        let id = open.id().to_owned();
        // No camera delivers in two sizes at once. The encoder goes on with whatever comes next.
        drop(open);
        // In a smaller size nobody misses anything meanwhile but the pictures of that time.
        let larger = format.resolution.area() > before.resolution.area();
        let within = if larger { CAMERA_OPENING } else { REFITTING };
        let mut outcome = self.open_camera_anew(&id, format, within);
        if let Err(error) = outcome {
            tracing::info!(%error, "the camera keeps its size");
            if let Some(size) = &mut self.camera_size {
                size.refused(format);
            }
            outcome = self.open_camera_anew(&id, before, CAMERA_OPENING);
        }
        if let Err(error) = outcome {
            self.track.end(Source::Camera);
            if let Some(slot) = self.slots.get_mut(&DeviceKind::Camera) {
                slot.gone = Some(id);
            }
            self.fail(DeviceKind::Camera, error);
        }
    }

    fn open_camera_anew(
        &mut self,
        id: &str,
        format: CameraFormat,
        within: Duration,
    ) -> Result<(), DeviceError> {
        self.opened += 1;
        let generation = self.opened;
        let report = self.report(DeviceKind::Camera, generation);
        let (device, frames) = self.open_camera_as(Some(id), format, within, report)?;
        self.track.go_on_with(frames);
        if let Some(size) = &mut self.camera_size {
            size.reopened(format);
        }
        if let Some(slot) = self.slots.get_mut(&DeviceKind::Camera) {
            (slot.generation, slot.open) = (generation, Some(device));
        }
        Ok(())
    }
}
