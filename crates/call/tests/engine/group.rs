//! Calls of more than two.

use crate::desk::*;
use tincan_call::state::Stage;
use tincan_call::*;
use tincan_proto::signalling::{CallMedia, LeaveReason, Unreachable};
use tincan_proto::{ClientMessage, ServerMessage};

/// Bob's device 2, called by alice's device 1 together with carol, has accepted.
fn bob_has_accepted() -> Desk {
    let mut desk = Desk::signed_in(device("bob", 2));
    desk.incoming(5, &device("alice", 1), &["bob", "carol"]).press_accept(5, CallMedia::Video);
    desk
}

#[test]
fn everybody_invited_is_a_participant_and_each_acceptance_opens_a_peer() {
    let mut desk = Desk::alice();
    desk.press_call(5, &["bob", "carol"], CallMedia::Video);
    assert_eq!(desk.current().participants.len(), 2);
    desk.accepted(5, &device("carol", 3));
    assert_eq!(desk.opened(), [(device("carol", 3), Role::Impolite)]);
    desk.accepted(5, &device("bob", 2));
    assert_eq!(desk.opened(), [(device("bob", 2), Role::Impolite)]);
}

#[test]
fn a_call_goes_on_while_somebody_may_still_come_and_ends_with_the_last_reason() {
    let mut desk = Desk::alice();
    desk.press_call(5, &["bob", "carol"], CallMedia::Video);
    desk.server(ServerMessage::Declined { call: call(5), account: name("bob") });
    assert_eq!((desk.current().participants.len(), desk.out.events.len()), (1, 0));
    let (account, reason) = (name("carol"), Unreachable::NoAnswer);
    desk.server(ServerMessage::Unreachable { call: call(5), account, reason });
    assert_eq!(desk.ended(), Some(EndReason::NoAnswer));
    let ended = desk.engine.state().ended.clone().expect("ended");
    assert_eq!(ended.with, [name("bob"), name("carol")], "everybody who was called is named");
}

#[test]
fn one_leaving_leaves_the_others_in_the_call() {
    let mut desk = Desk::alice();
    let (bob, carol) = (device("bob", 2), device("carol", 3));
    desk.press_call(5, &["bob", "carol"], CallMedia::Video);
    desk.accepted(5, &bob).accepted(5, &carol).connects(5, &bob).connects(5, &carol);
    desk.left(5, &bob, LeaveReason::HungUp);
    assert_eq!((desk.closed(), desk.sent()), (vec![bob], vec![]));
    assert_eq!(desk.current().participants.len(), 1);
    desk.left(5, &carol, LeaveReason::HungUp);
    assert_eq!(desk.ended(), Some(EndReason::RemoteHungUp));
}

#[test]
fn between_callees_the_smaller_id_is_polite_and_the_other_offers() {
    let mut desk = bob_has_accepted();
    assert_eq!(desk.opened(), [(device("alice", 1), Role::Polite)]);
    desk.accepted(5, &device("carol", 3));
    assert_eq!(desk.opened(), [(device("carol", 3), Role::Polite)]);
    assert_eq!(desk.offers(), [] as [bool; 0]);

    let mut desk = Desk::signed_in(device("carol", 3));
    desk.incoming(5, &device("alice", 1), &["bob", "carol"]).press_accept(5, CallMedia::Video);
    desk.accepted(5, &device("bob", 2));
    assert_eq!(desk.opened(), [(device("bob", 2), Role::Impolite)]);
    assert_eq!(desk.offers(), [false]);
}

#[test]
fn a_polite_callee_speaks_up_if_the_other_does_not_know_of_it() {
    let mut desk = bob_has_accepted();
    desk.accepted(5, &device("carol", 3)).seconds(1);
    assert_eq!(desk.offers(), [false]);
}

#[test]
fn an_offer_by_somebody_invited_shows_that_they_have_joined() {
    let mut desk = bob_has_accepted();
    desk.message(5, &device("carol", 3), offer("o"));
    assert_eq!(desk.opened(), [(device("carol", 3), Role::Polite)]);
    assert!(matches!(
        desk.out.commands.last(),
        Some(Command::Negotiate { command: NegotiationCommand::AcceptOffer { .. }, .. })
    ));
    desk.accepted(5, &device("carol", 3));
    assert_eq!(desk.out.commands, []);
    desk.message(5, &device("dave", 4), offer("o"));
    assert_eq!(desk.out.commands, [], "who was not invited is a stranger");
}

#[test]
fn to_the_caller_nobody_has_joined_before_the_server_says_so() {
    let mut desk = Desk::alice();
    desk.press_call(5, &["bob", "carol"], CallMedia::Video);
    desk.message(5, &device("bob", 2), offer("o"));
    assert_eq!((desk.out.commands.len(), desk.stage("bob")), (0, Stage::Invited));
    for _ in 0..100 {
        desk.message(5, &device("bob", 2), offer("o"));
    }
    desk.accepted(5, &device("bob", 2));
    assert_eq!(desk.opened().len(), 1);
}

#[test]
fn a_callee_does_not_wait_alone_for_others_that_ring() {
    let mut desk = bob_has_accepted();
    desk.left(5, &device("alice", 1), LeaveReason::HungUp);
    assert_eq!(desk.ended(), Some(EndReason::RemoteHungUp));
    let leave = ClientMessage::Leave { call: call(5), reason: LeaveReason::HungUp };
    assert_eq!(desk.sent(), [leave], "the server need not keep the call for it");
}

#[test]
fn callees_go_on_without_the_caller() {
    let mut desk = bob_has_accepted();
    desk.accepted(5, &device("carol", 3)).left(5, &device("alice", 1), LeaveReason::HungUp);
    assert_eq!(desk.current().participants.len(), 1);
    assert_eq!(desk.ended(), None);
}

#[test]
fn who_has_not_answered_in_time_is_taken_out() {
    let mut desk = bob_has_accepted();
    desk.connects(5, &device("alice", 1)).seconds(50);
    assert_eq!(desk.current().participants.len(), 1);
    desk.accepted(5, &device("carol", 3));
    assert_eq!(desk.opened().len(), 1, "but may still come if the server lets them in");
}

#[test]
fn messages_that_trail_somebody_who_left_do_not_bring_them_back() {
    let mut desk = bob_has_accepted();
    let carol = device("carol", 3);
    desk.accepted(5, &carol).left(5, &carol, LeaveReason::HungUp).message(5, &carol, offer("o"));
    assert_eq!(desk.out.commands, []);
    assert_eq!(desk.current().participants.len(), 1);
}
