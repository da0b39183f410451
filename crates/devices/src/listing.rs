//! Looking at what there is, in bounded time: one thread asks the sound system and keeps its
//! connection, another asks for cameras.

mod names;

pub(crate) use names::told_apart;

use crate::camera::{self, CameraNode};
use crate::sound::{self, Side, SoundDevices};
use crate::worker::Worker;
use std::sync::mpsc::Receiver;
use std::time::Duration;
use tincan_media::device::{DeviceEntry, DeviceList};

/// A sound server that takes longer is broken: the connection attempt alone gives up after 2 s.
const PATIENCE: Duration = Duration::from_millis(2500);
/// Several open devices look for themselves at about the same time; one look does for all.
const SHARED_LOOK: Duration = Duration::from_millis(250);

/// The threads that look.
pub(crate) struct Listing {
    sound: Worker<Option<SoundDevices>>,
    cameras: Worker<Vec<CameraNode>>,
}

impl Default for Listing {
    fn default() -> Self {
        Self {
            sound: Worker::new("tincan-sound-list", || {
                let mut look = sound::Look::default();
                Box::new(move || look.look())
            }),
            cameras: Worker::new("tincan-camera-list", || Box::new(camera::nodes)),
        }
    }
}

impl Listing {
    /// Everything, or what answered in time.
    pub(crate) fn list(&self) -> DeviceList {
        let cameras = self.cameras.request(Duration::ZERO);
        let sound = self.sound.ask(PATIENCE).flatten().unwrap_or_default();
        let cameras = cameras.and_then(|answer| answer.recv_timeout(PATIENCE).ok());
        DeviceList {
            microphones: sound.microphones,
            speakers: sound.speakers,
            cameras: camera_entries(cameras.unwrap_or_default()),
        }
    }

    /// The cameras.
    pub(crate) fn cameras(&self) -> Vec<CameraNode> {
        self.cameras.ask(PATIENCE).unwrap_or_default()
    }

    /// Begins a look for supervision. The answer is `None` where the system could not be
    /// asked, which says nothing about any device.
    pub(crate) fn begin_sound_look(&self) -> Option<Receiver<Option<SoundDevices>>> {
        self.sound.request(SHARED_LOOK)
    }
}

impl SoundDevices {
    /// The list of one side.
    pub(crate) fn side(&self, side: Side) -> &[DeviceEntry] {
        match side {
            Side::Microphone => &self.microphones,
            Side::Speaker => &self.speakers,
        }
    }
}

fn camera_entries(nodes: Vec<CameraNode>) -> Vec<DeviceEntry> {
    let entries = nodes.into_iter().enumerate().map(|(place, node)| DeviceEntry {
        id: node.id,
        name: node.name,
        default: place == 0,
        formats: node.formats,
    });
    told_apart(entries.collect())
}
