use crate::desk::{Desk, call, device, key_of, name};
use tincan_proto::identity::Domain;
use tincan_proto::peer_message::{MAX_BODY_BYTES, SignedMessage};
use tincan_proto::signalling::{Failure, LeaveReason};
use tincan_proto::{ClientMessage, ServerMessage};
use tincan_server::limits::MAX_UNACKNOWLEDGED;

fn left(id: u128, who: &str, reason: LeaveReason) -> ServerMessage {
    ServerMessage::Left { call: call(id), who: device(who), reason }
}

fn failure(desk: &mut Desk, who: &str) -> Option<Failure> {
    match desk.mail(who).pop() {
        Some(ServerMessage::Failed { code, .. }) => Some(code),
        _ => None,
    }
}

/// Alice and Bob in a call, Carol by herself; no mail.
fn talking() -> Desk {
    let mut desk = Desk::with(&["alice/1", "bob/1", "bob/2", "carol/1"]);
    desk.invite("alice/1", 1, &["bob"]);
    desk.accept("bob/1", 1);
    desk.clear();
    desk
}

#[test]
fn negotiation_passes_unchanged_between_participants() {
    let mut desk = talking();
    let message = desk.signal("alice/1", 1, "bob/1");
    let from = device("alice/1");
    assert_eq!(desk.mail("bob/1"), [ServerMessage::Signal { call: call(1), from, message }]);
    assert_eq!(desk.mail("alice/1"), []);
}

#[test]
fn negotiation_begins_while_it_rings() {
    let mut desk = Desk::with(&["alice/1", "bob/1"]);
    desk.invite("alice/1", 1, &["bob"]);
    desk.clear();
    desk.signal("alice/1", 1, "bob/1");
    desk.signal("bob/1", 1, "alice/1");
    assert_eq!(desk.mail("alice/1").len(), 1);
    assert_eq!(desk.mail("bob/1").len(), 1);
}

#[test]
fn nobody_from_outside_signals_into_a_call_or_out_of_it() {
    let mut desk = talking();
    for (from, id, to) in [
        ("carol/1", 1, "alice/1"),
        ("alice/1", 1, "carol/1"),
        ("bob/2", 1, "alice/1"),
        ("alice/1", 1, "bob/2"),
        ("alice/1", 9, "bob/1"),
        ("alice/1", 1, "alice/1"),
    ] {
        desk.signal(from, id, to);
        assert_eq!(failure(&mut desk, from), Some(Failure::UnknownCall), "{from} to {to}");
        assert_eq!(desk.mail(to), [], "{from} to {to}");
    }
    desk.leave("bob/1", 1);
    desk.clear();
    desk.signal("alice/1", 1, "bob/1");
    assert_eq!(failure(&mut desk, "alice/1"), Some(Failure::UnknownCall), "after its end");
}

#[test]
fn an_oversized_body_is_not_passed_on() {
    let mut desk = talking();
    let signature = key_of(&name("alice")).sign(Domain::PeerMessage, &[]);
    let message = SignedMessage { body: "x".repeat(MAX_BODY_BYTES + 1), signature };
    desk.send("alice/1", ClientMessage::Signal { call: call(1), to: device("bob/1"), message });
    assert_eq!(failure(&mut desk, "alice/1"), Some(Failure::OutOfBounds));
    assert_eq!(desk.mail("bob/1"), []);
}

#[test]
fn leaving_is_told_with_its_reason_and_ends_a_call_of_two() {
    for reason in [LeaveReason::HungUp, LeaveReason::ConnectionLost, LeaveReason::Untrusted] {
        let mut desk = talking();
        desk.send("bob/1", ClientMessage::Leave { call: call(1), reason });
        assert_eq!(desk.calls_mail("alice/1"), [left(1, "bob/1", reason)]);
        assert!(!desk.is_live(1));
        desk.leave("alice/1", 1);
        assert_eq!(desk.calls_mail("alice/1"), [], "leaving an ended call is no error");
        assert_eq!(desk.calls_mail("bob/1"), []);
    }
}

#[test]
fn a_group_goes_on_without_one_even_without_its_caller() {
    let mut desk = Desk::with(&["alice/1", "bob/1", "carol/1"]);
    desk.invite("alice/1", 1, &["bob", "carol"]);
    desk.accept("bob/1", 1);
    desk.accept("carol/1", 1);
    desk.clear();
    desk.leave("alice/1", 1);
    assert!(desk.is_live(1));
    for who in ["bob/1", "carol/1"] {
        assert_eq!(desk.calls_mail(who), [left(1, "alice/1", LeaveReason::HungUp)]);
    }
    desk.signal("bob/1", 1, "carol/1");
    assert_eq!(desk.calls_mail("carol/1").len(), 1);
    desk.leave("carol/1", 1);
    assert!(!desk.is_live(1));
}

#[test]
fn a_call_that_everybody_in_it_leaves_stops_ringing_at_the_rest() {
    let mut desk = Desk::with(&["alice/1", "bob/1", "carol/1"]);
    desk.invite("alice/1", 1, &["bob", "carol"]);
    desk.accept("bob/1", 1);
    desk.leave("alice/1", 1);
    assert!(desk.is_live(1), "Bob waits for Carol");
    desk.clear();
    desk.leave("bob/1", 1);
    assert!(!desk.is_live(1));
    assert_eq!(desk.calls_mail("carol/1").len(), 1);
}

#[test]
fn a_device_without_a_connection_stays_in_its_call_for_a_while() {
    let mut desk = talking();
    desk.disconnect("bob/1");
    desk.pass_s(89);
    assert!(desk.is_live(1));
    assert_eq!(desk.calls_mail("alice/1"), []);
    let message = desk.signal("alice/1", 1, "bob/1");
    desk.sign_in("bob/1");
    let from = device("alice/1");
    let waiting = ServerMessage::Signal { call: call(1), from, message };
    assert_eq!(desk.calls_mail("bob/1"), [waiting], "what it missed was kept");
    desk.pass_s(3600);
    assert!(desk.is_live(1));
    desk.leave("bob/1", 1);
    assert_eq!(desk.calls_mail("alice/1"), [left(1, "bob/1", LeaveReason::HungUp)]);
}

#[test]
fn a_device_that_does_not_come_back_has_left() {
    let mut desk = talking();
    desk.disconnect("bob/1");
    desk.pass_s(91);
    assert_eq!(desk.calls_mail("alice/1"), [left(1, "bob/1", LeaveReason::Gone)]);
    assert!(!desk.is_live(1));
    desk.sign_in("bob/1");
    assert_eq!(desk.calls_mail("bob/1"), [left(1, "bob/1", LeaveReason::Gone)], "it learns too");
    assert_eq!(desk.deadline, None);
}

#[test]
fn a_call_that_ends_while_a_device_is_away_is_told_on_its_return() {
    let mut desk = talking();
    desk.disconnect("bob/1");
    desk.leave("alice/1", 1);
    assert!(!desk.is_live(1));
    desk.sign_in("bob/1");
    assert_eq!(desk.calls_mail("bob/1"), [left(1, "alice/1", LeaveReason::HungUp)]);
}

#[test]
fn a_device_that_does_not_listen_for_too_long_begins_anew() {
    let mut desk = talking();
    desk.disconnect("bob/1");
    for _ in 0..MAX_UNACKNOWLEDGED {
        desk.signal("alice/1", 1, "bob/1");
    }
    assert_eq!(failure(&mut desk, "alice/1"), None);
    desk.signal("alice/1", 1, "bob/1");
    assert_eq!(failure(&mut desk, "alice/1"), Some(Failure::UnknownCall));
    desk.sign_in("bob/1");
    assert_eq!(desk.calls_mail("bob/1"), [], "what it missed is gone");
    assert!(desk.is_live(1), "but not the call");
    desk.accept("bob/1", 1);
    desk.pass_s(3600);
    assert!(desk.is_live(1), "since the app says that it is in it");
}

#[test]
fn an_app_that_was_started_anew_leaves_its_calls_unless_it_knows_of_them() {
    for knows in [true, false] {
        let mut desk = talking();
        desk.start_anew("bob/1");
        if knows {
            desk.accept("bob/1", 1);
        }
        desk.pass_s(89);
        assert_eq!(desk.calls_mail("alice/1"), [], "not yet");
        desk.pass_s(2);
        assert_eq!(desk.is_live(1), knows);
    }
}

#[test]
fn a_call_that_its_caller_announces_again_is_the_same_call() {
    let mut desk = talking();
    desk.start_anew("alice/1");
    desk.clear();
    desk.invite("alice/1", 1, &["bob"]);
    assert_eq!((desk.mail("alice/1"), desk.mail("bob/1")), (vec![], vec![]));
    desk.pass_s(3600);
    assert!(desk.is_live(1));
    desk.leave("bob/1", 1);
    desk.start_anew("alice/1");
    desk.clear();
    desk.invite("alice/1", 1, &["bob"]);
    assert_eq!(desk.calls_mail("alice/1"), [left(1, "alice/1", LeaveReason::Gone)], "it is over");
    assert!(!desk.is_live(1));
}
