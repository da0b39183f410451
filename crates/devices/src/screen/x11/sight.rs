//! What of the X server a capture looks at, and whether it can be seen at present.

use super::display::{Area, Display, Fault};
use super::list::{Listed, Place, content, is_elsewhere, monitors, title};
use tincan_media::screen::{ScreenError, ScreenTarget};
use x11rb::connection::Connection;
use x11rb::protocol::composite::{self, Redirect};
use x11rb::protocol::xproto::{ConnectionExt as _, Drawable, MapState, Pixmap, Window};

/// One look.
#[derive(Debug)]
pub(super) enum Sight {
    /// It can be seen.
    Seen(View),
    /// It is on another desktop: what was seen last stays.
    Elsewhere,
}

/// What can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct View {
    /// Where its pixels are.
    pub(super) drawable: Drawable,
    /// The part of the drawable.
    pub(super) area: Area,
    /// The pointer, from the corner of the area; it may be outside.
    pub(super) pointer: (i32, i32),
}

/// What is looked at.
pub(super) struct Subject {
    pub(super) target: ScreenTarget,
    place: Place,
    content: Option<Content>,
}

/// The part of a window that is shown, in the memory that a redirected window has to itself, so
/// that what covers the window is not in it.
struct Content {
    size: (u16, u16, u16),
    pixmap: Option<Pixmap>,
    area: Area,
}

impl Subject {
    pub(super) fn new(display: &Display, listed: Listed) -> Result<Self, Fault> {
        if let Place::Window(window) = listed.place
            && display.extensions.composite
        {
            composite::redirect_window(&display.connection, window, Redirect::AUTOMATIC)?
                .check()?;
        }
        Ok(Self { target: listed.target, place: listed.place, content: None })
    }

    /// The window whose changes count.
    pub(super) fn window(&self, display: &Display) -> Window {
        match self.place {
            Place::Monitor { .. } => display.root,
            Place::Window(window) => window,
        }
    }

    /// Looks. [`Fault::Refused`]: something changed meanwhile, look again.
    pub(super) fn look(&mut self, display: &Display) -> Result<Sight, Gone> {
        match &self.place {
            Place::Monitor { area, .. } => {
                let pointer =
                    display.connection.query_pointer(display.root).map_err(Fault::from)?;
                let pointer = pointer.reply().map_err(Fault::from)?;
                let pointer =
                    (i32::from(pointer.root_x) - area.x, i32::from(pointer.root_y) - area.y);
                Ok(Sight::Seen(View { drawable: display.root, area: *area, pointer }))
            }
            &Place::Window(window) => self.look_at_window(display, window),
        }
    }

    fn look_at_window(&mut self, display: &Display, window: Window) -> Result<Sight, Gone> {
        let asked = || -> Result<_, Fault> {
            let connection = &display.connection;
            let attributes = connection.get_window_attributes(window)?;
            let geometry = connection.get_geometry(window)?;
            let pointer = connection.query_pointer(window)?;
            Ok((attributes.reply()?, geometry.reply()?, pointer.reply()?))
        };
        let (attributes, geometry, pointer) = asked().map_err(Gone::when_closed)?;
        if attributes.map_state != MapState::VIEWABLE {
            self.forget(display);
            return match is_elsewhere(display, window).map_err(Gone::when_closed)? {
                true => Ok(Sight::Elsewhere),
                false => Err(Gone::Closed),
            };
        }
        let size = (geometry.width, geometry.height, geometry.border_width);
        if self.content.as_ref().is_none_or(|content| content.size != size) {
            self.forget(display);
            let mut area = content(display, window, &geometry)?;
            let pixmap = own_memory(display, window)?;
            if pixmap.is_some() {
                // The memory of a window begins with its border.
                let border = i32::from(geometry.border_width);
                area = Area { x: area.x + border, y: area.y + border, ..area };
            }
            self.target.resolution = area.size;
            self.content = Some(Content { size, pixmap, area });
        }
        let Some(content) = &self.content else { return Err(Gone::Closed) };
        let mut view = View {
            drawable: content.pixmap.unwrap_or(window),
            area: content.area,
            pointer: (i32::from(pointer.win_x), i32::from(pointer.win_y)),
        };
        let border = if content.pixmap.is_some() { i32::from(geometry.border_width) } else { 0 };
        view.pointer.0 -= view.area.x - border;
        view.pointer.1 -= view.area.y - border;
        Ok(Sight::Seen(view))
    }

    /// Notes that monitors or titles may have changed. Whether the target did.
    pub(super) fn renew(&mut self, display: &Display) -> Result<bool, Gone> {
        let before = self.target.clone();
        match &mut self.place {
            Place::Monitor { name, .. } => {
                let same = |listed: &Listed| matches!(&listed.place, Place::Monitor { name: theirs, .. } if theirs == name);
                let found = monitors(display)?.into_iter().find(same).ok_or(Gone::Closed)?;
                (self.target, self.place) = (found.target, found.place);
            }
            &mut Place::Window(window) => {
                if let Some(title) = title(display, window).map_err(Gone::when_closed)? {
                    self.target.name = title;
                }
            }
        }
        Ok(self.target != before)
    }

    /// Lets go of the window's memory.
    pub(super) fn forget(&mut self, display: &Display) {
        if let Some(pixmap) = self.content.take().and_then(|content| content.pixmap) {
            // A server that is gone has no use for this.
            let _ = display.connection.free_pixmap(pixmap);
        }
    }
}

/// Why nothing is seen.
#[derive(Debug)]
pub(super) enum Gone {
    /// What was shared is gone or put away.
    Closed,
    /// The server refused: something changed meanwhile.
    Changed,
    /// Its pixels are no longer of a kind that we read.
    Unreadable,
}

impl Gone {
    /// Where a refusal means that the window does not exist.
    fn when_closed(fault: Fault) -> Self {
        match fault {
            Fault::Refused => Self::Closed,
            fault => fault.into(),
        }
    }

    /// What is reported of it, if it is the end.
    pub(super) fn error(&self) -> Option<ScreenError> {
        match self {
            Self::Closed => Some(ScreenError::Closed),
            Self::Unreadable => {
                Some(ScreenError::Unsupported("its pixels are of no known kind".into()))
            }
            Self::Changed => None,
        }
    }
}

impl From<Fault> for Gone {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused => Self::Changed,
            Fault::Unreadable => Self::Unreadable,
            Fault::Lost(reason) => {
                tracing::info!(reason, "the X server is gone");
                Self::Closed
            }
        }
    }
}

/// The memory of a window of its own, on servers that have such a thing.
fn own_memory(display: &Display, window: Window) -> Result<Option<Pixmap>, Fault> {
    if !display.extensions.composite {
        return Ok(None);
    }
    let pixmap = display.connection.generate_id()?;
    composite::name_window_pixmap(&display.connection, window, pixmap)?.check()?;
    Ok(Some(pixmap))
}
