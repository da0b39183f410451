//! Connections: their states, their repair, and what is said on them.

use crate::desk::*;
use tincan_call::state::Stage;
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
fn the_first_connection_starts_the_clock() {
    let mut desk = Desk::alice();
    desk.press_call(5, &["bob"], CallMedia::Video).accepted(5, &bob()).seconds(1);
    desk.peer_state(5, &bob(), PeerState::Connecting).peer_state(5, &bob(), PeerState::Connected);
    assert_eq!(desk.out.events, [Event::Connected(call(5))]);
    assert_eq!(desk.current().connected_at, Some(desk.now));
    desk.seconds(7).peer_state(5, &bob(), PeerState::Connected);
    assert_eq!(desk.out.events, [], "told once");
    desk.step(Input::HangUpPressed);
    let ended = desk.engine.state().ended.clone().expect("ended");
    assert_eq!((ended.talked.as_secs(), ended.with), (7, vec![name("bob")]));
}

#[test]
fn what_one_sends_is_said_when_the_channel_opens_and_at_every_switch() {
    let mut desk = Desk::alice();
    desk.press_call(5, &["bob"], CallMedia::Video).accepted(5, &bob());
    desk.step(Input::CameraSwitched { on: false });
    assert_eq!((desk.controls(), desk.captures()), (vec![], Some((true, false))));
    desk.peer(5, &bob(), PeerInput::ControlOpened);
    assert_eq!(desk.controls(), [ControlMessage::Media { microphone: true, camera: false }]);
    desk.step(Input::MicrophoneSwitched { on: false });
    assert_eq!(desk.controls(), [ControlMessage::Media { microphone: false, camera: false }]);
    desk.step(Input::MicrophoneSwitched { on: false });
    assert_eq!(desk.out.commands, [], "no change, no word");
}

#[test]
fn what_the_others_send_is_shown() {
    let mut desk = Desk::in_call_with_bob();
    assert!(desk.current().participants[0].microphone && desk.current().participants[0].camera);
    let media = ControlMessage::Media { microphone: false, camera: false };
    desk.peer(5, &bob(), PeerInput::Control(media));
    assert!(!desk.current().participants[0].microphone && !desk.current().participants[0].camera);
    desk.peer(5, &bob(), PeerInput::Control(ControlMessage::Unknown));
    assert_eq!(desk.out.commands, []);
}

#[test]
fn a_connection_that_never_comes_about_is_nudged_and_then_given_up() {
    let mut desk = Desk::alice();
    desk.press_call(5, &["bob"], CallMedia::Video).accepted(5, &bob()).seconds(8);
    assert_eq!(desk.offers(), [] as [bool; 0], "the first offer is still being made");
    desk.seconds(12);
    assert_eq!(desk.ended(), Some(EndReason::ConnectionFailed));
    assert_eq!(desk.sent(), [leave(LeaveReason::ConnectionLost)]);
    assert_eq!(desk.closed(), [bob()]);
    assert_eq!(desk.captures(), Some((false, false)));
}

#[test]
fn a_short_gap_is_told_and_does_nothing() {
    let mut desk = Desk::in_call_with_bob();
    desk.peer_state(5, &bob(), PeerState::Disconnected);
    assert_eq!(desk.stage("bob"), Stage::Wavering { device: bob().device });
    desk.pass(std::time::Duration::from_millis(1900));
    assert_eq!(desk.out.commands, []);
    desk.peer_state(5, &bob(), PeerState::Connected);
    assert_eq!(
        (desk.stage("bob"), desk.out.deadline),
        (Stage::Connected { device: bob().device }, None)
    );
    desk.seconds(60);
    assert_eq!(desk.out.commands, []);
}

#[test]
fn an_ice_restart_does_not_flash() {
    let mut desk = Desk::in_call_with_bob();
    desk.peer_state(5, &bob(), PeerState::Connecting).peer_state(5, &bob(), PeerState::Connected);
    assert_eq!(desk.stage("bob"), Stage::Connected { device: bob().device });
}

#[test]
fn the_impolite_side_restarts_at_once_and_the_polite_one_at_the_second_attempt() {
    for (mut desk, first, second) in
        [(Desk::in_call_with_bob(), vec![], vec![]), (Desk::in_call_from_bob(), vec![], vec![true])]
    {
        let impolite = desk.current().outgoing;
        if impolite {
            settle(&mut desk);
        }
        desk.peer_state(5, &bob(), PeerState::Disconnected).seconds(2);
        assert_eq!(desk.attempt("bob"), Some(1));
        let first = if impolite { vec![true] } else { first };
        assert_eq!(desk.offers(), first);
        desk.pass(std::time::Duration::from_millis(1300));
        assert_eq!(desk.attempt("bob"), Some(2));
        assert_eq!(desk.offers(), second);
        desk.peer_state(5, &bob(), PeerState::Connected);
        assert_eq!(desk.stage("bob"), Stage::Connected { device: bob().device });
        assert_eq!(desk.out.deadline, None);
    }
}

/// Lets alice's first negotiation with bob come to its end.
fn settle(desk: &mut Desk) {
    let negotiated = |input| PeerInput::Negotiation(input);
    let sdp = "o".to_owned();
    let set = NegotiationInput::LocalDescriptionSet { epoch: Epoch(1), sdp };
    desk.peer(5, &bob(), negotiated(set)).message(5, &bob(), answer("a"));
    desk.peer(5, &bob(), negotiated(NegotiationInput::AnswerSet { epoch: Epoch(2) }));
}

#[test]
fn failure_is_an_interruption_at_once() {
    let mut desk = Desk::in_call_with_bob();
    desk.peer_state(5, &bob(), PeerState::Failed);
    assert_eq!(desk.attempt("bob"), Some(1));
}

#[test]
fn after_five_attempts_the_connection_is_lost() {
    let mut desk = Desk::in_call_with_bob();
    desk.peer_state(5, &bob(), PeerState::Failed).seconds(30);
    assert_eq!(desk.attempt("bob"), Some(5));
    desk.seconds(9);
    assert_eq!(desk.ended(), Some(EndReason::ConnectionLost));
    assert_eq!(desk.sent(), [leave(LeaveReason::ConnectionLost)]);
    assert_eq!(desk.controls(), [], "there is nobody to hear a farewell");
}

#[test]
fn a_negotiation_that_cannot_go_on_ends_the_call() {
    let mut desk = Desk::alice();
    desk.press_call(5, &["bob"], CallMedia::Video).accepted(5, &bob());
    for epoch in [Epoch(1), Epoch(2)] {
        let failed = NegotiationInput::CommandFailed { epoch };
        desk.peer(5, &bob(), PeerInput::Negotiation(failed));
    }
    assert_eq!(desk.ended(), Some(EndReason::ConnectionFailed));
}

#[test]
fn a_call_goes_on_without_the_server_and_repairs_itself_when_it_is_back() {
    let mut desk = Desk::in_call_with_bob();
    settle(&mut desk);
    desk.step(Input::SignalLost).seconds(300);
    assert_eq!(desk.stage("bob"), Stage::Connected { device: bob().device });
    desk.step(Input::SignedIn { me: device("alice", 1), resumed: true });
    assert_eq!(desk.out.commands, [], "nothing is broken");
    desk.step(Input::SignalLost).peer_state(5, &bob(), PeerState::Failed);
    assert_eq!(desk.offers(), [true]);
    let sdp = "o2".to_owned();
    let set = NegotiationInput::LocalDescriptionSet { epoch: Epoch(3), sdp };
    desk.peer(5, &bob(), PeerInput::Negotiation(set));
    desk.step(Input::SignedIn { me: device("alice", 1), resumed: false });
    let (to, media) = (vec![name("bob")], CallMedia::Video);
    let announced =
        Command::Send(ClientMessage::Invite { call: call(5), to, media, hide_address: false });
    let again = Command::SendPeerMessage { call: call(5), to: bob(), message: offer("o2") };
    assert_eq!(desk.out.commands, [announced, again], "the server may have forgotten it all");
    desk.step(Input::SignalLost).step(Input::SignedIn { me: device("alice", 1), resumed: true });
    assert_eq!(desk.out.commands, [], "what was said has arrived or will");
}

#[test]
fn a_device_that_the_server_misses_stays_while_it_is_connected() {
    let mut desk = Desk::in_call_with_bob();
    desk.left(5, &bob(), LeaveReason::Gone);
    assert_eq!(desk.stage("bob"), Stage::Connected { device: bob().device });
    desk.peer_state(5, &bob(), PeerState::Disconnected).seconds(2);
    assert_eq!(desk.ended(), Some(EndReason::ConnectionLost), "an offer would reach nobody");
}

#[test]
fn reports_of_other_calls_and_strangers_are_ignored() {
    let mut desk = Desk::in_call_with_bob();
    for (id, who) in [(6, bob()), (5, device("bob", 3)), (5, device("carol", 3))] {
        desk.peer_state(id, &who, PeerState::Failed);
        assert_eq!(desk.out, Output::default());
        desk.message(id, &who, offer("o"));
        assert_eq!(desk.out, Output::default());
        desk.step(Input::PeerMessageForged { call: call(id), from: who });
        assert_eq!(desk.out, Output::default());
    }
    assert!(!desk.is_idle());
}
