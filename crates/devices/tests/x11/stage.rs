//! An X server of the test's own, and what it draws on it.

use anyhow::{Context, Result};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tincan_devices::x11_screens;
use tincan_media::frame::VideoFrame;
use tincan_media::mailbox::{NewestOut, Taken, newest};
use tincan_media::screen::{OpenScreen, ScreenChoice, ScreenError, ScreenTarget, Screens};
use tincan_proto::units::Resolution;
use tincan_test_support::process::{Owned, wait_until};
use x11rb::connection::Connection;
use x11rb::protocol::randr::{self, MonitorInfo};
use x11rb::protocol::xproto::{
    AtomEnum, ClientMessageEvent, ConfigureWindowAux, ConnectionExt as _, CreateGCAux,
    CreateWindowAux, EventMask, MapState, PropMode, Rectangle, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// No machine is this slow.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// The screen's size.
pub const SCREEN: Resolution = Resolution::new(640, 480);

/// An X server with one screen of [`SCREEN`]; without a window manager.
pub struct Stage {
    manager: Option<Owned>,
    server: Option<Owned>,
    name: String,
    connection: RustConnection,
    root: Window,
    pub screens: Arc<dyn Screens>,
}

impl Stage {
    pub fn new() -> Result<Self> {
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp"]);
        command.args(["-noreset", "+extension", "Composite"]);
        let mut server = Owned::start(
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()),
        )?;
        let number = server.child().stdout.take().context("its output is piped")?;
        let mut line = String::new();
        BufReader::new(number).read_line(&mut line).context("while Xvfb starts")?;
        let name = format!(":{}", line.trim());
        let (connection, screen) = RustConnection::connect(Some(&name))?;
        let root = connection.setup().roots[screen].root;
        let screens = x11_screens(Some(name.clone()));
        let stage = Self { manager: None, server: Some(server), name, connection, root, screens };
        stage.fill(stage.root, Area(0, 0, 640, 480), 0)?;
        Ok(stage)
    }

    /// Lets a window manager with several desktops take over.
    pub fn manage(&mut self) -> Result<()> {
        let mut openbox = Command::new("openbox");
        openbox.arg("--sm-disable").env("DISPLAY", &self.name).env_remove("WAYLAND_DISPLAY");
        let quiet = openbox.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.manager = Some(Owned::start(quiet)?);
        let windows = self.atom("_NET_CLIENT_LIST")?;
        wait_until(PATIENCE, "the window manager has come", || {
            let any = AtomEnum::ANY;
            let cookie = self.connection.get_property(false, self.root, windows, any, 0, 1)?;
            Ok(cookie.reply()?.format == 32)
        })
    }

    /// Asks the window manager for something of a window (EWMH, ICCCM).
    pub fn ask(&self, window: Window, message: &str, value: u32) -> Result<()> {
        let message = ClientMessageEvent::new(32, window, self.atom(message)?, [value, 2, 0, 0, 0]);
        let mask = EventMask::SUBSTRUCTURE_REDIRECT | EventMask::SUBSTRUCTURE_NOTIFY;
        self.connection.send_event(false, self.root, mask, message)?;
        Ok(self.connection.sync()?)
    }

    fn atom(&self, name: &str) -> Result<u32> {
        Ok(self.connection.intern_atom(false, name.as_bytes())?.reply()?.atom)
    }

    /// Whether the window is shown.
    pub fn is_seen(&self, window: Window) -> Result<bool> {
        let attributes = self.connection.get_window_attributes(window)?.reply()?;
        Ok(attributes.map_state == MapState::VIEWABLE)
    }

    /// A mapped window of one colour.
    pub fn window(&self, name: &str, area: Area, colour: u32) -> Result<Window> {
        let window = self.connection.generate_id()?;
        let aux = CreateWindowAux::new().background_pixel(colour);
        let Area(x, y, width, height) = area;
        let (parent, class) = (self.root, WindowClass::INPUT_OUTPUT);
        self.connection
            .create_window(24, window, parent, x, y, width, height, 0, class, 0, &aux)?;
        let (replace, wm_name) = (PropMode::REPLACE, AtomEnum::WM_NAME);
        let text = AtomEnum::STRING;
        self.connection.change_property8(replace, window, wm_name, text, name.as_bytes())?;
        let (class, classes) = (AtomEnum::WM_CLASS, b"pattern\0Pattern\0");
        self.connection.change_property8(replace, window, class, text, classes)?;
        self.connection.map_window(window)?;
        self.connection.sync()?;
        Ok(window)
    }

    pub fn rename(&self, window: Window, name: &str) -> Result<()> {
        let (replace, wm_name) = (PropMode::REPLACE, AtomEnum::WM_NAME);
        let text = AtomEnum::STRING;
        self.connection.change_property8(replace, window, wm_name, text, name.as_bytes())?;
        Ok(self.connection.sync()?)
    }

    pub fn fill(&self, window: Window, area: Area, colour: u32) -> Result<()> {
        let context = self.connection.generate_id()?;
        self.connection.create_gc(context, window, &CreateGCAux::new().foreground(colour))?;
        let Area(x, y, width, height) = area;
        self.connection.poly_fill_rectangle(
            window,
            context,
            &[Rectangle { x, y, width, height }],
        )?;
        self.connection.free_gc(context)?;
        Ok(self.connection.sync()?)
    }

    pub fn root(&self) -> Window {
        self.root
    }

    pub fn point_at(&self, x: i16, y: i16) -> Result<()> {
        self.connection.warp_pointer(x11rb::NONE, self.root, 0, 0, 0, 0, x, y)?;
        Ok(self.connection.sync()?)
    }

    pub fn resize(&self, window: Window, width: u32, height: u32) -> Result<()> {
        let size = ConfigureWindowAux::new().width(width).height(height);
        self.connection.configure_window(window, &size)?;
        Ok(self.connection.sync()?)
    }

    pub fn map(&self, window: Window) -> Result<()> {
        self.connection.map_window(window)?;
        Ok(self.connection.sync()?)
    }

    pub fn unmap(&self, window: Window) -> Result<()> {
        self.connection.unmap_window(window)?;
        Ok(self.connection.sync()?)
    }

    pub fn close(&self, window: Window) -> Result<()> {
        self.connection.destroy_window(window)?;
        Ok(self.connection.sync()?)
    }

    /// Divides the screen into another monitor.
    pub fn add_monitor(&self, name: &str, area: Area) -> Result<()> {
        let name = self.atom(name)?;
        let Area(x, y, width, height) = area;
        let monitor = MonitorInfo {
            name,
            x,
            y,
            width,
            height,
            width_in_millimeters: 100,
            height_in_millimeters: 100,
            ..MonitorInfo::default()
        };
        randr::set_monitor(&self.connection, self.root, monitor)?.check()?;
        Ok(())
    }

    /// Ends the X server.
    pub fn end(&mut self) {
        self.server = None;
    }

    pub fn target(&self, name: &str) -> Result<ScreenTarget> {
        let listed = self.screens.list()?;
        let found = listed.iter().find(|target| target.name.starts_with(name)).cloned();
        found.with_context(|| format!("no {name} in {listed:?}"))
    }

    pub fn share(&self, name: &str) -> Result<Share> {
        let (sink, frames) = newest();
        let (said, reports) = channel();
        let report = Box::new(move |report| drop(said.send(report)));
        let choice = ScreenChoice::Target(self.target(name)?.id);
        let open = self.screens.open(&choice, None, sink, report)?;
        Ok(Share { open: Some(open), frames, reports })
    }
}

/// Left, top, width and height.
#[derive(Clone, Copy)]
pub struct Area(pub i16, pub i16, pub u16, pub u16);

/// Something that is being captured.
pub struct Share {
    pub open: Option<Box<dyn OpenScreen>>,
    pub frames: NewestOut<VideoFrame>,
    pub reports: Receiver<Result<ScreenTarget, ScreenError>>,
}

impl Share {
    /// Waits for a picture with which this holds.
    pub fn until(&self, what: &str, holds: impl Fn(&VideoFrame) -> bool) -> Result<VideoFrame> {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = 0;
        while let Some(left) = deadline.checked_duration_since(Instant::now()) {
            match self.frames.take(left) {
                Taken::Value(frame) if holds(&frame) => return Ok(frame),
                Taken::Value(_) => seen += 1,
                Taken::Timeout => break,
                Taken::Closed => anyhow::bail!("it closed before {what}, after {seen} pictures"),
            }
        }
        anyhow::bail!("waited in vain for {what}; {seen} pictures came")
    }

    /// The next report.
    pub fn report(&self) -> Result<Result<ScreenTarget, ScreenError>> {
        self.reports.recv_timeout(PATIENCE).context("no report came")
    }
}

/// The brightness of a colour (BT.601, limited range).
pub fn luma(colour: u32) -> u8 {
    let [blue, green, red, _] = colour.to_le_bytes().map(f64::from);
    (16.0 + (65.738 * red + 129.057 * green + 25.064 * blue) / 256.0).round() as u8
}

/// Whether a picture has this colour at a place.
pub fn shows(frame: &VideoFrame, x: usize, y: usize, colour: u32) -> bool {
    let width = frame.resolution().width as usize;
    frame.y().get(y * width + x).is_some_and(|there| there.abs_diff(luma(colour)) <= 2)
}
