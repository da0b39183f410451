//! Random operations from a seed, and what must hold after each of them.

use crate::desk::{Desk, call, device, key_of, name};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tincan_proto::identity::Domain;
use tincan_proto::peer_message::SignedMessage;
use tincan_proto::signalling::{CallMedia, CallOutcome, DeclineReason, LeaveReason, Presence};
use tincan_proto::units::UnixMillis;
use tincan_proto::{AccountName, CallId, ClientMessage, ServerMessage};

const DEVICES: [&str; 6] = ["alice/1", "alice/2", "bob/1", "bob/2", "carol/1", "dave/1"];
const NAMES: [&str; 5] = ["alice", "bob", "carol", "dave", "nobody"];
const SEEDS: u64 = 300;
const OPERATIONS: usize = 150;

/// What an app would show, from its mail alone.
#[derive(Default)]
struct App {
    connected: bool,
    /// What rings, and until when.
    rings: BTreeMap<CallId, UnixMillis>,
    presence: BTreeMap<AccountName, Presence>,
}

struct World {
    desk: Desk,
    apps: BTreeMap<&'static str, App>,
    accepted: BTreeSet<CallId>,
    next_call: u128,
}

impl World {
    fn new() -> Self {
        let desk = Desk::with(&DEVICES);
        let apps = DEVICES.map(|who| {
            let me = device(who).account;
            let online = |n: &&&str| **n != "nobody" && name(n) != me;
            let presence = NAMES.iter().filter(online).map(|n| (name(n), Presence::Online));
            (who, App { connected: true, rings: BTreeMap::new(), presence: presence.collect() })
        });
        Self { desk, apps: apps.into(), accepted: BTreeSet::new(), next_call: 1 }
    }

    fn operate(&mut self, random: &mut StdRng) {
        let who = *DEVICES.choose(random).expect("some");
        if !self.apps[who].connected {
            if random.random_bool(0.3) {
                self.desk.sign_in(who);
                self.app(who).connected = true;
            } else {
                self.desk.pass(Duration::from_millis(random.random_range(0..4000)));
            }
            return self.read_mail();
        }
        let id = random.random_range(1..=self.next_call);
        let (id, other) = (call(id), *NAMES.choose(random).expect("some"));
        let message = match random.random_range(0..16) {
            0..3 => {
                self.next_call += 1;
                let count = random.random_range(1..=3);
                let to = NAMES.choose_multiple(random, count).map(|n| name(n)).collect();
                let media = CallMedia::Audio;
                ClientMessage::Invite { call: call(self.next_call), to, media, hide_address: false }
            }
            3..7 => {
                self.app(who).rings.remove(&id);
                ClientMessage::Accept { call: id }
            }
            7 => {
                self.app(who).rings.remove(&id);
                let reason =
                    *[DeclineReason::Declined, DeclineReason::Busy].choose(random).expect("some");
                ClientMessage::Decline { call: id, reason }
            }
            8 => ClientMessage::Cancel { call: id },
            9 => ClientMessage::Leave { call: id, reason: LeaveReason::HungUp },
            10 => ClientMessage::RingingHere { call: id, hide_address: false },
            11 => {
                let to = device(DEVICES.choose(random).expect("some"));
                let signature = key_of(&name(other)).sign(Domain::PeerMessage, &[]);
                let message = SignedMessage { body: "x".into(), signature };
                ClientMessage::Signal { call: id, to, message }
            }
            12 => match random.random_range(0..3) {
                0 => ClientMessage::AddContact { name: name(other) },
                1 => ClientMessage::AnswerRequest { name: name(other), accept: true },
                _ => ClientMessage::RemoveContact { name: name(other) },
            },
            13 => {
                self.desk.disconnect(who);
                self.app(who).connected = false;
                return self.read_mail();
            }
            14 => {
                self.desk.sign_in(who);
                return self.read_mail();
            }
            _ => {
                self.desk.pass(Duration::from_millis(random.random_range(0..20_000)));
                return self.read_mail();
            }
        };
        self.desk.send(who, message);
        self.read_mail();
    }

    fn app(&mut self, who: &str) -> &mut App {
        self.apps.get_mut(who).expect("one of ours")
    }

    fn read_mail(&mut self) {
        for who in DEVICES {
            if !self.apps[who].connected {
                continue;
            }
            for message in self.desk.mail(who) {
                let app = self.apps.get_mut(who).expect("one of ours");
                match message {
                    ServerMessage::Welcome { book, .. } | ServerMessage::Book { book } => {
                        let contacts = book.contacts.into_iter();
                        app.presence = contacts.map(|c| (c.name, c.presence)).collect();
                    }
                    ServerMessage::PresenceChanged { name, presence } => {
                        let known = app.presence.insert(name.clone(), presence);
                        let news = known.is_some_and(|known| known != presence);
                        assert!(news, "{who} heard nothing new of {name}: {presence:?}");
                    }
                    ServerMessage::Incoming { call, expires, .. } => {
                        app.rings.insert(call, expires);
                    }
                    ServerMessage::RingStopped { call, .. } => {
                        app.rings.remove(&call);
                    }
                    ServerMessage::Accepted { call, .. } => {
                        self.accepted.insert(call);
                    }
                    ServerMessage::Refused { .. } => panic!("{who} was refused"),
                    ServerMessage::Challenge { .. }
                    | ServerMessage::Failed { .. }
                    | ServerMessage::Ringing { .. }
                    | ServerMessage::Declined { .. }
                    | ServerMessage::Unreachable { .. }
                    | ServerMessage::Left { .. }
                    | ServerMessage::Signal { .. }
                    | ServerMessage::History { .. }
                    | ServerMessage::IceServers { .. } => {}
                }
            }
        }
    }

    fn check(&self) {
        let live: BTreeSet<_> = self.desk.exchange.live_calls().collect();
        for (who, app) in self.apps.iter().filter(|(_, app)| app.connected) {
            let now = self.desk.now.unix;
            let ringing = app.rings.iter().filter(|&(_, &expires)| expires > now);
            let stale: Vec<_> = ringing.filter(|(call, _)| !live.contains(call)).collect();
            assert!(stale.is_empty(), "{who} rings for ended calls: {stale:?}");
            for (contact, presence) in &app.presence {
                let right = self.desk.exchange.presence(contact);
                assert_eq!(*presence, right, "{who} is wrong about {contact}");
            }
        }
        for who in DEVICES {
            let account = device(who).account;
            let connected = self
                .apps
                .iter()
                .any(|(other, app)| app.connected && device(other).account == account);
            let presence = self.desk.exchange.presence(&account);
            assert!(!connected || presence != Presence::Offline, "{account} is connected");
        }
        for rows in self.desk.history.values() {
            let calls: BTreeSet<_> = rows.iter().map(|row| row.call).collect();
            assert_eq!(calls.len(), rows.len(), "a call is twice in a history");
            assert!(calls.is_disjoint(&live), "a live call is in a history");
        }
    }

    /// Everybody goes; once all times are over nothing may be left.
    fn finish(&mut self) {
        for who in DEVICES {
            if self.apps[who].connected {
                self.desk.disconnect(who);
                self.app(who).connected = false;
            }
        }
        self.desk.pass_s(240);
        assert_eq!(self.desk.exchange.live_calls().count(), 0, "a call has no end");
        assert_eq!(self.desk.deadline, None, "something is still awaited");
        for n in NAMES {
            assert_eq!(self.desk.presence(n), Presence::Offline, "{n}");
        }
        let answered: BTreeSet<_> = self
            .desk
            .history
            .values()
            .flatten()
            .filter(|row| row.outcome == CallOutcome::Answered)
            .map(|row| row.call)
            .collect();
        let lost: Vec<_> = self.accepted.difference(&answered).collect();
        assert!(lost.is_empty(), "accepted calls are in no history: {lost:?}");
    }
}

#[test]
fn whatever_happens_rings_end_presence_is_right_and_answered_calls_are_remembered_once() {
    for seed in 0..SEEDS {
        let run = std::panic::catch_unwind(|| {
            let mut random = StdRng::seed_from_u64(seed);
            let mut world = World::new();
            for _ in 0..OPERATIONS {
                world.operate(&mut random);
                world.check();
            }
            let accepted = world.accepted.len();
            world.finish();
            accepted
        });
        if let Err(panic) = run {
            eprintln!("seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}
