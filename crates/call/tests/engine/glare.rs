//! Two people call each other at the same time.

use crate::desk::*;
use tincan_call::*;
use tincan_proto::signalling::{CallMedia, DeclineReason, RingStop};
use tincan_proto::{ClientMessage, ServerMessage};

fn calling_bob(id: u128) -> Desk {
    let mut desk = Desk::alice();
    desk.press_call(id, &["bob"], CallMedia::Audio);
    desk
}

#[test]
fn the_call_with_the_smaller_id_goes_on_if_it_is_mine() {
    let mut desk = calling_bob(5);
    desk.incoming(6, &device("bob", 2), &["alice"]);
    assert_eq!((desk.out.commands.as_slice(), desk.out.events.as_slice()), (&[][..], &[][..]));
    desk.server(ServerMessage::RingStopped { call: call(6), reason: RingStop::Cancelled });
    assert_eq!(desk.out.events, []);
    desk.accepted(5, &device("bob", 2));
    assert_eq!(desk.opened(), [(device("bob", 2), Role::Impolite)]);
}

#[test]
fn the_call_with_the_smaller_id_is_taken_unseen_if_it_is_theirs() {
    let mut desk = calling_bob(6);
    desk.step(Input::MicrophoneSwitched { on: false });
    desk.incoming(5, &device("bob", 2), &["alice"]);
    let (cancel, accept) =
        (ClientMessage::Cancel { call: call(6) }, ClientMessage::Accept { call: call(5) });
    assert_eq!(desk.sent(), [cancel, accept]);
    assert_eq!(desk.opened(), [(device("bob", 2), Role::Polite)]);
    assert_eq!(desk.events, [], "one continuous call");
    assert_eq!(desk.ended(), None);
    assert_eq!(desk.captures(), None, "devices stay as they are");
    assert_eq!(desk.current().id, call(5));
    assert!(!desk.current().microphone && !desk.current().camera, "and so do the switches");
}

#[test]
fn calling_somebody_who_rings_here_is_accepting() {
    let mut desk = Desk::alice();
    desk.incoming(5, &device("bob", 2), &["alice"]);
    desk.press_call(4, &["bob"], CallMedia::Audio);
    assert_eq!(desk.sent(), [ClientMessage::Accept { call: call(5) }]);
    assert_eq!(desk.captures(), Some((true, false)));
}

#[test]
fn a_call_from_another_device_after_an_answer_is_told_busy() {
    let mut desk = calling_bob(6);
    desk.accepted(6, &device("bob", 3)).incoming(5, &device("bob", 2), &["alice"]);
    let reason = DeclineReason::Busy;
    assert_eq!(desk.sent(), [ClientMessage::Decline { call: call(5), reason }]);
}

#[test]
fn group_calls_do_not_glare() {
    let mut desk = Desk::alice();
    desk.press_call(6, &["bob", "carol"], CallMedia::Audio);
    desk.incoming(5, &device("bob", 2), &["alice"]);
    assert_eq!(desk.out.events, [Event::BusyDeclined(call(5))]);
    let mut desk = calling_bob(6);
    desk.incoming(5, &device("bob", 2), &["alice", "carol"]);
    assert_eq!(desk.out.events, [Event::BusyDeclined(call(5))]);
}

#[test]
fn if_mine_comes_to_nothing_theirs_is_taken_while_it_rings() {
    for still_rings in [true, false] {
        let mut desk = calling_bob(5);
        desk.incoming(6, &device("bob", 2), &["alice"]);
        if !still_rings {
            let reason = RingStop::Cancelled;
            desk.server(ServerMessage::RingStopped { call: call(6), reason });
        }
        desk.server(ServerMessage::Declined { call: call(5), account: name("bob") });
        if still_rings {
            assert_eq!(desk.sent(), [ClientMessage::Accept { call: call(6) }]);
            assert_eq!((desk.current().id, desk.events.len()), (call(6), 0));
        } else {
            assert_eq!(desk.ended(), Some(EndReason::RemoteDeclined));
        }
    }
}

#[test]
fn giving_up_in_a_glare_ends_both() {
    let mut desk = calling_bob(5);
    desk.incoming(6, &device("bob", 2), &["alice"]).step(Input::HangUpPressed);
    assert_eq!(desk.sent(), [ClientMessage::Cancel { call: call(5) }]);
    assert!(desk.is_idle());
    desk.server(ServerMessage::RingStopped { call: call(6), reason: RingStop::Cancelled });
    assert_eq!(desk.out, Output::default());
}
