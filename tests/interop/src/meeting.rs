//! One call between Tincan and Chromium: carries what each says to the other and notes what each
//! sees and hears.

use crate::Chromium;
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use tincan_test_support::{FarSide, Peer};

/// How often both sides are asked what happened.
const POLL: Duration = Duration::from_millis(20);

/// Who makes the first offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offerer {
    /// Our side.
    Tincan,
    /// The browser.
    Chromium,
}

/// A call between the two.
#[derive(Debug)]
pub struct Meeting {
    peer: Peer,
    browser: Chromium,
    /// What Tincan's peer has seen and heard.
    pub tincan: FarSide,
    /// What the browser has seen and heard.
    pub chromium: FarSide,
}

impl Meeting {
    /// Starts both programs; logs go to `folder`.
    pub async fn start(folder: &Path) -> Result<Self> {
        let peer = Peer::start("tincan-peer", folder).await?;
        let browser = Chromium::start(folder).await?;
        Ok(Self { peer, browser, tincan: FarSide::default(), chromium: FarSide::default() })
    }

    /// Has one side offer. The side that offers is the impolite one.
    pub async fn begin(&mut self, offerer: Offerer) -> Result<()> {
        (self.tincan, self.chromium) = Default::default();
        let video = json!({ "w": 320, "h": 240, "fps": 15, "codec": "H264" });
        let tincan_offers = offerer == Offerer::Tincan;
        let options = json!({
            "ice_servers": [], "video": video, "audio": "beep", "sink": "frames",
            "polite": !tincan_offers,
        });
        self.peer.command("init", options).await?;
        let options = json!({ "video": video, "polite": tincan_offers });
        self.browser.call("start", options).await?;
        match offerer {
            Offerer::Tincan => self.peer.command("offer", json!({})).await.map(drop),
            Offerer::Chromium => self.browser.call("offer", Value::Null).await.map(drop),
        }
    }

    /// Carries messages between the two until both are as wanted.
    pub async fn until(
        &mut self,
        what: &str,
        limit: Duration,
        wanted: impl Fn(&FarSide, &FarSide) -> bool,
    ) -> Result<()> {
        let deadline = Instant::now() + limit;
        loop {
            for event in self.peer.drain().await? {
                if let Some((name, argument)) = self.tincan.note(&event) {
                    self.browser.call(name, argument).await?;
                }
            }
            for event in self.browser.drain().await? {
                if let Some((name, argument)) = self.chromium.note(&event) {
                    self.peer.command(name, argument).await?;
                }
            }
            if wanted(&self.tincan, &self.chromium) {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "{what}: not within {limit:?}: {}", self.told());
            tokio::time::sleep(POLL).await;
        }
    }

    /// Tincan's statistics.
    pub async fn tincan_stats(&mut self) -> Result<Value> {
        self.peer.command("stats", json!({})).await
    }

    /// The browser's statistics.
    pub async fn chromium_stats(&self) -> Result<Value> {
        self.browser.call("stats", Value::Null).await
    }

    /// Has Tincan restart ICE.
    pub async fn restart(&mut self) -> Result<()> {
        self.peer.command("restart", json!({})).await.map(drop)
    }

    /// Ends the call on both sides; another may begin.
    pub async fn close(&mut self) -> Result<()> {
        self.peer.command("close", json!({})).await?;
        self.browser.call("close", Value::Null).await?;
        // What was under way belongs to the call that is over.
        self.peer.drain().await?;
        self.browser.drain().await.map(drop)
    }

    /// Ends both programs; an error if Tincan's does not end well.
    pub async fn quit(self) -> Result<()> {
        let status = self.peer.quit().await?;
        ensure!(status.success(), "tincan-peer ended with {status}");
        Ok(())
    }

    fn told(&self) -> String {
        format!("tincan: {}; chromium: {}", self.tincan.told(), self.chromium.told())
    }
}
