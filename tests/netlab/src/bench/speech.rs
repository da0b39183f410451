//! Speech over bad networks, by Tincan and by Chromium in turns: how well it is understood, how much
//! of it was made up, and how late it is. Nobody's microphone is processed: neither has a room.

mod clip;
mod network;
mod score;
mod table;

pub use network::Network;
pub use score::Score;
pub use table::Table;

use super::{grown, load, log};
use crate::lab::{Lab, Plan};
use anyhow::{Context, Result};
use clip::{Clip, RATE};
use score::Scorer;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tincan_test_support::call::now;
use tincan_test_support::{Call, CallOptions, Maker, Side, SoundSource};

/// A call that is not connected by then has failed.
const CONNECTED: Duration = Duration::from_secs(30);
/// Reports of loss arrive, and voices are coded accordingly, in this time.
const WARM_UP: Duration = Duration::from_secs(8);
/// What is said last is heard after this time.
const TAIL: Duration = Duration::from_millis(1500);

/// What is measured, and how often.
#[derive(Debug)]
pub struct Order {
    /// The networks.
    pub networks: Vec<Network>,
    /// Whose programs.
    pub makers: Vec<Maker>,
    /// How often all is measured, in turns.
    pub rounds: usize,
    /// A Python that has the measures.
    pub python: PathBuf,
}

/// One call.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Record {
    /// The network's name.
    pub network: String,
    /// Whose programs.
    pub maker: String,
    /// In which round, from 0.
    pub round: usize,
    /// Load average of the machine when it began.
    pub load: f64,
    /// Why there are no figures.
    pub failed: Option<String>,
    /// What A heard of B, and B of A.
    pub heard: Vec<Heard>,
    /// What passed A's wire, headers and all, while there was speech: kilobits a second, of both ways the mean.
    pub kbps: f64,
}

/// What one side heard of the other. Shares are of the time in which there was speech, with its
/// pauses, since not everybody counts what was not sent.
#[derive(Clone, Debug, Serialize)]
pub struct Heard {
    /// Of each sentence.
    pub sentences: Vec<Score>,
    /// Share that was made up (W3C `concealedSamples`).
    pub concealed: Option<f64>,
    /// Share that was left out to wait less (W3C `removedSamplesForAcceleration`).
    pub removed: Option<f64>,
    /// Share that was added to wait longer (W3C `insertedSamplesForDeceleration`).
    pub inserted: Option<f64>,
    /// How long sound waited for the late, in milliseconds (W3C `jitterBufferDelay`).
    pub waited_ms: Option<f64>,
}

/// Measures; records go to `speech.jsonl` in the folder as they are made, the table to `speech.md`.
/// `told` is called after each call.
///
/// # Errors
/// The lab cannot be built, or programs do not start. A call that fails is a record of its own.
pub async fn measure(folder: &Path, order: &Order, told: impl Fn(&Record)) -> Result<Table> {
    std::fs::create_dir_all(folder).with_context(|| format!("while making {folder:?}"))?;
    let mut bench = Bench {
        lab: Lab::build_in(folder, Plan::default())?,
        clip: Clip::make(folder)?,
        scorer: Scorer::new(&order.python),
        calls: BTreeMap::new(),
        folder: folder.to_path_buf(),
    };
    let mut log = log(&folder.join("speech.jsonl"))?;
    let mut records = Vec::new();
    for round in 0..order.rounds {
        for network in &order.networks {
            for maker in &order.makers {
                let record = bench.one(*maker, network, round).await?;
                let line = serde_json::to_string(&record).context("while writing a record")?;
                writeln!(log, "{line}").context("while writing a record")?;
                told(&record);
                records.push(record);
            }
        }
    }
    for call in bench.calls.into_values() {
        call.quit().await?;
    }
    let table = Table::of(&records, &order.networks);
    let file = folder.join("speech.md");
    std::fs::write(&file, table.to_string()).with_context(|| format!("writing {file:?}"))?;
    Ok(table)
}

struct Bench {
    lab: Lab,
    clip: Clip,
    scorer: Scorer,
    /// Peers of a maker live through all of its calls.
    calls: BTreeMap<Maker, Call>,
    folder: PathBuf,
}

impl Bench {
    async fn one(&mut self, maker: Maker, network: &Network, round: usize) -> Result<Record> {
        self.lab.impair(Side::A, network.wire)?;
        let mut call = match self.calls.remove(&maker) {
            Some(call) => call,
            None => self.lab.call(maker, maker.peer()).await?,
        };
        let load = load()?;
        let record = match self.talk(&mut call, maker).await {
            Ok(record) => {
                self.calls.insert(maker, call);
                record
            }
            // What is in an unknown state is not used again.
            Err(problem) => Record { failed: Some(format!("{problem:#}")), ..Default::default() },
        };
        let (network, maker) = (network.name.clone(), maker.name().to_owned());
        Ok(Record { network, maker, round, load, ..record })
    }

    /// One call from its offer to its end; both sides speak.
    async fn talk(&mut self, call: &mut Call, maker: Maker) -> Result<Record> {
        let sound = SoundSource::Clip;
        call.begin(&CallOptions { picture: None, sound, ..Default::default() }).await?;
        call.until_connected(CONNECTED).await?;
        call.hold(WARM_UP).await?;
        let (before, carried, begun) = (call.stats().await?, self.lab.carried(Side::A)?, now());
        call.say(&self.clip.file).await?;
        let length = Duration::from_secs_f64(self.clip.samples as f64 / f64::from(RATE));
        call.hold(length + TAIL).await?;
        let (after, seconds) = (call.stats().await?, (now() - begun) / 1000.0);
        let passed = self.lab.carried(Side::A)?;
        let bytes = passed.up - carried.up + passed.down - carried.down;
        let file = |side| self.folder.join(format!("{}-{side}.f32", maker.peer()));
        let files = [file("a"), file("b")];
        let moments =
            [call.heard(Side::A, &files[0]).await?, call.heard(Side::B, &files[1]).await?];
        call.close().await?;
        let mut heard = Vec::new();
        for (here, there) in [(0, 1), (1, 0)] {
            let (file, stats) = (&files[here], (&before[here], &after[here]));
            let sentences = self.scorer.score(&self.clip, file, moments[here], moments[there])?;
            heard.push(Heard::of(sentences, stats, seconds));
        }
        Ok(Record { heard, kbps: bytes as f64 * 8.0 / 2000.0 / seconds, ..Default::default() })
    }
}

impl Heard {
    fn of(sentences: Vec<Score>, (before, after): (&Value, &Value), seconds: f64) -> Self {
        let grown = |name| grown(after, before, "audio_in", name);
        let share = |name| Some(grown(name)? / (seconds * f64::from(RATE)));
        let waited = grown("jb_s").zip(grown("jb_n").filter(|samples| *samples > 0.0));
        Self {
            sentences,
            concealed: share("concealed"),
            removed: share("removed"),
            inserted: share("inserted"),
            waited_ms: waited.map(|(seconds, samples)| seconds * 1000.0 / samples),
        }
    }
}
