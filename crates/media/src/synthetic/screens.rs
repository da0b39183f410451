//! Screens that are not there: two monitors and a window on which bars wander, under the
//! barcode of the test picture; they hum at 500 Hz.

use crate::audio::{AudioBlock, BLOCK, BLOCK_SAMPLES};
use crate::frame::VideoFrame;
use crate::mailbox::NewestIn;
use crate::pipeline::worker::Worker;
use crate::process::thumbnail::thumbnail;
use crate::screen::{
    OpenScreen, ScreenAccess, ScreenChoice, ScreenError, ScreenKind, ScreenReport, ScreenSoundSink,
    ScreenTarget, Screens, Thumbnail,
};
use crate::synthetic::picture::{Stamp, paint_stamp};
use crate::synthetic::tone::wall_millis;
use std::f32::consts::TAU;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tincan_proto::units::{FrameRate, Resolution};

/// The id of the monitor that the system's dialog would pick.
pub const TEST_MONITOR_ID: &str = "test-monitor";
/// The id of the window.
pub const TEST_WINDOW_ID: &str = "test-window";
/// What opens [`TEST_MONITOR_ID`] again without a dialog.
pub const TEST_TOKEN: &str = "test-token";
/// As smooth as a scrolling text, and cheap.
const RATE: FrameRate = FrameRate::from_fps(15);
/// Pixels that the bars wander from one picture to the next.
const STEP: u64 = 4;

/// The screens. Clones show the same.
#[derive(Clone)]
pub struct SyntheticScreens {
    access: ScreenAccess,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    declines: bool,
    gone: Vec<&'static str>,
    shared: Vec<String>,
}

impl SyntheticScreens {
    /// Screens with this access; those that are unavailable have no targets.
    pub fn new(access: ScreenAccess) -> Self {
        Self { access, state: Arc::default() }
    }

    /// Lets the person decline in the system's dialog from now on, or no longer.
    pub fn decline(&self, declines: bool) {
        self.state().declines = declines;
    }

    /// Closes the target: it leaves the list, and whoever shares it is told.
    pub fn close(&self, id: &'static str) {
        self.state().gone.push(id);
    }

    /// The ids of what is shared at present.
    pub fn shared(&self) -> Vec<String> {
        self.state().shared.clone()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn targets(&self) -> Vec<ScreenTarget> {
        if let ScreenAccess::Unavailable { .. } = self.access {
            return Vec::new();
        }
        let gone = &self.state().gone;
        all().into_iter().filter(|target| !gone.contains(&target.id.as_str())).collect()
    }

    fn find(&self, id: &str) -> Result<ScreenTarget, ScreenError> {
        self.targets().into_iter().find(|target| target.id == id).ok_or(ScreenError::Missing)
    }
}

fn all() -> [ScreenTarget; 3] {
    let target = |id: &str, kind, name: &str, resolution| ScreenTarget {
        id: id.into(),
        kind,
        name: name.into(),
        app: (kind == ScreenKind::Window).then(|| "Test".into()),
        resolution,
        primary: id == TEST_MONITOR_ID,
    };
    [
        target(TEST_MONITOR_ID, ScreenKind::Monitor, "TEST-1", Resolution::new(1280, 720)),
        target("test-monitor-2", ScreenKind::Monitor, "TEST-2", Resolution::new(960, 600)),
        target(TEST_WINDOW_ID, ScreenKind::Window, "Wandering bars", Resolution::new(800, 600)),
    ]
}

impl Screens for SyntheticScreens {
    fn access(&self) -> ScreenAccess {
        self.access.clone()
    }

    fn has_sound(&self) -> bool {
        true
    }

    fn list(&self) -> Result<Vec<ScreenTarget>, ScreenError> {
        Ok(if self.access == ScreenAccess::Listed { self.targets() } else { Vec::new() })
    }

    fn thumbnail(&self, id: &str) -> Result<Thumbnail, ScreenError> {
        thumbnail(&paint(self.find(id)?.resolution, 0))
    }

    fn open(
        &self,
        choice: &ScreenChoice,
        token: Option<&str>,
        sink: NewestIn<VideoFrame>,
        report: ScreenReport,
    ) -> Result<Box<dyn OpenScreen>, ScreenError> {
        let (id, token) = match (choice, &self.access) {
            (_, ScreenAccess::Unavailable { .. }) => {
                return Err(ScreenError::Unsupported("there is no screen".into()));
            }
            (ScreenChoice::Target(id), _) => (id.as_str(), None),
            (ScreenChoice::SystemDialog, ScreenAccess::SystemDialog) => {
                if self.state().declines && token != Some(TEST_TOKEN) {
                    return Err(ScreenError::Declined);
                }
                (TEST_MONITOR_ID, Some(TEST_TOKEN))
            }
            (ScreenChoice::SystemDialog, ScreenAccess::Listed) => return Err(ScreenError::Missing),
        };
        let target = self.find(id)?;
        let shared = Shared::new(self.clone(), &target);
        let size = target.resolution;
        let thread = Worker::spawn("test screen", move |stop| {
            let mut due = Instant::now();
            let mut n = 0;
            while !stop.is_set() {
                if shared.is_gone() {
                    drop((sink, shared));
                    return report(Err(ScreenError::Closed));
                }
                sink.put(paint(size, n));
                n += 1;
                // Whoever is late, after a sleep of the machine, begins anew without a burst.
                due = (due + RATE.interval()).max(Instant::now());
                stop.wait_until(due);
            }
        });
        Ok(Box::new(SyntheticScreen { target, token, _thread: thread }))
    }
}

/// A target in the list of what is shared, for as long as it is.
struct Shared {
    screens: SyntheticScreens,
    id: String,
}

impl Shared {
    fn new(screens: SyntheticScreens, target: &ScreenTarget) -> Self {
        screens.state().shared.push(target.id.clone());
        Self { screens, id: target.id.clone() }
    }

    fn is_gone(&self) -> bool {
        self.screens.find(&self.id).is_err()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let mut state = self.screens.state();
        if let Some(at) = state.shared.iter().position(|id| *id == self.id) {
            state.shared.remove(at);
        }
    }
}

struct SyntheticScreen {
    target: ScreenTarget,
    token: Option<&'static str>,
    _thread: Worker,
}

impl OpenScreen for SyntheticScreen {
    fn target(&self) -> &ScreenTarget {
        &self.target
    }

    fn restore_token(&self) -> Option<&str> {
        self.token
    }

    fn take_sound(&self, mut sink: ScreenSoundSink) -> Option<Worker> {
        Some(Worker::spawn("test screen's sound", move |stop| {
            // A whole number of waves goes into a block, so that each is like the one before.
            let wave = |n: usize| (n as f32 * TAU * 5.0 / BLOCK_SAMPLES as f32).sin();
            let block: AudioBlock = std::array::from_fn(|n| 0.3 * wave(n));
            let mut due = Instant::now();
            while !stop.is_set() {
                sink(&block);
                due = (due + BLOCK).max(Instant::now());
                stop.wait_until(due);
            }
        }))
    }
}

/// Bright and dark bars with sharp edges, as windows and letters have them.
fn paint(size: Resolution, n: u64) -> VideoFrame {
    VideoFrame::paint(size, Instant::now(), |planes| {
        let (y, uv) = planes.split_at_mut(size.area());
        let width = size.width as usize;
        for line in y.chunks_exact_mut(width) {
            for (x, pixel) in line.iter_mut().enumerate() {
                *pixel = if ((x as u64 + n * STEP) / 32).is_multiple_of(2) { 210 } else { 60 };
            }
        }
        paint_stamp(y, size, Stamp::from_unix_millis(wall_millis().round() as u64));
        let (u, v) = uv.split_at_mut(size.area() / 4);
        u.fill(160);
        v.fill(112);
    })
    .expect("all targets have even sides")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::{Taken, newest};
    use crate::synthetic::picture::read_stamp;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[test]
    fn a_shared_window_shows_its_stamp_until_it_closes() {
        let screens = SyntheticScreens::new(ScreenAccess::Listed);
        assert_eq!(screens.list().unwrap().len(), 3);
        let (sink, frames) = newest();
        let (said, reports) = channel();
        let report = Box::new(move |report| drop(said.send(report)));
        let choice = ScreenChoice::Target(TEST_WINDOW_ID.into());
        let open = screens.open(&choice, None, sink, report).unwrap();
        let Taken::Value(frame) = frames.take(PATIENCE) else { panic!("no picture came") };
        assert_eq!(frame.resolution(), open.target().resolution);
        assert!(read_stamp(frame.y(), frame.resolution()).is_some());
        assert_eq!(screens.shared(), [TEST_WINDOW_ID]);

        screens.close(TEST_WINDOW_ID);
        assert_eq!(reports.recv_timeout(PATIENCE).unwrap(), Err(ScreenError::Closed));
        assert!(reports.recv_timeout(PATIENCE).is_err(), "a screen reports its end once");
        assert_eq!(screens.shared(), [""; 0]);
        assert_eq!(screens.thumbnail(TEST_WINDOW_ID), Err(ScreenError::Missing));
    }

    #[test]
    fn a_token_goes_past_a_dialog_that_is_declined() {
        let screens = SyntheticScreens::new(ScreenAccess::SystemDialog);
        let open = |token| {
            let (sink, _frames) = newest();
            let opened = screens.open(&ScreenChoice::SystemDialog, token, sink, Box::new(|_| {}));
            opened.map(|open| open.restore_token().map(str::to_owned))
        };
        let token = open(None).unwrap();
        assert!(token.is_some());
        screens.decline(true);
        assert_eq!(open(None), Err(ScreenError::Declined));
        assert_eq!(open(token.as_deref()), Ok(token));
        assert_eq!(screens.shared(), [""; 0], "dropping ends it");
    }
}
