//! A screen full of small text on an X server of its own, which stands still or scrolls.

use anyhow::{Context, Result};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tincan_test_support::process::Owned;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{ConnectionExt as _, CreateGCAux, Font, Gcontext, Window};
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

/// The server and what it shows.
pub struct Page {
    pub display: String,
    connection: RustConnection,
    root: Window,
    text: Gcontext,
    _server: Owned,
}

impl Page {
    pub fn start() -> Result<Self> {
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", "1920x1080x24", "-nolisten", "tcp"]);
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = Owned::start(quiet)?;
        let number = server.child().stdout.take().context("its output is piped")?;
        let mut line = String::new();
        BufReader::new(number).read_line(&mut line).context("while Xvfb starts")?;
        let display = format!(":{}", line.trim());
        let (connection, screen) = RustConnection::connect(Some(&display))?;
        let root = connection.setup().roots[screen].root;
        let font: Font = connection.generate_id()?;
        connection.open_font(font, b"fixed")?;
        let text = connection.generate_id()?;
        let black_on_white =
            CreateGCAux::new().foreground(0x10_1010).background(0xff_ffff).font(font);
        connection.create_gc(text, root, &black_on_white)?;
        let page = Self { display, connection, root, text, _server: server };
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
        self.connection.image_text8(self.root, self.text, 1400, top + 12, blank.as_bytes())?;
        self.connection.image_text8(self.root, self.text, 0, top + 12, &words.as_bytes()[..240])?;
        Ok(())
    }

    fn scroll(&self, n: u64) -> Result<()> {
        let last = HEIGHT as i16 - LINE;
        let (root, text) = (self.root, self.text);
        self.connection.copy_area(root, root, text, 0, LINE, 0, 0, WIDTH, last as u16)?;
        self.write(n, last)?;
        Ok(self.connection.sync()?)
    }
}

/// A page that scrolls until this is dropped.
pub struct Scrolling {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Scrolling {
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
