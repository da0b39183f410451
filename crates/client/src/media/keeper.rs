//! The thread that opens and closes devices until they are as wanted. A device that fails is
//! told of once and tried again from time to time.

use super::outlets::Outlets;
use crate::ports::{Tile, TilePicture, Tiles};
use crate::view::DeviceKind;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tincan_media::codec::h264::{Content, EncoderSettings};
use tincan_media::device::{
    CameraFormat, DeviceError, DeviceList, DeviceReport, Devices, OpenDevice,
};
use tincan_media::mailbox::newest;
use tincan_media::pipeline::audio_receive::AudioReceivePipeline;
use tincan_media::pipeline::audio_send::AudioSendPipeline;
use tincan_media::pipeline::video_send::VideoSendPipeline;
use tincan_media::synthetic::picture::Style;
use tincan_media::synthetic::test_picture::{TEST_PICTURE_ID, TestPicture};
use tincan_proto::units::{Bitrate, FrameRate, Resolution};
use tokio::sync::mpsc;

/// A device that would not open is tried again after so long: somebody may have let it go.
const TRY_AGAIN: Duration = Duration::from_secs(3);
/// What cameras are asked for.
const CAMERA: CameraFormat =
    CameraFormat { resolution: Resolution::VGA, rate: FrameRate::from_fps(30) };
/// The rate of pictures until it adapts to the network.
const CAMERA_RATE: Bitrate = Bitrate::from_kbps(1_500);

/// Which devices are to be open. The inner choice is an id, or absent for the system's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Take sound.
    pub microphone: Option<Option<String>>,
    /// Take pictures.
    pub camera: Option<Option<String>>,
    /// Which speaker plays, whenever there is something to play.
    pub speaker: Option<String>,
}

/// What happens to media.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaNote {
    /// The first picture of a participant has come.
    PictureArrived,
    /// What there is.
    Listed(DeviceList),
    /// It delivers.
    Opened {
        /// Which kind.
        kind: DeviceKind,
        /// Which one.
        id: String,
    },
    /// It was closed as wanted.
    Closed {
        /// Which kind.
        kind: DeviceKind,
    },
    /// It does not deliver.
    Failed {
        /// Which kind.
        kind: DeviceKind,
        /// Why.
        error: DeviceError,
    },
}

enum Order {
    Want(Wanted, Option<Arc<AudioReceivePipeline>>),
    List,
    Lost(DeviceKind, u64, DeviceError),
    Stop,
}

/// The thread. Dropping it closes every device and waits for that.
pub struct Keeper {
    orders: Sender<Order>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Starts the thread with nothing open.
    pub fn start(
        devices: Arc<dyn Devices>,
        voice: Arc<AudioSendPipeline>,
        outlets: Arc<Outlets>,
        tiles: Arc<dyn Tiles>,
        notes: mpsc::UnboundedSender<MediaNote>,
    ) -> Self {
        let (orders, queue) = channel();
        let keeping = Keeping {
            devices,
            voice,
            outlets,
            tiles,
            notes,
            lost: orders.clone(),
            wanted: Wanted::default(),
            playout: None,
            slots: BTreeMap::new(),
            opened: 0,
        };
        let thread = std::thread::Builder::new()
            .name("devices".into())
            .spawn(move || keeping.run(&queue))
            .inspect_err(|error| tracing::error!(%error, "no thread for devices"))
            .ok();
        Self { orders, thread }
    }

    /// Changes what is to be open; `playout` is what the speaker plays, if anything.
    pub fn want(&self, wanted: Wanted, playout: Option<Arc<AudioReceivePipeline>>) {
        self.order(Order::Want(wanted, playout));
    }

    /// Looks for devices.
    pub fn list(&self) {
        self.order(Order::List);
    }

    fn order(&self, order: Order) {
        if self.orders.send(order).is_err() {
            tracing::error!("the thread for devices has ended");
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.order(Order::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A device that is to be open.
struct Slot {
    choice: Option<String>,
    generation: u64,
    open: Option<Box<dyn OpenDevice>>,
    try_again: Option<Instant>,
    told: Option<DeviceError>,
}

struct Keeping {
    devices: Arc<dyn Devices>,
    voice: Arc<AudioSendPipeline>,
    outlets: Arc<Outlets>,
    tiles: Arc<dyn Tiles>,
    notes: mpsc::UnboundedSender<MediaNote>,
    lost: Sender<Order>,
    wanted: Wanted,
    playout: Option<Arc<AudioReceivePipeline>>,
    slots: BTreeMap<DeviceKind, Slot>,
    opened: u64,
}

impl Keeping {
    fn run(mut self, orders: &Receiver<Order>) {
        loop {
            let due = self.slots.values().filter_map(|slot| slot.try_again).min();
            let order = match due {
                Some(due) => orders.recv_timeout(due.saturating_duration_since(Instant::now())),
                None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match order {
                Ok(Order::Want(wanted, playout)) => {
                    let replaced = match (&self.playout, &playout) {
                        (Some(old), Some(new)) => !Arc::ptr_eq(old, new),
                        _ => false,
                    };
                    if replaced {
                        self.close(DeviceKind::Speaker);
                    }
                    self.wanted = wanted;
                    self.playout = playout;
                }
                Ok(Order::List) => {
                    self.tell(MediaNote::Listed(self.devices.list()));
                    continue;
                }
                Ok(Order::Lost(kind, generation, error)) => self.lose(kind, generation, error),
                Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.reconcile();
        }
        for kind in [DeviceKind::Camera, DeviceKind::Microphone, DeviceKind::Speaker] {
            self.close(kind);
        }
    }

    fn reconcile(&mut self) {
        let speaker = self.playout.is_some().then(|| self.wanted.speaker.clone());
        let targets = [
            (DeviceKind::Speaker, speaker),
            (DeviceKind::Microphone, self.wanted.microphone.clone()),
            (DeviceKind::Camera, self.wanted.camera.clone()),
        ];
        for (kind, target) in targets {
            let current = self.slots.get(&kind).map(|slot| slot.choice.clone());
            if current != target && current.is_some() {
                self.close(kind);
            }
            let Some(choice) = target else { continue };
            let slot = self.slots.entry(kind).or_insert_with(|| Slot {
                choice: choice.clone(),
                generation: 0,
                open: None,
                try_again: None,
                told: None,
            });
            let due = slot.try_again.is_none_or(|at| at <= Instant::now());
            if slot.open.is_none() && due {
                self.open(kind, choice);
            }
        }
    }

    fn open(&mut self, kind: DeviceKind, choice: Option<String>) {
        self.opened += 1;
        let generation = self.opened;
        let report: DeviceReport = {
            let lost = self.lost.clone();
            Box::new(move |result| {
                if let Err(error) = result {
                    // The thread ends only after the device is closed.
                    let _ = lost.send(Order::Lost(kind, generation, error));
                }
            })
        };
        let id = choice.as_deref();
        let opened = match kind {
            DeviceKind::Microphone => {
                self.devices.open_microphone(id, self.voice.microphone(), report)
            }
            DeviceKind::Speaker => match &self.playout {
                Some(playout) => self.devices.open_speaker(id, playout.speaker(), report),
                None => return,
            },
            DeviceKind::Camera => self.open_camera(id, report),
        };
        let Some(slot) = self.slots.get_mut(&kind) else { return };
        slot.generation = generation;
        match opened {
            Ok(device) => {
                let id = device.id().to_owned();
                slot.open = Some(device);
                slot.try_again = None;
                slot.told = None;
                self.tell(MediaNote::Opened { kind, id });
            }
            Err(error) => self.fail(kind, error),
        }
    }

    fn open_camera(
        &self,
        id: Option<&str>,
        report: DeviceReport,
    ) -> Result<Box<dyn OpenDevice>, DeviceError> {
        let (sink, frames) = newest();
        let none = id.is_none() && self.devices.list().cameras.is_empty();
        let device: Box<dyn OpenDevice> = if none || id == Some(TEST_PICTURE_ID) {
            let picture = TestPicture::start(CAMERA, Style::Colour, sink)
                .map_err(|error| DeviceError::Unsupported(error.to_string()))?;
            Box::new(picture)
        } else {
            self.devices.open_camera(id, CAMERA, sink, report)?
        };
        let settings = EncoderSettings {
            resolution: CAMERA.resolution,
            rate: CAMERA.rate,
            bitrate: CAMERA_RATE,
            content: Content::Camera,
        };
        let (outlets, tiles) = (self.outlets.clone(), self.tiles.clone());
        let encoder = VideoSendPipeline::start(
            frames,
            settings,
            Box::new(move |picture| {
                outlets.send_video(&picture);
                let (annex_b, key) = (picture.annex_b, picture.key);
                tiles.push(&Tile::Own, TilePicture { annex_b, key });
            }),
        )
        .map_err(|error| DeviceError::Unsupported(error.to_string()))?;
        self.outlets.set_encoder(Some(encoder));
        Ok(device)
    }

    fn close(&mut self, kind: DeviceKind) {
        let Some(slot) = self.slots.remove(&kind) else { return };
        drop(slot.open);
        if kind == DeviceKind::Camera {
            self.outlets.set_encoder(None);
        }
        self.tell(MediaNote::Closed { kind });
    }

    fn lose(&mut self, kind: DeviceKind, generation: u64, error: DeviceError) {
        let Some(slot) = self.slots.get_mut(&kind) else { return };
        // What a device says that was replaced meanwhile is of no interest.
        if slot.generation != generation {
            return;
        }
        slot.open = None;
        if kind == DeviceKind::Camera {
            self.outlets.set_encoder(None);
        }
        self.fail(kind, error);
    }

    fn fail(&mut self, kind: DeviceKind, error: DeviceError) {
        let Some(slot) = self.slots.get_mut(&kind) else { return };
        slot.try_again = Some(Instant::now() + TRY_AGAIN);
        if slot.told.as_ref() != Some(&error) {
            slot.told = Some(error.clone());
            self.tell(MediaNote::Failed { kind, error });
        }
    }

    fn tell(&self, note: MediaNote) {
        // The controller is gone when the app closes.
        let _ = self.notes.send(note);
    }
}
