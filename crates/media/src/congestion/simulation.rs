//! Flows over one simulated way: what estimator and pacer make of networks of many kinds.

mod way;

use super::{Estimator, Fate, Limits, Pacer, Priority};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use way::{Tcp, Way};

pub use way::Network;

/// The far side reports as often.
const REPORT_EVERY: f64 = 0.05;
const FRAME_EVERY: f64 = 1.0 / 30.0;
const PACKET: usize = 1200;
/// With more than this waiting to go, a source skips pictures, as the encoder does.
const SKIP_FROM: Duration = Duration::from_millis(60);

/// What a run left.
#[derive(Debug, Default)]
pub struct Run {
    /// Bits a second of each flow, second by second.
    pub flows: Vec<Vec<f64>>,
    /// Bits a second of TCP, second by second.
    pub tcp: Vec<f64>,
    /// Times of pictures and how late they were, of the first flow.
    pub pictures: Vec<(f64, f64)>,
}

impl Run {
    /// Latencies of pictures that came within these seconds, sorted.
    pub fn latencies(&self, from: f64, to: f64) -> Vec<f64> {
        let within = self.pictures.iter().filter(|(at, _)| (from..to).contains(at));
        let mut late: Vec<f64> = within.map(|(_, late)| *late).collect();
        late.sort_by(f64::total_cmp);
        late
    }

    /// The mean rate of a flow within these seconds.
    pub fn rate(&self, flow: usize, from: usize, to: usize) -> f64 {
        let seconds = &self.flows[flow][from..to];
        seconds.iter().sum::<f64>() / seconds.len() as f64
    }
}

pub fn share(sorted: &[f64], share: f64) -> f64 {
    let at = (sorted.len() as f64 * share) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::INFINITY)
}

/// What flows over a network, and for how long.
pub struct Plan {
    pub network: Network,
    pub seconds: usize,
    pub seed: u64,
    /// When each flow begins.
    pub flows: Vec<f64>,
    /// When TCP begins.
    pub tcp: Option<f64>,
    /// The most that a source makes of pictures, in bits a second.
    pub most: f64,
    /// No flow has sound.
    pub muted: bool,
}

impl Plan {
    pub fn of(network: Network, seconds: usize) -> Self {
        Self { network, seconds, seed: 1, flows: vec![0.0], tcp: None, most: 20e6, muted: false }
    }
}

struct Sent {
    departed: f64,
    arrived: Option<f64>,
    bytes: usize,
}

struct Packet {
    bytes: usize,
    picture: Option<usize>,
}

struct Picture {
    made: f64,
    packets: usize,
    last: f64,
}

struct Flow {
    begins: f64,
    estimator: Estimator,
    pacer: Pacer<Packet>,
    sent: VecDeque<Sent>,
    next_sound: f64,
    next_picture: f64,
    next_report: f64,
    /// Reports on their way, and when they are there.
    reports: VecDeque<(f64, Vec<Sent>)>,
    pictures: Vec<Picture>,
    key: bool,
    arrived: Vec<(f64, usize)>,
}

impl Flow {
    fn new(begins: f64) -> Self {
        let estimator = Estimator::new(Limits::default());
        let pacer = Pacer::new(estimator.target(), estimator.pace());
        Self {
            begins,
            estimator,
            pacer,
            sent: VecDeque::new(),
            next_sound: begins,
            next_picture: begins,
            next_report: begins,
            reports: VecDeque::new(),
            pictures: Vec::new(),
            key: true,
            arrived: Vec::new(),
        }
    }

    fn step(&mut self, t: f64, epoch: Instant, way: &mut Way, plan: &Plan, random: &mut StdRng) {
        if t < self.begins {
            return;
        }
        let now = epoch + Duration::from_secs_f64(t);
        while self.reports.front().is_some_and(|(at, _)| *at <= t) {
            let Some((_, report)) = self.reports.pop_front() else { break };
            let fates: Vec<Fate> = report
                .into_iter()
                .map(|sent| Fate {
                    departed: epoch + Duration::from_secs_f64(sent.departed),
                    arrived: sent.arrived.map(|at| Duration::from_secs_f64(at + 1000.0)),
                    bytes: sent.bytes,
                })
                .collect();
            self.estimator.report(now, &fates);
        }
        self.estimator.wait(now);
        let budget = self.estimator.budget(now);
        self.pacer.set_available(budget.available, self.estimator.pace());
        if t >= self.next_sound && !plan.muted {
            self.next_sound += 0.02;
            let bytes = 68 + budget.audio.bps() as usize / 8 / 50;
            self.pacer.push(now, Priority::Sound, bytes, Packet { bytes, picture: None });
        }
        if t >= self.next_picture {
            self.next_picture += FRAME_EVERY;
            if self.pacer.backlog() < SKIP_FROM && !budget.is_full() && !budget.overdue {
                self.make_picture(t, now, plan.most, random);
            }
        }
        while let Some(packet) = self.pacer.pop(now) {
            self.estimator.send(now, packet.bytes);
            let arrived = way.pass(t, packet.bytes);
            self.sent.push_back(Sent { departed: t, arrived, bytes: packet.bytes });
            if let Some(at) = arrived {
                self.arrived.push((at, packet.bytes));
            }
            if let Some(number) = packet.picture {
                let picture = &mut self.pictures[number];
                picture.packets -= 1;
                // What is lost is sent again.
                let there = arrived.unwrap_or(t + 3.0 * way.delay() + 0.03);
                picture.last = picture.last.max(there);
            }
        }
        if self.pacer.take_stale() {
            self.key = true;
        }
        if t >= self.next_report {
            self.next_report += REPORT_EVERY;
            self.send_report(t, way);
        }
    }

    fn make_picture(&mut self, t: f64, now: Instant, most: f64, random: &mut StdRng) {
        let rate = f64::from(self.estimator.budget(now).video.bps()).min(most);
        let factor =
            if std::mem::take(&mut self.key) { 4.0 } else { random.random_range(0.7..1.3) };
        let bytes = (rate * FRAME_EVERY / 8.0 * factor) as usize + 60;
        let number = self.pictures.len();
        let packets = bytes.div_ceil(PACKET);
        self.pictures.push(Picture { made: t, packets, last: 0.0 });
        for _ in 0..packets {
            let bytes = bytes / packets + 60;
            let packet = Packet { bytes, picture: Some(number) };
            self.pacer.push(now, Priority::Picture, bytes, packet);
        }
    }

    fn send_report(&mut self, t: f64, way: &Way) {
        let newest = self.sent.iter().rposition(|sent| sent.arrived.is_some_and(|at| at <= t));
        let Some(newest) = newest else { return };
        let report = self
            .sent
            .drain(..=newest)
            .map(|sent| Sent { arrived: sent.arrived.filter(|at| *at <= t), ..sent });
        self.reports.push_back((t + way.delay(), report.collect()));
    }

    fn seconds(&self, count: usize) -> Vec<f64> {
        let rate = |n: usize| {
            let within = |at: f64| at >= n as f64 && at < (n + 1) as f64;
            let arrived = self.arrived.iter().filter(|(at, _)| within(*at));
            arrived.map(|(_, bytes)| *bytes as f64 * 8.0).sum()
        };
        (0..count).map(rate).collect()
    }
}

/// Runs it, a millisecond at a time.
pub fn run(plan: Plan) -> Run {
    let epoch = Instant::now() + Duration::from_secs(10);
    let mut random = StdRng::seed_from_u64(plan.seed);
    let mut way = Way::new(plan.network.clone(), plan.seed.wrapping_mul(31));
    let mut flows: Vec<Flow> = plan.flows.iter().map(|begins| Flow::new(*begins)).collect();
    let mut tcp = plan.tcp.map(Tcp::new);
    for step in 0..plan.seconds * 1000 {
        let t = step as f64 / 1000.0;
        if let Some(tcp) = &mut tcp {
            tcp.step(t, &mut way);
        }
        for flow in &mut flows {
            flow.step(t, epoch, &mut way, &plan, &mut random);
        }
    }
    let pictures = flows[0].pictures.iter().filter(|picture| picture.packets == 0);
    Run {
        pictures: pictures.map(|picture| (picture.last, picture.last - picture.made)).collect(),
        flows: flows.iter().map(|flow| flow.seconds(plan.seconds)).collect(),
        tcp: tcp.map(|tcp| tcp.seconds(plan.seconds)).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
