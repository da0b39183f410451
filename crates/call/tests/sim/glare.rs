//! Two people call each other at every distance in time.

use crate::world::{Happening, Weather, World, name};
use std::time::Duration;
use tincan_call::{Event, Input};
use tincan_proto::CallId;
use tincan_proto::signalling::CallMedia;

/// What the one who is called first does besides calling.
#[derive(Clone, Copy, Debug)]
enum Habit {
    CallsOnly,
    AlsoAccepts(Duration),
}

/// Alice calls at 1 s, bob `offset` later; from the first press to a connection it takes under
/// 1 s mostly.
fn both_call(seed: u64, offset: Duration, alices_is_smaller: bool, habit: Habit) {
    let mut world = World::new(seed, Weather::default(), &["alice", "bob"]);
    let (small, large) = (CallId::from(u128::from(seed) + 1), CallId::from(u128::MAX / 2));
    let (alices, bobs) = if alices_is_smaller { (small, large) } else { (large, small) };
    let calls = |call, to| Input::CallPressed { call, to: vec![name(to)], media: CallMedia::Video };
    let first = Duration::from_secs(1);
    world.at(first, Happening::User(0, calls(alices, "bob")));
    world.at(first + offset, Happening::User(1, calls(bobs, "alice")));
    if let Habit::AlsoAccepts(after) = habit {
        world.at(first + after, Happening::TakesRing(1));
    }
    world.run_until(Duration::from_secs(30));
    let case = format!("seed {seed}, {offset:?}, {alices_is_smaller}, {habit:?}");
    let mut calls = Vec::new();
    for device in &world.devices {
        let current = device.engine.state().current.as_ref();
        let current = current.unwrap_or_else(|| panic!("{case}: {} is in no call", device.me));
        assert!(current.connected_at.is_some(), "{case}: not connected");
        calls.push(current.id);
        assert!(device.engine.state().incoming.is_empty(), "{case}: it still rings");
        let ended = device.events.iter().any(|event| matches!(event, Event::Ended(..)));
        assert!(!ended, "{case}: an end was shown");
        let busy = device.events.iter().any(|event| matches!(event, Event::BusyDeclined(_)));
        assert!(!busy, "{case}: busy was told");
        let connected = device.events.iter().filter(|e| matches!(e, Event::Connected(_)));
        assert_eq!(connected.count(), 1, "{case}");
    }
    assert_eq!(calls[0], calls[1], "{case}: two calls");
    assert_eq!(world.server.calls(), 1, "{case}: the server keeps another call");
}

#[test]
fn calling_each_other_at_every_offset_makes_one_connected_call() {
    for step in 0..300 {
        for alices_is_smaller in [true, false] {
            both_call(step, Duration::from_millis(step * 5), alices_is_smaller, Habit::CallsOnly);
        }
    }
}

#[test]
fn calling_back_and_accepting_at_every_offset_makes_one_connected_call() {
    for step in 0..60 {
        for accept in 0..8 {
            let habit = Habit::AlsoAccepts(Duration::from_millis(accept * 40));
            let offset = Duration::from_millis(step * 10);
            both_call(step * 8 + accept, offset, accept % 2 == 0, habit);
        }
    }
}
