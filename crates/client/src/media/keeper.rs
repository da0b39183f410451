//! The thread that opens and closes devices until they are as wanted, and gives the picture track
//! its source. A device that fails is told of once and tried again from time to time.

use super::camera_size::CameraSize;
use super::shares::{Opened, ScreenOrder, Shares};
use super::track::{Source, Track};
use crate::view::{DeviceKind, SampleView};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tincan_call::{Picture, ShareId};
use tincan_media::device::{
    CAMERA_OPENING, CameraFormat, DeviceEntry, DeviceError, DeviceList, DeviceReport, Devices,
    OpenDevice,
};
use tincan_media::frame::VideoFrame;
use tincan_media::ladder::PictureQuality;
use tincan_media::mailbox::{NewestOut, newest};
use tincan_media::pipeline::audio_receive::AudioReceivePipeline;
use tincan_media::pipeline::audio_send::AudioSendPipeline;
use tincan_media::screen::{ScreenError, ScreenTarget, Screens};
use tincan_media::synthetic::picture::Style;
use tincan_media::synthetic::test_picture::{TEST_PICTURE_ID, TestPicture};
use tincan_proto::units::Resolution;
use tokio::sync::mpsc;

/// A device that would not open is tried again after so long: somebody may have let it go.
const TRY_AGAIN: Duration = Duration::from_secs(3);
/// A camera that has just delivered in another size may take so long to the first picture: hanging up and
/// all other devices wait for it.
const REFITTING: Duration = Duration::from_secs(2);
/// How often is looked, while devices are open, for others that come and go.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A chosen device that was listed, but could not be opened for all that, is tried so much later
/// again: what stands in for it falls silent meanwhile.
const BACK_AGAIN: Duration = Duration::from_secs(10);

/// How a sound server calls the microphone that hears what a speaker plays.
const MONITOR: &str = ".monitor";

/// Which devices are to be open. The inner choice is an id, or absent for the system's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Take sound.
    pub microphone: Option<Option<String>>,
    /// Take pictures.
    pub camera: Option<Option<String>>,
    /// In which they are sent, at most.
    pub quality: PictureQuality,
    /// Which speaker plays, whenever there is something to play.
    pub speaker: Option<String>,
    /// What the picture track carries. While it is a screen, no camera is wanted.
    pub picture: Picture,
    /// With the pictures of a screen goes its sound.
    pub screen_sound: bool,
}

impl Wanted {
    /// Nothing.
    pub const NONE: Self = Self {
        microphone: None,
        camera: None,
        quality: PictureQuality::Auto,
        speaker: None,
        picture: Picture::Nothing,
        screen_sound: false,
    };
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
        /// It stands in for another, which was chosen and is gone.
        stands_in: bool,
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
    /// How far a recording to listen to is.
    Sample(SampleView),
    /// A screen is open; its first picture is awaited.
    ScreenOpened {
        /// Which.
        share: ShareId,
        /// What it shows.
        target: ScreenTarget,
        /// To open the same again without a dialog.
        token: Option<String>,
    },
    /// What a screen shows has another name or size.
    ScreenChanged {
        /// Which.
        share: ShareId,
        /// What it shows.
        target: ScreenTarget,
    },
    /// The first picture of a screen has come, or one of another size.
    ScreenSized {
        /// Which.
        share: ShareId,
        /// Of its pictures.
        resolution: Resolution,
    },
    /// A screen could not be opened, or is over by itself.
    ScreenEnded {
        /// Which.
        share: ShareId,
        /// Why.
        error: ScreenError,
    },
}

/// What the thread is told, by others and by what it has opened.
pub enum Order {
    /// Open and close until it is so.
    Want(Wanted, Option<Arc<AudioReceivePipeline>>),
    /// Look for devices.
    List,
    /// The device of this kind that was opened as the so manieth has failed.
    Lost(DeviceKind, u64, DeviceError),
    /// Begin to open a screen.
    OpenScreen(ScreenOrder),
    /// Close one, or give up opening it.
    CloseScreen(ShareId),
    /// What has become of opening one.
    ScreenOpened(ShareId, Opened),
    /// What an open one says of itself.
    ScreenReported(ShareId, Result<ScreenTarget, ScreenError>),
    /// Close everything and end.
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
        screens: Arc<dyn Screens>,
        voice: Arc<AudioSendPipeline>,
        track: Track,
        notes: mpsc::UnboundedSender<MediaNote>,
    ) -> Self {
        let (orders, queue) = channel();
        let keeping = Keeping {
            devices,
            voice,
            track,
            shares: Shares::new(screens, orders.clone(), notes.clone()),
            notes,
            lost: orders.clone(),
            wanted: Wanted::NONE,
            playout: None,
            slots: BTreeMap::new(),
            opened: 0,
            camera_size: None,
            look: Instant::now(),
            seen: DeviceList::default(),
            back_at: BTreeMap::new(),
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

    /// Begins to open a screen; what becomes of it comes as notes.
    pub fn open_screen(&self, order: ScreenOrder) {
        self.order(Order::OpenScreen(order));
    }

    /// Closes a screen, or gives up opening it.
    pub fn close_screen(&self, share: ShareId) {
        self.order(Order::CloseScreen(share));
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
    /// The chosen one is gone, and the system's choice is used meanwhile.
    stands_in: bool,
    generation: u64,
    open: Option<Box<dyn OpenDevice>>,
    try_again: Option<Instant>,
    told: Option<DeviceError>,
    /// The system's choice that is gone, as long as it is: another one plays or hears by now. Of a
    /// camera, that which was in use: none takes its place.
    gone: Option<String>,
}

struct Keeping {
    devices: Arc<dyn Devices>,
    voice: Arc<AudioSendPipeline>,
    track: Track,
    shares: Shares,
    notes: mpsc::UnboundedSender<MediaNote>,
    lost: Sender<Order>,
    wanted: Wanted,
    playout: Option<Arc<AudioReceivePipeline>>,
    slots: BTreeMap<DeviceKind, Slot>,
    opened: u64,
    /// In which size the open camera was opened.
    camera_size: Option<CameraSize>,
    /// When is looked for devices next, while some are open.
    look: Instant,
    seen: DeviceList,
    /// Not before then is a device taken back.
    back_at: BTreeMap<DeviceKind, Instant>,
}

impl Keeping {
    fn run(mut self, orders: &Receiver<Order>) {
        loop {
            let look = (!self.slots.is_empty()).then_some(self.look);
            let due = self.slots.values().filter_map(|slot| slot.try_again).chain(look).min();
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
                    let list = self.devices.list();
                    self.see(list);
                    self.tell(MediaNote::Listed(self.seen.clone()));
                }
                Ok(Order::Lost(kind, generation, error)) => self.lose(kind, generation, error),
                Ok(Order::OpenScreen(order)) => self.shares.open(order),
                Ok(Order::CloseScreen(share)) => {
                    self.track.end(Source::Screen(share));
                    self.shares.close(share);
                }
                Ok(Order::ScreenOpened(share, opened)) => self.shares.opened(share, opened),
                Ok(Order::ScreenReported(share, Ok(target))) => {
                    self.tell(MediaNote::ScreenChanged { share, target });
                }
                Ok(Order::ScreenReported(share, Err(error))) => {
                    self.track.end(Source::Screen(share));
                    self.shares.fail(share, error);
                }
                Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.look_around();
            self.reconcile();
            self.fit_camera();
        }
        for kind in [DeviceKind::Camera, DeviceKind::Microphone, DeviceKind::Speaker] {
            self.close(kind);
        }
    }

    fn reconcile(&mut self) {
        self.carry_screen();
        let with_sound = match self.track.source() {
            Some(Source::Screen(share)) if self.wanted.screen_sound => Some(share),
            _ => None,
        };
        self.shares.take_sound(with_sound, || self.voice.accompaniment());
        if self.track.quality() != self.wanted.quality {
            self.track.set_quality(self.wanted.quality);
            // One that was lost is waited for all the same.
            if self.slots.get(&DeviceKind::Camera).is_some_and(|slot| slot.open.is_some()) {
                self.close(DeviceKind::Camera);
            }
        }
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
                stands_in: false,
                generation: 0,
                open: None,
                try_again: None,
                told: None,
                gone: None,
            });
            let due = slot.try_again.is_none_or(|at| at <= Instant::now());
            if slot.open.is_none() && due {
                self.open(kind, choice);
            }
        }
    }

    /// Gives the track the screen that it is to carry, or takes away one that it is not.
    fn carry_screen(&mut self) {
        let carried = self.track.source();
        match (self.wanted.picture, carried) {
            (Picture::Screen(share), _) if carried != Some(Source::Screen(share)) => {
                let Some(frames) = self.shares.pictures(share) else { return };
                if let Err(error) = self.track.carry(Source::Screen(share), frames) {
                    self.shares.fail(share, ScreenError::Unsupported(error.to_string()));
                }
            }
            (
                Picture::Nothing | Picture::Paused | Picture::Camera,
                Some(source @ Source::Screen(_)),
            ) => {
                self.track.end(source);
            }
            (Picture::Nothing | Picture::Paused | Picture::Camera | Picture::Screen(_), _) => {}
        }
    }

    /// Looks now and then, while devices are open, for others that come and go. One that is
    /// back after another has stood in for it takes its place again.
    fn look_around(&mut self) {
        if self.slots.is_empty() || Instant::now() < self.look {
            return;
        }
        let list = self.devices.list();
        if self.see(list) {
            self.tell(MediaNote::Listed(self.seen.clone()));
        }
    }

    /// Does what follows from what there is now. Returns whether that is something else.
    fn see(&mut self, list: DeviceList) -> bool {
        let now = Instant::now();
        self.look = now + LOOK_EVERY;
        let before = std::mem::replace(&mut self.seen, list);
        let changed = self.seen != before;
        let mut back = Vec::new();
        for (kind, slot) in &mut self.slots {
            let listed = entries(&self.seen, *kind);
            let changed = listed != entries(&before, *kind);
            if changed && slot.open.is_none() {
                // The only one may be back.
                slot.try_again = None;
            }
            let there = |id: &String| listed.iter().any(|entry| entry.id == *id);
            let better = match &slot.choice {
                Some(chosen) if slot.stands_in && there(chosen) => {
                    self.back_at.get(kind).is_none_or(|at| *at <= now)
                }
                Some(chosen) => {
                    if !there(chosen) {
                        self.back_at.remove(kind);
                    }
                    false
                }
                // The system's own would not open: another may.
                None if slot.stands_in => {
                    let default = |list: &[DeviceEntry]| {
                        list.iter().find(|entry| entry.default).map(|entry| entry.id.clone())
                    };
                    changed
                        && default(listed) != default(entries(&before, *kind))
                        && self.back_at.get(kind).is_none_or(|at| *at <= now)
                }
                // The test picture, which nobody chose, is for want of a camera.
                None => {
                    let open = slot.open.as_ref().map(|open| open.id());
                    open == Some(TEST_PICTURE_ID) && !listed.is_empty()
                }
            };
            if better {
                back.push(*kind);
            }
        }
        for kind in back {
            self.back_at.insert(kind, now + BACK_AGAIN);
            self.close(kind);
        }
        self.follow_system(changed);
        changed
    }

    /// Tells when the system's choice is gone, whose stream a sound server moves elsewhere by itself,
    /// and when it is back. Right after a change the system may not have chosen yet.
    fn follow_system(&mut self, changed: bool) {
        let mut moved = Vec::new();
        for (&kind, slot) in &mut self.slots {
            let Some(open) = &slot.open else { continue };
            if kind == DeviceKind::Camera || slot.choice.is_some() || slot.stands_in {
                continue;
            }
            let listed = entries(&self.seen, kind);
            let there = |id: &str| listed.iter().any(|entry| entry.id == id);
            let default = listed.iter().find(|entry| entry.default);
            let default = default.or_else(|| listed.first().filter(|_| !changed));
            let gone = slot.gone.as_deref().unwrap_or(open.id());
            let stands_in = match (&slot.gone, there(gone)) {
                (None, true) | (Some(_), false) => continue,
                (None, false) => true,
                (Some(_), true) => false,
            };
            let Some(default) = default else { continue };
            slot.gone = stands_in.then(|| gone.to_owned());
            moved.push(MediaNote::Opened { kind, id: default.id.clone(), stands_in });
        }
        for note in moved {
            self.tell(note);
        }
    }

    /// Opens a device; where the chosen one is gone, the one that the system would use, and where
    /// that does not work, any other.
    fn open(&mut self, kind: DeviceKind, choice: Option<String>) {
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
        let lost = self.lost.clone();
        Box::new(move |result| {
            if let Err(error) = result {
                // The thread ends only after the device is closed.
                let _ = lost.send(Order::Lost(kind, generation, error));
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
    fn fit_camera(&mut self) {
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

    fn close(&mut self, kind: DeviceKind) {
        let Some(slot) = self.slots.remove(&kind) else { return };
        drop(slot.open);
        if kind == DeviceKind::Camera {
            self.track.end(Source::Camera);
        }
        self.tell(MediaNote::Closed { kind });
    }

    fn lose(&mut self, kind: DeviceKind, generation: u64, error: DeviceError) {
        let Some(slot) = self.slots.get_mut(&kind) else { return };
        // What a device says that was replaced meanwhile is of no interest.
        if slot.generation != generation {
            return;
        }
        let was = slot.open.take().map(|open| open.id().to_owned());
        if kind == DeviceKind::Camera {
            slot.gone = was;
            self.track.end(Source::Camera);
            return self.fail(kind, error);
        }
        tracing::info!(?kind, %error, "a device was lost");
        // Another takes its place at once.
        slot.try_again = None;
        // It may be there all the same: the system chose another.
        if slot.choice.is_none() && slot.gone.is_none() {
            let list = self.devices.list();
            let gone = |id: &String| entries(&list, kind).iter().all(|entry| entry.id != *id);
            slot.gone = was.filter(gone);
        }
    }

    fn fail(&mut self, kind: DeviceKind, error: DeviceError) {
        let Some(slot) = self.slots.get_mut(&kind) else { return };
        slot.try_again = Some(Instant::now() + TRY_AGAIN);
        // What was lost is missing until it is back: that says less.
        let lost = matches!(slot.told, Some(DeviceError::Lost(_))) && error == DeviceError::Missing;
        if !lost && slot.told.as_ref() != Some(&error) {
            slot.told = Some(error.clone());
            self.tell(MediaNote::Failed { kind, error });
        }
    }

    fn tell(&self, note: MediaNote) {
        // The controller is gone when the app closes.
        let _ = self.notes.send(note);
    }
}

/// The devices of one kind.
pub fn entries(list: &DeviceList, kind: DeviceKind) -> &[DeviceEntry] {
    match kind {
        DeviceKind::Microphone => &list.microphones,
        DeviceKind::Speaker | DeviceKind::Ringer => &list.speakers,
        DeviceKind::Camera => &list.cameras,
    }
}

#[cfg(test)]
mod tests;
