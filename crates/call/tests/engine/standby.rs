//! Connections made while it rings.

use crate::desk::*;
use tincan_call::state::Stage;
use tincan_call::*;
use tincan_proto::peer_message::Candidate;
use tincan_proto::signalling::{CallMedia, RingStop};
use tincan_proto::{ControlMessage, ParticipantId, PeerMessage, ServerMessage};

fn bob() -> ParticipantId {
    device("bob", 2)
}

fn rings_at(desk: &mut Desk, device: &ParticipantId, hide_address: bool) {
    let device = device.clone();
    desk.server(ServerMessage::Ringing { call: call(5), device, hide_address });
}

/// Alice calls bob, whose device rings.
fn calling() -> Desk {
    let mut desk = Desk::alice();
    desk.press_call(5, &["bob"], CallMedia::Video);
    rings_at(&mut desk, &bob(), false);
    desk
}

/// Bob calls alice, and his offer has come.
fn called() -> Desk {
    let mut desk = Desk::alice();
    desk.incoming(5, &bob(), &["alice"]).message(5, &bob(), offer("o"));
    desk
}

fn admitted(desk: &Desk) -> bool {
    desk.out.commands.iter().any(|command| matches!(command, Command::AdmitPeer { .. }))
}

#[test]
fn a_restart_while_it_rings_interrupts_nobody() {
    let mut desk = calling();
    desk.peer_state(5, &bob(), PeerState::Connected);
    desk.peer_state(5, &bob(), PeerState::Connecting).seconds(10);
    assert_eq!(desk.stage("bob"), Stage::Ringing);
}

#[test]
fn the_caller_offers_to_each_device_that_rings_up_to_a_bound() {
    let mut desk = calling();
    assert_eq!((desk.opened(), desk.offers()), (vec![(bob(), Role::Impolite)], vec![false]));
    rings_at(&mut desk, &bob(), false);
    assert_eq!(desk.opened(), [], "once");
    for n in 3..=5 {
        rings_at(&mut desk, &device("bob", n), false);
        assert_eq!(desk.opened().len(), 1);
    }
    rings_at(&mut desk, &device("bob", 6), false);
    assert_eq!(desk.opened(), []);
    rings_at(&mut desk, &device("carol", 9), false);
    assert_eq!(desk.opened(), [], "nobody called carol");
}

#[test]
fn a_connection_that_stands_is_the_participants_at_acceptance_and_not_before() {
    for (mut desk, ours) in [(calling(), true), (called(), false)] {
        desk.connects(5, &bob());
        assert_eq!(desk.out.commands, [], "no media, no word, no device");
        if ours {
            assert_eq!((desk.stage("bob"), desk.current().connected_at), (Stage::Ringing, None));
            desk.accepted(5, &bob());
        } else {
            assert!(desk.engine.state().current.is_none());
            desk.press_accept(5, CallMedia::Video);
        }
        assert_eq!(desk.stage("bob"), Stage::Connected { device: bob().device });
        assert!(admitted(&desk));
        assert_eq!((desk.opened(), desk.media()), (vec![], vec![true]));
        let said =
            ControlMessage::Media { microphone: true, camera: true, screen: false, paused: false };
        assert_eq!(desk.controls(), [said]);
        assert!(desk.events.contains(&Event::Connected(call(5))));
    }
}

#[test]
fn what_the_callee_says_before_the_server_does_is_shown_at_acceptance() {
    let mut desk = calling();
    desk.connects(5, &bob());
    let said =
        ControlMessage::Media { microphone: true, camera: false, screen: false, paused: false };
    desk.peer(5, &bob(), PeerInput::Control(said));
    assert!(desk.current().participants[0].camera);
    desk.accepted(5, &bob());
    assert!(!desk.current().participants[0].camera);
}

#[test]
fn the_devices_that_did_not_accept_are_let_go() {
    let mut desk = calling();
    rings_at(&mut desk, &device("bob", 3), false);
    desk.accepted(5, &device("bob", 3));
    assert_eq!(desk.closed(), [bob()]);
    assert_eq!(desk.stage("bob"), Stage::Connecting { device: device("bob", 3).device });
}

#[test]
fn a_ring_that_ends_without_acceptance_leaves_no_connection() {
    let mut cancelled = calling();
    cancelled.step(Input::HangUpPressed);
    assert_eq!(cancelled.closed(), [bob()]);
    let mut declined = calling();
    declined.server(ServerMessage::Declined { call: call(5), account: name("bob") });
    assert_eq!(declined.closed(), [bob()]);
    let mut declines = called();
    declines.step(Input::DeclinePressed { call: call(5) });
    assert_eq!(declines.closed(), [bob()]);
    for reason in [RingStop::Cancelled, RingStop::NoAnswer, RingStop::AnsweredElsewhere] {
        let mut stopped = called();
        stopped.server(ServerMessage::RingStopped { call: call(5), reason });
        assert_eq!(stopped.closed(), [bob()]);
    }
    let mut expired = called();
    expired.seconds(60);
    assert_eq!(expired.closed(), [bob()]);
}

#[test]
fn failures_while_it_rings_are_silent_and_connecting_begins_anew_at_acceptance() {
    let mut desk = calling();
    for generation in 0..4 {
        assert_eq!(desk.stage("bob"), Stage::Ringing);
        let input = PeerInput::State(PeerState::Failed);
        desk.step(Input::Peer { peer: peer(5, &bob(), generation), input });
    }
    assert_eq!(desk.opened(), [], "it is not tried for ever");
    desk.accepted(5, &bob());
    assert_eq!(desk.opened(), [(bob(), Role::Impolite)]);
    assert_eq!(desk.stage("bob"), Stage::Connecting { device: bob().device });
}

#[test]
fn whoever_hides_makes_the_connection_take_relays_alone() {
    let relay_only = |desk: &Desk| {
        desk.out.commands.iter().find_map(|command| match command {
            Command::OpenPeer { relay_only, .. } => Some(*relay_only),
            _ => None,
        })
    };
    for (own, theirs) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut desk = Desk::alice();
        desk.step(Input::AddressHidden { on: own }).press_call(5, &["bob"], CallMedia::Video);
        rings_at(&mut desk, &bob(), theirs);
        assert_eq!(relay_only(&desk), Some(own || theirs), "calling, {own}, {theirs}");
        desk.step(Input::AddressHidden { on: false }).accepted(5, &bob());
        desk.peer(5, &bob(), PeerInput::IceConnected).seconds(4);
        assert_eq!(relay_only(&desk), Some(own || theirs), "for the whole call");

        let mut desk = Desk::alice();
        desk.step(Input::AddressHidden { on: own });
        desk.server(ServerMessage::Incoming {
            call: call(5),
            from: bob(),
            to: vec![name("alice")],
            media: CallMedia::Video,
            expires: tincan_proto::units::UnixMillis(SERVER_NOW + 45_000),
            hide_address: theirs,
        });
        desk.message(5, &bob(), offer("o"));
        assert_eq!(relay_only(&desk), Some(own || theirs), "called, {own}, {theirs}");
    }
}

#[test]
fn only_the_caller_is_answered_while_it_rings() {
    let mut desk = Desk::alice();
    desk.incoming(5, &bob(), &["alice"]);
    for stranger in [device("bob", 3), device("carol", 4)] {
        desk.message(5, &stranger, offer("o"));
        assert_eq!(desk.out.commands, []);
    }
    let early = Candidate {
        candidate: "candidate:1".into(),
        sdp_mid: None,
        sdp_m_line_index: None,
        username_fragment: None,
    };
    desk.message(5, &bob(), PeerMessage::Candidate(early));
    assert_eq!(desk.opened(), [(bob(), Role::Polite)], "a candidate may come first");
}

#[test]
fn a_forged_message_while_it_rings_ends_the_call_at_acceptance() {
    let mut desk = Desk::alice();
    desk.incoming(5, &bob(), &["alice"]);
    desk.step(Input::PeerMessageForged { call: call(5), from: bob() });
    assert_eq!(desk.engine.state().incoming.len(), 1, "it rings on");
    desk.press_accept(5, CallMedia::Video);
    assert_eq!(desk.ended(), Some(EndReason::Untrusted));
    let mut desk = calling();
    desk.step(Input::PeerMessageForged { call: call(5), from: bob() });
    assert_eq!((desk.closed(), desk.stage("bob")), (vec![bob()], Stage::Ringing));
    desk.accepted(5, &bob());
    assert_eq!(desk.ended(), Some(EndReason::Untrusted));
}
