//! Random people in a bad world: whatever they do, in the end everybody agrees.

use crate::world::{Happening, Peer, Weather, World, name};
use rand::Rng;
use rand::seq::IndexedRandom;
use std::collections::BTreeMap;
use std::time::Duration;
use tincan_call::state::{Participant, Stage};
use tincan_call::{Event, Input, PeerKey, Picture};
use tincan_proto::signalling::CallMedia;
use tincan_proto::{CallId, ParticipantId};

/// Longer than a ring, an invitation's grace and all attempts to reconnect together.
const CALM: Duration = Duration::from_secs(150);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Plans what people and networks do in the first `busy` seconds.
fn plan(world: &mut World, busy: u64, actions: u32) {
    let devices = world.devices.len();
    for _ in 0..actions {
        let at = world.random.random_range(0..devices);
        let time = world.millis(0, busy * 1000);
        let on = world.random.random();
        let media = if on { CallMedia::Video } else { CallMedia::Audio };
        let happening = match world.random.random_range(0..27) {
            0..=5 => {
                let mut to: Vec<_> = (0..devices)
                    .filter(|other| {
                        world.devices[*other].me.account != world.devices[at].me.account
                    })
                    .map(|other| world.devices[other].me.account.clone())
                    .collect();
                if world.random.random_bool(0.7) {
                    to = to.choose(&mut world.random).cloned().into_iter().collect();
                }
                let call = CallId::random(&mut world.random);
                Happening::User(at, Input::CallPressed { call, to, media })
            }
            6..=10 => Happening::TakesRing(at),
            11 => Happening::DeclinesRing(at),
            12 => Happening::User(at, Input::HangUpPressed),
            13 => Happening::User(at, Input::MicrophoneSwitched { on }),
            14 => Happening::User(at, Input::CameraSwitched { on }),
            15..=17 => {
                let away = world.millis(100, if on { 5_000 } else { 40_000 });
                world.at(time + away, Happening::FindsServer(at));
                Happening::LosesServer(at)
            }
            18 => Happening::User(at, Input::AddressesChanged),
            19 | 20 => Happening::User(at, Input::SharePressed { target: None }),
            21 => Happening::User(at, Input::StopSharingPressed),
            22 => Happening::User(at, Input::ShareCameraSwitched { on }),
            23 => Happening::User(at, Input::CameraPaused { on }),
            25 => Happening::User(at, Input::CameraNoticed { fails: on }),
            24 => Happening::User(at, Input::IncomingLimited { kbps: on.then_some(230) }),
            _ => {
                let other = (at + 1) % devices;
                Happening::PathBreaks(at, other)
            }
        };
        world.at(time, happening);
    }
    for at in 0..devices {
        world.at(seconds(busy + 41), Happening::FindsServer(at));
    }
}

/// Everybody is in the same call or in none, and nothing is under way.
fn check_agreement(world: &World) {
    let seed = world.seed;
    for device in &world.devices {
        let state = device.engine.state();
        assert!(state.incoming.is_empty(), "seed {seed}: it rings for ever");
        let Some(call) = &state.current else { continue };
        for participant in &call.participants {
            let Stage::Connected { device: theirs } = participant.stage else {
                panic!("seed {seed}: {} is {:?} for ever", participant.account, participant.stage);
            };
            let other = world.devices.iter().find(|other| other.me.device == theirs);
            let other = other.unwrap_or_else(|| panic!("seed {seed}: no such device"));
            let theirs = other.engine.state().current.as_ref();
            let theirs = theirs.unwrap_or_else(|| panic!("seed {seed}: they are in no call"));
            assert_eq!(theirs.id, call.id, "seed {seed}: they are in another call");
            let me = theirs.participants.iter().find(|p| p.account == device.me.account);
            let stage = me.map(|me| me.stage);
            let connected = Stage::Connected { device: device.me.device };
            assert_eq!(stage, Some(connected), "seed {seed}: they do not see us");
            let Participant { microphone, camera, screen, paused, .. } = *participant;
            let shown = (microphone, camera, screen, paused);
            let sent = match theirs.sent() {
                Picture::Nothing => (theirs.microphone, false, false, false),
                Picture::Paused => (theirs.microphone, false, false, true),
                Picture::Camera => (theirs.microphone, true, false, false),
                Picture::Screen(_) => (theirs.microphone, true, true, false),
            };
            assert_eq!(shown, sent, "seed {seed}: shown is not what is sent");
            let all = device.peers.len() as u32;
            let takes = device.takes_kbps.map(|kbps| kbps / all);
            let told = other.peers.iter().find(|(key, _)| key.participant == device.me);
            let told = told.and_then(|(_, peer)| peer.viewing.most_kbps);
            assert_eq!(told, takes, "seed {seed}: they do not know how much we take");
            let to = |me: &ParticipantId, peers: &BTreeMap<PeerKey, Peer>| {
                let mut keys = peers.keys().filter(|key| key.participant == *me);
                let generation = keys.next().map(|key| key.generation);
                assert!(keys.next().is_none(), "seed {seed}: two connections of a pair");
                generation
            };
            let generations = (to(&other.me, &device.peers), to(&device.me, &other.peers));
            assert_eq!(generations.0, generations.1, "seed {seed}: two halves of connections");
            assert!(device.peers.values().all(|peer| peer.sending), "seed {seed}: silence");
        }
    }
}

fn check_events(world: &World) {
    for device in &world.devices {
        let count = |wanted: &dyn Fn(&Event) -> Option<CallId>| {
            let mut calls: Vec<_> = device.events.iter().filter_map(wanted).collect();
            calls.sort();
            calls
        };
        let started = count(&|event| match event {
            Event::RingStarted(call) => Some(*call),
            _ => None,
        });
        let stopped = count(&|event| match event {
            Event::RingStopped(call) => Some(*call),
            _ => None,
        });
        assert_eq!(started, stopped, "seed {}: rings do not stop as often as start", world.seed);
    }
}

fn sweep(seeds: std::ops::Range<u64>, accounts: &[&str], weather: impl Fn(u64) -> Weather) -> u64 {
    let mut in_call = 0;
    for seed in seeds {
        let mut world = World::new(seed, weather(seed), accounts);
        let actions = world.random.random_range(2..25);
        plan(&mut world, 40, actions);
        world.run_until(seconds(81) + CALM);
        check_agreement(&world);
        check_events(&world);
        in_call += u64::from(world.devices.iter().any(|d| d.engine.state().current.is_some()));
        for at in 0..world.devices.len() {
            world.at(seconds(300), Happening::User(at, Input::HangUpPressed));
        }
        world.run_until(seconds(301) + CALM);
        for device in &world.devices {
            assert!(device.engine.state().current.is_none(), "seed {seed}: it never ends");
        }
        assert_eq!(world.server.calls(), 0, "seed {seed}: the server keeps a call");
    }
    in_call
}

fn weather(seed: u64) -> Weather {
    Weather {
        duplicates: seed.is_multiple_of(3),
        reorders: false,
        forgets: seed.is_multiple_of(4),
        shy: seed % 5 < 2,
        hangs: seed % 7 < 2,
        loses: false,
    }
}

#[test]
fn two_people_agree_in_the_end() {
    let in_call = sweep(0..2500, &["alice", "bob"], weather);
    assert!(in_call > 250, "{in_call} of 2500 ended in a call: too quiet to prove anything");
}

#[test]
fn three_people_agree_in_the_end() {
    let in_call = sweep(10_000..11_500, &["alice", "bob", "carol"], weather);
    assert!(in_call > 150, "{in_call} of 1500 ended in a call: too quiet to prove anything");
}

#[test]
fn two_people_with_two_devices_one_of_them_agree_in_the_end() {
    let in_call = sweep(20_000..21_000, &["alice", "bob", "bob"], weather);
    assert!(in_call > 100, "{in_call} of 1000 ended in a call: too quiet to prove anything");
}

#[test]
fn people_agree_in_the_end_though_messages_overtake_each_other() {
    let all = |seed| Weather { duplicates: true, reorders: true, ..weather(seed) };
    sweep(30_000..31_000, &["alice", "bob"], all);
}

#[test]
fn people_agree_in_the_end_though_messages_are_lost() {
    let all = |seed| Weather { loses: true, reorders: seed % 2 == 0, ..weather(seed) };
    let in_call = sweep(40_000..41_000, &["alice", "bob"], all);
    assert!(in_call > 50, "{in_call} of 1000 ended in a call: too quiet to prove anything");
}

#[test]
fn who_accepts_after_a_while_is_connected_at_once() {
    for seed in 0..300 {
        let mut world = World::new(seed, Weather::default(), &["alice", "bob", "bob"]);
        let call = CallId::random(&mut world.random);
        let (to, media) = (vec![name("bob")], CallMedia::Video);
        world.at(seconds(1), Happening::User(0, Input::CallPressed { call, to, media }));
        world.run_until(seconds(40));
        for device in &world.devices {
            assert!(!device.peers.is_empty(), "seed {seed}: not connected while it rings");
            assert!(!device.peers.values().any(|peer| peer.admitted || peer.sending));
        }
        world.at(seconds(40), Happening::TakesRing(1 + seed as usize % 2));
        world.run_until(seconds(41) + Duration::from_millis(600));
        check_in_call_but(&world, 2 - seed as usize % 2);
    }
}

/// Everybody but one is in the call.
fn check_in_call_but(world: &World, but: usize) {
    check_agreement(world);
    for (at, device) in world.devices.iter().enumerate() {
        let in_call = device.engine.state().current.is_some();
        assert_eq!(in_call, at != but, "seed {}: {}", world.seed, device.me);
        assert_eq!(device.peers.len(), usize::from(in_call), "seed {}", world.seed);
    }
}

#[test]
fn a_group_call_connects_everybody_with_everybody() {
    for seed in 0..500_u64 {
        let weather = Weather { shy: seed.is_multiple_of(2), ..Weather::default() };
        let mut world = World::new(seed, weather, &["alice", "bob", "carol"]);
        let call = CallId::random(&mut world.random);
        let (to, media) = (vec![name("bob"), name("carol")], CallMedia::Video);
        world.at(seconds(1), Happening::User(0, Input::CallPressed { call, to, media }));
        for at in [1, 2] {
            let time = seconds(3) + world.millis(0, 2000);
            world.at(time, Happening::TakesRing(at));
        }
        world.run_until(seconds(15));
        check_agreement(&world);
        for device in &world.devices {
            let current = device.engine.state().current.as_ref();
            let others = current.map(|current| (current.id, current.participants.len()));
            assert_eq!(others, Some((call, 2)), "seed {seed}");
        }
    }
}

/// Alice and bob in a call, at 10 s.
fn in_call(seed: u64) -> World {
    let mut world = World::new(seed, Weather::default(), &["alice", "bob"]);
    let call = CallId::random(&mut world.random);
    let (to, media) = (vec![name("bob")], CallMedia::Video);
    world.at(Duration::ZERO, Happening::User(0, Input::CallPressed { call, to, media }));
    world.at(seconds(4), Happening::TakesRing(1));
    world.run_until(seconds(10));
    check_in_call(&world, "before");
    world
}

fn check_in_call(world: &World, when: &str) {
    check_agreement(world);
    for device in &world.devices {
        let in_call = device.engine.state().current.is_some();
        assert!(in_call, "seed {}: {} is in no call {when}", world.seed, device.me);
    }
}

#[test]
fn a_broken_path_is_repaired_by_the_first_attempts() {
    for seed in 0..300 {
        let mut world = in_call(seed);
        world.at(seconds(10), Happening::PathBreaks(0, 1));
        world.run_until(seconds(20));
        check_in_call(&world, "after the repair");
    }
}

#[test]
fn a_path_that_breaks_together_with_the_server_is_repaired_when_it_is_back() {
    for seed in 0..300 {
        let mut world = in_call(seed);
        world.at(seconds(10), Happening::PathBreaks(0, 1));
        for at in [0, 1] {
            let away = world.millis(1, 12_000);
            world.at(seconds(10), Happening::LosesServer(at));
            world.at(seconds(10) + away, Happening::FindsServer(at));
        }
        world.run_until(seconds(26));
        check_in_call(&world, "after the repair");
    }
}

#[test]
fn a_call_outlives_a_server_that_stays_away() {
    for seed in 0..50 {
        let mut world = in_call(seed);
        for at in [0, 1] {
            world.at(seconds(10), Happening::LosesServer(at));
        }
        world.run_until(seconds(600));
        check_in_call(&world, "without the server");
        world.at(seconds(600), Happening::User(0, Input::HangUpPressed));
        world.run_until(seconds(602));
        for device in &world.devices {
            assert!(device.engine.state().current.is_none(), "seed {seed}: goodbye was not heard");
        }
    }
}
