//! What was measured of one call.

use super::scenario::Scenario;
use super::watched::{Watched, latency, settled};
use super::{grown, load, number};
use crate::lab::Carried;
use crate::wire::Impairment;
use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;
use tincan_test_support::call::now;
use tincan_test_support::far_side::Delivered;
use tincan_test_support::figures::{SetUp, percentile};
use tincan_test_support::processor::{self, Reading};
use tincan_test_support::{Call, Maker, memory};

/// Pictures older than this are late after a step down.
const LATE: f64 = 500.0;
/// The rate is back when it is this share of what it was before.
const BACK: f64 = 0.8;
/// The first beeps are heard while buffers still fill.
const FIRST_BEEPS: usize = 2;

/// One call; milliseconds, kilobits a second, shares of one core, mebibytes.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Record {
    pub scenario: String,
    pub maker: String,
    pub round: usize,
    /// Load average of the machine when it began.
    pub load: f64,
    /// Why there are no figures.
    pub failed: Option<String>,
    /// From the offer until both had a picture.
    pub first_picture: f64,
    /// From the offer until B had a picture of the whole size.
    pub whole_size: Option<f64>,
    /// A's pictures at B.
    pub ab: Watched,
    /// B's pictures at A, if B sends some.
    pub ba: Option<Watched>,
    /// What passed A's wire upwards, headers and all.
    pub up_kbps: f64,
    /// The same downwards.
    pub down_kbps: f64,
    /// Of A's and B's processes.
    pub processor: [f64; 2],
    /// The same.
    pub memory: [f64; 2],
    /// From a beep's making to its being heard at B.
    pub sound_p50: Option<f64>,
    /// The same.
    pub sound_p95: Option<f64>,
    /// Share of B's sound that was made up.
    pub concealed: Option<f64>,
    /// What a step of the wire's rate did.
    pub step: Option<Step>,
    /// From the end of a cut until both had a new picture.
    pub back: Option<f64>,
    /// Share of the first of two calls in what both received.
    pub share: Option<f64>,
    /// What TCP got beside the call.
    pub tcp_kbps: Option<f64>,
    /// Second by second since the first picture.
    pub seconds: Vec<Second>,
}

/// A step down and up again.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// The oldest picture between the two.
    pub peak: Option<f64>,
    /// From the step down until three good seconds begin.
    pub settled: Option<f64>,
    /// From the step up until the rate is 80 % of that before.
    pub up: Option<f64>,
    /// Between the two, without the first ten seconds.
    pub low_kbps: f64,
}

/// A second of a call.
#[derive(Clone, Debug, Serialize)]
pub struct Second {
    /// Since the first picture.
    pub at: f64,
    pub p50: Option<f64>,
    pub p95: Option<f64>,
    pub fps: f64,
    pub up_kbps: f64,
}

impl Record {
    /// Of a call that did not come to its end.
    pub fn failed(problem: &anyhow::Error) -> Self {
        Self { failed: Some(format!("{problem:#}")), ..Default::default() }
    }

    /// Says what was measured.
    pub fn begun(&mut self, maker: Maker, scenario: &Scenario, round: usize) {
        (self.scenario, self.maker) = (scenario.name.into(), maker.name().into());
        self.round = round;
    }
}

/// What happened to the wire meanwhile; moments are in milliseconds since the epoch.
#[derive(Debug)]
pub struct Course {
    begun: f64,
    /// Figures count from here.
    pub warm: f64,
    /// To here.
    pub end: f64,
    /// Steps of the rate and ends of cuts.
    steps: Vec<(f64, Impairment)>,
    looks: Vec<(f64, Carried)>,
}

impl Course {
    /// Begins with the first picture.
    pub fn new(begun: f64) -> Self {
        Self { begun, warm: begun, end: begun, steps: Vec::new(), looks: Vec::new() }
    }

    /// Notes a step; whether it is the end of a cut.
    pub fn step(&mut self, to: Impairment) -> bool {
        let was_cut = self.steps.last().is_some_and(|(_, step)| step.cut);
        self.steps.push((now(), to));
        was_cut && !to.cut
    }

    /// Notes what the wire has carried up to now.
    pub fn look(&mut self, carried: Carried) {
        self.looks.push((now(), carried));
    }

    /// Kilobits a second between two moments, as exact as the looks are.
    fn rate(&self, from: f64, to: f64, of: fn(&Carried) -> u64) -> f64 {
        let within = || self.looks.iter().filter(|(at, _)| (from..=to).contains(at));
        match (within().next(), within().next_back()) {
            (Some((from, first)), Some((to, last))) if to > from => {
                (of(last) - of(first)) as f64 * 8.0 / (to - from)
            }
            _ => 0.0,
        }
    }

    fn seconds(&self, pictures: &[Delivered]) -> Vec<Second> {
        let count = ((self.end - self.begun) / 1000.0) as usize;
        let second = |n: usize| {
            let from = self.begun + n as f64 * 1000.0;
            let watched = Watched::between(pictures, from, from + 1000.0);
            // Looks are half a second apart: one more on each side makes a whole.
            let up_kbps = self.rate(from - 300.0, from + 1300.0, |carried| carried.up);
            Second { at: n as f64, p50: watched.p50, p95: watched.p95, fps: watched.fps, up_kbps }
        };
        (0..count).map(second).collect()
    }

    /// The step down and up again, if there was one.
    fn stepped(&self, pictures: &[Delivered]) -> Option<Step> {
        let [(down, low), (up, high)] = self.steps.as_slice() else { return None };
        let (down, up) = (*down, *up);
        if low.rate_kbps >= high.rate_kbps || low.cut {
            return None;
        }
        let ages = pictures.iter().filter(|picture| (down..up).contains(&picture.at));
        let peak = ages.filter_map(latency).reduce(f64::max);
        let before = self.rate(down - 6_000.0, down, |carried| carried.up);
        let back = self.looks.windows(3).find_map(|looks| {
            let [(from, first), _, (to, last)] = looks else { return None };
            let rate = (last.up - first.up) as f64 * 8.0 / (to - from);
            (*from > up && rate >= BACK * before).then_some(to - up)
        });
        Some(Step {
            peak,
            settled: settled(pictures, down, up, LATE),
            up: back,
            low_kbps: self.rate(down + 10_000.0, up, |carried| carried.up),
        })
    }

    /// From the end of a cut until both have a picture that was made after it.
    fn back(&self, call: &Call) -> Option<f64> {
        let [(_, cut), (end, _)] = self.steps.as_slice() else { return None };
        let sides = call.seen.each_ref().map(|side| side.first_made_after(*end));
        let [Some(a), Some(b)] = sides else { return None };
        cut.cut.then_some(f64::max(a.at, b.at) - end)
    }
}

/// What is read at the beginning and compared at the end.
#[derive(Debug)]
pub struct Recorder {
    set_up: SetUp,
    load: f64,
    /// Read when the call is warm.
    pub before: Option<Before>,
}

/// What was read when the call was warm.
#[derive(Debug)]
pub struct Before {
    stats: [Value; 2],
    twin: Option<[Value; 2]>,
    spent: [Reading; 2],
    at: f64,
}

impl Recorder {
    /// When a call is seen.
    pub fn start(set_up: SetUp) -> Result<Self> {
        Ok(Self { set_up, load: load()?, before: None })
    }

    /// When figures begin to count.
    pub async fn warm(&mut self, call: &mut Call, twin: Option<&mut Call>) -> Result<()> {
        let twin = match twin {
            Some(twin) => Some(twin.stats().await?),
            None => None,
        };
        let (stats, spent) = (call.stats().await?, spent(call));
        self.before = Some(Before { stats, twin, spent, at: now() });
        Ok(())
    }

    /// When the call is over; it still runs.
    pub async fn finish(
        self,
        call: &mut Call,
        twin: Option<&mut Call>,
        course: &Course,
        scenario: &Scenario,
    ) -> Result<Record> {
        let before = self.before.context("a call becomes warm before it ends")?;
        let span = (now() - before.at) / 1000.0;
        let after = spent(call);
        let processor = [0, 1].map(|side| {
            let spent = after[side].since(&before.spent[side]);
            spent.values().map(Duration::as_secs_f64).sum::<f64>() / span
        });
        let held = |side: usize| {
            let held = memory::of(&processor::tree(&call.measured()[side]));
            held.map(|held| held.values().sum::<f64>())
        };
        let memory = [held(0)?, held(1)?];
        let stats = call.stats().await?;
        let share = match (twin, &before.twin) {
            (Some(twin), Some(earlier)) => {
                let theirs = received(&twin.stats().await?[1], &earlier[1]);
                let ours = received(&stats[1], &before.stats[1]);
                Some(ours / (ours + theirs).max(1.0))
            }
            _ => None,
        };
        let [a, b] = &call.seen;
        let beeps = b.beeps.iter().skip(FIRST_BEEPS).map(|at| at % 1000.0);
        let beeps: Vec<f64> = beeps.collect();
        let whole = (u64::from(scenario.picture.width), u64::from(scenario.picture.height));
        let whole = b.pictures.iter().find(|picture| picture.size == whole);
        let watched = |pictures| Watched::between(pictures, course.warm, course.end);
        Ok(Record {
            load: self.load,
            first_picture: self.set_up.first_picture,
            whole_size: whole.map(|picture| picture.at - call.offered()),
            ab: watched(&b.pictures),
            ba: (!scenario.one_way).then(|| watched(&a.pictures)),
            up_kbps: course.rate(course.warm, course.end, |carried| carried.up),
            down_kbps: course.rate(course.warm, course.end, |carried| carried.down),
            processor,
            memory,
            sound_p50: percentile(&beeps, 0.5),
            sound_p95: percentile(&beeps, 0.95),
            concealed: concealed(&stats[1], &before.stats[1]),
            step: course.stepped(&b.pictures),
            back: course.back(call),
            share,
            seconds: course.seconds(&b.pictures),
            ..Default::default()
        })
    }
}

fn spent(call: &Call) -> [Reading; 2] {
    call.measured().map(|roots| processor::read(&processor::tree(&roots)))
}

fn received(stats: &Value, before: &Value) -> f64 {
    let bytes = |stats| number(stats, "video_in", "bytes").unwrap_or(0.0);
    bytes(stats) - bytes(before)
}

fn concealed(stats: &Value, before: &Value) -> Option<f64> {
    let samples = grown(stats, before, "audio_in", "samples")?;
    (samples > 0.0).then_some(grown(stats, before, "audio_in", "concealed")? / samples)
}
