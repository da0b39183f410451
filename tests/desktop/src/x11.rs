//! The windows on a screen as its window manager knows them (Extended Window Manager Hints 1.5),
//! and what a person does to them with the mouse on their frames.

use crate::eventually;
use anyhow::{Context, Result};
use std::collections::HashMap;
use std::time::Duration;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ClientMessageEvent, ConnectionExt, CreateWindowAux, EventMask, GrabMode,
    KEY_PRESS_EVENT, KEY_RELEASE_EVENT, ModMask, PropMode, Window as Id, WindowClass,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// What the hints are called.
const NAMES: [&str; 11] = [
    "WM_CHANGE_STATE",
    "_NET_ACTIVE_WINDOW",
    "_NET_CLIENT_LIST",
    "_NET_CLOSE_WINDOW",
    "_NET_WM_NAME",
    "_NET_WM_PID",
    "_NET_WM_STATE",
    "_NET_WM_STATE_ABOVE",
    "_NET_WM_STATE_HIDDEN",
    "_NET_WM_STATE_SKIP_TASKBAR",
    "UTF8_STRING",
];
/// The state of a minimised window (ICCCM, section 4.1.4).
const ICONIC: u32 = 3;
/// The request comes from a pager or the like: a person has asked (EWMH, source indication).
const BY_A_PERSON: u32 = 2;

/// A screen.
pub struct Screen {
    connection: RustConnection,
    root: Id,
    atoms: HashMap<&'static str, Atom>,
}

/// A colour as 0xRRGGBB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub u32);

/// A window at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnScreen {
    /// Its title.
    pub title: String,
    /// The process that it belongs to.
    pub process: u32,
    /// Left and upper edge.
    pub at: (i16, i16),
    /// Width and height.
    pub size: (u16, u16),
    /// It stays above others.
    pub above: bool,
    /// It is minimised.
    pub minimised: bool,
    /// It is left out of the list of windows.
    pub unlisted: bool,
    /// What is typed goes there.
    pub active: bool,
    id: Id,
}

/// A window of the test's own, as if of another program.
pub struct Other<'a> {
    screen: &'a Screen,
    id: Id,
}

impl Drop for Other<'_> {
    fn drop(&mut self) {
        // The screen may have gone before it.
        if self.screen.connection.destroy_window(self.id).is_ok() {
            let _ = self.screen.connection.flush();
        }
    }
}

/// A key that no other program can take. Dropping it sets it free.
pub struct GrabbedKey<'a> {
    screen: &'a Screen,
    key: u8,
}

impl Drop for GrabbedKey<'_> {
    fn drop(&mut self) {
        let Screen { connection, root, .. } = self.screen;
        let held = ModMask::CONTROL | ModMask::SHIFT;
        if connection.ungrab_key(self.key, *root, held).is_ok() {
            let _ = connection.sync();
        }
    }
}

impl Screen {
    pub(crate) fn open(display: &str) -> Result<Self> {
        let (connection, number) =
            x11rb::connect(Some(display)).with_context(|| format!("while opening {display}"))?;
        let root = connection.setup().roots[number].root;
        let mut atoms = HashMap::new();
        for name in NAMES {
            let atom = connection.intern_atom(false, name.as_bytes())?.reply()?.atom;
            atoms.insert(name, atom);
        }
        Ok(Self { connection, root, atoms })
    }

    /// All windows that there are now, minimised ones too, but no hidden ones.
    pub fn windows(&self) -> Result<Vec<OnScreen>> {
        let ids = self.numbers(self.root, "_NET_CLIENT_LIST", AtomEnum::WINDOW)?;
        // One that goes at this moment is left out.
        Ok(ids.into_iter().filter_map(|id| self.window(id).ok()).collect())
    }

    /// Waits until a process has a window with this title that is as `wanted`.
    pub async fn until(
        &self,
        process: u32,
        title: &str,
        limit: Duration,
        wanted: impl Fn(&OnScreen) -> bool,
    ) -> Result<OnScreen> {
        let mut last = Vec::new();
        let found = eventually(&format!("there is a window `{title}`"), limit, async || {
            last = self.windows()?;
            let it = |one: &&OnScreen| one.process == process && one.title == title;
            Ok(last.iter().filter(it).find(|one| wanted(one)).cloned())
        })
        .await;
        found.with_context(|| format!("there were {last:#?}"))
    }

    /// Waits until a process has no window with this title.
    pub async fn is_gone(&self, process: u32, title: &str, limit: Duration) -> Result<()> {
        eventually(&format!("the window `{title}` goes"), limit, async || {
            let windows = self.windows()?;
            let there = windows.iter().any(|one| one.process == process && one.title == title);
            Ok((!there).then_some(()))
        })
        .await
    }

    /// Presses the window's button for minimising.
    pub fn minimise(&self, window: &OnScreen) -> Result<()> {
        self.ask(window, "WM_CHANGE_STATE", [ICONIC, 0, 0, 0, 0])
    }

    /// Presses the window's button for closing.
    pub fn close(&self, window: &OnScreen) -> Result<()> {
        self.ask(window, "_NET_CLOSE_WINDOW", [0, BY_A_PERSON, 0, 0, 0])
    }

    /// Picks the window in the list of windows.
    pub fn activate(&self, window: &OnScreen) -> Result<()> {
        self.ask(window, "_NET_ACTIVE_WINDOW", [BY_A_PERSON, 0, 0, 0, 0])
    }

    /// Its width and height.
    pub fn size(&self) -> (u16, u16) {
        let root = self.connection.setup().roots.iter().find(|one| one.root == self.root);
        root.map_or((0, 0), |root| (root.width_in_pixels, root.height_in_pixels))
    }

    /// Another program's window of one colour; it closes when dropped.
    pub fn open_window(&self, title: &str, size: (u16, u16), colour: Colour) -> Result<Other<'_>> {
        let looks = CreateWindowAux::new().background_pixel(colour.0);
        let id = self.create((0, 0), size, &looks)?;
        let (name, text) = (self.atoms["_NET_WM_NAME"], self.atoms["UTF8_STRING"]);
        let mode = PropMode::REPLACE;
        self.connection.change_property8(mode, id, name, text, title.as_bytes())?.check()?;
        self.connection.map_window(id)?.check().context("while showing a window")?;
        Ok(Other { screen: self, id })
    }

    /// Lays a patch of one colour over everything else.
    pub fn paint(&self, at: (i16, i16), size: (u16, u16), colour: Colour) -> Result<()> {
        // The window manager is not asked.
        let looks = CreateWindowAux::new().background_pixel(colour.0).override_redirect(1);
        let id = self.create(at, size, &looks)?;
        self.connection.map_window(id)?.check().context("while showing a patch")
    }

    /// Presses these keys, named by their symbols, one after the other, and lets them go in reverse.
    pub fn press_keys(&self, symbols: &[u32]) -> Result<()> {
        self.hold_keys(symbols)?;
        self.let_go_keys(symbols)
    }

    /// Presses these keys and holds them: the screen repeats the last one, as it does for a person.
    pub fn hold_keys(&self, symbols: &[u32]) -> Result<()> {
        for code in self.key_codes(symbols)? {
            self.key_event(KEY_PRESS_EVENT, code)?;
        }
        Ok(())
    }

    /// Lets keys go that are held, in reverse.
    pub fn let_go_keys(&self, symbols: &[u32]) -> Result<()> {
        for code in self.key_codes(symbols)?.into_iter().rev() {
            self.key_event(KEY_RELEASE_EVENT, code)?;
        }
        Ok(())
    }

    fn key_event(&self, kind: u8, code: u8) -> Result<()> {
        Ok(self.connection.xtest_fake_input(kind, code, 0, self.root, 0, 0, 0)?.check()?)
    }

    /// Takes a key that is pressed with Control and Shift for itself, as another program may.
    pub fn grab_key(&self, symbol: u32) -> Result<GrabbedKey<'_>> {
        let key = self.key_codes(&[symbol])?[0];
        let held = ModMask::CONTROL | ModMask::SHIFT;
        let mode = GrabMode::ASYNC;
        self.connection.grab_key(false, self.root, held, key, mode, mode)?.check()?;
        Ok(GrabbedKey { screen: self, key })
    }

    fn key_codes(&self, symbols: &[u32]) -> Result<Vec<u8>> {
        let setup = self.connection.setup();
        let (first, count) = (setup.min_keycode, setup.max_keycode - setup.min_keycode + 1);
        let mapping = self.connection.get_keyboard_mapping(first, count)?.reply()?;
        let code = |symbol: &u32| {
            let keys = mapping.keysyms.chunks(mapping.keysyms_per_keycode.into());
            let key = (first..).zip(keys).find(|(_, of)| of.contains(symbol));
            key.map(|(code, _)| code).with_context(|| format!("no key has the symbol {symbol:#x}"))
        };
        symbols.iter().map(code).collect()
    }

    fn create(&self, at: (i16, i16), size: (u16, u16), looks: &CreateWindowAux) -> Result<Id> {
        let id = self.connection.generate_id()?;
        let (x, y) = at;
        let (width, height) = size;
        let (kind, visual) = (WindowClass::INPUT_OUTPUT, x11rb::COPY_FROM_PARENT);
        self.connection
            .create_window(0, id, self.root, x, y, width, height, 0, kind, visual, looks)?
            .check()
            .context("while making a window")?;
        Ok(id)
    }

    fn ask(&self, window: &OnScreen, what: &'static str, data: [u32; 5]) -> Result<()> {
        let event = ClientMessageEvent::new(32, window.id, self.atoms[what], data);
        let mask = EventMask::SUBSTRUCTURE_REDIRECT | EventMask::SUBSTRUCTURE_NOTIFY;
        self.connection.send_event(false, self.root, mask, event)?.check()?;
        Ok(())
    }

    fn window(&self, id: Id) -> Result<OnScreen> {
        let states = self.numbers(id, "_NET_WM_STATE", AtomEnum::ATOM)?;
        let is = |name: &str| states.contains(&self.atoms[name]);
        let shape = self.connection.get_geometry(id)?.reply()?;
        let place = self.connection.translate_coordinates(id, self.root, 0, 0)?.reply()?;
        let name = self.atoms["_NET_WM_NAME"];
        let text = self.atoms["UTF8_STRING"];
        let title = self.connection.get_property(false, id, name, text, 0, 256)?.reply()?;
        let process = self.numbers(id, "_NET_WM_PID", AtomEnum::CARDINAL)?;
        let active = self.numbers(self.root, "_NET_ACTIVE_WINDOW", AtomEnum::WINDOW)?;
        Ok(OnScreen {
            title: String::from_utf8_lossy(&title.value).into_owned(),
            process: process.first().copied().unwrap_or_default(),
            at: (place.dst_x, place.dst_y),
            size: (shape.width, shape.height),
            above: is("_NET_WM_STATE_ABOVE"),
            minimised: is("_NET_WM_STATE_HIDDEN"),
            unlisted: is("_NET_WM_STATE_SKIP_TASKBAR"),
            active: active.contains(&id),
            id,
        })
    }

    fn numbers(&self, window: Id, name: &str, kind: AtomEnum) -> Result<Vec<u32>> {
        let property = self.connection.get_property(false, window, self.atoms[name], kind, 0, 4096);
        let reply = property?.reply()?;
        Ok(reply.value32().map(Iterator::collect).unwrap_or_default())
    }
}
