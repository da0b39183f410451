//! An invisible screen with a window manager, and a folder for what a test leaves behind.

use crate::app::Options;
use crate::place::{self, Scratch};
use crate::running::Running;
use crate::x11::Screen;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Room for two windows side by side and a third below.
const SCREEN: &str = "1960x1340x24";
/// How long the screen may take to come up.
const SCREEN_START: Duration = Duration::from_secs(20);

/// A screen that nobody sees.
#[derive(Debug)]
pub struct Desktop {
    // Fields are dropped in this order: the window manager goes before its screen.
    _window_manager: Running,
    screen: Running,
    display: String,
    output: PathBuf,
    scratch: Scratch,
}

impl Desktop {
    /// Starts the screen for a test, whose pictures and logs go to `target/desktop-tests/TEST`.
    pub fn start(test: &str) -> Result<Self> {
        Self::start_in(test, &place::output_of("desktop-tests", test)?)
    }

    /// The same with a folder that the caller has made.
    pub fn start_in(name: &str, output: &Path) -> Result<Self> {
        Self::start_sized(name, output, SCREEN)
    }

    /// The same with a screen of this size and depth, such as `1920x1080x24`.
    pub fn start_sized(name: &str, output: &Path, size: &str) -> Result<Self> {
        let mut xvfb = Command::new("Xvfb");
        xvfb.args(["-displayfd", "1", "-screen", "0", size, "-nolisten", "tcp", "-noreset"]);
        let mut screen = Running::start("screen", xvfb, output)?;
        let number = screen.first_line(SCREEN_START).context("while starting Xvfb")?;
        let display = format!(":{number}");
        let mut openbox = Command::new("openbox");
        openbox.env("DISPLAY", &display);
        let window_manager = Running::start("window-manager", openbox, output)?;
        Ok(Self {
            _window_manager: window_manager,
            screen,
            display,
            output: output.to_path_buf(),
            scratch: Scratch::new(name)?,
        })
    }

    /// An app to be started here, with a profile and a data folder of its own.
    pub fn app(&self, name: &str) -> Result<Options> {
        let home = self.scratch.folder(name)?;
        Ok(Options::new(name, &self.display, home, self.output.clone()))
    }

    /// The windows on this screen, as its window manager knows them.
    pub fn screen(&self) -> Result<Screen> {
        Screen::open(&self.display)
    }

    /// The name of its X server.
    pub fn display(&self) -> &str {
        &self.display
    }

    /// The process of its X server.
    pub fn server(&self) -> u32 {
        self.screen.id()
    }

    /// Where pictures and logs go.
    pub fn output(&self) -> &Path {
        &self.output
    }
}
