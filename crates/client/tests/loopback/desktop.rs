//! A desktop whose screens show what the test paints on them, and whose dialog it answers.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tincan_media::audio::{BLOCK, BLOCK_SAMPLES};
use tincan_media::frame::VideoFrame;
use tincan_media::mailbox::NewestIn;
use tincan_media::pipeline::worker::Worker;
use tincan_media::screen::{
    OpenScreen, ScreenAccess, ScreenChoice, ScreenError, ScreenKind, ScreenReport, ScreenSoundSink,
    ScreenTarget, Screens, Thumbnail,
};
use tincan_media::synthetic::picture::{Picture, Stamp, Style};
use tincan_proto::units::Resolution;

/// Unlike the camera's, so that pictures tell where they come from.
pub const MONITOR: Resolution = Resolution::new(800, 600);
pub const WINDOW: Resolution = Resolution::new(720, 400);

/// Like a screen that is shared: nothing comes until something is painted.
pub struct Desktop {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    access: ScreenAccess,
    /// What the person says to the dialog, once they say something.
    answer: Option<Result<(), ScreenError>>,
    open: Vec<Taken>,
    /// Tokens that screens were opened with.
    tokens: Vec<Option<String>>,
    abandoned: usize,
    thumbnails: usize,
}

struct Taken {
    number: usize,
    id: String,
    sink: NewestIn<VideoFrame>,
    report: ScreenReport,
}

impl Desktop {
    pub fn new(access: ScreenAccess) -> Arc<Self> {
        let state = State {
            access,
            answer: Some(Ok(())),
            open: Vec::new(),
            tokens: Vec::new(),
            abandoned: 0,
            thumbnails: 0,
        };
        Arc::new(Self { state: Mutex::new(state), changed: Condvar::new() })
    }

    /// Paints `stamp` on whatever is shared, once, and returns it as it will be read.
    pub fn paint(&self, stamp: u64) -> Stamp {
        let stamp = Stamp::from_unix_millis(stamp);
        for taken in &self.state().open {
            let mut picture = Picture::new(size_of(&taken.id), Style::Grey).expect("even");
            taken.sink.put(picture.paint(0, stamp));
        }
        stamp
    }

    /// Lets the dialog stay open, or answers it.
    pub fn answer(&self, answer: Option<Result<(), ScreenError>>) {
        self.state().answer = answer;
        self.changed.notify_all();
    }

    /// Closes what is shared.
    pub fn close_all(&self) {
        let open = std::mem::take(&mut self.state().open);
        for taken in open {
            (taken.report)(Err(ScreenError::Closed));
        }
    }

    /// What is shared.
    pub fn shared(&self) -> Vec<String> {
        self.state().open.iter().map(|taken| taken.id.clone()).collect()
    }

    pub fn tokens(&self) -> Vec<Option<String>> {
        self.state().tokens.clone()
    }

    /// How many dialogs were given up.
    pub fn abandoned(&self) -> usize {
        self.state().abandoned
    }

    /// How many thumbnails were made.
    pub fn thumbnails(&self) -> usize {
        self.state().thumbnails
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn size_of(id: &str) -> Resolution {
    if id == "window" { WINDOW } else { MONITOR }
}

fn target(id: &str) -> ScreenTarget {
    let kind = if id == "window" { ScreenKind::Window } else { ScreenKind::Monitor };
    ScreenTarget {
        id: id.to_owned(),
        kind,
        name: format!("The {id}"),
        app: None,
        resolution: size_of(id),
        primary: kind == ScreenKind::Monitor,
    }
}

/// The screens of a [`Desktop`], to be given to an app.
pub struct DesktopScreens(pub Arc<Desktop>);

impl Screens for DesktopScreens {
    fn access(&self) -> ScreenAccess {
        self.0.state().access.clone()
    }

    fn has_sound(&self) -> bool {
        true
    }

    fn list(&self) -> Result<Vec<ScreenTarget>, ScreenError> {
        Ok(vec![target("monitor"), target("window")])
    }

    fn thumbnail(&self, _: &str) -> Result<Thumbnail, ScreenError> {
        self.0.state().thumbnails += 1;
        Ok(Thumbnail { resolution: Resolution::new(2, 2), png: vec![1, 2, 3] })
    }

    fn open(
        &self,
        choice: &ScreenChoice,
        token: Option<&str>,
        sink: NewestIn<VideoFrame>,
        report: ScreenReport,
    ) -> Result<Box<dyn OpenScreen>, ScreenError> {
        let desktop = self.0.clone();
        let mut state = desktop.state();
        state.tokens.push(token.map(str::to_owned));
        let number = state.tokens.len();
        let answer = loop {
            if sink.is_abandoned() {
                state.abandoned += 1;
                return Err(ScreenError::Declined);
            }
            if let Some(answer) = state.answer.clone() {
                break answer;
            }
            let waited = desktop.changed.wait_timeout(state, Duration::from_millis(20));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        };
        answer?;
        let (id, token) = match choice {
            ScreenChoice::Target(id) => (id.clone(), None),
            ScreenChoice::SystemDialog => ("monitor".to_owned(), Some(format!("token {number}"))),
        };
        state.open.push(Taken { number, id: id.clone(), sink, report });
        drop(state);
        Ok(Box::new(Open { desktop, number, target: target(&id), token }))
    }
}

struct Open {
    desktop: Arc<Desktop>,
    number: usize,
    target: ScreenTarget,
    token: Option<String>,
}

impl OpenScreen for Open {
    fn target(&self) -> &ScreenTarget {
        &self.target
    }

    fn restore_token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    fn take_sound(&self, mut sink: ScreenSoundSink) -> Option<Worker> {
        Some(Worker::spawn("a screen's sound", move |stop| {
            let wave = std::array::from_fn::<f32, BLOCK_SAMPLES, _>(|n| (n as f32 / 10.0).sin());
            while !stop.is_set() {
                sink(&wave);
                stop.wait_until(Instant::now() + BLOCK);
            }
        }))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.desktop.state().open.retain(|taken| taken.number != self.number);
    }
}
