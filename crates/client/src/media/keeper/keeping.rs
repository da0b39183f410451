//! The thread's loop: what is open, and what is to be.

use super::super::camera_size::CameraSize;
use super::super::shares::Shares;
use super::super::track::{Source, Track};
use super::{MediaNote, Order, Wanted, entries};
use crate::view::DeviceKind;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};
use tincan_call::Picture;
use tincan_media::device::{DeviceError, DeviceList, Devices, OpenDevice};
use tincan_media::pipeline::audio_receive::AudioReceivePipeline;
use tincan_media::pipeline::audio_send::AudioSendPipeline;
use tincan_media::screen::{ScreenError, Screens};
use tokio::sync::mpsc;

/// A device that would not open is tried again after so long: somebody may have let it go.
pub(super) const TRY_AGAIN: Duration = Duration::from_secs(3);

/// A device that is to be open.
pub(super) struct Slot {
    pub(super) choice: Option<String>,
    /// The chosen one is gone, and the system's choice is used meanwhile.
    pub(super) stands_in: bool,
    pub(super) generation: u64,
    pub(super) open: Option<Box<dyn OpenDevice>>,
    pub(super) try_again: Option<Instant>,
    pub(super) told: Option<DeviceError>,
    /// The system's choice that is gone, as long as it is: another one plays or hears by now. Of a
    /// camera, that which was in use: none takes its place.
    pub(super) gone: Option<String>,
}

/// The thread's state.
pub(super) struct Keeping {
    pub(super) devices: Arc<dyn Devices>,
    pub(super) voice: Arc<AudioSendPipeline>,
    pub(super) track: Track,
    pub(super) shares: Shares,
    pub(super) notes: mpsc::UnboundedSender<MediaNote>,
    /// To itself, from what it has opened.
    pub(super) orders: Sender<Order>,
    pub(super) wanted: Wanted,
    pub(super) playout: Option<Arc<AudioReceivePipeline>>,
    pub(super) slots: BTreeMap<DeviceKind, Slot>,
    pub(super) opened: u64,
    /// In which size the open camera was opened.
    pub(super) camera_size: Option<CameraSize>,
    /// When is looked for devices next, while some are open.
    pub(super) look: Instant,
    pub(super) seen: DeviceList,
    /// Not before then is a device taken back.
    pub(super) back_at: BTreeMap<DeviceKind, Instant>,
}

impl Keeping {
    /// With nothing open.
    pub fn new(
        devices: Arc<dyn Devices>,
        screens: Arc<dyn Screens>,
        voice: Arc<AudioSendPipeline>,
        track: Track,
        orders: Sender<Order>,
        notes: mpsc::UnboundedSender<MediaNote>,
    ) -> Self {
        Self {
            devices,
            voice,
            track,
            shares: Shares::new(screens, orders.clone(), notes.clone()),
            notes,
            orders,
            wanted: Wanted::NONE,
            playout: None,
            slots: BTreeMap::new(),
            opened: 0,
            camera_size: None,
            look: Instant::now(),
            seen: DeviceList::default(),
            back_at: BTreeMap::new(),
        }
    }

    /// Keeps devices as wanted until it is told to stop.
    pub fn run(mut self, orders: &Receiver<Order>) {
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

    pub(super) fn close(&mut self, kind: DeviceKind) {
        let Some(slot) = self.slots.remove(&kind) else { return };
        drop(slot.open);
        if kind == DeviceKind::Camera {
            self.track.end(Source::Camera);
        }
        self.tell(MediaNote::Closed { kind });
    }

    pub(super) fn lose(&mut self, kind: DeviceKind, generation: u64, error: DeviceError) {
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

    pub(super) fn fail(&mut self, kind: DeviceKind, error: DeviceError) {
        let Some(slot) = self.slots.get_mut(&kind) else { return };
        slot.try_again = Some(Instant::now() + TRY_AGAIN);
        // What was lost is missing until it is back: that says less.
        let lost = matches!(slot.told, Some(DeviceError::Lost(_))) && error == DeviceError::Missing;
        if !lost && slot.told.as_ref() != Some(&error) {
            slot.told = Some(error.clone());
            self.tell(MediaNote::Failed { kind, error });
        }
    }

    pub(super) fn tell(&self, note: MediaNote) {
        // The controller is gone when the app closes.
        let _ = self.notes.send(note);
    }
}
