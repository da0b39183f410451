//! Screens of a Wayland desktop, by its portal: the desktop's own dialog lets the person choose.

mod package;
mod session;
mod stream;

use crate::sound::programs::{self, Programs};
use package::missing_package;
use session::{Begun, Opening};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Duration;
use tincan_media::frame::VideoFrame;
use tincan_media::mailbox::NewestIn;
use tincan_media::pipeline::worker::Worker;
use tincan_media::screen::{
    OpenScreen, ScreenAccess, ScreenChoice, ScreenError, ScreenReport, ScreenSoundSink,
    ScreenTarget, ScreenUnavailable, Screens, Thumbnail,
};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

/// How long the session bus may take to say whether there is a portal, which it may have to start.
const ASKING: Duration = Duration::from_secs(5);

/// The screens behind one session bus.
pub(super) struct PortalScreens {
    bus: Option<String>,
    /// There was a portal; they do not go away.
    seen: AtomicBool,
}

impl PortalScreens {
    /// Connects when it is first asked. `None`: the bus of the environment.
    pub(super) fn new(bus: Option<String>) -> Self {
        Self { bus, seen: AtomicBool::new(false) }
    }
}

impl Screens for PortalScreens {
    fn access(&self) -> ScreenAccess {
        if self.seen.load(Ordering::Relaxed) {
            return ScreenAccess::SystemDialog;
        }
        let asked = runtime().map(|runtime| {
            runtime.block_on(async {
                let answer = tokio::time::timeout(ASKING, session::portal(self.bus.as_deref()));
                answer.await.unwrap_or_else(|_| Err("no answer".into()))
            })
        });
        let problem = match asked {
            Ok(Ok(_)) => {
                self.seen.store(true, Ordering::Relaxed);
                return ScreenAccess::SystemDialog;
            }
            Ok(Err(problem)) => problem,
            Err(error) => error.to_string(),
        };
        tracing::info!(problem, "there is no portal for screens");
        let desktop = std::env::var("XDG_CURRENT_DESKTOP").unwrap_or_default();
        let package = missing_package(&desktop).to_owned();
        ScreenAccess::Unavailable { reason: ScreenUnavailable::NoPortal { package } }
    }

    fn has_sound(&self) -> bool {
        programs::available()
    }

    fn list(&self) -> Result<Vec<ScreenTarget>, ScreenError> {
        Ok(Vec::new())
    }

    fn thumbnail(&self, _id: &str) -> Result<Thumbnail, ScreenError> {
        Err(ScreenError::Missing)
    }

    fn open(
        &self,
        choice: &ScreenChoice,
        token: Option<&str>,
        sink: NewestIn<VideoFrame>,
        report: ScreenReport,
    ) -> Result<Box<dyn OpenScreen>, ScreenError> {
        if *choice != ScreenChoice::SystemDialog {
            return Err(ScreenError::Missing);
        }
        let refused = |error: std::io::Error| ScreenError::Refused(error.to_string());
        let runtime = runtime().map_err(refused)?;
        let opening = Opening { bus: self.bus.clone(), token: token.map(str::to_owned), sink };
        let (begun, begins) = sync_channel(1);
        let (end, ended) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("screen portal".into())
            .spawn(move || runtime.block_on(session::share(opening, &begun, &report, ended)))
            .map_err(refused)?;
        // From here on, dropping ends the session.
        let mut open = Open { begun: Begun::default(), end: Some(end), thread: Some(thread) };
        open.begun = begins
            .recv()
            .unwrap_or_else(|_| Err(ScreenError::Refused("the portal's thread failed".into())))?;
        Ok(Box::new(open))
    }
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

struct Open {
    begun: Begun,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl OpenScreen for Open {
    fn target(&self) -> &ScreenTarget {
        &self.begun.target
    }

    fn restore_token(&self) -> Option<&str> {
        self.begun.token.as_deref()
    }

    /// The portal does not say whose window it is.
    fn take_sound(&self, sink: ScreenSoundSink) -> Option<Worker> {
        Some(programs::listen(Programs::NotOf(std::process::id()), sink))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.end = None;
        if let Some(thread) = self.thread.take() {
            // The report may own this, and a thread cannot wait for itself.
            if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
                tracing::error!("the portal's thread panicked");
            }
        }
    }
}
