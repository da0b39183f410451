//! Screens of an X server: lists, thumbnails and capture over its own protocol.

mod capture;
mod cursor;
mod display;
mod grab;
mod list;
mod shared_memory;
mod sight;

use super::delivery::Pixels;
use crate::sound::programs::{self, Programs};
use capture::Capture;
use display::{Display, Fault};
use grab::Grabber;
use list::{Listed, Place};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tincan_media::frame::VideoFrame;
use tincan_media::mailbox::NewestIn;
use tincan_media::pipeline::worker::Worker;
use tincan_media::process::convert::PixelFormat;
use tincan_media::process::thumbnail::thumbnail;
use tincan_media::screen::{
    OpenScreen, ScreenAccess, ScreenChoice, ScreenError, ScreenReport, ScreenSoundSink,
    ScreenTarget, ScreenUnavailable, Screens, Thumbnail,
};

/// One X server. Keeps a connection for looking around; each capture has its own.
pub(super) struct X11Screens {
    name: Option<String>,
    looking: Mutex<Option<Looking>>,
}

struct Looking {
    display: Display,
    grabber: Grabber,
}

impl X11Screens {
    /// Connects when it is first asked. `None`: the server of the environment.
    pub(super) fn new(name: Option<String>) -> Self {
        Self { name, looking: Mutex::default() }
    }

    /// Looks around, with a new connection where the server has closed the last.
    fn look<T>(&self, look: impl Fn(&mut Looking) -> Result<T, Fault>) -> Result<T, ScreenError> {
        let mut kept = self.kept();
        for _ in 0..2 {
            let looking = match &mut *kept {
                Some(looking) => looking,
                None => kept.insert(Looking {
                    display: Display::connect(self.name.as_deref())?,
                    grabber: Grabber::default(),
                }),
            };
            match look(looking) {
                Err(Fault::Lost(reason)) => {
                    tracing::debug!(reason, "the X server is gone");
                    *kept = None;
                }
                Err(Fault::Refused) => return Err(ScreenError::Missing),
                Err(Fault::Unreadable) => {
                    return Err(ScreenError::Unsupported("its pixels are of no known kind".into()));
                }
                Ok(seen) => return Ok(seen),
            }
        }
        Err(ScreenError::Refused("the X server does not answer".into()))
    }

    fn kept(&self) -> MutexGuard<'_, Option<Looking>> {
        self.looking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, id: &str) -> Result<Listed, ScreenError> {
        self.look(|looking| list::all(&looking.display))?
            .into_iter()
            .find(|listed| listed.target.id == id)
            .ok_or(ScreenError::Missing)
    }
}

impl Screens for X11Screens {
    fn access(&self) -> ScreenAccess {
        let mut kept = self.kept();
        if kept.is_none() && Display::connect(self.name.as_deref()).is_err() {
            *kept = None;
            return ScreenAccess::Unavailable { reason: ScreenUnavailable::NoDisplay };
        }
        ScreenAccess::Listed
    }

    fn has_sound(&self) -> bool {
        programs::available()
    }

    fn list(&self) -> Result<Vec<ScreenTarget>, ScreenError> {
        let listed = self.look(|looking| list::all(&looking.display))?;
        Ok(listed.into_iter().map(|listed| listed.target).collect())
    }

    fn thumbnail(&self, id: &str) -> Result<Thumbnail, ScreenError> {
        let listed = self.find(id)?;
        let picture = self.look(|looking| {
            let (drawable, area) = listed.place.visible(&looking.display)?;
            let bytes = looking.grabber.grab(&looking.display, drawable, area)?;
            let pixels = Pixels {
                format: PixelFormat::Bgra,
                bytes,
                stride: area.width() * 4,
                size: area.size,
            };
            pixels.picture(Instant::now()).map_err(|_| Fault::Unreadable)
        })?;
        thumbnail(&picture)
    }

    fn open(
        &self,
        choice: &ScreenChoice,
        _token: Option<&str>,
        sink: NewestIn<VideoFrame>,
        report: ScreenReport,
    ) -> Result<Box<dyn OpenScreen>, ScreenError> {
        let ScreenChoice::Target(id) = choice else {
            return Err(ScreenError::Unsupported("X11 has no dialog of its own".into()));
        };
        let listed = self.find(id)?;
        let target = listed.target.clone();
        let programs = self.look(|looking| match listed.place {
            Place::Monitor { .. } => Ok(Some(Programs::NotOf(std::process::id()))),
            Place::Window(window) => Ok(list::process(&looking.display, window)?.map(Programs::Of)),
        });
        let programs = programs.unwrap_or_else(|error| {
            tracing::debug!(%error, "whose window it is is not known");
            None
        });
        let mut capture = Capture::begin(self.name.as_deref(), listed, sink)?;
        let thread = Worker::spawn("screen", move |stop| {
            if let Some(error) = capture.run(&stop, &report) {
                // The slot closes before the report, as whoever is told may look at it.
                drop(capture);
                report(Err(error));
            }
        });
        Ok(Box::new(Open { target, programs, _thread: thread }))
    }
}

struct Open {
    target: ScreenTarget,
    programs: Option<Programs>,
    _thread: Worker,
}

impl OpenScreen for Open {
    fn target(&self) -> &ScreenTarget {
        &self.target
    }

    fn restore_token(&self) -> Option<&str> {
        None
    }

    fn take_sound(&self, sink: ScreenSoundSink) -> Option<Worker> {
        Some(programs::listen(self.programs?, sink))
    }
}
