//! Calls that ring here.

use crate::desk::*;
use tincan_call::*;
use tincan_proto::signalling::{CallMedia, DeclineReason, RingStop};
use tincan_proto::units::UnixMillis;
use tincan_proto::{ClientMessage, ServerMessage};

fn ringing() -> Desk {
    let mut desk = Desk::alice();
    desk.incoming(5, &device("bob", 2), &["alice"]);
    desk
}

fn stopped(id: u128, reason: RingStop) -> ServerMessage {
    ServerMessage::RingStopped { call: call(id), reason }
}

#[test]
fn a_call_rings_and_opens_no_device() {
    let desk = ringing();
    assert_eq!(desk.out.events, [Event::RingStarted(call(5))]);
    assert_eq!(
        desk.out.commands,
        [Command::Send(ClientMessage::RingingHere { call: call(5), hide_address: false })]
    );
    assert_eq!(desk.engine.state().incoming.len(), 1);
}

#[test]
fn a_stale_ring_is_never_shown() {
    let mut desk = Desk::alice();
    desk.server(ServerMessage::Incoming {
        call: call(5),
        from: device("bob", 2),
        to: vec![name("alice")],
        media: CallMedia::Video,
        expires: UnixMillis(SERVER_NOW),
        hide_address: false,
    });
    assert_eq!(desk.out, Output::default());
    assert!(desk.is_idle());
}

#[test]
fn a_ring_for_somebody_else_or_from_oneself_is_ignored() {
    let mut desk = Desk::alice();
    desk.incoming(5, &device("bob", 2), &["carol"]);
    assert!(desk.is_idle() && desk.out.commands.is_empty());
    desk.incoming(5, &device("alice", 2), &["alice"]);
    assert!(desk.is_idle() && desk.out.commands.is_empty());
}

#[test]
fn accepting_says_so_opens_devices_and_waits_politely_for_the_offer() {
    let mut desk = ringing();
    desk.press_accept(5, CallMedia::Audio);
    let bob = device("bob", 2);
    assert_eq!(desk.sent(), [ClientMessage::Accept { call: call(5) }]);
    assert_eq!(desk.opened(), [(bob.clone(), Role::Polite)]);
    assert_eq!(desk.offers(), [] as [bool; 0]);
    assert_eq!(desk.captures(), Some((true, false)), "an audio answer leaves the camera off");
    assert_eq!(desk.out.events, [Event::RingStopped(call(5))]);
    assert!(!desk.current().outgoing && desk.engine.state().incoming.is_empty());
    desk.message(5, &bob, offer("o"));
    assert!(matches!(
        desk.out.commands.as_slice(),
        [Command::Negotiate { command: NegotiationCommand::AcceptOffer { .. }, .. }]
    ));
}

#[test]
fn declining_says_so_and_shows_no_end() {
    let mut desk = ringing();
    desk.step(Input::DeclinePressed { call: call(5) });
    let reason = DeclineReason::Declined;
    assert_eq!(desk.sent(), [ClientMessage::Decline { call: call(5), reason }]);
    let ended = Event::Ended(call(5), EndReason::Declined);
    assert_eq!(desk.out.events, [Event::RingStopped(call(5)), ended]);
    assert!(desk.is_idle() && desk.ended().is_none());
}

#[test]
fn a_ring_stops_with_its_reason_and_tells_it_once() {
    for (stop, reason) in [
        (RingStop::Cancelled, EndReason::RemoteCancelled),
        (RingStop::CallerGone, EndReason::RemoteCancelled),
        (RingStop::NoAnswer, EndReason::Missed),
        (RingStop::AnsweredElsewhere, EndReason::AnsweredElsewhere),
        (RingStop::DeclinedElsewhere, EndReason::DeclinedElsewhere),
    ] {
        let mut desk = ringing();
        desk.server(stopped(5, stop));
        let ended = Event::Ended(call(5), reason);
        assert_eq!(desk.out.events, [Event::RingStopped(call(5)), ended]);
        assert_eq!(desk.out.commands, []);
        assert!(desk.is_idle());
        assert_eq!(desk.ended(), Some(reason));
        desk.server(stopped(5, stop));
        assert_eq!(desk.out, Output::default(), "told once");
    }
}

#[test]
fn a_ring_that_the_server_forgets_is_missed_when_it_expires() {
    let mut desk = ringing();
    desk.seconds(44);
    assert_eq!(desk.out.events, []);
    desk.step(Input::DeadlineReached);
    assert_eq!(desk.out.events, [], "an early deadline does nothing");
    desk.seconds(1);
    let ended = Event::Ended(call(5), EndReason::Missed);
    assert_eq!(desk.out.events, [Event::RingStopped(call(5)), ended]);
    assert_eq!(desk.out.deadline, None);
}

#[test]
fn several_calls_ring_and_each_expires_for_itself() {
    let mut desk = ringing();
    desk.seconds(10).incoming(6, &device("carol", 3), &["alice"]);
    assert_eq!(desk.engine.state().incoming.len(), 2);
    desk.seconds(36);
    assert_eq!(desk.engine.state().incoming.len(), 1);
    desk.seconds(10);
    assert!(desk.is_idle());
}

#[test]
fn during_a_call_another_is_told_busy() {
    let mut desk = Desk::in_call_with_bob();
    desk.incoming(6, &device("carol", 3), &["alice"]);
    let reason = DeclineReason::Busy;
    assert_eq!(desk.sent(), [ClientMessage::Decline { call: call(6), reason }]);
    assert_eq!(desk.out.events, [Event::BusyDeclined(call(6))]);
    assert!(desk.engine.state().incoming.is_empty());
}

#[test]
fn the_bound_on_ringing_calls_is_kept() {
    let mut desk = Desk::alice();
    for id in 0..8 {
        desk.incoming(10 + id, &device("bob", 2), &["alice"]);
    }
    desk.incoming(20, &device("bob", 2), &["alice"]);
    assert_eq!(desk.out.events, [Event::BusyDeclined(call(20))]);
    assert_eq!(desk.engine.state().incoming.len(), 8);
}

#[test]
fn a_duplicate_invitation_rings_once() {
    let mut desk = ringing();
    desk.incoming(5, &device("bob", 2), &["alice"]);
    assert_eq!(desk.out.events, []);
    assert_eq!(desk.sent(), [ClientMessage::RingingHere { call: call(5), hide_address: false }]);
    assert_eq!(desk.engine.state().incoming.len(), 1);
}

#[test]
fn an_invitation_to_the_call_one_is_in_repeats_the_acceptance() {
    let mut desk = Desk::in_call_from_bob();
    desk.incoming(5, &device("bob", 2), &["alice"]);
    assert_eq!(desk.sent(), [ClientMessage::Accept { call: call(5) }]);
    assert_eq!(desk.out.events, []);
}

#[test]
fn accepting_hangs_up_the_current_call_first() {
    let mut desk = Desk::alice();
    desk.incoming(6, &device("carol", 3), &["alice"]);
    desk.press_call(5, &["bob"], CallMedia::Video).accepted(5, &device("bob", 2));
    desk.connects(5, &device("bob", 2)).press_accept(6, CallMedia::Video);
    let ended = Event::Ended(call(5), EndReason::HungUp);
    assert_eq!(desk.out.events, [ended, Event::RingStopped(call(6))]);
    assert_eq!(desk.closed(), [device("bob", 2)]);
    assert_eq!(desk.captures(), Some((true, true)));
    assert_eq!(desk.current().id, call(6));
    assert_eq!(desk.ended(), None, "another call has begun");
}

#[test]
fn an_acceptance_that_came_too_late_ends_with_the_reason() {
    let mut desk = ringing();
    desk.press_accept(5, CallMedia::Video).server(stopped(5, RingStop::AnsweredElsewhere));
    assert_eq!(desk.ended(), Some(EndReason::AnsweredElsewhere));
    assert_eq!(desk.closed(), [device("bob", 2)]);
    assert_eq!(desk.captures(), Some((false, false)));
    let mut desk = Desk::in_call_from_bob();
    desk.server(stopped(5, RingStop::AnsweredElsewhere));
    assert!(!desk.is_idle(), "not once it is connected");
}

#[test]
fn rings_outlive_a_loss_of_the_server_and_are_checked_after_it() {
    let mut desk = ringing();
    desk.step(Input::SignalLost).seconds(10);
    assert_eq!(desk.engine.state().incoming.len(), 1);
    desk.step(Input::SignedIn { me: device("alice", 1), resumed: false });
    assert_eq!(desk.sent(), [ClientMessage::RingingHere { call: call(5), hide_address: false }]);
}

#[test]
fn what_was_declined_without_a_server_is_declined_when_it_is_back() {
    let mut desk = ringing();
    desk.step(Input::SignalLost).step(Input::DeclinePressed { call: call(5) });
    assert_eq!(desk.sent(), []);
    desk.step(Input::SignedIn { me: device("alice", 1), resumed: false });
    let decline = ClientMessage::Decline { call: call(5), reason: DeclineReason::Declined };
    assert_eq!(desk.sent(), vec![decline.clone()]);
    desk.incoming(5, &device("bob", 2), &["alice"]);
    assert_eq!((desk.sent(), desk.is_idle()), (vec![decline], true), "and does not ring again");
}

#[test]
fn what_was_accepted_without_a_server_is_accepted_when_it_is_back() {
    let mut desk = ringing();
    desk.step(Input::SignalLost).press_accept(5, CallMedia::Video);
    assert_eq!(desk.sent(), []);
    desk.step(Input::SignedIn { me: device("alice", 1), resumed: false });
    assert_eq!(desk.sent(), [ClientMessage::Accept { call: call(5) }]);
}

#[test]
fn buttons_for_calls_that_do_not_ring_do_nothing() {
    let mut desk = Desk::alice();
    desk.press_accept(5, CallMedia::Video);
    assert_eq!(desk.out, Output::default());
    desk.step(Input::DeclinePressed { call: call(5) });
    assert_eq!(desk.out, Output::default());
    desk.step(Input::HangUpPressed);
    assert_eq!(desk.out, Output::default());
}

#[test]
fn who_talks_by_a_key_is_not_heard_before_it_is_held() {
    for by_key in [false, true] {
        let mut desk = ringing();
        desk.step(Input::TalkChosen { by_key }).press_accept(5, CallMedia::Audio);
        assert_eq!(desk.captures(), Some((!by_key, false)), "accepting");
        assert_eq!(desk.current().microphone, !by_key);

        let mut desk = Desk::alice();
        desk.step(Input::TalkChosen { by_key }).press_call(5, &["bob"], CallMedia::Audio);
        assert_eq!(desk.captures(), Some((!by_key, false)), "calling");
        assert_eq!(desk.current().microphone, !by_key);
    }
}
