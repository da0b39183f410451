use super::super::outlets::Outlets;
use super::keeping::TRY_AGAIN;
use super::*;
use crate::ports::{Tile, TilePicture, Tiles};
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tincan_media::device::{CameraFormat, DeviceReport, MicrophoneSink, OpenDevice, SpeakerSource};
use tincan_media::frame::VideoFrame;
use tincan_media::mailbox::NewestIn;
use tincan_media::pipeline::audio_send::AudioSendSettings;
use tincan_media::screen::{NoScreens, ScreenUnavailable};

const KIND: DeviceKind = DeviceKind::Microphone;
/// What is noticed is noticed within this; the machine may be loaded.
const PATIENCE: Duration = Duration::from_secs(20);
/// A call is to have sound again so soon.
const AT_ONCE: Duration = Duration::from_secs(2);

#[test]
fn a_device_that_is_back_is_taken_although_somebody_else_saw_it_first() {
    let mut desk = Desk::with(&["a", "b"]);
    desk.want(Some("b"));
    assert_eq!(desk.opened(), ("b".into(), false));
    desk.unplug("b");
    assert_eq!(desk.opened(), ("a".into(), true));
    // The settings page looks at once.
    desk.plug(&["a", "b"]);
    desk.keeper.list();
    assert_eq!(desk.opened(), ("b".into(), false));
}

#[test]
fn the_only_microphone_that_comes_back_is_taken_at_once() {
    let mut desk = Desk::with(&[]);
    desk.want(None);
    desk.until(|note| matches!(note, MediaNote::Failed { .. }).then_some(()));
    desk.plug(&["a"]);
    let back = Instant::now();
    assert_eq!(desk.opened(), ("a".into(), false));
    assert!(back.elapsed() < AT_ONCE, "after {:?}", back.elapsed());
}

#[test]
fn where_the_systems_choice_does_not_open_any_other_is_taken() {
    let mut desk = Desk::with(&["a", "b.monitor", "c"]);
    desk.desk.lock().expect("no panic").busy.insert("a".into());
    desk.want(None);
    assert_eq!(desk.opened(), ("c".into(), true));
    // Chosen and gone, the same.
    desk.want(Some("d"));
    assert_eq!(desk.opened(), ("c".into(), true));
    // Chosen and there, it is told why it does not open.
    desk.want(Some("a"));
    let error = desk.until(|note| match note {
        MediaNote::Failed { error, .. } => Some(error),
        _ => None,
    });
    assert_eq!(error, DeviceError::Busy("it plays".into()));
}

#[test]
fn it_is_told_once_that_the_systems_choice_is_gone_and_that_it_is_back() {
    let mut desk = Desk::with(&["a", "b"]);
    desk.want(None);
    assert_eq!(desk.opened(), ("a".into(), false));
    // The sound server moves the stream, and nobody reports anything.
    desk.plug(&["b"]);
    assert_eq!(desk.opened(), ("b".into(), true));
    desk.plug(&["b", "c"]);
    desk.plug(&["a", "b", "c"]);
    assert_eq!(desk.opened(), ("a".into(), false));
    assert_eq!(desk.desk.lock().expect("no panic").opened, 1, "the stream goes on");
}

#[test]
fn a_lost_device_that_nobody_chose_is_told_of_too() {
    let mut desk = Desk::with(&["a", "b"]);
    desk.want(None);
    assert_eq!(desk.opened(), ("a".into(), false));
    desk.unplug("a");
    assert_eq!(desk.opened(), ("b".into(), true));
}

#[test]
fn nobody_is_seen_by_another_camera_than_the_one_that_was_lost() {
    let mut desk = Desk::with(&[]);
    let cameras = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    desk.desk.lock().expect("no panic").cameras = cameras(&["on top", "built in"]);
    desk.keeper.want(Wanted { camera: Some(None), ..Wanted::NONE }, None);
    let opened = |note| match note {
        MediaNote::Opened { kind: DeviceKind::Camera, id, stands_in } => Some((id, stands_in)),
        _ => None,
    };
    assert_eq!(desk.until(opened), ("on top".into(), false));
    desk.unplug("on top");
    let lost = |note| matches!(note, MediaNote::Failed { .. }).then_some(());
    desk.until(lost);
    // It is looked for when the list changes, and every three seconds.
    desk.desk.lock().expect("no panic").cameras = cameras(&["built in", "capture card"]);
    std::thread::sleep(TRY_AGAIN + Duration::from_secs(1));
    assert_eq!(desk.desk.lock().expect("no panic").opened, 1, "no other was opened");
    desk.desk.lock().expect("no panic").cameras = cameras(&["built in", "on top"]);
    assert_eq!(desk.until(opened), ("on top".into(), false));
}

/// Microphones, the first of which is the system's choice, and the thread that opens them.
struct Desk {
    desk: Arc<Mutex<Plugged>>,
    keeper: Keeper,
    notes: mpsc::UnboundedReceiver<MediaNote>,
}

#[derive(Default)]
struct Plugged {
    ids: Vec<String>,
    busy: BTreeSet<String>,
    opened: u32,
    reports: Vec<(String, DeviceReport)>,
    cameras: Vec<String>,
}

impl Plugged {
    fn open(
        &mut self,
        ids: fn(&Self) -> &Vec<String>,
        id: Option<&str>,
        report: DeviceReport,
    ) -> Result<Box<dyn OpenDevice>, DeviceError> {
        let mut ids = ids(self).iter();
        let found = match id {
            Some(id) => ids.find(|it| *it == id),
            None => ids.next(),
        };
        let id = found.cloned().ok_or(DeviceError::Missing)?;
        if self.busy.contains(&id) {
            return Err(DeviceError::Busy("it plays".into()));
        }
        self.opened += 1;
        self.reports.push((id.clone(), report));
        Ok(Box::new(Open(id)))
    }
}

impl Desk {
    fn with(ids: &[&str]) -> Self {
        let desk = Arc::<Mutex<Plugged>>::default();
        let settings = AudioSendSettings::default();
        let voice = AudioSendPipeline::start(settings, Box::new(|_| {})).expect("an encoder");
        let track = Track::new(Arc::<Outlets>::default(), Arc::new(NoTiles));
        let (told, notes) = mpsc::unbounded_channel();
        let devices = Arc::new(Fake(desk.clone()));
        let screens = Arc::new(NoScreens(ScreenUnavailable::NoDisplay));
        let keeper = Keeper::start(devices, screens, Arc::new(voice), track, told);
        let desk = Self { desk, keeper, notes };
        desk.plug(ids);
        desk
    }

    fn plug(&self, ids: &[&str]) {
        self.desk.lock().expect("no panic").ids = ids.iter().map(|id| (*id).into()).collect();
    }

    fn unplug(&self, id: &str) {
        let mut desk = self.desk.lock().expect("no panic");
        desk.ids.retain(|it| it != id);
        desk.cameras.retain(|it| it != id);
        let (gone, there) =
            std::mem::take(&mut desk.reports).into_iter().partition(|(of, _)| of == id);
        desk.reports = there;
        drop(desk);
        for (_, report) in gone {
            report(Err(DeviceError::Lost("it was removed".into())));
        }
    }

    fn want(&self, id: Option<&str>) {
        let microphone = Some(id.map(str::to_owned));
        self.keeper.want(Wanted { microphone, ..Wanted::NONE }, None);
    }

    fn until<T>(&mut self, wanted: impl Fn(MediaNote) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            match self.notes.try_recv() {
                Ok(note) => {
                    if let Some(found) = wanted(note) {
                        return found;
                    }
                }
                Err(_) => std::thread::sleep(Duration::from_millis(5)),
            }
        }
        panic!("it is not told");
    }

    fn opened(&mut self) -> (String, bool) {
        self.until(|note| match note {
            MediaNote::Opened { kind: KIND, id, stands_in } => Some((id, stands_in)),
            _ => None,
        })
    }
}

struct NoTiles;

impl Tiles for NoTiles {
    fn push(&self, _: &Tile, _: TilePicture) {}

    fn close(&self, _: &Tile) {}
}

struct Fake(Arc<Mutex<Plugged>>);

struct Open(String);

impl OpenDevice for Open {
    fn id(&self) -> &str {
        &self.0
    }
}

impl Devices for Fake {
    fn list(&self) -> DeviceList {
        let desk = self.0.lock().expect("no panic");
        let entry = |(place, id): (usize, &String)| DeviceEntry {
            id: id.clone(),
            name: id.clone(),
            default: place == 0,
            formats: Vec::new(),
        };
        let entries = |ids: &[String]| ids.iter().enumerate().map(entry).collect();
        DeviceList {
            microphones: entries(&desk.ids),
            cameras: entries(&desk.cameras),
            ..DeviceList::default()
        }
    }

    fn open_microphone(
        &self,
        id: Option<&str>,
        _: MicrophoneSink,
        report: DeviceReport,
    ) -> Result<Box<dyn OpenDevice>, DeviceError> {
        self.0.lock().expect("no panic").open(|plugged| &plugged.ids, id, report)
    }

    fn open_speaker(
        &self,
        _: Option<&str>,
        _: SpeakerSource,
        _: DeviceReport,
    ) -> Result<Box<dyn OpenDevice>, DeviceError> {
        Err(DeviceError::Missing)
    }

    fn open_camera(
        &self,
        id: Option<&str>,
        _: CameraFormat,
        _: Duration,
        _: NewestIn<VideoFrame>,
        report: DeviceReport,
    ) -> Result<Box<dyn OpenDevice>, DeviceError> {
        self.0.lock().expect("no panic").open(|plugged| &plugged.cameras, id, report)
    }
}
