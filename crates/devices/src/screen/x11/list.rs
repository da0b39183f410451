//! What an X server shows: monitors by RandR, windows by what the window manager lists.

use super::display::{Area, Display, Fault};
use tincan_media::screen::{ScreenKind, ScreenTarget};
use x11rb::protocol::xproto::{
    AtomEnum, ConnectionExt as _, Drawable, GetGeometryReply, MapState, Window, WindowClass,
};
use x11rb::protocol::{randr, res};

/// Smaller windows are helpers that nobody means.
const SMALLEST: u32 = 48;

/// A target and where it is.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) target: ScreenTarget,
    pub(super) place: Place,
}

/// Where a target is.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// This part of the root window belongs to the monitor of this name.
    Monitor {
        name: String,
        area: Area,
    },
    Window(Window),
}

impl Place {
    /// The part that can be seen now.
    pub(super) fn visible(&self, display: &Display) -> Result<(Drawable, Area), Fault> {
        match *self {
            Self::Monitor { area, .. } => Ok((display.root, area)),
            Self::Window(window) => {
                let size = geometry(display, window)?;
                let there = display
                    .connection
                    .translate_coordinates(window, display.root, 0, 0)?
                    .reply()?;
                let (x, y) = (i32::from(there.dst_x), i32::from(there.dst_y));
                let whole = Area::new(x, y, size.width.into(), size.height.into());
                let seen = whole.meet(screen(display)?);
                Ok((window, Area { x: seen.x - x, y: seen.y - y, ..seen }))
            }
        }
    }
}

/// Everything, monitors first and then windows, the topmost first.
pub(super) fn all(display: &Display) -> Result<Vec<Listed>, Fault> {
    let mut listed = monitors(display)?;
    for window in windows(display)? {
        // A window may close while it is being looked at.
        match look_at(display, window) {
            Ok(found) => listed.extend(found),
            Err(Fault::Refused | Fault::Unreadable) => {}
            Err(lost @ Fault::Lost(_)) => return Err(lost),
        }
    }
    Ok(listed)
}

/// The monitors; where the server does not tell of them, its whole screen is one.
pub(super) fn monitors(display: &Display) -> Result<Vec<Listed>, Fault> {
    let connection = &display.connection;
    let mut listed = Vec::new();
    if display.extensions.monitors {
        for monitor in randr::get_monitors(connection, display.root, true)?.reply()?.monitors {
            let name = connection.get_atom_name(monitor.name)?.reply()?.name;
            let (width, height) = (monitor.width.into(), monitor.height.into());
            let area = Area::new(monitor.x.into(), monitor.y.into(), width, height);
            listed.push(as_monitor(&String::from_utf8_lossy(&name), area, monitor.primary));
        }
    }
    if listed.is_empty() {
        listed.push(as_monitor("Screen", screen(display)?, true));
    }
    Ok(listed)
}

fn as_monitor(name: &str, area: Area, primary: bool) -> Listed {
    let target = ScreenTarget {
        id: format!("monitor:{name}"),
        kind: ScreenKind::Monitor,
        name: format!("{name} – {}×{}", area.size.width, area.size.height),
        app: None,
        resolution: area.size,
        primary,
    };
    Listed { target, place: Place::Monitor { name: name.to_owned(), area } }
}

fn screen(display: &Display) -> Result<Area, Fault> {
    let root = geometry(display, display.root)?;
    Ok(Area::new(0, 0, root.width.into(), root.height.into()))
}

fn geometry(display: &Display, window: Window) -> Result<GetGeometryReply, Fault> {
    Ok(display.connection.get_geometry(window)?.reply()?)
}

/// The windows that the window manager manages, or else all that the root window contains.
fn windows(display: &Display) -> Result<Vec<Window>, Fault> {
    let atoms = &display.atoms;
    for list in [atoms._NET_CLIENT_LIST_STACKING, atoms._NET_CLIENT_LIST] {
        let mut windows = display.numbers(display.root, list, AtomEnum::WINDOW)?;
        if !windows.is_empty() {
            windows.reverse();
            return Ok(windows);
        }
    }
    let mut windows = display.connection.query_tree(display.root)?.reply()?.children;
    windows.reverse();
    Ok(windows)
}

fn look_at(display: &Display, window: Window) -> Result<Option<Listed>, Fault> {
    let connection = &display.connection;
    let attributes = connection.get_window_attributes(window)?;
    let geometry = connection.get_geometry(window)?;
    let (attributes, geometry) = (attributes.reply()?, geometry.reply()?);
    if attributes.map_state != MapState::VIEWABLE
        || attributes.override_redirect
        || attributes.class != WindowClass::INPUT_OUTPUT
        || u32::from(geometry.width.min(geometry.height)) < SMALLEST
        || !display.reads(geometry.depth, attributes.visual)
        || is_furniture(display, window)?
        || is_ours(display, window)?
    {
        return Ok(None);
    }
    let Some(name) = title(display, window)? else { return Ok(None) };
    let resolution = content(display, window, &geometry)?.size;
    let target = ScreenTarget {
        id: format!("window:{window}"),
        kind: ScreenKind::Window,
        name,
        app: class(display, window)?,
        resolution,
        primary: false,
    };
    Ok(Some(Listed { target, place: Place::Window(window) }))
}

/// The part of a window that is not the shadow that it draws itself.
pub(super) fn content(
    display: &Display,
    window: Window,
    geometry: &GetGeometryReply,
) -> Result<Area, Fault> {
    let whole = Area::new(0, 0, geometry.width.into(), geometry.height.into());
    let margins = display.numbers(window, display.atoms._GTK_FRAME_EXTENTS, AtomEnum::CARDINAL)?;
    let [left, right, top, bottom] = margins[..] else { return Ok(whole) };
    let inner = |length: u32, before: u32, after: u32| {
        length.checked_sub(before.saturating_add(after)).filter(|&inner| inner >= SMALLEST)
    };
    let size = inner(whole.size.width, left, right).zip(inner(whole.size.height, top, bottom));
    // The margins were within the window's size, and so are these numbers.
    let area = size.map(|(width, height)| Area::new(left as i32, top as i32, width, height));
    Ok(area.unwrap_or(whole))
}

/// The window's title, or else its program; `None` for a window without either.
pub(super) fn title(display: &Display, window: Window) -> Result<Option<String>, Fault> {
    let atoms = &display.atoms;
    let utf8 = display.bytes(window, atoms._NET_WM_NAME, atoms.UTF8_STRING)?;
    let mut title = String::from_utf8_lossy(&utf8).into_owned();
    if title.trim().is_empty() {
        let latin = display.bytes(window, AtomEnum::WM_NAME, AtomEnum::ANY)?;
        title = String::from_utf8(latin)
            .unwrap_or_else(|latin| latin.into_bytes().iter().copied().map(char::from).collect());
    }
    if title.trim().is_empty() {
        return class(display, window);
    }
    Ok(Some(title.trim().to_owned()))
}

/// The program that a window says it is of: the second text of `WM_CLASS` (ICCCM 4.1.2.5).
fn class(display: &Display, window: Window) -> Result<Option<String>, Fault> {
    let texts = display.bytes(window, AtomEnum::WM_CLASS, AtomEnum::STRING)?;
    let class = texts.split(|&byte| byte == 0).nth(1).unwrap_or_default();
    Ok(Some(String::from_utf8_lossy(class).into_owned()).filter(|class| !class.is_empty()))
}

/// The process behind a window, as the server knows it; `None` on another machine.
pub(super) fn process(display: &Display, window: Window) -> Result<Option<u32>, Fault> {
    let asked = res::ClientIdSpec { client: window, mask: res::ClientIdMask::LOCAL_CLIENT_PID };
    let ids = res::query_client_ids(&display.connection, &[asked])?.reply()?.ids;
    Ok(ids.first().and_then(|id| id.value.first()).copied())
}

fn is_furniture(display: &Display, window: Window) -> Result<bool, Fault> {
    let atoms = &display.atoms;
    let kinds = display.numbers(window, atoms._NET_WM_WINDOW_TYPE, AtomEnum::ATOM)?;
    let furniture = [atoms._NET_WM_WINDOW_TYPE_DOCK, atoms._NET_WM_WINDOW_TYPE_DESKTOP];
    Ok(kinds.iter().any(|kind| furniture.contains(kind)))
}

fn is_ours(display: &Display, window: Window) -> Result<bool, Fault> {
    let owner = display.numbers(window, display.atoms._NET_WM_PID, AtomEnum::CARDINAL)?;
    Ok(owner.first() == Some(&std::process::id()))
}

/// Whether the window is on another of the window manager's desktops, so that it is not shown
/// though nobody has put it away.
pub(super) fn is_elsewhere(display: &Display, window: Window) -> Result<bool, Fault> {
    let atoms = &display.atoms;
    let current = display.numbers(display.root, atoms._NET_CURRENT_DESKTOP, AtomEnum::CARDINAL)?;
    let its = display.numbers(window, atoms._NET_WM_DESKTOP, AtomEnum::CARDINAL)?;
    Ok(matches!((its.first(), current.first()), (Some(its), Some(current)) if its != current))
}
