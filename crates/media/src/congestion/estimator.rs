//! How much the way carries. Grows fast while nothing speaks against it, takes what arrives for the
//! way's rate as soon as packets wait, and lets the queue run empty before it goes on.

use super::backlog::{Backlog, InFlight};
use super::bursts::Bursts;
use super::losses::Losses;
use super::pace::{self, Pace};
use super::queue::Queue;
use super::rates::Arrivals;
use super::reports::Reports;
use super::{Fate, Protection, SendBudget, VoiceForm, budget};
use std::time::{Duration, Instant};
use tincan_proto::units::Bitrate;

/// Bounds of the estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Begins here.
    pub start: Bitrate,
    /// Never less: below this there is no call.
    pub floor: Bitrate,
    /// Never more.
    pub ceiling: Bitrate,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            start: Bitrate::from_kbps(400),
            floor: Bitrate::from_kbps(60),
            ceiling: Bitrate::from_kbps(20_000),
        }
    }
}

/// The rate of the way while it is full is that of arrivals over this time: short, as it may have just
/// dropped.
const FULL_OVER: Duration = Duration::from_millis(250);
/// Having waited for longer, in seconds, packets were behind each other.
const LEAST_WAIT: f64 = 0.02;
/// A packet that arrives is reported after so many seconds on average.
const REPORTED_AFTER: f64 = 0.025;
/// What is sent now is looked at over this time: some pictures.
const SENT_OVER: Duration = Duration::from_millis(500);
/// After the queue ran empty, this share of the way's rate is sent.
const KEEP: f64 = 0.88;
/// A queue is to be empty again within about this time, in seconds.
const EMPTY_WITHIN: f64 = 0.35;
/// Emptying a queue takes no more than these shares of the way's rate.
const LEAST_DRAIN: f64 = 0.2;
const MOST_DRAIN: f64 = 0.8;
/// Growth a second far below the way's known rate, and when nothing is known.
const FAR: f64 = 1.2;
const BEGINNING: f64 = 3.0;
/// Near the way's known rate, as many times the root of the rate are added in a second: less for a
/// larger part than for a smaller one, so that two that share a way come to the same.
const NEAR: f64 = 30.0;
/// What was seen of the way says half as much after so many seconds.
const STALE: f64 = 4.0;
/// Beyond what was known of the way, growth begins with this share of what it is far below it, and all of
/// it comes within this time, in seconds.
const BEYOND: f64 = 0.2;
const BEYOND_WITHIN: f64 = 1.5;
/// Near is from this share of the way's known rate on ...
const NEAR_FROM: f64 = 0.85;
/// ... to this one. Beyond, it is known no longer.
const NEAR_TO: f64 = 1.15;
/// The estimate may exceed what is sent by this factor without other evidence.
const AHEAD: f64 = 1.5;
/// The same in addition, in bits a second: pictures of a still scene take next to nothing.
const AHEAD_BY: f64 = 150_000.0;
/// Of what bursts show, as much is believed.
const BELIEVED: f64 = 0.75;
/// Whether a queue becomes shorter is looked at after a round trip and this.
const LOOK_AFTER: Duration = Duration::from_millis(150);
/// Shorter is less than this share of what it was.
const SHORTER: f64 = 0.85;
/// Loss beyond the usual is congestion from here on.
const EXCESS: f64 = 0.05;
/// A share of loss with which no call goes on as it is.
const TOO_MUCH: f64 = 0.3;
/// While less than this share of the estimate is sent, loss has nothing to do with it.
const USED: f64 = 0.5;
/// What each block of pictures counts in what usually goes along.
const ALONG_OVER: f64 = 0.1;
/// No reports for this long while packets are out: the way is cut or its queue is endless.
const SILENCE: Duration = Duration::from_millis(400);
/// While no report comes, pictures are left out unless nothing else was sent for so long.
const STILL: Duration = Duration::from_millis(200);
/// In silence the estimate is lowered as often.
const SILENT_STEP: Duration = Duration::from_millis(200);
const SILENT_SHARE: f64 = 0.7;
/// After silence it begins with this share of what was before, of so much at most.
const RESUMED: f64 = 0.5;
const MOST_RESUMED: f64 = 3_000_000.0;
/// A queue that stays for so long although little is sent is somebody else's.
const THEIRS: Duration = Duration::from_millis(1200);
/// Against others: growth a second, and what is left after a loss.
const CONTEST: f64 = 0.12;
const YIELD: f64 = 0.8;
/// Others are gone when there has been no queue for so long.
const ALONE: Duration = Duration::from_millis(600);

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// Nothing is known of the way yet, or not any more.
    Begin,
    /// Its rate has been seen.
    Steady,
    /// The queue runs empty.
    Drain(Drain),
    /// Others keep the queue full: only loss speaks.
    Contest { free: Option<Instant> },
}

/// A queue that is to run empty.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Drain {
    since: Instant,
    /// The longest that it has been, in seconds.
    longest: f64,
    /// When it was last looked whether it becomes shorter, and how long it was.
    looked: (Instant, f64),
}

/// The estimate.
#[derive(Debug)]
pub struct Estimator {
    limits: Limits,
    /// Bits a second.
    target: f64,
    phase: Phase,
    /// The way's rate when it was last seen full, and when that was.
    way: Option<(f64, Instant)>,
    queue: Queue,
    arrivals: Arrivals,
    bursts: Bursts,
    /// When more was sent than was known of the way, and nothing else told that it carries more.
    beyond: Option<Instant>,
    losses: Losses,
    backlog: Backlog,
    /// The same of all that arrived since it was last looked whether a queue becomes shorter.
    since_look: Backlog,
    flying: InFlight,
    reports: Reports,
    /// Whether the far side can make use of any.
    protects: bool,
    protection: Option<Protection>,
    /// What went along with pictures of late, as a share of them.
    along: Option<f64>,
    last_step: Option<Instant>,
    /// Reports in a row that saw a queue.
    full: u32,
    /// Not lowered again for loss before.
    patient_until: Option<Instant>,
    silent: Option<Instant>,
    /// The estimate before that.
    before_silence: f64,
    voice: VoiceForm,
    /// What all together may take, if somebody wants less than the way carries.
    most: Option<Bitrate>,
}

impl Estimator {
    /// Nothing is known yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            target: f64::from(limits.start.bps()),
            phase: Phase::Begin,
            way: None,
            queue: Queue::default(),
            arrivals: Arrivals::default(),
            bursts: Bursts::default(),
            beyond: None,
            losses: Losses::default(),
            backlog: Backlog::default(),
            since_look: Backlog::default(),
            flying: InFlight::default(),
            reports: Reports::default(),
            protects: false,
            protection: None,
            along: None,
            last_step: None,
            full: 0,
            patient_until: None,
            silent: None,
            before_silence: 0.0,
            voice: VoiceForm::default(),
            most: None,
        }
    }

    /// The voice is sent in this form from now on.
    pub fn set_voice(&mut self, form: VoiceForm) {
        self.voice = form;
    }

    /// All together takes no more than this from now on, whatever the way carries; none: as it does.
    pub fn set_most(&mut self, most: Option<Bitrate>) {
        self.most = most;
    }

    /// Pictures may be protected from now on: the far side rebuilds them.
    pub fn protect(&mut self) {
        self.protects = true;
    }

    /// The far side rebuilds pictures.
    pub fn protects(&self) -> bool {
        self.protects
    }

    /// A packet of `bytes` leaves.
    pub fn send(&mut self, now: Instant, bytes: usize) {
        self.flying.send(now, bytes);
    }

    /// Takes what was reported of packets, in the order in which they left.
    pub fn report(&mut self, now: Instant, fates: &[Fate]) {
        let oldest = self.flying.waiting_since();
        self.flying.report(fates);
        let Some(last) = fates.iter().rfind(|fate| fate.arrived.is_some()) else {
            self.losses.note(now, fates);
            return;
        };
        if self.silent.take().is_some() {
            self.resume();
        }
        self.reports.note(now, oldest, last);
        self.queue.note(now, fates);
        self.note_backlog(fates);
        self.arrivals.note(fates);
        self.bursts.note(now, fates);
        self.losses.note(now, fates);
        let passed = self.last_step.replace(now).map_or(0.0, |at| (now - at).as_secs_f64());
        self.step(now, passed.min(0.5));
        if self.protects {
            // A full queue loses packets as long as it is there.
            let loss = match self.is_contested() {
                true => self.losses.average(),
                false => self.losses.usual(),
            };
            self.protection = Protection::of(self.protection, loss, self.reports.round_trip());
            self.along = self.along.filter(|_| self.protection.is_some());
        }
        let (floor, ceiling) = (self.limits.floor.bps(), self.limits.ceiling.bps());
        self.target = self.target.clamp(f64::from(floor), f64::from(ceiling));
    }

    /// Lowers the estimate while nothing is reported of what has left.
    pub fn wait(&mut self, now: Instant) {
        self.flying.forget(now);
        if self.next_wait().is_some_and(|at| now >= at) {
            if self.silent.replace(now).is_none() {
                self.before_silence = self.target;
            }
            self.target = (self.target * SILENT_SHARE).max(f64::from(self.limits.floor.bps()));
        }
    }

    /// When to call [`Self::wait`]; none while everything was reported, or nothing ever.
    pub fn next_wait(&self) -> Option<Instant> {
        let round_trip = self.reports.round_trip()?;
        let first = self.flying.since()?;
        Some(self.silent.map_or(first + SILENCE + round_trip, |last| last + SILENT_STEP))
    }

    /// How pictures are to be protected against loss.
    pub fn protection(&self) -> Option<Protection> {
        self.protection
    }

    /// Pictures of so many bytes had so many sent along with them.
    pub fn protected(&mut self, pictures: usize, repairs: usize) {
        let share = repairs as f64 / pictures.max(1) as f64;
        let usual = self.along.get_or_insert(share);
        *usual += (share - *usual) * ALONG_OVER;
    }

    /// Somebody else keeps the way's queue full.
    pub fn is_contested(&self) -> bool {
        matches!(self.phase, Phase::Contest { .. })
    }

    /// What may be sent, all in all.
    pub fn target(&self) -> Bitrate {
        Bitrate::from_bps(self.target as u32)
    }

    /// The same, but for a queue that is to run empty, which takes a moment.
    pub fn carried(&self) -> Bitrate {
        let way = self.way.filter(|_| matches!(self.phase, Phase::Drain(_)));
        Bitrate::from_bps(way.map_or(self.target, |(way, _)| self.target.max(KEEP * way)) as u32)
    }

    /// How fast pictures are to leave.
    pub fn pace(&self) -> Pace {
        // After silence it may be another way.
        let way = self.way.filter(|_| self.phase != Phase::Begin).map(|(way, _)| way);
        pace::pace(self.target, way, self.is_contested())
    }

    /// What may be sent, divided.
    pub fn budget(&self, now: Instant) -> SendBudget {
        let loss = self.losses.share();
        let guess = |protection: Protection| protection.share();
        let protection = self.along.or(self.protection.map(guess)).unwrap_or(0.0);
        let limited = |rate: Bitrate| self.most.map_or(rate, |most| most.min(rate));
        let available = limited(self.target());
        let (video, audio) =
            budget::divide(f64::from(available.bps()), loss, protection, self.voice);
        SendBudget {
            available,
            steady: limited(self.carried()),
            video,
            audio,
            round_trip: self.reports.round_trip(),
            loss: loss as f32,
            queue: Duration::from_secs_f64(self.waiting_at(now)),
            contested: self.is_contested(),
            silent: self.silent.is_some(),
            unreported: self.flying.since().is_some(),
            overdue: self.is_overdue(now) && !self.is_contested(),
        }
    }

    /// Whether there should have been a report by now, of which there can be one: something must leave
    /// every now and then.
    fn is_overdue(&self, now: Instant) -> bool {
        let overdue = |since| self.reports.is_overdue(now, since);
        let idle = |until| now.saturating_duration_since(until) > STILL;
        let idle = self.flying.until().is_none_or(idle);
        !idle && self.flying.waiting_since().is_some_and(overdue)
    }

    /// How long a packet that leaves now waits. With nothing out there is nothing more to be reported,
    /// and what the last report saw passes: else whoever sends nothing because of it would never
    /// learn that it has.
    fn waiting_at(&self, now: Instant) -> f64 {
        let idle = match (self.flying.since(), self.last_step) {
            (None, Some(reported)) => now.saturating_duration_since(reported).as_secs_f64(),
            _ => 0.0,
        };
        (self.waiting() - idle).max(0.0)
    }

    /// Counts what comes through a full way: of what was sent before it was noticed to be full, since
    /// of what is sent after that there is less than the way carries.
    fn note_backlog(&mut self, fates: &[Fate]) {
        let noticed = match self.phase {
            Phase::Drain(drain) => Some(drain.since),
            Phase::Begin | Phase::Steady | Phase::Contest { .. } => None,
        };
        for fate in fates {
            let (Some(arrived), Some(waited)) = (fate.arrived, self.queue.waited(fate)) else {
                continue;
            };
            let waited = waited > LEAST_WAIT;
            if noticed.is_some() {
                self.since_look.note(arrived, fate.bytes, waited);
            }
            let later = noticed.is_some_and(|noticed| fate.departed > noticed);
            if later {
                continue;
            }
            self.backlog.note(arrived, fate.bytes, waited);
            if noticed.is_some()
                && let Some(rate) = self.backlog.rate()
            {
                self.way = self.way.map(|(_, seen)| (rate, seen));
            }
        }
    }

    /// How long a packet that leaves now waits, in seconds: at least as long as the last that has
    /// arrived, and while the way's rate is known to be less than what is sent, behind all that is out.
    fn waiting(&self) -> f64 {
        let behind = match (self.phase, self.way, self.reports.shortest()) {
            (Phase::Drain(_), Some((way, _)), Some(shortest)) => {
                self.flying.bits() / way.max(1.0) - shortest.as_secs_f64() - REPORTED_AFTER
            }
            _ => 0.0,
        };
        self.queue.now().max(behind)
    }

    /// Reports have come again after silence: what was seen before says little.
    fn resume(&mut self) {
        self.arrivals.forget();
        self.bursts.forget();
        self.losses.restart();
        self.backlog = Backlog::default();
        // It may be another way.
        let before = self.before_silence.min(MOST_RESUMED);
        self.target = self.target.max(RESUMED * before);
        self.phase = Phase::Begin;
    }

    fn step(&mut self, now: Instant, passed: f64) {
        let (waiting, threshold) = (self.queue.now(), self.queue.threshold());
        self.full = if waiting > threshold { self.full + 1 } else { 0 };
        let congested = self.full >= 2 || waiting > 2.0 * threshold;
        match self.phase {
            Phase::Begin | Phase::Steady if congested => self.begin_to_drain(now),
            Phase::Begin | Phase::Steady => {
                if !self.lower_for_loss(now) && waiting < threshold * 0.75 {
                    self.losses.learn(now);
                    self.grow(now, passed);
                }
            }
            Phase::Drain(drain) => self.drain(now, drain),
            Phase::Contest { free } => self.contest(now, passed, free),
        }
    }

    fn begin_to_drain(&mut self, now: Instant) {
        let arrived = self.backlog.rate().or_else(|| self.arrivals.rate(FULL_OVER));
        let arrived = arrived.unwrap_or(self.target);
        // More cannot have been offered to the way than was meant to be, but for what was on it.
        let way = arrived.min(self.target * 1.1);
        self.way = Some((way, now));
        let waiting = self.queue.now();
        self.phase = Phase::Drain(Drain { since: now, longest: waiting, looked: (now, waiting) });
        self.target = self.target.min(way * self.draining());
        self.since_look = Backlog::default();
    }

    /// The share of the way's rate that lets its queue run empty soon.
    fn draining(&self) -> f64 {
        (1.0 - self.waiting() / EMPTY_WITHIN).clamp(LEAST_DRAIN, MOST_DRAIN)
    }

    fn drain(&mut self, now: Instant, mut drain: Drain) {
        let waiting = self.queue.now();
        let round_trip = self.reports.round_trip().unwrap_or_default();
        let Some((mut way, _)) = self.way else { return self.phase = Phase::Steady };
        let (at, was) = drain.looked;
        if now.saturating_duration_since(at) > round_trip + LOOK_AFTER {
            drain.looked = (now, waiting);
            // It does not become shorter: the way carries less than was thought. Else others may share it.
            let came = std::mem::take(&mut self.since_look).rate();
            if let (true, Some(came)) = (waiting > SHORTER * was, came) {
                way = came.min(way);
            }
        }
        self.way = Some((way, now));
        if waiting < 0.5 * self.queue.threshold() {
            self.phase = Phase::Steady;
            self.target = KEEP * way;
            self.losses.restart();
            self.backlog = Backlog::default();
            return;
        }
        self.target = way * self.draining();
        drain.longest = drain.longest.max(waiting);
        let passed = now.saturating_duration_since(drain.since);
        // By then our own queue would be gone.
        let enough = THEIRS + 4 * round_trip + Duration::from_secs_f64(drain.longest);
        self.phase = if passed > enough && waiting > 0.5 * drain.longest {
            self.target = way;
            Phase::Contest { free: None }
        } else {
            Phase::Drain(drain)
        };
    }

    /// Whether loss says that less must be sent.
    fn lower_for_loss(&mut self, now: Instant) -> bool {
        let excess = self.losses.excess();
        let much = self.losses.at_least() > TOO_MUCH;
        let arrived = self.arrivals.rate(SENT_OVER).unwrap_or(self.target);
        let sent = arrived / (1.0 - self.losses.share()).max(0.1);
        if excess < EXCESS && !much {
            return false;
        }
        if sent < USED * self.target {
            // It may have nothing to do with the rate; but what was thought to be there beyond this is
            // not known any more.
            self.bursts.forget();
            self.target = self.target.min(sent * AHEAD + AHEAD_BY);
            return false;
        }
        if self.patient_until.is_some_and(|until| now < until) {
            return true;
        }
        let way = arrived.min(self.target);
        self.way = Some((way, now));
        // What is sent may be less than what may be sent: then what arrives says little.
        self.target = match much {
            true => 0.85 * way,
            false => way.max(self.target * (1.0 - 0.5 * self.losses.share())),
        };
        self.phase = Phase::Steady;
        self.be_patient(now);
        true
    }

    fn be_patient(&mut self, now: Instant) {
        let round_trip = self.reports.round_trip().unwrap_or_default();
        self.patient_until = Some(now + round_trip * 2 + Duration::from_millis(300));
        self.losses.restart();
    }

    fn grow(&mut self, now: Instant, passed: f64) {
        let sent = self.arrivals.rate(SENT_OVER).unwrap_or(0.0);
        let evidence = self.bursts.evidence().map_or(0.0, |rate| rate * BELIEVED);
        if let Some((way, seen)) = self.way {
            let wider = evidence > way * 1.4;
            // What was seen a moment ago is worth more than bursts, which a short queue lets through.
            let old = now.saturating_duration_since(seen) > Duration::from_millis(500);
            if old && (wider || self.target > way * NEAR_TO) {
                self.way = None;
                self.beyond = (!wider).then_some(now);
                self.phase = Phase::Steady;
            }
        }
        let growth = match self.way {
            Some((way, seen)) if self.target >= NEAR_FROM * way => {
                // The longer ago, the less it says.
                let age = now.saturating_duration_since(seen).as_secs_f64();
                NEAR / self.target.sqrt() * (1.0 + age / STALE)
            }
            Some(_) => FAR,
            None if self.phase == Phase::Begin => BEGINNING,
            None => FAR * self.beyond(now),
        };
        let most = (sent * AHEAD + AHEAD_BY).max(evidence);
        let grown = self.target * (1.0 + growth * passed);
        // What is allowed already is not taken away while nothing speaks against it.
        self.target = grown.min(most.max(self.target));
    }

    /// How much of the growth is allowed that is when nothing is known of the way: only just beyond what
    /// was known, it may end at once.
    fn beyond(&self, now: Instant) -> f64 {
        self.beyond.map_or(1.0, |since| {
            let passed = now.saturating_duration_since(since).as_secs_f64();
            (passed / BEYOND_WITHIN).clamp(BEYOND, 1.0)
        })
    }

    fn contest(&mut self, now: Instant, passed: f64, free: Option<Instant>) {
        if self.queue.now() < 0.5 * self.queue.threshold() {
            let free = free.unwrap_or(now);
            if now.saturating_duration_since(free) > ALONE {
                self.phase = Phase::Steady;
                self.way = None;
                return;
            }
            self.phase = Phase::Contest { free: Some(free) };
        } else {
            self.phase = Phase::Contest { free: None };
        }
        let lost = self.losses.excess() > 0.01;
        let patient = self.patient_until.is_some_and(|until| now < until);
        if lost && !patient {
            self.target *= YIELD;
            self.be_patient(now);
        } else if !lost {
            let sent = self.arrivals.rate(SENT_OVER).unwrap_or(0.0);
            let most = sent * AHEAD + AHEAD_BY;
            let grown = self.target * (1.0 + CONTEST * passed) + 40_000.0 * passed;
            self.target = grown.min(most.max(self.target));
        }
    }
}
