//! Which devices there are, which are chosen, and which deliver.

use super::Controller;
use crate::media::{MediaNote, Wanted, entries};
use crate::profile::Preferences;
use crate::view::{
    CameraView, CaptureView, DeviceChoice, DeviceKind, DeviceProblem, DeviceView, DevicesView,
    NoticeKind, SampleView, TalkMode,
};
use std::collections::BTreeMap;
use tincan_call::{Input, Picture};
use tincan_media::device::{CameraFormat, DeviceEntry, DeviceError, DeviceList};
use tincan_media::synthetic::test_picture::TEST_PICTURE_ID;

/// From so many pictures a second on, one sees movement and not pictures.
const SMOOTH: u32 = 15;

/// Devices as the controller sees them.
pub struct DeviceState {
    list: DeviceList,
    chosen: BTreeMap<DeviceKind, String>,
    open: BTreeMap<DeviceKind, String>,
    problems: BTreeMap<DeviceKind, DeviceProblem>,
    sample: SampleView,
    pub testing_microphone: bool,
    pub previewing_camera: bool,
    /// The call wants sound taken.
    pub call_microphone: bool,
    /// What the call wants to be seen.
    pub call_picture: Picture,
}

impl DeviceState {
    pub fn new(preferences: &Preferences) -> Self {
        Self {
            list: DeviceList::default(),
            chosen: preferences.devices.clone(),
            open: BTreeMap::new(),
            problems: BTreeMap::new(),
            sample: SampleView::Off,
            testing_microphone: false,
            previewing_camera: false,
            call_microphone: false,
            call_picture: Picture::Nothing,
        }
    }

    pub fn capture(&self, kind: DeviceKind, on: bool) -> CaptureView {
        CaptureView {
            on,
            live: on && self.open.contains_key(&kind),
            problem: self.problems.get(&kind).copied(),
        }
    }

    /// The id of the one that the person pinned. What rings is the speaker until they say otherwise.
    pub fn chosen(&self, kind: DeviceKind) -> Option<String> {
        let speaker = (kind == DeviceKind::Ringer).then_some(DeviceKind::Speaker);
        let chosen = self.chosen.get(&kind);
        chosen.or_else(|| self.chosen.get(&speaker?)).cloned()
    }

    pub fn view(&self) -> DevicesView {
        let mut cameras = self.choice(DeviceKind::Camera);
        cameras.available.push(DeviceView {
            id: TEST_PICTURE_ID.to_owned(),
            name: "Test picture".to_owned(),
            synthetic: true,
            best: None,
        });
        if cameras.current.is_none() {
            cameras.current = Some(TEST_PICTURE_ID.to_owned());
        }
        DevicesView {
            microphones: self.choice(DeviceKind::Microphone),
            speakers: self.choice(DeviceKind::Speaker),
            ringers: self.choice(DeviceKind::Ringer),
            cameras,
            testing_microphone: self.testing_microphone,
            sample: self.sample,
            previewing_camera: self.previewing_camera,
        }
    }

    /// Its name for people.
    fn name(&self, kind: DeviceKind, id: &str) -> String {
        let entry = entries(&self.list, kind).iter().find(|entry| entry.id == id);
        entry.map_or_else(|| id.to_owned(), |entry| entry.name.clone())
    }

    fn choice(&self, kind: DeviceKind) -> DeviceChoice {
        let entries = entries(&self.list, kind);
        let view = |entry: &DeviceEntry| DeviceView {
            id: entry.id.clone(),
            name: entry.name.clone(),
            synthetic: false,
            best: best(&entry.formats)
                .map(|best| CameraView { resolution: best.resolution, fps: best.rate.fps() }),
        };
        let chosen = self.chosen.get(&kind).cloned();
        let default =
            entries.iter().find(|entry| entry.default).or(entries.first()).map(|e| e.id.clone());
        let open = self.open.get(&kind).cloned();
        // A sound server moves what follows the system's choice by itself.
        let current = match chosen {
            None if kind != DeviceKind::Camera => default.or(open),
            _ => open.or_else(|| chosen.clone()).or(default),
        };
        DeviceChoice { available: entries.iter().map(view).collect(), current, chosen }
    }
}

impl Controller {
    /// Brings the devices in line with the call and the settings page.
    pub(super) fn apply_devices(&mut self) {
        let state = &self.devices;
        let chosen = |kind| state.chosen.get(&kind).cloned();
        let settings = &self.preferences.settings;
        // Open while muted: to notice that somebody speaks, or so that a held key is heard at once.
        let in_call = self.calls.state().current.is_some();
        let talks_by_key = settings.talk == TalkMode::WhileHeld || settings.shortcuts.talks();
        let standing_by = in_call && (settings.muted_hint || talks_by_key);
        let microphone = state.call_microphone || state.testing_microphone || standing_by;
        let camera = match state.call_picture {
            Picture::Camera | Picture::Paused => true,
            Picture::Nothing => state.previewing_camera,
            // The screen is what the own tile shows.
            Picture::Screen(_) => false,
        };
        let wanted = Wanted {
            microphone: microphone.then(|| chosen(DeviceKind::Microphone)),
            camera: camera.then(|| chosen(DeviceKind::Camera)),
            quality: settings.picture_quality,
            speaker: chosen(DeviceKind::Speaker),
            picture: state.call_picture,
            screen_sound: settings.share_sound,
        };
        let muted = !state.call_microphone;
        self.media.want(wanted, muted);
        self.changed = true;
    }

    pub(super) fn choose_device(&mut self, kind: DeviceKind, id: Option<String>) {
        match id {
            Some(id) => self.devices.chosen.insert(kind, id),
            None => self.devices.chosen.remove(&kind),
        };
        self.devices.problems.remove(&kind);
        self.preferences.devices = self.devices.chosen.clone();
        self.keep_preferences();
        self.apply_devices();
    }

    pub(super) async fn hear_media(&mut self, note: MediaNote) {
        match note {
            // The tile shows in the next snapshot.
            MediaNote::PictureArrived => {}
            MediaNote::Listed(list) => self.devices.list = list,
            MediaNote::Opened { kind, id, stands_in } => {
                self.notice_device(kind, false).await;
                let synthetic = id == TEST_PICTURE_ID;
                let by_choice = self.devices.chosen.get(&kind) == Some(&id);
                self.note_replacement(kind, &id, stands_in);
                self.devices.open.insert(kind, id);
                self.devices.problems.remove(&kind);
                if synthetic && !by_choice {
                    self.device_problem(kind, DeviceProblem::Missing);
                }
            }
            MediaNote::Closed { kind } => {
                self.notice_device(kind, false).await;
                self.devices.open.remove(&kind);
                self.devices.problems.remove(&kind);
                self.notices.settled(kind);
            }
            MediaNote::Failed { kind, error } => {
                tracing::info!(?kind, %error, "a device does not deliver");
                self.devices.open.remove(&kind);
                self.notice_device(kind, true).await;
                self.device_problem(kind, problem(&error));
            }
            MediaNote::Sample(sample) => self.devices.sample = sample,
            MediaNote::ScreenOpened { share, target, token } => {
                self.screen_opened(share, target, token);
            }
            MediaNote::ScreenChanged { share, target } => self.screen_changed(share, target),
            MediaNote::ScreenSized { share, resolution } => {
                self.screen_sized(share, resolution).await;
            }
            MediaNote::ScreenEnded { share, error } => self.screen_ended(share, &error).await,
        }
        self.changed = true;
    }

    /// The others see no picture where a camera delivers none.
    async fn notice_device(&mut self, kind: DeviceKind, fails: bool) {
        match kind {
            DeviceKind::Camera => self.step(Input::CameraNoticed { fails }).await,
            DeviceKind::Microphone | DeviceKind::Speaker | DeviceKind::Ringer => {}
        }
    }

    /// Tells when another device takes the place of the chosen one, until that is back.
    fn note_replacement(&mut self, device: DeviceKind, id: &str, stands_in: bool) {
        if stands_in {
            let name = self.devices.name(device, id);
            self.notices.add(NoticeKind::DeviceReplaced { device, name });
        } else {
            self.notices.settled(device);
        }
    }

    fn device_problem(&mut self, device: DeviceKind, problem: DeviceProblem) {
        self.devices.problems.insert(device, problem);
        self.notices.add(NoticeKind::Device { device, problem });
    }
}

/// The largest that moves smoothly, or the largest where none does.
fn best(formats: &[CameraFormat]) -> Option<&CameraFormat> {
    let smooth = formats.iter().find(|format| format.rate.fps() >= SMOOTH);
    smooth.or(formats.first())
}

fn problem(error: &DeviceError) -> DeviceProblem {
    match error {
        DeviceError::Missing => DeviceProblem::Missing,
        DeviceError::Busy(_) => DeviceProblem::Busy,
        DeviceError::Refused(_) => DeviceProblem::Refused,
        DeviceError::Lost(_) => DeviceProblem::Lost,
        DeviceError::Unsupported(_) => DeviceProblem::Unsupported,
    }
}
