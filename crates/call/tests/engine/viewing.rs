//! What the others are told of how their pictures are shown here.

use crate::desk::*;
use tincan_call::*;
use tincan_proto::signalling::CallMedia;
use tincan_proto::units::Resolution;
use tincan_proto::{ControlMessage, ParticipantId, View, Viewing};

const SMALL: View = View::Drawn(Resolution::new(320, 180));
const LARGE: View = View::Drawn(Resolution::new(1280, 720));

fn bob() -> ParticipantId {
    device("bob", 2)
}

fn drawn(view: View) -> Input {
    Input::Drawn { participant: bob(), view }
}

fn told(desk: &Desk) -> Vec<Viewing> {
    let viewing = |message| match message {
        ControlMessage::Viewing(viewing) => Some(viewing),
        _ => None,
    };
    desk.controls().into_iter().filter_map(viewing).collect()
}

fn view(view: View) -> Viewing {
    Viewing { view, most_kbps: None }
}

fn pictures(desk: &mut Desk, pictures: u64) {
    desk.peer(5, &bob(), PeerInput::Received { pictures, packets: pictures });
}

/// In a call with bob, whose pictures come.
fn seeing_bob() -> Desk {
    let mut desk = Desk::in_call_with_bob();
    pictures(&mut desk, 1);
    desk
}

#[test]
fn a_picture_that_is_drawn_small_or_hidden_is_told_once_it_stays_so() {
    let mut desk = seeing_bob();
    desk.step(drawn(SMALL));
    assert_eq!(told(&desk), []);
    desk.seconds(2);
    assert_eq!(told(&desk), [view(SMALL)]);
    desk.seconds(60);
    assert_eq!(told(&desk), [], "said once");
    desk.step(drawn(View::Hidden)).seconds(2);
    assert_eq!(told(&desk), [view(View::Hidden)]);
    desk.step(drawn(LARGE));
    assert_eq!(told(&desk), [view(LARGE)], "whoever looks again waits for nothing");
}

#[test]
fn before_a_picture_has_come_nobody_can_look_and_nothing_is_said() {
    let mut desk = Desk::in_call_with_bob();
    desk.step(drawn(View::Hidden)).seconds(10);
    assert_eq!(told(&desk), []);
    pictures(&mut desk, 1);
    assert_eq!(told(&desk), [view(View::Hidden)]);
}

#[test]
fn a_new_connection_is_told_anew_once_its_pictures_come() {
    let mut desk = seeing_bob();
    desk.step(drawn(SMALL)).seconds(2);
    desk.peer_state(5, &bob(), PeerState::Failed).seconds(60);
    let newest = desk.opened_generation().expect("a new connection");
    let over = |input| Input::Peer { peer: peer(5, &bob(), newest), input };
    desk.step(over(PeerInput::ControlOpened));
    desk.step(over(PeerInput::State(PeerState::Connected)));
    assert_eq!(told(&desk), [], "it may be as large as it goes");
    desk.step(over(PeerInput::Received { pictures: 1, packets: 1 }));
    assert_eq!(told(&desk), [view(SMALL)]);
}

#[test]
fn pictures_that_nobody_looks_at_are_not_missed() {
    let mut desk = seeing_bob();
    desk.step(drawn(View::Hidden)).seconds(2);
    for _ in 0..40 {
        pictures(&mut desk, 1);
        assert_eq!(desk.out.commands, []);
        desk.seconds(1);
    }
    desk.step(drawn(LARGE));
    let mut asked = 0;
    for _ in 0..8 {
        pictures(&mut desk, 1);
        asked += usize::from(!desk.out.commands.is_empty());
        desk.seconds(1);
    }
    assert!(asked > 0, "from now on they are");
}

#[test]
fn what_all_may_send_together_is_shared_among_those_who_are_in_the_call() {
    let mut desk = Desk::alice();
    desk.step(Input::IncomingLimited { kbps: Some(230) });
    desk.press_call(5, &["bob", "carol"], CallMedia::Video).accepted(5, &bob());
    desk.peer(5, &bob(), PeerInput::ControlOpened);
    let most = |kbps| Viewing { view: View::Any, most_kbps: Some(kbps) };
    assert_eq!(told(&desk), [most(230)]);
    desk.accepted(5, &device("carol", 3));
    assert_eq!(told(&desk), [most(115)], "bob, as carol cannot hear yet");
    desk.peer(5, &device("carol", 3), PeerInput::ControlOpened);
    assert_eq!(told(&desk), [most(115)]);
    desk.step(Input::IncomingLimited { kbps: None });
    assert_eq!(told(&desk), [Viewing::default(), Viewing::default()]);
}

#[test]
fn what_the_others_show_and_take_is_obeyed() {
    let mut desk = Desk::in_call_with_bob();
    let viewing = Viewing { view: SMALL, most_kbps: Some(100) };
    desk.peer(5, &bob(), PeerInput::Control(ControlMessage::Viewing(viewing)));
    let fit = Command::FitPicture { peer: peer(5, &bob(), 0), viewing };
    assert_eq!(desk.out.commands, [fit]);
}

#[test]
fn whoever_is_not_in_the_call_is_told_nothing() {
    let mut desk = seeing_bob();
    desk.step(Input::Drawn { participant: device("mallory", 9), view: View::Hidden });
    assert_eq!(desk.seconds(5).out.commands, []);
}
