//! Debian's Chromium on a screen, with a page of this folder as a side of a call.

use anyhow::{Context, Result};
use fantoccini::wd::Capabilities;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use tincan_desktop_tests::Window;
use tincan_desktop_tests::webdriver::Driver;
use tincan_test_support::place::{self, Scratch};
use tincan_test_support::processor;
use tincan_test_support::running::{Mark, signal};

/// Calls a function of the page and hands its result, or its error, to the driver.
const CALL: &str = "
    const [name, argument, done] = arguments;
    Promise.resolve()
        .then(() => window.farSide[name](argument))
        .then((value) => done({ value: value ?? null }), (error) => done({ error: String(error) }));";

/// A browser with the far side's page; ended when dropped.
#[derive(Debug)]
pub struct Chromium {
    window: Window,
    mark: Mark,
    _driver: Driver,
    _profile: Scratch,
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Chromium writes its command line over its environment, and outlives its driver.
        signal("KILL", &processor::tree(&self.mark.processes()));
    }
}

impl Chromium {
    /// Starts it in a window of this size on an X server, and loads a page of this folder.
    pub async fn shown(
        name: &str,
        page: &str,
        display: &str,
        (width, height): (u32, u32),
        folder: &Path,
    ) -> Result<Self> {
        let seen = [
            format!("--window-size={width},{height}"),
            "--window-position=0,0".to_owned(),
            "--ozone-platform=x11".to_owned(),
            "--lang=en-US".to_owned(),
            "--no-first-run".to_owned(),
            // The question which screen is to be shared is answered by this.
            "--auto-select-desktop-capture-source=Entire screen".to_owned(),
            "--mute-audio".to_owned(),
        ];
        Self::with(name, page, seen.into(), &[("DISPLAY".into(), display.into())], folder).await
    }

    /// Starts it without a window, with the microphone and the speaker that its environment names, and
    /// loads a page of this folder.
    pub async fn heard(
        name: &str,
        page: &str,
        environment: &[(String, String)],
        folder: &Path,
    ) -> Result<Self> {
        let unseen = [
            "--headless=new".to_owned(),
            "--disable-gpu".to_owned(),
            // Nobody is there to allow the microphone.
            "--use-fake-ui-for-media-stream".to_owned(),
        ];
        Self::with(name, page, unseen.into(), environment, folder).await
    }

    async fn with(
        name: &str,
        page: &str,
        mut arguments: Vec<String>,
        environment: &[(String, String)],
        folder: &Path,
    ) -> Result<Self> {
        let profile = Scratch::new(name)?;
        let mark = Mark::new(name);
        let mut command = Command::new("chromedriver");
        command.env_remove("WAYLAND_DISPLAY").envs(environment.iter().cloned());
        mark.put_on(&mut command);
        let driver = Driver::start(name, command, folder).await?;
        let mut capabilities = Capabilities::new();
        capabilities.insert("browserName".into(), json!("chrome"));
        arguments.extend([
            format!("--user-data-dir={}", profile.path().display()),
            // Tests run as root in containers; the page is our own.
            "--no-sandbox".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--autoplay-policy=no-user-gesture-required".to_owned(),
            // Candidates with addresses instead of mDNS names, loopback included: a container may
            // have nothing else.
            "--disable-features=WebRtcHideLocalIpsWithMdns".to_owned(),
            "--allow-loopback-in-peer-connection".to_owned(),
        ]);
        capabilities.insert(
            "goog:chromeOptions".into(),
            json!({ "binary": "/usr/bin/chromium", "args": arguments }),
        );
        let client = driver.session(capabilities).await?;
        let page = place::package().join(page);
        client
            .goto(&format!("file://{}", page.display()))
            .await
            .with_context(|| format!("while loading {page:?}"))?;
        let window = Window::new(name, client);
        Ok(Self { window, mark, _driver: driver, _profile: profile })
    }

    /// The page.
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// The ids of the browser's processes that inherited its mark: its first one among them.
    pub fn processes(&self) -> Vec<u32> {
        self.mark.processes()
    }

    /// Calls a function of the page.
    pub async fn call(&self, name: &str, argument: Value) -> Result<Value> {
        let mut answer = self.window.script_async(CALL, vec![json!(name), argument]).await?;
        match answer["error"].as_str() {
            Some(error) => anyhow::bail!("the page's {name}: {error}"),
            None => Ok(answer["value"].take()),
        }
    }

    /// Has this page call another one's.
    pub async fn connect(&self, other: &Self) -> Result<()> {
        let offer = self.call("offer", Value::Null).await?;
        let answer = other.call("answer", offer).await?;
        self.call("accept", answer).await.map(drop)
    }
}
