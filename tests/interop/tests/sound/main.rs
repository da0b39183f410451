//! What is heard between Tincan and Chromium: with losses that copies of packets make up for, as loud as
//! the packets say, and in stereo.

mod lossy;

use anyhow::{Context, Result, ensure};
use lossy::Lossy;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tincan_test_support::{Maker, Peer, Side, place};
use tokio::time::{Instant, timeout_at};

/// How long a call may take to connect and be heard.
const HEARD: Duration = Duration::from_secs(30);
/// By then both know what is lost.
const KNOWN: Duration = Duration::from_secs(4);
/// How long it is looked at from then on.
const LOOKED_AT: Duration = Duration::from_secs(12);
/// Beeps that are enough to tell sides by.
const BEEPS: usize = 4;
const TINCAN: usize = 0;
const CHROMIUM: usize = 1;

/// A call of sound alone.
struct Call {
    peers: [Peer; 2],
    path: Lossy,
    /// Whether each beep that a side heard came on the right, too.
    right: [Vec<bool>; 2],
    /// Chromium's last description.
    described: String,
}

impl Call {
    async fn begin(peers: [Peer; 2], offerer: Side, one_in: u32, audio: &str) -> Result<Self> {
        let path = Lossy::start(one_in).await?;
        let mut this = Self { peers, path, right: Default::default(), described: String::new() };
        for (number, peer) in this.peers.iter_mut().enumerate() {
            let polite = number != offerer as usize;
            // Chromium sends copies where its page asks for them; Tincan where they are needed.
            let init = json!({ "audio": audio, "polite": polite, "red": one_in > 0 });
            peer.command("init", init).await?;
        }
        this.peers[offerer as usize].order("offer", json!({})).await?;
        Ok(this)
    }

    /// Carries messages until both have heard so many beeps.
    async fn until_heard(&mut self, beeps: usize) -> Result<()> {
        let deadline = Instant::now() + HEARD;
        while self.right.iter().any(|heard| heard.len() < beeps) {
            let step = timeout_at(deadline, self.step()).await;
            step.with_context(|| format!("heard {:?}", self.right))??;
        }
        Ok(())
    }

    async fn hold(&mut self, time: Duration) -> Result<()> {
        let deadline = Instant::now() + time;
        while let Ok(step) = timeout_at(deadline, self.step()).await {
            step?;
        }
        Ok(())
    }

    async fn step(&mut self) -> Result<()> {
        let [a, b] = &mut self.peers;
        let (from, event) = tokio::select! {
            event = a.event() => (0, event?),
            event = b.event() => (1, event?),
        };
        if event["ev"] == "beep" {
            self.right[from].push(event["right"] == true);
        }
        if from == CHROMIUM && event["ev"] == "description" {
            self.described = event["sdp"].as_str().unwrap_or_default().to_owned();
        }
        if let Some((name, arguments)) = self.path.redirect(from, &event)? {
            self.peers[1 - from].order(name, arguments).await?;
        }
        Ok(())
    }

    async fn stats(&mut self) -> Result<[Value; 2]> {
        let [a, b] = &mut self.peers;
        Ok([a.command("stats", json!({})).await?, b.command("stats", json!({})).await?])
    }

    async fn end(mut self) -> Result<[Peer; 2]> {
        for peer in &mut self.peers {
            peer.command("close", json!({})).await?;
            peer.drain().await?;
        }
        Ok(self.peers)
    }
}

async fn both(folder: &Path) -> Result<[Peer; 2]> {
    let tincan = Peer::start(Maker::Tincan, "tincan", folder).await?;
    Ok([tincan, Peer::start(Maker::Chromium, "chromium", folder).await?])
}

async fn quit(peers: [Peer; 2]) -> Result<()> {
    for peer in peers {
        ensure!(peer.quit().await?.success(), "a peer did not end well");
    }
    Ok(())
}

/// The difference of a count of sound between two readings.
fn more(name: &str, before: &Value, after: &Value) -> f64 {
    let of = |stats: &Value| stats["audio_in"][name].as_f64().unwrap_or_default();
    of(after) - of(before)
}

#[tokio::test]
async fn copies_make_up_for_losses_both_ways_and_the_level_arrives() -> Result<()> {
    let folder = place::output_of("interop-tests", "sound-lossy")?;
    let mut peers = both(&folder).await?;
    for offerer in [Side::A, Side::B] {
        let mut call = Call::begin(peers, offerer, 5, "beep").await?;
        call.until_heard(2).await.with_context(|| format!("{offerer:?} offers"))?;
        call.hold(KNOWN).await?;
        let before = call.stats().await?;
        call.hold(LOOKED_AT).await?;
        let after = call.stats().await?;

        for negotiated in ["red/48000/2", "urn:ietf:params:rtp-hdrext:ssrc-audio-level"] {
            ensure!(call.described.contains(negotiated), "no {negotiated}: {}", call.described);
        }
        for (side, whose) in [(TINCAN, "Tincan"), (CHROMIUM, "Chromium")] {
            let (before, after) = (&before[side]["audio_in"], &after[side]["audio_in"]);
            let told = || format!("{offerer:?} offers, {whose} hears {before} and {after}");
            let of =
                |name| more(name, &json!({ "audio_in": before }), &json!({ "audio_in": after }));
            let lost = of("lost") / (of("lost") + of("packets"));
            ensure!((0.1..0.3).contains(&lost), "{lost} lost: {}", told());
            // A quarter of the packets' share that is lost would be made up without copies at best.
            let made_up = of("concealed") / of("samples");
            ensure!(made_up < 0.06, "{made_up} made up: {}", told());
        }
        let restored = more("restored", &before[TINCAN], &after[TINCAN]);
        ensure!(restored > 40.0, "Tincan takes {restored} packets from copies: {after:?}");
        let redundant = after[TINCAN]["audio_out"]["redundant"].as_f64().unwrap_or_default();
        ensure!(redundant > 400.0, "Tincan sends copies with {redundant} packets");
        let loudest = after[CHROMIUM]["loudest"].as_f64().unwrap_or_default();
        // The beep has half of full scale.
        ensure!((0.2..0.7).contains(&loudest), "Chromium is told a level of {loudest}");
        peers = call.end().await?;
    }
    quit(peers).await
}

#[tokio::test]
async fn original_sound_is_heard_in_stereo_on_either_side() -> Result<()> {
    let folder = place::output_of("interop-tests", "sound-stereo")?;
    let mut peers = both(&folder).await?;
    for (offerer, audio, right) in
        [(Side::A, "beep-left", false), (Side::B, "beep-left", false), (Side::A, "beep", true)]
    {
        let mut call = Call::begin(peers, offerer, 0, audio).await?;
        call.until_heard(BEEPS).await?;
        for (heard, whose) in call.right.iter().zip(["Tincan", "Chromium"]) {
            let agree = heard.iter().filter(|one| **one == right).count();
            // One may fall on the border of two blocks.
            ensure!(
                agree + 1 >= heard.len(),
                "{offerer:?} offers {audio}: {whose} hears {heard:?} on the right"
            );
        }
        peers = call.end().await?;
    }
    quit(peers).await
}
