//! Connections: their states, their repair, and what is said on them.

use crate::desk::*;
use std::time::Duration;
use tincan_call::state::Stage;
use tincan_call::*;
use tincan_proto::signalling::{CallMedia, LeaveReason};
use tincan_proto::{ClientMessage, ControlMessage, PeerMessage};

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
    assert_eq!(
        desk.controls(),
        [ControlMessage::Media { microphone: true, camera: false, screen: false, paused: false }]
    );
    desk.step(Input::MicrophoneSwitched { on: false });
    assert_eq!(
        desk.controls(),
        [ControlMessage::Media { microphone: false, camera: false, screen: false, paused: false }]
    );
    desk.step(Input::MicrophoneSwitched { on: false });
    assert_eq!(desk.out.commands, [], "no change, no word");
}

#[test]
fn what_the_others_send_is_shown() {
    let mut desk = Desk::in_call_with_bob();
    assert!(desk.current().participants[0].microphone && desk.current().participants[0].camera);
    let media =
        ControlMessage::Media { microphone: false, camera: false, screen: false, paused: false };
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
    desk.seconds(17);
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
fn the_impolite_side_restarts_at_once_and_the_polite_one_a_moment_later() {
    for mut desk in [Desk::in_call_with_bob(), Desk::in_call_from_bob()] {
        let impolite = desk.current().outgoing;
        if impolite {
            settle(&mut desk);
        }
        desk.peer_state(5, &bob(), PeerState::Disconnected).seconds(2);
        assert_eq!(desk.attempt("bob"), Some(1));
        assert_eq!(desk.media(), [false], "nobody is sent what they may not know of");
        assert_eq!(desk.offers(), vec![true; usize::from(impolite)]);
        desk.seconds(1);
        assert_eq!(desk.offers(), vec![true; usize::from(!impolite)]);
        desk.peer_state(5, &bob(), PeerState::Connected);
        assert_eq!(desk.stage("bob"), Stage::Connected { device: bob().device });
        assert_eq!((desk.media(), desk.out.deadline), (vec![true], None));
    }
}

#[test]
fn the_polite_side_stays_silent_if_an_offer_comes_first() {
    let mut desk = Desk::in_call_from_bob();
    desk.peer_state(5, &bob(), PeerState::Failed).message(5, &bob(), offer("o"));
    desk.seconds(5);
    assert_eq!(desk.offers(), [] as [bool; 0]);
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
    settle(&mut desk);
    desk.peer_state(5, &bob(), PeerState::Failed);
    for (attempt, begins) in [(1, 0), (2, 12), (3, 25), (4, 41), (5, 62)] {
        let passed = desk.now.duration_since(desk.start).as_secs();
        desk.seconds(begins - passed);
        assert_eq!(desk.attempt("bob"), Some(attempt), "at {begins} s");
    }
    assert_eq!(desk.opened(), [(bob(), Role::Impolite)], "the last attempts are new connections");
    let Stage::Interrupted { next_at, .. } = desk.stage("bob") else { panic!("interrupted") };
    assert_eq!(next_at, None, "nothing comes after the last");
    desk.seconds(16);
    assert_eq!(desk.attempt("bob"), Some(5));
    desk.seconds(12);
    assert_eq!(desk.ended(), Some(EndReason::ConnectionLost));
    assert_eq!(desk.sent(), [leave(LeaveReason::ConnectionLost)]);
    assert_eq!(desk.controls(), [], "there is nobody to hear a farewell");
}

#[test]
fn success_resets_the_count() {
    let mut desk = Desk::in_call_with_bob();
    desk.peer_state(5, &bob(), PeerState::Failed).seconds(30);
    desk.peer_state(5, &bob(), PeerState::Connected).peer_state(5, &bob(), PeerState::Failed);
    assert_eq!(desk.attempt("bob"), Some(1));
}

#[test]
fn pressing_goes_on_to_the_next_attempt_and_makes_the_last_one_again() {
    let mut desk = Desk::in_call_with_bob();
    desk.peer_state(5, &bob(), PeerState::Failed);
    for attempt in [2, 3, 4, 5, 5] {
        desk.step(Input::ReconnectPressed);
        assert_eq!(desk.attempt("bob"), Some(attempt));
    }
    desk.seconds(300);
    assert_eq!(desk.ended(), Some(EndReason::ConnectionLost));
}

#[test]
fn attempts_wait_for_the_server_and_none_is_used_up() {
    let mut desk = Desk::in_call_with_bob();
    settle(&mut desk);
    desk.step(Input::SignalLost).peer_state(5, &bob(), PeerState::Failed).seconds(60);
    assert_eq!((desk.attempt("bob"), desk.offers()), (Some(1), vec![]));
    desk.step(Input::SignedIn { me: device("alice", 1), resumed: true });
    assert_eq!((desk.attempt("bob"), desk.offers()), (Some(1), vec![true]));
    desk.peer_state(5, &bob(), PeerState::Connected);
    desk.step(Input::SignalLost).peer_state(5, &bob(), PeerState::Failed).seconds(84);
    assert_eq!(desk.attempt("bob"), Some(1));
    desk.seconds(1);
    assert_eq!(desk.ended(), Some(EndReason::ConnectionLost), "it ends some time");
}

#[test]
fn a_change_of_addresses_restarts_at_once_on_the_side_that_noticed() {
    for mut desk in [Desk::in_call_with_bob(), Desk::in_call_from_bob()] {
        if desk.current().outgoing {
            settle(&mut desk);
        }
        desk.step(Input::AddressesChanged);
        assert_eq!(desk.offers(), [true]);
        assert_eq!(desk.stage("bob"), Stage::Connected { device: bob().device }, "not shown");
    }
    let mut desk = Desk::in_call_with_bob();
    settle(&mut desk);
    desk.step(Input::SignalLost).step(Input::AddressesChanged);
    assert_eq!(desk.offers(), [] as [bool; 0], "there is nobody to tell");
    desk.step(Input::SignedIn { me: device("alice", 1), resumed: true });
    assert_eq!(desk.offers(), [true]);
}

#[test]
fn a_restart_that_does_not_come_to_its_end_is_an_interruption() {
    let mut desk = Desk::in_call_with_bob();
    settle(&mut desk);
    desk.step(Input::AddressesChanged).peer_state(5, &bob(), PeerState::Connecting).seconds(3);
    assert_eq!(desk.stage("bob"), Stage::Connected { device: bob().device }, "not shown");
    desk.peer_state(5, &bob(), PeerState::Connected).seconds(60);
    assert_eq!(desk.stage("bob"), Stage::Connected { device: bob().device });

    desk.peer_state(5, &bob(), PeerState::Connecting).step(Input::SignalLost).seconds(4);
    assert_eq!((desk.attempt("bob"), desk.media()), (Some(1), vec![false]));
    desk.step(Input::SignedIn { me: device("alice", 1), resumed: true });
    desk.peer_state(5, &bob(), PeerState::Connected);
    assert_eq!((desk.attempt("bob"), desk.media()), (None, vec![true]));
}

#[test]
fn an_offer_under_way_is_outdated_by_a_change_of_addresses() {
    let mut desk = Desk::in_call_with_bob();
    settle(&mut desk);
    desk.step(Input::AddressesChanged);
    assert_eq!(desk.offers(), [true]);
    let negotiated = PeerInput::Negotiation;
    let set = |epoch, sdp: &str| NegotiationInput::LocalDescriptionSet { epoch, sdp: sdp.into() };
    desk.peer(5, &bob(), negotiated(set(Epoch(3), "o2")));
    // The network of the first offer has gone, and the answer to it may come all the same.
    desk.step(Input::AddressesChanged).message(5, &bob(), answer("a2"));
    desk.peer(5, &bob(), negotiated(NegotiationInput::AnswerSet { epoch: Epoch(4) }));
    assert_eq!(desk.offers(), [true], "another restart follows");
}

#[test]
fn without_the_server_missing_pictures_cost_no_connection() {
    let mut desk = Desk::in_call_with_bob();
    settle(&mut desk);
    desk.step(Input::SignalLost);
    for packets in 0..60 {
        desk.pass(Duration::from_millis(200));
        desk.peer(5, &bob(), PeerInput::Received { pictures: 0, packets });
        assert_eq!((desk.offers(), desk.closed()), (vec![], vec![]));
    }
}

#[test]
fn a_negotiation_that_cannot_go_on_is_begun_anew_and_at_last_ends_the_call() {
    let mut desk = Desk::alice();
    desk.press_call(5, &["bob"], CallMedia::Video).accepted(5, &bob());
    for generation in 0..4 {
        assert_eq!(desk.ended(), None);
        for epoch in [Epoch(1), Epoch(2)] {
            let input = PeerInput::Negotiation(NegotiationInput::CommandFailed { epoch });
            desk.step(Input::Peer { peer: peer(5, &bob(), generation), input });
        }
    }
    assert_eq!(desk.ended(), Some(EndReason::ConnectionFailed));
}

#[test]
fn dtls_that_hangs_costs_a_new_connection() {
    let mut desk = Desk::alice();
    desk.press_call(5, &["bob"], CallMedia::Video).accepted(5, &bob());
    desk.peer(5, &bob(), PeerInput::IceConnected).seconds(3);
    assert_eq!(desk.opened(), []);
    desk.seconds(1);
    assert_eq!((desk.closed(), desk.opened()), (vec![bob()], vec![(bob(), Role::Impolite)]));
    desk.peer_state(5, &bob(), PeerState::Connected);
    let stage = desk.stage("bob");
    assert_eq!(stage, Stage::Connecting { device: bob().device }, "a report of the dropped one");
    let input = PeerInput::State(PeerState::Connected);
    desk.step(Input::Peer { peer: peer(5, &bob(), 1), input });
    assert_eq!(desk.stage("bob"), Stage::Connected { device: bob().device });

    let mut desk = Desk::alice();
    desk.incoming(5, &bob(), &["alice"]).press_accept(5, CallMedia::Video);
    desk.peer(5, &bob(), PeerInput::IceConnected).seconds(4);
    let renew = Command::SendPeerMessage { peer: peer(5, &bob(), 0), message: PeerMessage::Renew };
    assert_eq!(desk.out.commands, [renew], "the polite side asks");
    desk.numbered(5, &bob(), 1, offer("o"));
    assert_eq!((desk.closed(), desk.opened()), (vec![bob()], vec![(bob(), Role::Polite)]));
    desk.numbered(5, &bob(), 0, offer("late"));
    assert_eq!(desk.out.commands, [], "what belongs to the dropped one counts no more");
}

#[test]
fn a_relayed_connection_has_one_second_chance_unless_an_address_is_hidden() {
    let mut desk = Desk::in_call_with_bob();
    settle(&mut desk);
    desk.peer(5, &bob(), PeerInput::Path { relayed: true });
    assert!(desk.current().participants[0].relayed);
    desk.seconds(6);
    assert_eq!(desk.offers(), [true]);
    desk.peer(5, &bob(), PeerInput::Path { relayed: true }).seconds(60);
    assert_eq!(desk.offers(), [] as [bool; 0]);

    let mut desk = Desk::alice();
    desk.step(Input::AddressHidden { on: true });
    desk.press_call(5, &["bob"], CallMedia::Video).accepted(5, &bob()).connects(5, &bob());
    settle(&mut desk);
    desk.peer(5, &bob(), PeerInput::Path { relayed: true }).seconds(60);
    assert_eq!(desk.offers(), [] as [bool; 0]);
}

#[test]
fn a_relayed_connection_keeps_its_path_while_the_server_is_away() {
    let mut desk = Desk::in_call_with_bob();
    settle(&mut desk);
    desk.peer(5, &bob(), PeerInput::Path { relayed: true });
    desk.step(Input::SignalLost);
    desk.seconds(20);
    assert_eq!(desk.offers(), [] as [bool; 0]);
    desk.step(Input::SignedIn { me: device("alice", 1), resumed: true });
    desk.seconds(6);
    assert_eq!(desk.offers(), [true]);
}

#[test]
fn pictures_that_stay_away_are_asked_for_negotiated_and_told_to_both() {
    let mut desk = Desk::in_call_with_bob();
    settle(&mut desk);
    let starve = |desk: &mut Desk, seconds: u64| {
        let mut commands = Vec::new();
        for _ in 0..seconds * 4 {
            desk.now += std::time::Duration::from_millis(250);
            desk.peer(5, &bob(), PeerInput::Received { pictures: 0, packets: 0 });
            commands.append(&mut desk.out.commands);
        }
        desk.out.commands = commands;
    };
    starve(&mut desk, 4);
    assert_eq!(desk.out.commands, [Command::RequestKeyFrame { peer: peer(5, &bob(), 0) }]);
    starve(&mut desk, 2);
    assert_eq!(desk.offers(), [true]);
    starve(&mut desk, 5);
    assert_eq!(desk.controls(), [ControlMessage::PictureMissing { missing: true }]);
    assert!(desk.current().participants[0].picture_missing);
    desk.peer(5, &bob(), PeerInput::Received { pictures: 3, packets: 30 });
    assert_eq!(desk.controls(), [ControlMessage::PictureMissing { missing: false }]);
    assert!(!desk.current().participants[0].picture_missing);
    for missing in [true, false] {
        let message = ControlMessage::PictureMissing { missing };
        desk.peer(5, &bob(), PeerInput::Control(message));
        assert_eq!(desk.current().participants[0].own_picture_missing, missing);
    }
}

#[test]
fn strong_echo_is_told_at_each_change_and_heard_of() {
    let mut desk = Desk::in_call_with_bob();
    settle(&mut desk);
    for strong in [true, false] {
        desk.step(Input::EchoNoticed { strong });
        assert_eq!(desk.controls(), [ControlMessage::Echoing { strong }]);
        assert_eq!(desk.current().echoing, strong);
        desk.step(Input::EchoNoticed { strong });
        assert_eq!(desk.controls(), [], "it is so already");
        desk.peer(5, &bob(), PeerInput::Control(ControlMessage::Echoing { strong }));
        assert_eq!(desk.current().participants[0].echoing, strong);
    }
}

#[test]
fn a_call_goes_on_without_the_server_and_repairs_itself_when_it_is_back() {
    let mut desk = Desk::in_call_with_bob();
    settle(&mut desk);
    desk.step(Input::SignalLost).seconds(300);
    assert_eq!(desk.stage("bob"), Stage::Connected { device: bob().device });
    desk.step(Input::SignedIn { me: device("alice", 1), resumed: true });
    assert_eq!(desk.out.commands, [], "nothing is broken");
    desk.peer_state(5, &bob(), PeerState::Failed);
    assert_eq!(desk.offers(), [true]);
    desk.step(Input::SignalLost);
    let sdp = "o2".to_owned();
    let set = NegotiationInput::LocalDescriptionSet { epoch: Epoch(3), sdp };
    desk.peer(5, &bob(), PeerInput::Negotiation(set));
    desk.step(Input::SignedIn { me: device("alice", 1), resumed: false });
    let (to, media) = (vec![name("bob")], CallMedia::Video);
    let announced =
        Command::Send(ClientMessage::Invite { call: call(5), to, media, hide_address: false });
    let again = Command::SendPeerMessage { peer: peer(5, &bob(), 0), message: offer("o2") };
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
