//! A connection to an X server, and what of it every part needs.

use tincan_media::screen::ScreenError;
use tincan_proto::units::Resolution;
use x11rb::connection::{Connection, RequestConnection};
use x11rb::errors::{ConnectionError, ReplyError, ReplyOrIdError};
use x11rb::protocol::xproto::{
    AtomEnum, ConnectionExt as _, ImageOrder, VisualClass, Visualid, Window,
};
use x11rb::protocol::{composite, damage, randr, shm, xfixes};
use x11rb::rust_connection::RustConnection;

/// The longest text read of a window, in units of four bytes.
const LONGEST: u32 = 256;

x11rb::atom_manager! {
    /// The names of properties.
    pub(super) Atoms: AtomsCookie {
        _GTK_FRAME_EXTENTS,
        _NET_CLIENT_LIST,
        _NET_CLIENT_LIST_STACKING,
        _NET_CURRENT_DESKTOP,
        _NET_WM_DESKTOP,
        _NET_WM_NAME,
        _NET_WM_PID,
        _NET_WM_WINDOW_TYPE,
        _NET_WM_WINDOW_TYPE_DESKTOP,
        _NET_WM_WINDOW_TYPE_DOCK,
        UTF8_STRING,
    }
}

/// How a request failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// The server said no: what was asked for is gone or has changed meanwhile.
    Refused,
    /// Its pixels are of a kind that we do not read.
    Unreadable,
    /// The server is gone.
    Lost(String),
}

impl From<ConnectionError> for Fault {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::UnsupportedExtension => Self::Refused,
            error => Self::Lost(error.to_string()),
        }
    }
}

impl From<ReplyError> for Fault {
    fn from(error: ReplyError) -> Self {
        match error {
            ReplyError::X11Error(_) => Self::Refused,
            ReplyError::ConnectionError(error) => error.into(),
        }
    }
}

impl From<ReplyOrIdError> for Fault {
    fn from(error: ReplyOrIdError) -> Self {
        match error {
            ReplyOrIdError::X11Error(_) => Self::Refused,
            ReplyOrIdError::ConnectionError(error) => error.into(),
            ReplyOrIdError::IdsExhausted => Self::Lost(error.to_string()),
        }
    }
}

/// A rectangle of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) size: Resolution,
}

impl Area {
    pub(super) const fn new(x: i32, y: i32, width: u32, height: u32) -> Self {
        Self { x, y, size: Resolution::new(width, height) }
    }

    pub(super) const fn width(self) -> u32 {
        self.size.width
    }

    /// What both have in common, which may be nothing.
    pub(super) fn meet(self, other: Self) -> Self {
        let span = |a: i32, a_len: u32, b: i32, b_len: u32| {
            let (a_end, b_end) =
                (a.saturating_add_unsigned(a_len), b.saturating_add_unsigned(b_len));
            let start = a.max(b);
            (start, u32::try_from(i64::from(a_end.min(b_end)) - i64::from(start)).unwrap_or(0))
        };
        let (x, width) = span(self.x, self.size.width, other.x, other.size.width);
        let (y, height) = span(self.y, self.size.height, other.y, other.size.height);
        Self::new(x, y, width, height)
    }

    pub(super) const fn is_empty(self) -> bool {
        self.size.area() == 0
    }
}

/// The extensions that a server has, beyond the core protocol.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extensions {
    pub(super) monitors: bool,
    pub(super) shared_memory: bool,
    pub(super) cursor: bool,
    pub(super) damage: bool,
    pub(super) composite: bool,
}

/// A connection.
pub(super) struct Display {
    pub(super) connection: RustConnection,
    pub(super) root: Window,
    pub(super) atoms: Atoms,
    pub(super) extensions: Extensions,
}

impl Display {
    /// Connects.
    pub(super) fn connect(name: Option<&str>) -> Result<Self, ScreenError> {
        let refused = |error: &dyn std::fmt::Display| ScreenError::Refused(error.to_string());
        let (connection, screen) =
            RustConnection::connect(name).map_err(|error| refused(&error))?;
        if connection.setup().image_byte_order != ImageOrder::LSB_FIRST {
            return Err(ScreenError::Unsupported("its pixels begin at the other end".into()));
        }
        let root = connection.setup().roots[screen].root;
        let atoms = Atoms::new(&connection)
            .map_err(ReplyError::from)
            .and_then(AtomsCookie::reply)
            .map_err(|error| refused(&error))?;
        let extensions = extensions(&connection).map_err(|error| refused(&error))?;
        Ok(Self { connection, root, atoms, extensions })
    }

    /// Whether an image of this kind has four bytes a pixel, blue first.
    pub(super) fn reads(&self, depth: u8, visual: Visualid) -> bool {
        let setup = self.connection.setup();
        let four = setup.pixmap_formats.iter().any(|f| f.depth == depth && f.bits_per_pixel == 32);
        let visuals = setup.roots.iter().flat_map(|root| &root.allowed_depths);
        four && visuals.flat_map(|depth| &depth.visuals).any(|v| {
            v.visual_id == visual
                && v.class == VisualClass::TRUE_COLOR
                && (v.red_mask, v.green_mask, v.blue_mask) == (0xff_0000, 0xff00, 0xff)
        })
    }

    /// The numbers in a window's property; none if it has no such property.
    pub(super) fn numbers(
        &self,
        window: Window,
        property: u32,
        kind: AtomEnum,
    ) -> Result<Vec<u32>, Fault> {
        // Long enough for the list of as many windows as anybody has.
        let longest = 16 * LONGEST;
        let cookie = self.connection.get_property(false, window, property, kind, 0, longest)?;
        Ok(cookie.reply()?.value32().map(Iterator::collect).unwrap_or_default())
    }

    /// The bytes of a window's property.
    pub(super) fn bytes(
        &self,
        window: Window,
        property: impl Into<u32>,
        kind: impl Into<u32>,
    ) -> Result<Vec<u8>, Fault> {
        let (property, kind) = (property.into(), kind.into());
        let cookie = self.connection.get_property(false, window, property, kind, 0, LONGEST)?;
        Ok(cookie.reply()?.value)
    }
}

/// Asks for each extension: a server speaks the version of the question from then on.
fn extensions(connection: &RustConnection) -> Result<Extensions, ReplyError> {
    let has = |name| Ok::<_, ConnectionError>(connection.extension_information(name)?.is_some());
    let mut found = Extensions::default();
    if has(randr::X11_EXTENSION_NAME)? {
        let version = randr::query_version(connection, 1, 5)?.reply()?;
        found.monitors = (version.major_version, version.minor_version) >= (1, 5);
    }
    if has(shm::X11_EXTENSION_NAME)? {
        let version = shm::query_version(connection)?.reply()?;
        // Since 1.2 the memory may come as a file descriptor.
        found.shared_memory = (version.major_version, version.minor_version) >= (1, 2);
    }
    if has(xfixes::X11_EXTENSION_NAME)? {
        found.cursor = xfixes::query_version(connection, 5, 0)?.reply()?.major_version >= 1;
    }
    // The damage extension needs regions, which are those of xfixes 2.
    if found.cursor && has(damage::X11_EXTENSION_NAME)? {
        damage::query_version(connection, 1, 1)?.reply()?;
        found.damage = true;
    }
    if has(composite::X11_EXTENSION_NAME)? {
        let version = composite::query_version(connection, 0, 4)?.reply()?;
        found.composite = (version.major_version, version.minor_version) >= (0, 2);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_meet_where_they_overlap() {
        let screen = Area::new(0, 0, 1920, 1080);
        assert_eq!(Area::new(-10, 1000, 100, 200).meet(screen), Area::new(0, 1000, 90, 80));
        assert!(Area::new(1920, 0, 50, 50).meet(screen).is_empty());
        assert!(Area::new(-60, 0, 50, 50).meet(screen).is_empty());
    }
}
