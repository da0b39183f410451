//! The direct paths between peer connections: when they come up, break, heal and close.

use crate::model_peer::Exchange;
use crate::world::{Happening, World};
use rand::Rng;
use std::collections::BTreeMap;
use std::time::Duration;
use tincan_call::{PeerInput, PeerKey, PeerState};
use tincan_proto::{CallId, ControlMessage, Generation, ParticipantId};

/// Which connection of a call: each generation has a path of its own.
pub type Way = (CallId, Generation);
type PathKey = (Way, ParticipantId, ParticipantId);

pub fn way(key: &PeerKey) -> Way {
    (key.call, key.generation)
}

#[derive(Default)]
struct Path {
    up: bool,
    expected: bool,
    /// Counts the changes: what was to be reported of a former state is not.
    version: u64,
    /// Came down with this exchange: it takes another to come up again.
    broken: Option<Exchange>,
    /// Said while it was down: the channel is reliable and says it again.
    held: Vec<(usize, ControlMessage)>,
    /// When what was said last arrives: the channel keeps the order.
    said_until: Duration,
}

#[derive(Default)]
pub struct Paths {
    all: BTreeMap<PathKey, Path>,
}

fn path_key(call: Way, a: &ParticipantId, b: &ParticipantId) -> PathKey {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    (call, low.clone(), high.clone())
}

impl Paths {
    pub fn version(&self, key: &PeerKey, me: &ParticipantId) -> u64 {
        let path = self.all.get(&path_key(way(key), &key.participant, me));
        path.map_or(0, |path| path.version)
    }
}

impl World {
    fn path(&mut self, call: Way, a: usize, b: usize) -> &mut Path {
        let key = path_key(call, &self.devices[a].me, &self.devices[b].me);
        self.paths.all.entry(key).or_default()
    }

    fn towards(&self, call: Way, other: usize) -> PeerKey {
        let (call, generation) = call;
        PeerKey { call, participant: self.devices[other].me.clone(), generation }
    }

    /// What both sides have agreed on, with a candidate of the other on each.
    fn agreed(&self, call: Way, a: usize, b: usize) -> Option<Exchange> {
        let one = &self.devices[a].peers.get(&self.towards(call, b))?.model;
        let two = &self.devices[b].peers.get(&self.towards(call, a))?.model;
        let ready =
            one.exchange == two.exchange && one.has_candidate_of(two) && two.has_candidate_of(one);
        one.exchange.clone().filter(|_| ready)
    }

    pub fn consider_path(&mut self, at: usize, key: &PeerKey) {
        let Some(other) = self.index(&key.participant) else { return };
        let agreed = self.agreed(way(key), at, other);
        let path = self.path(way(key), at, other);
        if agreed.is_some() && !path.up && !path.expected && path.broken != agreed {
            path.expected = true;
            let delay = self.millis(5, 300);
            self.after(delay, Happening::PathComesUp(way(key), at, other));
        }
    }

    pub fn path_comes_up(&mut self, call: Way, a: usize, b: usize) {
        let agreed = self.agreed(call, a, b);
        let path = self.path(call, a, b);
        path.expected = false;
        if agreed.is_none() || path.up || path.broken == agreed {
            return;
        }
        path.up = true;
        path.version += 1;
        path.broken = None;
        for (at, message) in std::mem::take(&mut path.held) {
            let key = self.towards(call, if at == a { b } else { a });
            self.send_control(at, &key, message);
        }
        for (at, other) in [(a, b), (b, a)] {
            self.report(at, &self.towards(call, other), PeerInput::IceConnected);
        }
        if self.weather.hangs && self.random.random_ratio(1, 4) {
            return;
        }
        for (at, other) in [(a, b), (b, a)] {
            let delay = self.millis(0, 30);
            self.report_later(at, call, other, delay, PeerState::Connected);
        }
        for (at, other) in [(a, b), (b, a)] {
            let key = self.towards(call, other);
            let peer = self.devices[at].peers.get_mut(&key);
            if peer.is_some_and(|peer| !std::mem::replace(&mut peer.control_opened, true)) {
                self.report(at, &key, PeerInput::ControlOpened);
            }
        }
    }

    pub fn path_breaks(&mut self, a: usize, b: usize) {
        let both = (&self.devices[a].me, &self.devices[b].me);
        let is_ours = |(_, low, high): &PathKey| [(low, high), (high, low)].contains(&both);
        let up = self.paths.all.iter().find(|(key, path)| path.up && is_ours(key));
        let Some(call) = up.map(|((call, _, _), _)| *call) else { return };
        let agreed = self.agreed(call, a, b);
        let path = self.path(call, a, b);
        path.broken = agreed;
        self.path_comes_down(call, a, b);
        if self.random.random_bool(0.4) {
            let after = self.millis(500, 6000);
            self.after(after, Happening::PathHeals(call, a, b));
        }
    }

    pub fn path_heals(&mut self, call: Way, a: usize, b: usize) {
        self.path(call, a, b).broken = None;
        let key = self.towards(call, b);
        self.consider_path(a, &key);
    }

    /// One side closed its connection; the other hears nothing any more.
    pub fn path_closes(&mut self, at: usize, key: &PeerKey) {
        let Some(other) = self.index(&key.participant) else { return };
        if self.path(way(key), at, other).up {
            self.path_comes_down(way(key), at, other);
        }
    }

    pub fn send_control(&mut self, at: usize, key: &PeerKey, message: ControlMessage) {
        let Some(other) = self.index(&key.participant) else { return };
        if !self.path(way(key), at, other).up {
            return self.path(way(key), at, other).held.push((at, message));
        }
        let due = self.now + self.millis(1, 30);
        let path = self.path(way(key), at, other);
        path.said_until = path.said_until.max(due);
        let (due, key) = (path.said_until, self.towards(way(key), at));
        self.at(due, Happening::Control { device: other, key, message });
    }

    fn path_comes_down(&mut self, call: Way, a: usize, b: usize) {
        let path = self.path(call, a, b);
        path.up = false;
        path.version += 1;
        for (at, other) in [(a, b), (b, a)] {
            let silence = self.millis(1000, 3000);
            self.report_later(at, call, other, silence, PeerState::Disconnected);
            let failure = silence + Duration::from_secs(7);
            self.report_later(at, call, other, failure, PeerState::Failed);
        }
    }

    fn report_later(
        &mut self,
        device: usize,
        call: Way,
        other: usize,
        delay: Duration,
        state: PeerState,
    ) {
        let (key, version) = (self.towards(call, other), self.path(call, device, other).version);
        if let Some(instance) = self.devices[device].peers.get(&key).map(|peer| peer.instance) {
            self.after(delay, Happening::PeerReports { device, key, instance, version, state });
        }
    }
}
