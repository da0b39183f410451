//! One call between Tincan and Chromium: carries what each says to the other and notes what each
//! sees and hears.

use crate::{Chromium, Peer};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

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

/// A picture that was delivered.
#[derive(Clone, Copy, Debug)]
pub struct Delivered {
    /// When, in milliseconds since the epoch.
    pub at: f64,
    /// When it was made, by its stamp; none if the stamp is not readable.
    pub made: Option<f64>,
    /// Width and height in pixels.
    pub size: (u64, u64),
}

/// What one side has seen and heard.
#[derive(Clone, Debug, Default)]
pub struct Side {
    /// W3C connection states, oldest first.
    pub connection: Vec<String>,
    /// Pictures of the other side, oldest first.
    pub pictures: Vec<Delivered>,
    /// When beeps of the other side began.
    pub beeps: Vec<f64>,
    /// What it said for people.
    pub notes: Vec<String>,
}

impl Side {
    /// Whether it is connected now.
    pub fn is_connected(&self) -> bool {
        self.connection.last().is_some_and(|state| state == "connected")
    }

    /// Pictures whose stamp is readable.
    pub fn readable(&self) -> usize {
        self.pictures.iter().filter(|picture| picture.made.is_some()).count()
    }

    /// An error unless the pictures are whole, recent and in order.
    pub fn check_pictures(&self) -> Result<()> {
        let made: Vec<f64> = self.pictures.iter().filter_map(|picture| picture.made).collect();
        let share = made.len() as f64 / self.pictures.len().max(1) as f64;
        ensure!(share > 0.9, "only {share:.2} of {} stamps are readable", self.pictures.len());
        let back = made.windows(2).position(|pair| pair[0] > pair[1]);
        if let Some(at) = back {
            let around = &made[at.saturating_sub(3)..(at + 5).min(made.len())];
            bail!("picture {} of {} is older than the one before: {around:?}", at + 1, made.len());
        }
        let latest = self.pictures.iter().rev().find_map(|picture| Some((picture, picture.made?)));
        let (picture, made) = latest.context("there are pictures")?;
        let age = picture.at - made;
        ensure!((-50.0..3_000.0).contains(&age), "the last picture is {age} ms old");
        Ok(())
    }
}

/// A call between the two.
#[derive(Debug)]
pub struct Meeting {
    peer: Peer,
    browser: Chromium,
    /// What Tincan's peer has seen and heard.
    pub tincan: Side,
    /// What the browser has seen and heard.
    pub chromium: Side,
}

impl Meeting {
    /// Starts both programs; logs go to `folder`.
    pub async fn start(folder: &Path) -> Result<Self> {
        let peer = Peer::start(folder).await?;
        let browser = Chromium::start(folder).await?;
        Ok(Self { peer, browser, tincan: Side::default(), chromium: Side::default() })
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
        wanted: impl Fn(&Side, &Side) -> bool,
    ) -> Result<()> {
        let deadline = Instant::now() + limit;
        loop {
            for event in self.peer.drain().await? {
                if let Some((name, argument)) = note(&mut self.tincan, &event) {
                    self.browser.call(name, argument).await?;
                }
            }
            for event in self.browser.drain().await? {
                if let Some((name, argument)) = note(&mut self.chromium, &event) {
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
        let side = |name: &str, side: &Side| {
            format!(
                "{name}: states {:?}, {} pictures ({} readable), {} beeps, notes {:?}",
                side.connection,
                side.pictures.len(),
                side.readable(),
                side.beeps.len(),
                side.notes
            )
        };
        format!("{}; {}", side("tincan", &self.tincan), side("chromium", &self.chromium))
    }
}

/// Notes an event of one side; what the other side is to be told, if anything.
fn note(side: &mut Side, event: &Value) -> Option<(&'static str, Value)> {
    match event["ev"].as_str().unwrap_or_default() {
        "description" => {
            let message = json!({ "type": event["type"], "sdp": event["sdp"] });
            return Some(("description", message));
        }
        "candidate" => {
            return Some(("candidate", json!({ "candidate": event["candidate"] })));
        }
        "state" => side.connection.push(event["conn"].as_str().unwrap_or_default().into()),
        "frames" => {
            let frames = event["f"].as_array().map(Vec::as_slice).unwrap_or_default();
            side.pictures.extend(frames.iter().filter_map(|frame| {
                let made = frame[1].as_f64().filter(|made| *made >= 0.0);
                let size = (frame[2].as_u64()?, frame[3].as_u64()?);
                Some(Delivered { at: frame[0].as_f64()?, made, size })
            }));
        }
        "beep" => side.beeps.extend(event["t"].as_f64()),
        "note" => side.notes.push(event["text"].as_str().unwrap_or_default().into()),
        // The first picture is among the pictures too.
        _ => {}
    }
    None
}
