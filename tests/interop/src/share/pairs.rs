//! Two programs of one maker in a call, of which one shares its monitor.

use crate::Chromium;
use anyhow::{Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tincan_desktop_tests::canvas::REMOTE;
use tincan_desktop_tests::place::free_port;
use tincan_desktop_tests::whole_call::{ended, phase_becomes};
use tincan_desktop_tests::window::{SOON, test_id};
use tincan_desktop_tests::{App, Desktop, eventually};
use tincan_test_support::{Maker, processor};

/// How long a call and its first picture may take on a busy machine.
const CONNECTED: Duration = Duration::from_secs(60);
/// The size of each window.
const WINDOW: (u32, u32) = (960, 640);
/// What the viewer's statistics of the sharer are called.
const STATISTICS: &str = "stats-bob";
/// What only drives the programs and is none of their cost, by the fifteen letters that the kernel
/// keeps of a name.
const DRIVERS: [&str; 3] = ["WebKitWebDriver", "chromedriver", "dbus-daemon"];

/// Tells what a tile has drawn, and how many pictures the statistics say have come.
const ARRIVED: &str = "
    const [tile, statistics] = arguments;
    const canvas = document.querySelector(tile);
    const frames = document.querySelector(statistics)?.dataset.frames;
    return {
        frames: Number(frames ?? 0),
        drawn: Number(canvas?.dataset.frames ?? 0),
        width: canvas?.width ?? 0,
        height: canvas?.height ?? 0,
        codec: 'video/H264',
    };";

/// Presses a button without a pointer.
const CLICK: &str = "document.querySelector(arguments[0]).click();";

/// What has arrived at the viewer so far.
#[derive(Clone, Debug, Deserialize)]
pub struct Arrived {
    /// Pictures that were decoded, or handed to the window that decodes.
    pub frames: u64,
    /// Pictures that came onto the screen.
    pub drawn: u64,
    /// Of the last picture.
    pub width: u32,
    /// Of the last picture.
    pub height: u32,
    /// How they were coded.
    pub codec: String,
}

/// The programs of the sharer and of the viewer.
pub enum Pair {
    /// Ours.
    Tincan {
        /// Shares.
        sharer: Box<App>,
        /// Looks on; its app hosts the server.
        viewer: Box<App>,
    },
    /// Theirs.
    Chromium {
        /// Shares.
        sharer: Box<Chromium>,
        /// Looks on.
        viewer: Box<Chromium>,
    },
}

impl Pair {
    /// Starts both, connects them, and has one share its monitor; returns when pictures arrive.
    pub async fn connect(
        maker: Maker,
        program: &Path,
        here: &Desktop,
        there: &Desktop,
    ) -> Result<Self> {
        let pair = match maker {
            Maker::Tincan => tincan(program, here, there).await?,
            Maker::Chromium => chromium(here, there).await?,
        };
        eventually("pictures of the monitor arrive", CONNECTED, async || {
            Ok((pair.arrived().await?.drawn > 0).then_some(()))
        })
        .await?;
        Ok(pair)
    }

    /// What has arrived.
    pub async fn arrived(&self) -> Result<Arrived> {
        let told = match self {
            Self::Tincan { viewer, .. } => {
                // Open for a moment only, since they lie on the picture; a pointer that presses
                // their button would bring back the bars that stepped aside.
                let button = || vec![json!(test_id("stats-open"))];
                viewer.script(CLICK, button()).await?;
                viewer.appears(STATISTICS, SOON).await?;
                let asked = vec![json!(REMOTE), json!(test_id(STATISTICS))];
                let told = viewer.script(ARRIVED, asked).await?;
                viewer.script(CLICK, button()).await?;
                told
            }
            Self::Chromium { viewer, .. } => viewer.call("arrived", Value::Null).await?,
        };
        Ok(serde_json::from_value(told)?)
    }

    /// Ends the call, so that the next one of the same people finds nobody busy.
    pub async fn end(self) -> Result<()> {
        let Self::Tincan { sharer, viewer } = self else { return Ok(()) };
        sharer.press("hang-up").await?;
        ended(&viewer, "remoteHungUp", "hung up").await
    }

    /// All processes of the sharer and of the viewer, without what drives them.
    pub fn processes(&self) -> (Vec<u32>, Vec<u32>) {
        let (sharer, viewer) = match self {
            Self::Tincan { sharer, viewer } => (sharer.processes(), viewer.processes()),
            Self::Chromium { sharer, viewer } => (sharer.processes(), viewer.processes()),
        };
        (without_drivers(&sharer), without_drivers(&viewer))
    }
}

/// What a program starts need not inherit its environment, so its descendants are looked up.
fn without_drivers(marked: &[u32]) -> Vec<u32> {
    let mut all = processor::tree(marked);
    all.retain(|id| {
        std::fs::read_to_string(format!("/proc/{id}/comm"))
            .is_ok_and(|name| !DRIVERS.contains(&name.trim()))
    });
    all
}

async fn tincan(program: &Path, here: &Desktop, there: &Desktop) -> Result<Pair> {
    let server = format!("127.0.0.1:{}", free_port()?);
    let viewer = there.app("alice")?.program(program).signed_in().contact("bob").listen(&server);
    let viewer = viewer.start().await?;
    let sharer = here.app("bob")?.program(program).signed_in().contact("alice").server(&server);
    let sharer = sharer.start().await?;
    viewer.becomes("contact-bob", "data-presence", "online", CONNECTED).await?;
    sharer.becomes("contact-alice", "data-presence", "online", CONNECTED).await?;
    sharer.press("contact-alice").await?;
    sharer.press("call-audio").await?;
    viewer.appears("incoming-accept-audio", CONNECTED).await?;
    viewer.press("incoming-accept-audio").await?;
    phase_becomes(&sharer, "connected", CONNECTED).await?;
    sharer.press("toggle-share").await?;
    sharer.appears("share-picker", SOON).await?;
    // The first monitor is chosen already.
    sharer.press("share-submit").await?;
    Ok(Pair::Tincan { sharer: sharer.into(), viewer: viewer.into() })
}

async fn chromium(here: &Desktop, there: &Desktop) -> Result<Pair> {
    let start = async |name, on: &Desktop| {
        Chromium::shown(name, "share.html", on.display(), WINDOW, on.output()).await
    };
    let sharer = start("chromium-sharer", here).await?;
    let viewer = start("chromium-viewer", there).await?;
    sharer.window().press("share").await?;
    eventually("the browser shares its screen", CONNECTED, async || {
        let shared = sharer.call("shared", Value::Null).await?;
        match (shared["surface"].as_str(), shared["problem"].as_str()) {
            (Some("monitor"), _) => Ok(Some(())),
            (Some(other), _) => bail!("it shares a {other}"),
            (None, problem) => bail!("it shares nothing: {problem:?}"),
        }
    })
    .await?;
    sharer.call("prefer", Value::Null).await?;
    sharer.connect(&viewer).await?;
    Ok(Pair::Chromium { sharer: sharer.into(), viewer: viewer.into() })
}
