//! Placing calls.

use crate::desk::*;
use tincan_call::state::Stage;
use tincan_call::*;
use tincan_proto::signalling::{CallMedia, Failure, LeaveReason, Unreachable};
use tincan_proto::{ClientMessage, ServerMessage};

fn failed(code: Failure) -> ServerMessage {
    ServerMessage::Failed { code, message: String::new() }
}

fn unreachable(reason: Unreachable) -> ServerMessage {
    ServerMessage::Unreachable { call: call(5), account: name("bob"), reason }
}

#[test]
fn pressing_call_invites_and_opens_the_callers_devices() {
    let mut desk = Desk::alice();
    desk.press_call(5, &["bob"], CallMedia::Video);
    let to = vec![name("bob")];
    let invite =
        ClientMessage::Invite { call: call(5), to, media: CallMedia::Video, hide_address: false };
    assert_eq!(desk.sent(), [invite]);
    assert_eq!(desk.captures(), Some((true, true)));
    assert!(desk.current().outgoing && desk.current().camera);
    assert_eq!(desk.stage("bob"), Stage::Invited);
    desk.server(ServerMessage::Ringing {
        call: call(5),
        device: device("bob", 2),
        hide_address: false,
    });
    assert_eq!(desk.stage("bob"), Stage::Ringing);
}

#[test]
fn an_audio_call_leaves_the_camera_off() {
    let mut desk = Desk::alice();
    desk.press_call(5, &["bob"], CallMedia::Audio);
    assert_eq!(desk.captures(), Some((true, false)));
    assert!(!desk.current().participants[0].camera);
}

#[test]
fn names_called_twice_and_ones_own_are_called_once_or_not_at_all() {
    let mut desk = Desk::alice();
    desk.press_call(4, &["alice"], CallMedia::Audio);
    assert!(desk.is_idle() && desk.out == Output::default());
    desk.press_call(5, &["bob", "alice", "bob"], CallMedia::Audio);
    assert_eq!(desk.current().participants.len(), 1);
}

#[test]
fn acceptance_opens_an_impolite_peer_that_offers() {
    let mut desk = Desk::alice();
    let bob = device("bob", 2);
    desk.press_call(5, &["bob"], CallMedia::Video).accepted(5, &bob);
    assert_eq!(desk.opened(), [(bob.clone(), Role::Impolite)]);
    assert_eq!(desk.offers(), [false]);
    assert_eq!(desk.stage("bob"), Stage::Connecting { device: bob.device });
    desk.accepted(5, &bob);
    assert_eq!(desk.out.commands, [], "a duplicate changes nothing");
    desk.accepted(5, &device("bob", 3));
    assert_eq!(desk.opened(), [], "the first device to accept keeps the call");
}

#[test]
fn signed_out_a_call_ends_at_once() {
    for lost in [false, true] {
        let mut desk = if lost { Desk::alice() } else { Desk::signed_out() };
        desk.step(Input::SignalLost).press_call(5, &["bob"], CallMedia::Video);
        assert_eq!(desk.out.events, [Event::Ended(call(5), EndReason::ServerUnreachable)]);
        assert_eq!(desk.out.commands, []);
        assert_eq!(desk.ended(), Some(EndReason::ServerUnreachable));
        assert!(desk.is_idle());
    }
}

#[test]
fn every_refusal_has_its_reason() {
    for (message, reason) in [
        (unreachable(Unreachable::Offline), EndReason::RemoteOffline),
        (unreachable(Unreachable::Unknown), EndReason::UnknownAccount),
        (unreachable(Unreachable::NotAContact), EndReason::NotAContact),
        (unreachable(Unreachable::Busy), EndReason::RemoteBusy),
        (unreachable(Unreachable::NoAnswer), EndReason::NoAnswer),
        (
            ServerMessage::Declined { call: call(5), account: name("bob") },
            EndReason::RemoteDeclined,
        ),
        (failed(Failure::UnknownAccount), EndReason::UnknownAccount),
        (failed(Failure::TooMany), EndReason::Internal),
        (failed(Failure::OutOfBounds), EndReason::Internal),
    ] {
        let mut desk = Desk::alice();
        desk.press_call(5, &["bob"], CallMedia::Video).server(message);
        assert_eq!(desk.ended(), Some(reason));
        assert_eq!(desk.out.events, [Event::Ended(call(5), reason)]);
        assert_eq!(desk.captures(), Some((false, false)));
        assert_eq!(desk.out.deadline, None);
    }
}

#[test]
fn a_failed_request_that_is_not_the_invitation_ends_nothing() {
    let mut desk = Desk::alice();
    desk.press_call(5, &["bob"], CallMedia::Video).server(failed(Failure::UnknownCall));
    assert_eq!(desk.stage("bob"), Stage::Invited);
    desk.server(ServerMessage::Ringing {
        call: call(5),
        device: device("bob", 2),
        hide_address: false,
    });
    desk.server(failed(Failure::UnknownAccount));
    assert_eq!(desk.stage("bob"), Stage::Ringing);
}

#[test]
fn a_silent_server_ends_the_call_after_ten_seconds() {
    let mut desk = Desk::alice();
    desk.press_call(5, &["bob"], CallMedia::Video).seconds(9);
    assert_eq!(desk.ended(), None);
    desk.seconds(1);
    assert_eq!(desk.ended(), Some(EndReason::ServerUnreachable));
    assert_eq!(desk.sent(), [ClientMessage::Cancel { call: call(5) }]);
}

#[test]
fn a_ring_that_nobody_stops_ends_five_seconds_after_its_time() {
    let mut desk = Desk::alice();
    desk.press_call(5, &["bob"], CallMedia::Video);
    desk.server(ServerMessage::Ringing {
        call: call(5),
        device: device("bob", 2),
        hide_address: false,
    })
    .seconds(49);
    assert_eq!(desk.ended(), None);
    desk.seconds(1);
    assert_eq!(desk.ended(), Some(EndReason::NoAnswer));
    assert_eq!(desk.sent(), [ClientMessage::Cancel { call: call(5) }]);
}

#[test]
fn giving_up_cancels() {
    let mut desk = Desk::alice();
    desk.press_call(5, &["bob"], CallMedia::Video).step(Input::HangUpPressed);
    assert_eq!(desk.sent(), [ClientMessage::Cancel { call: call(5) }]);
    assert_eq!(desk.out.events, [Event::Ended(call(5), EndReason::Cancelled)]);
    assert_eq!(desk.captures(), Some((false, false)));
    desk.step(Input::EndedDismissed);
    assert_eq!(desk.ended(), None);
}

#[test]
fn an_answer_that_crosses_the_cancel_is_told_that_we_left() {
    let mut desk = Desk::alice();
    desk.press_call(5, &["bob"], CallMedia::Video).step(Input::HangUpPressed);
    desk.accepted(5, &device("bob", 2));
    let leave = ClientMessage::Leave { call: call(5), reason: LeaveReason::HungUp };
    assert_eq!(desk.sent(), [leave]);
    assert!(desk.is_idle() && desk.opened().is_empty());
}

#[test]
fn calling_outlives_a_short_loss_of_the_server_but_not_a_long_one() {
    let mut desk = Desk::alice();
    desk.press_call(5, &["bob"], CallMedia::Video);
    desk.server(ServerMessage::Ringing {
        call: call(5),
        device: device("bob", 2),
        hide_address: false,
    });
    let me = device("alice", 1);
    desk.step(Input::SignalLost).seconds(9).step(Input::SignedIn { me, resumed: true });
    assert_eq!(desk.sent(), [], "the server has kept the call");
    desk.seconds(9);
    assert_eq!(desk.stage("bob"), Stage::Ringing);
    desk.step(Input::SignalLost).seconds(10);
    assert_eq!(desk.ended(), Some(EndReason::ServerUnreachable));
    assert_eq!(desk.sent(), [], "there is nobody to tell");
    desk.step(Input::SignedIn { me: device("alice", 1), resumed: false });
    assert_eq!(desk.sent(), [ClientMessage::Cancel { call: call(5) }], "it is told later");
}

#[test]
fn a_call_is_placed_again_with_a_server_that_has_forgotten_it() {
    let mut desk = Desk::alice();
    desk.press_call(5, &["bob"], CallMedia::Video);
    desk.server(ServerMessage::Ringing {
        call: call(5),
        device: device("bob", 2),
        hide_address: false,
    });
    desk.step(Input::SignalLost).step(Input::SignedIn { me: device("alice", 1), resumed: false });
    let (to, media) = (vec![name("bob")], CallMedia::Video);
    assert_eq!(
        desk.sent(),
        [ClientMessage::Invite { call: call(5), to, media, hide_address: false }]
    );
}

#[test]
fn the_server_may_have_given_up_a_caller_that_was_away() {
    let mut desk = Desk::alice();
    desk.press_call(5, &["bob"], CallMedia::Video).step(Input::SignalLost);
    desk.step(Input::SignedIn { me: device("alice", 1), resumed: false });
    desk.left(5, &device("alice", 1), LeaveReason::Gone);
    assert_eq!(desk.ended(), Some(EndReason::ServerUnreachable));
}

#[test]
fn a_second_call_is_not_placed_during_the_first() {
    let mut desk = Desk::in_call_with_bob();
    desk.press_call(6, &["carol"], CallMedia::Video);
    assert_eq!(desk.out.commands, []);
    assert_eq!(desk.current().id, call(5));
}
