//! A camera that tests plug in and take away and that other programs use, and what calls make of it.

use crate::person::{Person, World};
use crate::{accept, call};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tincan_client::view::{DeviceProblem, Snapshot};
use tincan_media::device::{CameraFormat, DeviceEntry, DeviceError, DeviceReport, OpenDevice};
use tincan_media::frame::VideoFrame;
use tincan_media::mailbox::NewestIn;
use tincan_media::synthetic::picture::Style;
use tincan_media::synthetic::test_picture::TestPicture;

const ID: &str = "camera:usb";

/// The camera; not there at first.
#[derive(Clone, Default)]
pub struct Camera(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    there: bool,
    busy: bool,
    open: Option<DeviceReport>,
}

impl Camera {
    /// Plugs it in.
    pub fn plug_in(&self) {
        self.state().there = true;
    }

    /// Pulls it out.
    pub fn unplug(&self) {
        self.state().there = false;
        let open = self.state().open.take();
        open.into_iter().for_each(|report| report(Err(DeviceError::Lost("unplugged".into()))));
    }

    /// Lets another program use it, or not.
    pub fn set_busy(&self, busy: bool) {
        self.state().busy = busy;
    }

    /// The list that it is in.
    pub fn list(&self) -> Vec<DeviceEntry> {
        let entry = DeviceEntry {
            id: ID.into(),
            name: "Camera".into(),
            default: true,
            formats: Vec::new(),
        };
        self.state().there.then_some(entry).into_iter().collect()
    }

    /// Opens it: it delivers what it is asked for.
    pub fn open(
        &self,
        id: Option<&str>,
        format: CameraFormat,
        sink: NewestIn<VideoFrame>,
        report: DeviceReport,
    ) -> Result<Box<dyn OpenDevice>, DeviceError> {
        let mut state = self.state();
        if !state.there || id.is_some_and(|id| id != ID) {
            return Err(DeviceError::Missing);
        }
        if state.busy {
            return Err(DeviceError::Busy("another program".into()));
        }
        let picture = TestPicture::start(format, Style::Colour, sink)
            .map_err(|error| DeviceError::Unsupported(error.to_string()))?;
        state.open = Some(report);
        Ok(Box::new(Open { camera: self.clone(), _picture: picture }))
    }

    /// Somebody takes pictures.
    pub fn is_open(&self) -> bool {
        self.state().open.is_some()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Open {
    camera: Camera,
    _picture: TestPicture,
}

impl OpenDevice for Open {
    fn id(&self) -> &str {
        ID
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let closed = self.camera.state().open.take();
        drop(closed);
    }
}

fn problem(s: &Snapshot) -> Option<DeviceProblem> {
    s.call.as_ref().and_then(|call| call.camera.problem)
}

async fn sees_no_camera(person: &Person) {
    person
        .wait("no picture, and no trouble with one", |s| {
            let shown = s.call.as_ref().map(|call| &call.participants[0]);
            shown.is_some_and(|shown| !shown.camera && shown.picture_problem.is_none())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_camera_that_another_program_uses_is_told_and_comes_as_soon_as_it_is_free() {
    let world = World::new().await;
    let (alice, bob) = world.acquainted().await;
    alice.camera().plug_in();
    alice.camera().set_busy(true);
    call(&alice, &bob).await;
    accept(&bob).await;
    alice.wait("it is busy", |s| problem(s) == Some(DeviceProblem::Busy)).await;
    alice.wait_for_frames(1).await;
    sees_no_camera(&bob).await;
    assert_eq!(bob.frames(), 0);
    alice.camera().set_busy(false);
    bob.wait_for_frames(10).await;
    alice.wait("nothing is wrong", |s| problem(s).is_none()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_camera_that_is_pulled_out_is_missed_and_back_when_it_is_plugged_in() {
    let world = World::new().await;
    let (alice, bob) = world.acquainted().await;
    alice.camera().plug_in();
    call(&alice, &bob).await;
    accept(&bob).await;
    bob.wait_for_frames(5).await;
    alice.camera().unplug();
    alice.wait("it is lost", |s| problem(s) == Some(DeviceProblem::Lost)).await;
    sees_no_camera(&bob).await;
    // Nothing takes its place, however often it is looked for.
    alice.wait("it is no longer listed", |s| s.devices.cameras.available.len() == 1).await;
    let frames = bob.frames();
    alice.camera().plug_in();
    bob.wait_for_frames(frames + 10).await;
    assert!(alice.camera().is_open());
    alice.wait("nothing is wrong", |s| problem(s).is_none()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_camera_that_is_plugged_in_during_a_call_takes_the_test_pictures_place() {
    let world = World::new().await;
    let (alice, bob) = world.acquainted().await;
    call(&alice, &bob).await;
    accept(&bob).await;
    bob.wait_for_frames(5).await;
    assert_eq!(alice.look(problem), Some(DeviceProblem::Missing));
    alice.camera().plug_in();
    alice.until("it is used", || alice.camera().is_open()).await;
    let frames = bob.frames();
    bob.wait_for_frames(frames + 10).await;
    alice.wait("nothing is wrong", |s| problem(s).is_none()).await;
}
