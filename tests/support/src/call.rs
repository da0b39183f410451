//! Calls between two headless peers: carries what each says to the other, at once, and notes
//! what each sees and hears.

use crate::figures::{self, SetUp};
use crate::maker::Maker;
use crate::{FarSide, Peer};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::{Instant, timeout_at};

/// How long a call may take to ring off.
const CLOSE: Duration = Duration::from_secs(10);

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The first, whose access link is the one that is impaired.
    A,
    /// The second.
    B,
}

impl Side {
    /// The one that it calls.
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// Two peers, for one call after the other.
#[derive(Debug)]
pub struct Call {
    peers: [Peer; 2],
    /// What the first and the second have seen and heard in this call.
    pub seen: [FarSide; 2],
    offered: f64,
    one_way: bool,
}

/// How a call is made.
#[derive(Clone, Debug)]
pub struct CallOptions {
    /// What each side is told of, in W3C form.
    pub ice_servers: [Value; 2],
    /// Both use relayed candidates alone.
    pub relay_only: bool,
    /// Which side offers.
    pub offerer: Side,
    /// What both send of pictures, if they do.
    pub picture: Option<Picture>,
    /// What both send of sound.
    pub sound: SoundSource,
    /// B sends no pictures.
    pub one_way: bool,
}

/// Sound that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoundSource {
    /// A beep at each whole second.
    Beep,
    /// A quiet room, until [`Call::say`].
    Clip,
}

impl SoundSource {
    const fn name(self) -> &'static str {
        match self {
            Self::Beep => "beep",
            Self::Clip => "clip",
        }
    }
}

/// When sound began, in milliseconds since the epoch.
#[derive(Clone, Copy, Debug)]
pub struct Moments {
    /// The first sample that a side heard.
    pub heard: f64,
    /// The first sample that it said.
    pub said: f64,
}

/// Pictures that are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Pictures a second.
    pub rate: u32,
}

impl Picture {
    /// Little, for two cores that code and decode both ways.
    pub const SMALL: Self = Self { width: 320, height: 240, rate: 15 };
}

impl Default for CallOptions {
    fn default() -> Self {
        Self {
            ice_servers: [json!([]), json!([])],
            relay_only: false,
            offerer: Side::A,
            picture: Some(Picture::SMALL),
            sound: SoundSource::Beep,
            one_way: false,
        }
    }
}

impl Call {
    /// Starts both peers on this machine's loopback.
    pub async fn on_this_machine(makers: [Maker; 2], folder: &Path) -> Result<Self> {
        let a = Peer::start(makers[0], "peer-a", folder).await?;
        Ok(Self::between(a, Peer::start(makers[1], "peer-b", folder).await?))
    }

    /// Between peers that run.
    pub fn between(a: Peer, b: Peer) -> Self {
        Self { peers: [a, b], seen: Default::default(), offered: 0.0, one_way: false }
    }

    /// The first processes of both contestants: what drives them is not among them.
    pub fn measured(&self) -> [Vec<u32>; 2] {
        self.peers.each_ref().map(|peer| peer.measured().to_vec())
    }

    /// When the last call was offered, in milliseconds since the epoch.
    pub fn offered(&self) -> f64 {
        self.offered
    }

    /// The process ids of both peers.
    pub fn processes(&self) -> Result<[u32; 2]> {
        Ok([self.peers[0].id()?, self.peers[1].id()?])
    }

    /// Has one side offer; the side that offers is the impolite one.
    pub async fn begin(&mut self, options: &CallOptions) -> Result<()> {
        self.seen = Default::default();
        let picture = options.picture.map(|picture| {
            let Picture { width, height, rate } = picture;
            json!({ "w": width, "h": height, "fps": rate, "codec": "H264" })
        });
        let offerer = options.offerer as usize;
        for (number, peer) in self.peers.iter_mut().enumerate() {
            let init = json!({
                "ice_servers": options.ice_servers[number], "relay_only": options.relay_only,
                "video": picture, "audio": options.sound.name(),
                "send_video": !(options.one_way && number == Side::B as usize),
                "polite": number != offerer,
            });
            peer.command("init", init).await?;
        }
        (self.offered, self.one_way) = (now(), options.one_way);
        self.peers[offerer].order("offer", json!({})).await
    }

    /// Carries messages until both are as wanted.
    pub async fn until(
        &mut self,
        what: &str,
        limit: Duration,
        mut wanted: impl FnMut(&[FarSide; 2]) -> bool,
    ) -> Result<()> {
        let deadline = Instant::now() + limit;
        while !wanted(&self.seen) {
            let happened = timeout_at(deadline, self.step()).await;
            happened.map_err(|_| {
                let [a, b] = self.seen.each_ref().map(FarSide::told);
                anyhow::anyhow!("{what}: not within {limit:?}; a: {a}; b: {b}")
            })??;
        }
        Ok(())
    }

    /// Carries messages until both are connected.
    pub async fn until_connected(&mut self, limit: Duration) -> Result<()> {
        self.until("both are connected", limit, |seen| seen.iter().all(FarSide::is_connected)).await
    }

    /// Has both say what is in a file of raw sound, once.
    pub async fn say(&mut self, file: &Path) -> Result<()> {
        for peer in &mut self.peers {
            peer.command("say", json!({ "file": file })).await?;
        }
        Ok(())
    }

    /// Writes what a side has heard of the other, raw, into a file.
    pub async fn heard(&mut self, side: Side, file: &Path) -> Result<Moments> {
        let told = self.peers[side as usize].command("heard", json!({ "file": file })).await?;
        let moment = |name: &str| {
            told[name].as_f64().with_context(|| format!("no moment `{name}` in {told}"))
        };
        Ok(Moments { heard: moment("begun")?, said: moment("said")? })
    }

    /// Carries messages until both have seen a picture of the other, or B has if it sends none.
    pub async fn until_seen(&mut self, limit: Duration) -> Result<SetUp> {
        let one_way = self.one_way;
        self.until("both see each other", limit, |seen| {
            let [a, b] = seen;
            let connected = a.is_connected() && b.is_connected();
            connected && b.first_picture.is_some() && (one_way || a.first_picture.is_some())
        })
        .await?;
        SetUp::of(self.offered, self.seen.each_ref(), one_way)
    }

    /// Carries messages until each side was delivered a picture that the other made after a moment
    /// (milliseconds since the epoch); how long after it the later side had it.
    pub async fn until_seen_after(&mut self, moment: f64, limit: Duration) -> Result<f64> {
        self.until("both see what is made now", limit, |seen| {
            seen.iter().all(|side| side.first_made_after(moment).is_some())
        })
        .await?;
        let delivered = self.seen.iter().filter_map(|side| side.first_made_after(moment));
        Ok(delivered.map(|picture| picture.at).fold(moment, f64::max) - moment)
    }

    /// Carries messages for a while.
    pub async fn hold(&mut self, time: Duration) -> Result<()> {
        let deadline = Instant::now() + time;
        while let Ok(happened) = timeout_at(deadline, self.step()).await {
            happened?;
        }
        Ok(())
    }

    /// Whether the path leads through a relay.
    pub async fn is_relayed(&mut self) -> Result<bool> {
        let [a, b] = self.stats().await?;
        figures::is_relayed([&a, &b])
    }

    /// What both measure.
    pub async fn stats(&mut self) -> Result<[Value; 2]> {
        let [a, b] = &mut self.peers;
        Ok([a.command("stats", json!({})).await?, b.command("stats", json!({})).await?])
    }

    /// Has one side restart ICE, and waits until both have new credentials and see each other.
    pub async fn restart_and_see(&mut self, side: Side, limit: Duration) -> Result<()> {
        let fragments = |call: &Self| call.seen.each_ref().map(|side| side.fragment.clone());
        let before = fragments(self);
        self.restart(side).await?;
        self.until("both have new credentials", limit, |seen| {
            seen.iter().zip(&before).all(|(side, before)| side.fragment != *before)
        })
        .await?;
        self.until_seen_after(now(), limit).await.map(drop)
    }

    /// Has one side restart ICE.
    pub async fn restart(&mut self, side: Side) -> Result<()> {
        self.peers[side as usize].order("restart", json!({})).await
    }

    /// Ends the call; another may begin.
    pub async fn close(&mut self) -> Result<()> {
        for peer in &mut self.peers {
            let closed = tokio::time::timeout(CLOSE, peer.command("close", json!({}))).await;
            closed.context("a call does not end")??;
            // What was under way belongs to the call that is over.
            peer.drain().await?;
        }
        Ok(())
    }

    /// Ends both programs; an error if one does not end well.
    pub async fn quit(self) -> Result<()> {
        for peer in self.peers {
            let status = peer.quit().await?;
            ensure!(status.success(), "a peer ended with {status}");
        }
        Ok(())
    }

    /// Carries the next message.
    async fn step(&mut self) -> Result<()> {
        let [a, b] = &mut self.peers;
        let (from, event) = tokio::select! {
            event = a.event() => (0, event?),
            event = b.event() => (1, event?),
        };
        if let Some((name, arguments)) = self.seen[from].note(&event) {
            self.peers[1 - from].order(name, arguments).await?;
        }
        Ok(())
    }
}

/// Milliseconds since the epoch.
pub fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64() * 1000.0)
}
