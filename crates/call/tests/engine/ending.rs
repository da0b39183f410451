//! How calls end, and who is told.

use crate::desk::*;
use tincan_call::*;
use tincan_proto::signalling::{CallMedia, LeaveReason};
use tincan_proto::{ClientMessage, ControlMessage};

fn bob() -> tincan_proto::ParticipantId {
    device("bob", 2)
}

fn leave(reason: LeaveReason) -> ClientMessage {
    ClientMessage::Leave { call: call(5), reason }
}

#[test]
fn hanging_up_says_goodbye_on_both_ways_then_closes_everything() {
    let mut desk = Desk::in_call_with_bob();
    desk.step(Input::HangUpPressed);
    let peer = peer(5, &bob(), 0);
    assert_eq!(
        desk.out.commands,
        [
            Command::SendControl { peer: peer.clone(), message: ControlMessage::Bye },
            Command::Send(leave(LeaveReason::HungUp)),
            Command::ClosePeer { peer },
            Command::Capture { microphone: false, picture: Picture::Nothing },
        ]
    );
    assert_eq!(desk.out.events, [Event::Ended(call(5), EndReason::HungUp)]);
    assert_eq!(desk.ended(), Some(EndReason::HungUp));
    assert_eq!(desk.out.deadline, None);
}

#[test]
fn every_way_of_leaving_has_its_reason_and_ends_the_call_once() {
    for (reason, ended) in [
        (LeaveReason::HungUp, EndReason::RemoteHungUp),
        (LeaveReason::ConnectionLost, EndReason::ConnectionLost),
        (LeaveReason::Untrusted, EndReason::RemoteUntrusted),
    ] {
        let mut desk = Desk::in_call_with_bob();
        desk.left(5, &bob(), reason);
        assert_eq!(desk.ended(), Some(ended));
        assert_eq!(desk.closed(), [bob()]);
        assert_eq!(desk.captures(), Some((false, false)));
        desk.left(5, &bob(), reason).peer(5, &bob(), PeerInput::Control(ControlMessage::Bye));
        assert_eq!(desk.out, Output::default());
    }
}

#[test]
fn goodbye_on_the_channel_ends_the_call_and_the_server_hears_of_it() {
    let mut desk = Desk::in_call_with_bob();
    desk.peer(5, &bob(), PeerInput::Control(ControlMessage::Bye));
    assert_eq!(desk.ended(), Some(EndReason::RemoteHungUp));
    assert_eq!(desk.sent(), [leave(LeaveReason::HungUp)]);
    assert_eq!(desk.controls(), [], "they have gone already");
}

#[test]
fn gone_before_the_connection_stands_is_lost() {
    let mut desk = Desk::alice();
    desk.press_call(5, &["bob"], CallMedia::Video).accepted(5, &bob());
    desk.left(5, &bob(), LeaveReason::Gone);
    assert_eq!(desk.ended(), Some(EndReason::ConnectionLost));
}

#[test]
fn another_device_of_theirs_leaving_changes_nothing() {
    let mut desk = Desk::in_call_with_bob();
    desk.left(5, &device("bob", 3), LeaveReason::HungUp);
    assert!(!desk.is_idle());
}

#[test]
fn a_forged_message_from_a_participant_ends_the_call_untrusted() {
    let mut desk = Desk::in_call_with_bob();
    desk.step(Input::PeerMessageForged { call: call(5), from: bob() });
    assert_eq!(desk.ended(), Some(EndReason::Untrusted));
    assert_eq!(desk.sent(), [leave(LeaveReason::Untrusted)]);
    assert_eq!(desk.closed(), [bob()]);
    assert_eq!(desk.controls(), [], "whoever stands in between hears nothing more");
}

#[test]
fn signing_out_ends_everything() {
    let mut desk = Desk::alice();
    desk.incoming(6, &device("carol", 3), &["alice"]);
    desk.press_call(5, &["bob"], CallMedia::Video).accepted(5, &bob()).connects(5, &bob());
    desk.step(Input::SignedOut);
    assert!(desk.is_idle());
    assert_eq!(desk.sent(), [leave(LeaveReason::HungUp)]);
    assert_eq!(
        desk.out.events,
        [
            Event::Ended(call(5), EndReason::HungUp),
            Event::RingStopped(call(6)),
            Event::Ended(call(6), EndReason::Missed)
        ]
    );
    assert_eq!(desk.out.deadline, None);
}

#[test]
fn hanging_up_without_a_server_is_told_when_it_is_back() {
    let mut desk = Desk::in_call_with_bob();
    desk.step(Input::SignalLost).step(Input::HangUpPressed);
    assert_eq!((desk.sent(), desk.controls()), (vec![], vec![ControlMessage::Bye]));
    desk.step(Input::SignedIn { me: device("alice", 1), resumed: false });
    assert_eq!(desk.sent(), [leave(LeaveReason::HungUp)]);
    desk.step(Input::SignedIn { me: device("alice", 1), resumed: false });
    assert_eq!(desk.sent(), [], "once");
}

#[test]
fn the_end_is_shown_until_dismissed_or_another_call_begins() {
    let mut desk = Desk::in_call_with_bob();
    desk.step(Input::HangUpPressed).incoming(6, &bob(), &["alice"]);
    assert!(desk.ended().is_some());
    desk.press_accept(6, CallMedia::Video);
    assert!(desk.ended().is_none());
}
