//! Calls over bad networks, by Tincan and by Chromium in turns: what arrives, how late, what it costs.

mod plot;
mod record;
mod rival;
mod scenario;
pub mod speech;
mod table;
mod watched;

pub use scenario::Scenario;
pub use table::Table;

use crate::bench::record::{Course, Record, Recorder};
use crate::bench::rival::TcpFlow;
use crate::bench::scenario::Rival;
use crate::lab::{Lab, Plan};
use crate::wire::Impairment;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tincan_test_support::call::now;
use tincan_test_support::{Call, CallOptions, Maker, Side};

/// A call whose pictures are not there by then has failed.
const SEEN: Duration = Duration::from_secs(30);
/// The time between two looks at the wire.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What is measured, and how often.
#[derive(Debug)]
pub struct Order {
    /// The networks.
    pub scenarios: Vec<Scenario>,
    /// Whose programs.
    pub makers: Vec<Maker>,
    /// How often all is measured, in turns.
    pub rounds: usize,
}

/// Measures; records go to `calls.jsonl` in the folder as they are made, the table to `calls.md`, the
/// plots to `SCENARIO.svg`. `told` is called after each call.
///
/// # Errors
/// The lab cannot be built, or programs do not start. A call that fails is a record of its own.
pub async fn measure(folder: &Path, order: &Order, told: impl Fn(&Record)) -> Result<Table> {
    std::fs::create_dir_all(folder).with_context(|| format!("while making {folder:?}"))?;
    let mut bench = Bench {
        lab: Lab::build_in(folder, Plan::default())?,
        calls: BTreeMap::new(),
        records: Vec::new(),
        log: log(&folder.join("calls.jsonl"))?,
        folder: folder.to_path_buf(),
    };
    for round in 0..order.rounds {
        for scenario in &order.scenarios {
            for maker in &order.makers {
                let record = bench.one(*maker, scenario, round).await?;
                told(&record);
                bench.records.push(record);
            }
        }
    }
    bench.finish(&order.scenarios).await
}

/// Whose programs are meant by `both`, `tincan` or `chromium`.
///
/// # Errors
/// It is none of them.
pub fn makers(named: &str) -> Result<Vec<Maker>> {
    Ok(match named {
        "both" => vec![Maker::Tincan, Maker::Chromium],
        "tincan" => vec![Maker::Tincan],
        "chromium" => vec![Maker::Chromium],
        _ => bail!("{named:?} is none of both, tincan and chromium"),
    })
}

fn log(file: &Path) -> Result<File> {
    let log = OpenOptions::new().create(true).append(true).open(file);
    log.with_context(|| format!("while making {file:?}"))
}

struct Bench {
    lab: Lab,
    /// Peers of a maker live through all of its calls: the first and, for two flows, the second pair.
    calls: BTreeMap<(Maker, usize), Call>,
    records: Vec<Record>,
    log: File,
    folder: PathBuf,
}

impl Bench {
    async fn one(&mut self, maker: Maker, scenario: &Scenario, round: usize) -> Result<Record> {
        self.lab.impair(Side::A, scenario.begin)?;
        let flows = if scenario.rival == Rival::Twin { 2 } else { 1 };
        for flow in 0..flows {
            if !self.calls.contains_key(&(maker, flow)) {
                let name = format!("{}-{flow}", maker.peer());
                let call = self.lab.call(maker, &name).await?;
                self.calls.insert((maker, flow), call);
            }
        }
        let mut record = match self.course(maker, scenario).await {
            Ok(record) => record,
            Err(problem) => {
                // What is in an unknown state is not used again.
                self.calls.retain(|(whose, _), _| *whose != maker);
                Record::failed(&problem)
            }
        };
        record.begun(maker, scenario, round);
        let line = serde_json::to_string(&record).context("while writing a record")?;
        writeln!(self.log, "{line}").context("while writing a record")?;
        Ok(record)
    }

    /// One call from its offer to its end.
    async fn course(&mut self, maker: Maker, scenario: &Scenario) -> Result<Record> {
        let options = CallOptions {
            picture: Some(scenario.picture),
            one_way: scenario.one_way,
            ..Default::default()
        };
        let mut call = self.take(maker, 0)?;
        let mut twin = match scenario.rival {
            Rival::Twin => Some(self.take(maker, 1)?),
            Rival::None | Rival::Tcp => None,
        };
        call.begin(&options).await?;
        let set_up = call.until_seen(SEEN).await?;
        if let Some(twin) = &mut twin {
            twin.begin(&options).await?;
            twin.until_seen(SEEN).await?;
        }
        let mut recorder = Recorder::start(set_up)?;
        let begun = now();
        let mut course = Course::new(begun);
        let mut steps = scenario.steps.iter().peekable();
        let mut tcp = None;
        loop {
            let elapsed = Duration::from_secs_f64((now() - begun).max(0.0) / 1000.0);
            if elapsed >= scenario.span {
                break;
            }
            if recorder.before.is_none() && elapsed >= scenario.warm_up {
                recorder.warm(&mut call, twin.as_mut()).await?;
                course.warm = now();
                if scenario.rival == Rival::Tcp {
                    tcp = Some(TcpFlow::start(&self.lab)?);
                }
            }
            while let Some((_, impairment)) = steps.next_if(|(at, _)| elapsed >= *at) {
                self.step(&mut call, *impairment, &mut course).await?;
            }
            let next = steps.peek().map_or(LOOK_EVERY, |(at, _)| at.saturating_sub(elapsed));
            let pause = next.clamp(Duration::from_millis(1), LOOK_EVERY);
            hold(&mut call, twin.as_mut(), pause).await?;
            course.look(self.lab.carried(Side::A)?);
        }
        course.end = now();
        let mut record = recorder.finish(&mut call, twin.as_mut(), &course, scenario).await?;
        record.tcp_kbps = tcp.map(TcpFlow::finish).transpose()?;
        call.close().await?;
        self.calls.insert((maker, 0), call);
        if let Some(mut twin) = twin {
            twin.close().await?;
            self.calls.insert((maker, 1), twin);
        }
        Ok(record)
    }

    async fn step(&mut self, call: &mut Call, to: Impairment, course: &mut Course) -> Result<()> {
        let back = course.step(to);
        self.lab.impair(Side::A, to)?;
        // As apps do when the network is there again.
        if back { call.restart(Side::A).await } else { Ok(()) }
    }

    fn take(&mut self, maker: Maker, flow: usize) -> Result<Call> {
        self.calls.remove(&(maker, flow)).context("a peer was started before")
    }

    async fn finish(self, scenarios: &[Scenario]) -> Result<Table> {
        for call in self.calls.into_values() {
            call.quit().await?;
        }
        let table = Table::of(&self.records, scenarios);
        let file = self.folder.join("calls.md");
        std::fs::write(&file, table.to_string()).with_context(|| format!("writing {file:?}"))?;
        for scenario in scenarios {
            plot::draw(&self.folder, scenario, &self.records)?;
        }
        Ok(table)
    }
}

/// Lets calls go on for a while.
async fn hold(call: &mut Call, twin: Option<&mut Call>, time: Duration) -> Result<()> {
    match twin {
        None => call.hold(time).await,
        Some(twin) => {
            let (one, other) = tokio::join!(call.hold(time), twin.hold(time));
            one.and(other)
        }
    }
}

/// A number of a peer's statistics.
fn number(stats: &Value, part: &str, name: &str) -> Option<f64> {
    stats[part][name].as_f64()
}

/// By how much a number of a peer's statistics has grown.
fn grown(stats: &Value, before: &Value, part: &str, name: &str) -> Option<f64> {
    Some(number(stats, part, name)? - number(before, part, name)?)
}

/// The machine's load over the last minute.
fn load() -> Result<f64> {
    let load = std::fs::read_to_string("/proc/loadavg").context("while reading the load")?;
    Ok(load.split_whitespace().next().and_then(|load| load.parse().ok()).unwrap_or(0.0))
}
