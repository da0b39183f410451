use crate::desk::{Desk, call, device, name};
use std::time::Duration;
use tincan_proto::signalling::{
    CallMedia, DeclineReason, Failure, LeaveReason, MAX_INVITED, RING_TIME, RingStop, Unreachable,
};
use tincan_proto::units::UnixMillis;
use tincan_proto::{ClientMessage, ServerMessage};
use tincan_server::limits::MAX_CALLS;

fn stopped(id: u128, reason: RingStop) -> ServerMessage {
    ServerMessage::RingStopped { call: call(id), reason }
}

fn unreachable(id: u128, who: &str, reason: Unreachable) -> ServerMessage {
    ServerMessage::Unreachable { call: call(id), account: name(who), reason }
}

fn accepted(id: u128, by: &str) -> ServerMessage {
    ServerMessage::Accepted { call: call(id), by: device(by), hide_address: false }
}

fn decline(desk: &mut Desk, who: &str, id: u128, reason: DeclineReason) {
    desk.send(who, ClientMessage::Decline { call: call(id), reason });
}

fn failure(desk: &mut Desk, who: &str) -> Option<Failure> {
    match desk.mail(who).pop() {
        Some(ServerMessage::Failed { code, .. }) => Some(code),
        _ => None,
    }
}

/// Alice with one device, Bob with two, a call that rings; no mail.
fn ringing() -> Desk {
    let mut desk = Desk::with(&["alice/1", "bob/1", "bob/2"]);
    desk.invite("alice/1", 1, &["bob"]);
    desk.clear();
    desk
}

#[test]
fn an_invitation_rings_every_device_until_its_expiry_by_the_servers_clock() {
    let mut desk = Desk::with(&["alice/1", "alice/2", "bob/1", "bob/2"]);
    let ring_ms = u64::try_from(RING_TIME.as_millis()).expect("small");
    let incoming = ServerMessage::Incoming {
        call: call(1),
        from: device("alice/1"),
        to: vec![name("bob")],
        media: CallMedia::Video,
        expires: UnixMillis(desk.now.unix.0 + ring_ms),
        hide_address: false,
    };
    desk.invite("alice/1", 1, &["bob"]);
    for who in ["bob/1", "bob/2"] {
        assert_eq!(desk.mail(who), std::slice::from_ref(&incoming), "{who}");
    }
    assert_eq!(desk.mail("alice/1"), []);
    assert_eq!(desk.mail("alice/2"), []);
}

#[test]
fn who_cannot_be_rung_is_told_to_the_caller_with_the_reason() {
    let mut desk = Desk::with(&["alice/1", "bob/1", "carol/1"]);
    desk.sign_in("eve/1");
    desk.disconnect("bob/1");
    desk.clear();
    desk.invite("alice/1", 1, &["bob", "eve", "nobody"]);
    assert_eq!(
        desk.mail("alice/1"),
        [
            unreachable(1, "bob", Unreachable::Offline),
            unreachable(1, "eve", Unreachable::NotAContact),
            unreachable(1, "nobody", Unreachable::Unknown),
        ]
    );
    assert_eq!(desk.mail("eve/1"), [], "a stranger's call does not ring");
    assert!(!desk.is_live(1));
    desk.invite("alice/1", 2, &["bob", "carol"]);
    assert!(desk.is_live(2), "one who rings keeps the call");
}

#[test]
fn an_invitation_out_of_bounds_fails() {
    let mut desk = Desk::with(&["alice/1", "bob/1"]);
    desk.invite("alice/1", 1, &[]);
    assert_eq!(failure(&mut desk, "alice/1"), Some(Failure::OutOfBounds));
    desk.invite("alice/1", 1, &["bob"; MAX_INVITED + 1]);
    assert_eq!(failure(&mut desk, "alice/1"), Some(Failure::OutOfBounds));
    desk.invite("alice/1", 1, &["bob", "alice"]);
    assert_eq!(failure(&mut desk, "alice/1"), Some(Failure::Oneself));
    assert!(!desk.is_live(1));
    desk.invite("alice/1", 1, &["bob", "bob"]);
    assert_eq!(desk.mail("bob/1").len(), 1, "doubles ring once");
    desk.invite("bob/1", 1, &["alice"]);
    assert_eq!(failure(&mut desk, "bob/1"), Some(Failure::OutOfBounds), "the id is taken");
    for id in 2..=MAX_CALLS as u128 {
        desk.invite("alice/1", id, &["bob"]);
    }
    assert_eq!(failure(&mut desk, "alice/1"), None);
    desk.invite("alice/1", 99, &["bob"]);
    assert_eq!(failure(&mut desk, "alice/1"), Some(Failure::TooMany));
}

#[test]
fn the_caller_hears_once_of_each_device_that_it_rings_and_whether_it_hides_its_address() {
    let mut desk = ringing();
    let mut told = Vec::new();
    for (who, hide_address) in [("bob/1", false), ("bob/2", true), ("bob/1", false)] {
        desk.send(who, ClientMessage::RingingHere { call: call(1), hide_address });
        told.push(ServerMessage::Ringing { call: call(1), device: device(who), hide_address });
    }
    assert_eq!(desk.mail("alice/1"), told[..2]);
    desk.accept("bob/2", 1);
    let (by, hide_address) = (device("bob/2"), true);
    let accepted = ServerMessage::Accepted { call: call(1), by, hide_address };
    assert_eq!(desk.calls_mail("alice/1"), [accepted]);
}

#[test]
fn an_invitation_tells_every_device_that_the_caller_hides_its_address() {
    let mut desk = Desk::with(&["alice/1", "bob/1"]);
    let (to, media) = (vec![name("bob")], CallMedia::Audio);
    desk.send("alice/1", ClientMessage::Invite { call: call(1), to, media, hide_address: true });
    desk.sign_in("bob/2");
    for who in ["bob/1", "bob/2"] {
        let mail = desk.calls_mail(who);
        let hidden =
            |m: &ServerMessage| matches!(m, ServerMessage::Incoming { hide_address: true, .. });
        assert!(mail.iter().any(hidden), "{who}: {mail:?}");
    }
}

#[test]
fn the_caller_and_a_ringing_device_signal_but_two_ringing_devices_do_not() {
    let mut desk = ringing();
    for (from, to, passes) in
        [("alice/1", "bob/1", true), ("bob/2", "alice/1", true), ("bob/1", "bob/2", false)]
    {
        desk.signal(from, 1, to);
        let passed = desk.mail(to).iter().any(|m| matches!(m, ServerMessage::Signal { .. }));
        assert_eq!(passed, passes, "{from} to {to}");
        let refused = desk.mail(from).iter().any(|m| matches!(m, ServerMessage::Failed { .. }));
        assert_eq!(refused, !passes, "{from} to {to}");
    }
}

#[test]
fn the_first_answer_counts_and_stops_the_other_devices() {
    let mut desk = ringing();
    desk.accept("bob/2", 1);
    assert_eq!(desk.calls_mail("alice/1"), [accepted(1, "bob/2")]);
    assert_eq!(desk.calls_mail("bob/1"), [stopped(1, RingStop::AnsweredElsewhere)]);
    assert_eq!(desk.calls_mail("bob/2"), []);

    desk.accept("bob/1", 1);
    assert_eq!(desk.calls_mail("bob/1"), [stopped(1, RingStop::AnsweredElsewhere)]);
    assert_eq!(desk.calls_mail("alice/1"), [], "the second answer does not count");
    desk.accept("bob/2", 1);
    assert_eq!(desk.calls_mail("alice/1"), [], "nor does the first one again");
}

#[test]
fn in_a_group_everybody_joined_hears_of_the_next() {
    let mut desk = Desk::with(&["alice/1", "bob/1", "carol/1"]);
    desk.invite("alice/1", 1, &["bob", "carol"]);
    desk.clear();
    desk.accept("bob/1", 1);
    assert_eq!(desk.calls_mail("alice/1"), [accepted(1, "bob/1")]);
    assert_eq!(desk.calls_mail("carol/1"), [], "who only rings is not in it");
    desk.accept("carol/1", 1);
    assert_eq!(desk.calls_mail("alice/1"), [accepted(1, "carol/1")]);
    assert_eq!(desk.calls_mail("bob/1"), [accepted(1, "carol/1")]);
    assert_eq!(desk.calls_mail("carol/1"), []);
}

#[test]
fn one_devices_decline_is_the_persons_and_stops_the_others() {
    let mut desk = ringing();
    decline(&mut desk, "bob/1", 1, DeclineReason::Declined);
    let declined = ServerMessage::Declined { call: call(1), account: name("bob") };
    assert_eq!(desk.mail("alice/1"), [declined]);
    assert_eq!(desk.mail("bob/1"), []);
    assert_eq!(desk.mail("bob/2"), [stopped(1, RingStop::DeclinedElsewhere)]);
    assert!(!desk.is_live(1));
    desk.accept("bob/2", 1);
    assert_eq!(desk.mail("bob/2"), [stopped(1, RingStop::DeclinedElsewhere)], "too late");
    assert_eq!(desk.mail("alice/1"), []);
}

#[test]
fn a_busy_device_leaves_the_others_ringing_until_all_are_busy() {
    let mut desk = ringing();
    decline(&mut desk, "bob/1", 1, DeclineReason::Busy);
    assert_eq!(desk.mail("alice/1"), []);
    assert_eq!(desk.mail("bob/2"), []);
    decline(&mut desk, "bob/2", 1, DeclineReason::Busy);
    assert_eq!(desk.mail("alice/1"), [unreachable(1, "bob", Unreachable::Busy)]);
    assert!(!desk.is_live(1));
}

#[test]
fn when_the_free_device_goes_the_busy_ones_decide() {
    let mut desk = ringing();
    decline(&mut desk, "bob/1", 1, DeclineReason::Busy);
    desk.disconnect("bob/2");
    assert_eq!(desk.mail("alice/1"), [unreachable(1, "bob", Unreachable::Busy)]);
    assert!(!desk.is_live(1));
}

#[test]
fn a_busy_device_may_take_the_call_after_all_and_is_not_rung_anew() {
    let mut desk = ringing();
    decline(&mut desk, "bob/1", 1, DeclineReason::Busy);
    desk.sign_in("bob/1");
    assert_eq!(desk.calls_mail("bob/1"), []);
    desk.accept("bob/1", 1);
    assert_eq!(desk.calls_mail("alice/1"), [accepted(1, "bob/1")]);
    assert_eq!(desk.calls_mail("bob/2"), [stopped(1, RingStop::AnsweredElsewhere)]);
}

#[test]
fn a_cancelled_call_stops_ringing_everywhere() {
    let mut desk = ringing();
    desk.cancel("alice/1", 1);
    assert_eq!(desk.mail("bob/1"), [stopped(1, RingStop::Cancelled)]);
    assert_eq!(desk.mail("bob/2"), [stopped(1, RingStop::Cancelled)]);
    assert!(!desk.is_live(1));
    desk.accept("bob/1", 1);
    assert_eq!(desk.mail("bob/1"), [stopped(1, RingStop::Cancelled)], "an answer too late");
    assert_eq!(desk.mail("alice/1"), []);
}

#[test]
fn only_the_callers_device_cancels() {
    let mut desk = ringing();
    desk.sign_in("alice/2");
    for other in ["bob/1", "alice/2"] {
        desk.cancel(other, 1);
        assert!(desk.is_live(1), "{other}");
    }
}

#[test]
fn leaving_before_an_answer_is_cancelling() {
    let mut desk = ringing();
    desk.leave("alice/1", 1);
    assert_eq!(desk.mail("bob/1"), [stopped(1, RingStop::Cancelled)]);
    assert!(!desk.is_live(1));
}

#[test]
fn a_cancel_that_crosses_the_answer_hangs_up() {
    let mut desk = ringing();
    desk.accept("bob/1", 1);
    desk.clear();
    desk.cancel("alice/1", 1);
    let (who, reason) = (device("alice/1"), LeaveReason::HungUp);
    assert_eq!(desk.calls_mail("bob/1"), [ServerMessage::Left { call: call(1), who, reason }]);
    assert!(!desk.is_live(1));
}

#[test]
fn a_ring_ends_after_its_time_and_not_before() {
    let mut desk = ringing();
    desk.pass(RING_TIME - Duration::from_millis(1));
    assert_eq!(desk.mail("bob/1"), []);
    desk.pass(Duration::from_millis(1));
    assert_eq!(desk.mail("bob/1"), [stopped(1, RingStop::NoAnswer)]);
    assert_eq!(desk.mail("bob/2"), [stopped(1, RingStop::NoAnswer)]);
    assert_eq!(desk.mail("alice/1"), [unreachable(1, "bob", Unreachable::NoAnswer)]);
    assert!(!desk.is_live(1));
    desk.accept("bob/1", 1);
    assert_eq!(desk.mail("bob/1"), [stopped(1, RingStop::NoAnswer)]);
}

#[test]
fn who_answered_talks_on_when_the_rest_of_the_group_does_not_answer() {
    let mut desk = Desk::with(&["alice/1", "bob/1", "carol/1"]);
    desk.invite("alice/1", 1, &["bob", "carol"]);
    desk.accept("bob/1", 1);
    desk.clear();
    desk.pass(RING_TIME);
    assert_eq!(desk.calls_mail("carol/1"), [stopped(1, RingStop::NoAnswer)]);
    assert_eq!(desk.calls_mail("alice/1"), [unreachable(1, "carol", Unreachable::NoAnswer)]);
    assert_eq!(desk.calls_mail("bob/1"), []);
    assert!(desk.is_live(1));
}

#[test]
fn an_accept_of_a_call_never_heard_of_is_answered_with_a_stop() {
    let mut desk = Desk::with(&["alice/1", "bob/1", "carol/1"]);
    desk.accept("bob/1", 7);
    assert_eq!(desk.mail("bob/1"), [stopped(7, RingStop::Cancelled)]);
    desk.invite("alice/1", 1, &["bob"]);
    desk.accept("carol/1", 1);
    assert_eq!(desk.mail("carol/1"), [stopped(1, RingStop::Cancelled)], "she was not invited");
    assert_eq!(desk.mail("alice/1"), []);
}

#[test]
fn a_device_that_still_rings_for_an_ended_call_is_told() {
    let mut desk = ringing();
    desk.pass(RING_TIME);
    desk.clear();
    desk.send("bob/1", ClientMessage::RingingHere { call: call(1), hide_address: false });
    assert_eq!(desk.mail("bob/1"), [stopped(1, RingStop::NoAnswer)]);
}

#[test]
fn the_callers_short_absence_keeps_the_ring_and_what_it_missed() {
    let mut desk = ringing();
    desk.disconnect("alice/1");
    desk.pass_s(9);
    desk.accept("bob/1", 1);
    desk.pass_s(9);
    assert!(desk.is_live(1), "once answered, the longer grace counts");
    desk.sign_in("alice/1");
    assert_eq!(desk.calls_mail("alice/1"), [accepted(1, "bob/1")]);
    desk.pass_s(60);
    assert!(desk.is_live(1));
}

#[test]
fn a_caller_that_stays_away_stops_the_ring_and_learns_of_it_later() {
    let mut desk = ringing();
    desk.disconnect("alice/1");
    desk.pass_s(9);
    assert_eq!(desk.calls_mail("bob/1"), [], "not yet");
    desk.pass_s(2);
    assert_eq!(desk.calls_mail("bob/1"), [stopped(1, RingStop::CallerGone)]);
    assert_eq!(desk.calls_mail("bob/2"), [stopped(1, RingStop::CallerGone)]);
    assert!(!desk.is_live(1));
    desk.sign_in("alice/1");
    let (who, reason) = (device("alice/1"), LeaveReason::Gone);
    assert_eq!(desk.calls_mail("alice/1"), [ServerMessage::Left { call: call(1), who, reason }]);
}

#[test]
fn a_device_that_comes_while_its_account_is_rung_rings_until_the_same_moment() {
    let mut desk = ringing();
    let expires = UnixMillis(desk.now.unix.0 + RING_TIME.as_millis() as u64);
    desk.pass_s(10);
    desk.sign_in("bob/3");
    let mail = desk.calls_mail("bob/3");
    let [ServerMessage::Incoming { expires: theirs, .. }] = mail.as_slice() else {
        panic!("expected a ring, got {mail:?}")
    };
    assert_eq!(*theirs, expires);
    desk.accept("bob/1", 1);
    assert_eq!(desk.calls_mail("bob/3"), [stopped(1, RingStop::AnsweredElsewhere)]);
}

#[test]
fn a_ring_that_stopped_while_its_device_was_away_is_told_on_its_return() {
    let mut desk = ringing();
    desk.disconnect("bob/1");
    desk.cancel("alice/1", 1);
    desk.sign_in("bob/1");
    assert_eq!(desk.calls_mail("bob/1"), [stopped(1, RingStop::Cancelled)]);
}

#[test]
fn a_ring_goes_on_when_all_devices_of_the_callee_go() {
    let mut desk = ringing();
    desk.disconnect("bob/1");
    desk.disconnect("bob/2");
    assert_eq!(desk.calls_mail("alice/1"), []);
    desk.start_anew("bob/1");
    assert_eq!(desk.calls_mail("bob/1").len(), 1);
    desk.disconnect("bob/1");
    desk.pass(RING_TIME);
    assert_eq!(desk.calls_mail("alice/1"), [unreachable(1, "bob", Unreachable::NoAnswer)]);
}

#[test]
fn two_who_call_each_other_end_up_in_one_call_whatever_comes_first() {
    // the smaller id survives: Bob gives up his own call 2 and takes call 1
    for cancel_first in [true, false] {
        let mut desk = Desk::with(&["alice/1", "bob/1"]);
        desk.invite("alice/1", 1, &["bob"]);
        desk.invite("bob/1", 2, &["alice"]);
        for (who, id) in [("bob/1", 1), ("alice/1", 2)] {
            let mail = desk.mail(who);
            assert!(
                matches!(mail.as_slice(), [ServerMessage::Incoming { call: c, .. }] if *c == call(id)),
                "{who} got {mail:?}"
            );
        }
        if cancel_first {
            desk.cancel("bob/1", 2);
            desk.accept("bob/1", 1);
        } else {
            desk.accept("bob/1", 1);
            desk.cancel("bob/1", 2);
        }
        let mail = desk.calls_mail("alice/1");
        assert!(mail.contains(&stopped(2, RingStop::Cancelled)), "{mail:?}");
        assert!(mail.contains(&accepted(1, "bob/1")), "{mail:?}");
        assert!(desk.is_live(1) && !desk.is_live(2));
        assert_eq!(desk.history_of("alice"), [], "cancel first: {cancel_first}");
        desk.leave("alice/1", 1);
        for who in ["alice", "bob"] {
            let calls: Vec<_> = desk.history_of(who).iter().map(|entry| entry.call).collect();
            assert_eq!(calls, [call(1)], "{who}, cancel first: {cancel_first}");
        }
    }
}
