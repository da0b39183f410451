//! One capture: looks at a monitor or window and takes a picture of it whenever it has changed.

use super::super::delivery::{Delivery, Pixels};
use super::super::pace::Pace;
use super::cursor::Cursor;
use super::display::{Area, Display, Fault};
use super::grab::Grabber;
use super::list::Listed;
use super::sight::{Gone, Sight, Subject, View};
use std::time::Instant;
use tincan_media::frame::VideoFrame;
use tincan_media::mailbox::NewestIn;
use tincan_media::pipeline::worker::Stop;
use tincan_media::process::convert::PixelFormat;
use tincan_media::screen::{ScreenError, ScreenReport};
use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::damage::{self, Damage, ReportLevel};
use x11rb::protocol::randr::{self, NotifyMask};
use x11rb::protocol::xfixes::{self, CursorNotifyMask};
use x11rb::protocol::xproto::{AtomEnum, ChangeWindowAttributesAux, ConnectionExt as _, EventMask};

/// Looks in a row that the server refuses, while something is being changed, before the capture
/// ends: two seconds of them.
const MOST_REFUSALS: u32 = 60;

/// A capture over a connection of its own.
pub(super) struct Capture {
    display: Display,
    subject: Subject,
    grabber: Grabber,
    cursor: Option<Cursor>,
    damage: Option<Damage>,
    delivery: Delivery,
    pace: Pace,
    /// What was seen when the last picture was taken.
    shown: Option<View>,
    /// There is something that no picture shows yet.
    changed: bool,
    /// Monitors or titles may be others.
    renewed: bool,
}

impl Capture {
    /// Connects and asks to be told of changes.
    pub(super) fn begin(
        name: Option<&str>,
        listed: Listed,
        sink: NewestIn<VideoFrame>,
    ) -> Result<Self, ScreenError> {
        let display = Display::connect(name)?;
        let begun = || -> Result<_, Fault> {
            let subject = Subject::new(&display, listed)?;
            let damage = watch(&display, &subject)?;
            let cursor = Cursor::read(&display)?;
            Ok((subject, damage, cursor))
        };
        let (subject, damage, cursor) = begun().map_err(|fault| match fault {
            Fault::Refused => ScreenError::Missing,
            Fault::Unreadable => ScreenError::Unsupported("its pixels are of no known kind".into()),
            Fault::Lost(reason) => ScreenError::Refused(reason),
        })?;
        Ok(Self {
            display,
            subject,
            grabber: Grabber::default(),
            cursor,
            damage,
            delivery: Delivery::new(sink),
            pace: Pace::new(),
            shown: None,
            changed: true,
            renewed: true,
        })
    }

    /// Runs until it is stopped (`None`) or nothing can be captured any more.
    pub(super) fn run(&mut self, stop: &Stop, report: &ScreenReport) -> Option<ScreenError> {
        let mut refusals = 0;
        while !stop.is_set() {
            match self.step(report) {
                Ok(()) => refusals = 0,
                Err(gone) => {
                    refusals += 1;
                    let end =
                        gone.error().or((refusals > MOST_REFUSALS).then_some(ScreenError::Closed));
                    if let Some(error) = end {
                        tracing::info!(id = self.subject.target.id, %error, "the capture ends");
                        return Some(error);
                    }
                    (self.changed, self.renewed) = (true, true);
                    self.subject.forget(&self.display);
                }
            }
            stop.wait_until(self.pace.next_look(Instant::now()));
        }
        None
    }

    fn step(&mut self, report: &ScreenReport) -> Result<(), Gone> {
        self.read_events()?;
        let size = self.subject.target.resolution;
        let mut told = false;
        if std::mem::take(&mut self.renewed) {
            told = self.subject.renew(&self.display)?;
        }
        let Sight::Seen(view) = self.subject.look(&self.display)? else { return Ok(()) };
        if told || self.subject.target.resolution != size {
            report(Ok(self.subject.target.clone()));
        }
        if self.changed || self.shown.is_none_or(|shown| self.differs(shown, view)) {
            self.changed = true;
            if self.pace.is_due(Instant::now()) {
                self.take(view)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, view: View) -> Result<(), Gone> {
        let began = Instant::now();
        let bytes = self.grabber.grab(&self.display, view.drawable, view.area)?;
        if let Some(cursor) = &self.cursor {
            cursor.blend(bytes, view.area.size, view.pointer);
        }
        let pixels = Pixels {
            format: PixelFormat::Bgra,
            bytes,
            stride: view.area.width() * 4,
            size: view.area.size,
        };
        self.delivery.put(&pixels, began);
        self.pace.taken(began, Instant::now());
        // A server that does not tell of changes is looked at as often as the pace allows.
        (self.shown, self.changed) = (Some(view), self.damage.is_none());
        Ok(())
    }

    /// Whether a picture would be another, though nothing was drawn.
    fn differs(&self, shown: View, view: View) -> bool {
        let visible = |view: View| {
            let within = |cursor: &Cursor| cursor.is_within(view.pointer, view.area.size);
            self.cursor.as_ref().is_some_and(within).then_some(view.pointer)
        };
        (shown.drawable, shown.area, visible(shown)) != (view.drawable, view.area, visible(view))
    }

    fn read_events(&mut self) -> Result<(), Fault> {
        let (mut cursor_changed, mut drawn) = (false, false);
        while let Some(event) = self.display.connection.poll_for_event()? {
            match event {
                Event::DamageNotify(_) => drawn = true,
                Event::XfixesCursorNotify(_) => cursor_changed = true,
                Event::RandrScreenChangeNotify(_) | Event::RandrNotify(_) => {
                    (self.changed, self.renewed) = (true, true);
                }
                Event::PropertyNotify(event) => {
                    let atoms = &self.display.atoms;
                    let titles = [atoms._NET_WM_NAME, u32::from(AtomEnum::WM_NAME)];
                    self.renewed |= titles.contains(&event.atom);
                }
                _ => {}
            }
        }
        if drawn {
            self.changed |= self.concerns_us()?;
        }
        if cursor_changed {
            match Cursor::read(&self.display) {
                Ok(cursor) => (self.cursor, self.changed) = (cursor, true),
                Err(fault) => tracing::debug!(?fault, "the pointer keeps its old picture"),
            }
        }
        Ok(())
    }

    /// Whether what was drawn since the last question is in the picture. The server forgets it
    /// before the image is taken, so that it tells again of whatever is drawn after that.
    fn concerns_us(&self) -> Result<bool, Fault> {
        let (Some(damage), connection) = (self.damage, &self.display.connection) else {
            return Ok(true);
        };
        let area = match self.shown {
            Some(shown) if shown.drawable == self.display.root => shown.area,
            // A window's own damage always is.
            _ => {
                damage::subtract(connection, damage, x11rb::NONE, x11rb::NONE)?;
                return Ok(true);
            }
        };
        let parts = connection.generate_id()?;
        xfixes::create_region(connection, parts, &[])?;
        damage::subtract(connection, damage, x11rb::NONE, parts)?;
        let drawn = xfixes::fetch_region(connection, parts)?;
        xfixes::destroy_region(connection, parts)?;
        let drawn = drawn.reply()?.rectangles;
        Ok(drawn.iter().any(|r| {
            let drawn = Area::new(r.x.into(), r.y.into(), r.width.into(), r.height.into());
            !area.meet(drawn).is_empty()
        }))
    }
}

/// Asks to be told when something is drawn, when the pointer looks different, and when monitors
/// or the window's title change.
fn watch(display: &Display, subject: &Subject) -> Result<Option<Damage>, Fault> {
    let connection = &display.connection;
    let window = subject.window(display);
    if display.extensions.cursor {
        xfixes::select_cursor_input(connection, display.root, CursorNotifyMask::DISPLAY_CURSOR)?
            .check()?;
    }
    if display.extensions.monitors {
        let all = NotifyMask::SCREEN_CHANGE | NotifyMask::CRTC_CHANGE | NotifyMask::OUTPUT_CHANGE;
        randr::select_input(connection, display.root, all)?.check()?;
    }
    if window != display.root {
        let titles = ChangeWindowAttributesAux::new().event_mask(EventMask::PROPERTY_CHANGE);
        connection.change_window_attributes(window, &titles)?.check()?;
    }
    if !display.extensions.damage {
        return Ok(None);
    }
    let damage = connection.generate_id()?;
    damage::create(connection, damage, window, ReportLevel::NON_EMPTY)?.check()?;
    connection.flush()?;
    Ok(Some(damage))
}
