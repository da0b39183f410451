//! A screen full of small text, which stands still or scrolls.

use crate::process::Owned;
use anyhow::{Context, Result};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    ConfigureWindowAux, ConnectionExt as _, CreateGCAux, CreateWindowAux, Font, Gcontext,
    StackMode, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// The height of a line of the server's own font.
const LINE: i16 = 15;
const WIDTH: u16 = 1920;
const HEIGHT: u16 = 1080;
/// A reader's scrolling: a line in each picture.
const EVERY: Duration = Duration::from_millis(33);
const WORDS: &[&str] = &[
    "let",
    "frame",
    "=",
    "&mut",
    "self.pictures;",
    "match",
    "take(patience)",
    "{",
    "}",
    "Some(x)",
    "=>",
    "return",
    "//",
    "what",
    "nobody",
    "reads",
    "is",
    "not",
    "taken",
    "0x5a",
    "fn",
    "look(",
    "i64",
    "->",
    "Result<(),",
    "Error>",
    "The",
    "quick",
    "brown",
    "fox",
    "jumps,",
    "over:",
    "it?",
];

/// A window without a frame that covers the whole screen, and what it shows.
pub struct Page {
    connection: RustConnection,
    window: Window,
    text: Gcontext,
}

impl Page {
    /// Covers the screen of an X server. Whatever is shown later may cover it in turn.
    ///
    /// # Errors
    /// The server does not answer, or lacks its own font.
    pub fn on(display: &str) -> Result<Self> {
        let (connection, screen) = RustConnection::connect(Some(display))?;
        let root = connection.setup().roots[screen].root;
        let window = connection.generate_id()?;
        let unmanaged = CreateWindowAux::new().background_pixel(0xff_ffff).override_redirect(1);
        let (depth, class) = (x11rb::COPY_DEPTH_FROM_PARENT, WindowClass::INPUT_OUTPUT);
        connection
            .create_window(depth, window, root, 0, 0, WIDTH, HEIGHT, 0, class, 0, &unmanaged)?;
        let font: Font = connection.generate_id()?;
        connection.open_font(font, b"fixed")?;
        let text = connection.generate_id()?;
        let black_on_white = CreateGCAux::new()
            .foreground(0x10_1010)
            .background(0xff_ffff)
            .font(font)
            .graphics_exposures(0);
        connection.create_gc(text, window, &black_on_white)?;
        connection.map_window(window)?;
        let page = Self { connection, window, text };
        // What is drawn before the window is on the screen is lost.
        page.connection.sync()?;
        for line in 0..HEIGHT as i16 / LINE + 1 {
            page.write(line as u64, line * LINE)?;
        }
        page.connection.sync()?;
        Ok(page)
    }

    fn write(&self, n: u64, top: i16) -> Result<()> {
        let mut words = String::new();
        let mut seed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        while words.len() < 240 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            words.push_str(WORDS[(seed >> 33) as usize % WORDS.len()]);
            words.push(' ');
        }
        // The protocol takes 255 letters at a time.
        let blank = " ".repeat(255);
        self.connection.image_text8(self.window, self.text, 1400, top + 12, blank.as_bytes())?;
        self.connection.image_text8(
            self.window,
            self.text,
            0,
            top + 12,
            &words.as_bytes()[..240],
        )?;
        Ok(())
    }

    /// Puts it above all that has come since.
    ///
    /// # Errors
    /// The server is gone.
    pub fn raise(&self) -> Result<()> {
        let above = ConfigureWindowAux::new().stack_mode(StackMode::ABOVE);
        self.connection.configure_window(self.window, &above)?;
        Ok(self.connection.sync()?)
    }

    fn scroll(&self, n: u64) -> Result<()> {
        let last = HEIGHT as i16 - LINE;
        let (window, text) = (self.window, self.text);
        self.connection.copy_area(window, window, text, 0, LINE, 0, 0, WIDTH, last as u16)?;
        self.write(n, last)?;
        Ok(self.connection.sync()?)
    }
}

/// An X server of its own with one screen of 1920x1080 that nobody sees.
pub struct Server {
    /// Its name.
    pub display: String,
    running: Owned,
}

impl Server {
    /// Starts one on a free number.
    ///
    /// # Errors
    /// There is no Xvfb, or it does not start.
    pub fn start() -> Result<Self> {
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", "1920x1080x24", "-nolisten", "tcp"]);
        command.arg("-noreset");
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut running = Owned::start(quiet)?;
        let number = running.child().stdout.take().context("its output is piped")?;
        let mut line = String::new();
        BufReader::new(number).read_line(&mut line).context("while Xvfb starts")?;
        Ok(Self { display: format!(":{}", line.trim()), running })
    }

    /// Its process id.
    pub fn id(&mut self) -> u32 {
        self.running.child().id()
    }
}

/// A page that scrolls until this is dropped.
pub struct Scrolling {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Scrolling {
    /// Scrolls a line up, thirty times a second.
    pub fn start(page: &Arc<Page>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (theirs, page) = (stop.clone(), page.clone());
        let thread = std::thread::spawn(move || {
            let mut n = 1000;
            while !theirs.load(Ordering::Relaxed) && page.scroll(n).is_ok() {
                n += 1;
                std::thread::sleep(EVERY);
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Scrolling {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(self.thread.take().map(JoinHandle::join));
    }
}
