//! Debian's Chromium, headless, with the page of this folder as the far side of a call.

use anyhow::{Context, Result};
use fantoccini::wd::Capabilities;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use tincan_desktop_tests::Window;
use tincan_desktop_tests::webdriver::Driver;
use tincan_test_support::place::{self, Scratch};
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
        signal("KILL", &self.mark.processes());
    }
}

impl Chromium {
    /// Starts it and loads the page; logs go to `folder`.
    pub async fn start(folder: &Path) -> Result<Self> {
        let profile = Scratch::new("chromium")?;
        let mark = Mark::new("chromium");
        let mut command = Command::new("chromedriver");
        mark.put_on(&mut command);
        let driver = Driver::start("chromium", command, folder).await?;
        let mut capabilities = Capabilities::new();
        capabilities.insert("browserName".into(), json!("chrome"));
        let arguments = [
            "--headless=new".to_owned(),
            format!("--user-data-dir={}", profile.path().display()),
            // Tests run as root in containers; the page is our own.
            "--no-sandbox".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-gpu".to_owned(),
            "--mute-audio".to_owned(),
            "--autoplay-policy=no-user-gesture-required".to_owned(),
            // Candidates with addresses instead of mDNS names, loopback included: a container may
            // have nothing else.
            "--disable-features=WebRtcHideLocalIpsWithMdns".to_owned(),
            "--allow-loopback-in-peer-connection".to_owned(),
        ];
        capabilities.insert(
            "goog:chromeOptions".into(),
            json!({ "binary": "/usr/bin/chromium", "args": arguments }),
        );
        let client = driver.session(capabilities).await?;
        let page = place::package().join("page.html");
        client
            .goto(&format!("file://{}", page.display()))
            .await
            .context("while loading the far side's page")?;
        let window = Window::new("chromium", client);
        Ok(Self { window, mark, _driver: driver, _profile: profile })
    }

    /// Calls a function of the page.
    pub async fn call(&self, name: &str, argument: Value) -> Result<Value> {
        let mut answer = self.window.script_async(CALL, vec![json!(name), argument]).await?;
        match answer["error"].as_str() {
            Some(error) => anyhow::bail!("the page's {name}: {error}"),
            None => Ok(answer["value"].take()),
        }
    }

    /// What has happened in the page since the last call.
    pub async fn drain(&self) -> Result<Vec<Value>> {
        let happened = self.call("drain", Value::Null).await?;
        serde_json::from_value(happened).context("while reading what happened in the page")
    }
}
