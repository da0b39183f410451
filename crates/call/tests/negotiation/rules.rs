//! The rules of one machine, one by one.

use tincan_call::NegotiationCommand::{AcceptAnswer, AcceptOffer, AddCandidate, CreateOffer, Send};
use tincan_call::NegotiationInput::{
    AnswerSet, CommandFailed, Gathered, LocalDescriptionSet, Needed, Received,
};
use tincan_call::{Epoch, Negotiation, NegotiationCommand, NegotiationInput, Role};
use tincan_proto::PeerMessage;
use tincan_proto::peer_message::{Candidate, Description, DescriptionKind};

fn candidate(line: &str, fragment: Option<&str>) -> Candidate {
    Candidate {
        candidate: line.into(),
        sdp_mid: None,
        sdp_m_line_index: None,
        username_fragment: fragment.map(str::to_owned),
    }
}

fn description(kind: DescriptionKind, sdp: &str) -> PeerMessage {
    PeerMessage::Description(Description { kind, sdp: sdp.into() })
}

fn offer(sdp: &str) -> PeerMessage {
    description(DescriptionKind::Offer, sdp)
}

fn answer(sdp: &str) -> PeerMessage {
    description(DescriptionKind::Answer, sdp)
}

fn set(epoch: u32, sdp: &str) -> NegotiationInput {
    LocalDescriptionSet { epoch: Epoch(epoch), sdp: sdp.into() }
}

fn create(epoch: u32, ice_restart: bool) -> NegotiationCommand {
    CreateOffer { epoch: Epoch(epoch), ice_restart }
}

fn accept(epoch: u32, sdp: &str, rollback: bool) -> NegotiationCommand {
    AcceptOffer { epoch: Epoch(epoch), sdp: sdp.into(), rollback }
}

fn complete(epoch: u32, sdp: &str) -> NegotiationCommand {
    AcceptAnswer { epoch: Epoch(epoch), sdp: sdp.into() }
}

const NOTHING: [NegotiationCommand; 0] = [];
const NEEDED: NegotiationInput = Needed { ice_restart: false };
const RESTART: NegotiationInput = Needed { ice_restart: true };

/// Its offer "o" is out.
fn offering(role: Role) -> Negotiation {
    let mut machine = Negotiation::new(role);
    assert_eq!(machine.step(NEEDED), [create(1, false)]);
    assert_eq!(machine.step(set(1, "o")), [Send(offer("o"))]);
    machine
}

#[test]
fn an_offer_is_made_sent_and_completed() {
    let mut machine = offering(Role::Impolite);
    assert_eq!(machine.step(Received(answer("a"))), [complete(2, "a")]);
    assert_eq!(machine.step(AnswerSet { epoch: Epoch(2) }), NOTHING);
    assert_eq!(machine.step(NEEDED), [create(3, false)]);
}

#[test]
fn a_wish_in_between_is_remembered_and_several_become_one() {
    let mut machine = Negotiation::new(Role::Impolite);
    assert_eq!(machine.step(NEEDED), [create(1, false)]);
    assert_eq!(machine.step(NEEDED), NOTHING);
    assert_eq!(machine.step(RESTART), NOTHING);
    assert_eq!(machine.step(NEEDED), NOTHING);
    assert_eq!(machine.step(set(1, "o")), [Send(offer("o"))]);
    assert_eq!(machine.step(NEEDED), NOTHING);
    assert_eq!(machine.step(Received(answer("a"))), [complete(2, "a")]);
    assert_eq!(machine.step(AnswerSet { epoch: Epoch(2) }), [create(3, true)]);
}

#[test]
fn the_polite_side_takes_its_offer_back_and_makes_it_again_later() {
    let mut machine = offering(Role::Polite);
    assert_eq!(machine.step(Received(offer("theirs"))), [accept(2, "theirs", true)]);
    assert_eq!(machine.step(set(2, "a")), [Send(answer("a")), create(3, false)]);
}

#[test]
fn the_polite_side_takes_back_an_offer_that_is_still_being_made() {
    let mut machine = Negotiation::new(Role::Polite);
    assert_eq!(machine.step(RESTART), [create(1, true)]);
    assert_eq!(machine.step(Received(offer("theirs"))), [accept(2, "theirs", true)]);
    assert_eq!(machine.step(set(1, "o")), NOTHING, "a result of a former epoch");
    assert_eq!(machine.step(CommandFailed { epoch: Epoch(1) }), NOTHING, "and a failure of one");
    assert_eq!(machine.step(set(2, "a")), [Send(answer("a")), create(3, true)]);
}

#[test]
fn the_impolite_side_ignores_an_offer_and_repeats_its_own() {
    let mut machine = Negotiation::new(Role::Impolite);
    assert_eq!(machine.step(NEEDED), [create(1, false)]);
    assert_eq!(machine.step(Received(offer("theirs"))), NOTHING);
    assert_eq!(machine.step(set(1, "o")), [Send(offer("o"))]);
    assert_eq!(machine.step(Received(offer("theirs"))), [Send(offer("o"))]);
    assert_eq!(machine.step(Received(answer("a"))), [complete(2, "a")]);
}

#[test]
fn late_and_unasked_answers_are_ignored() {
    let mut machine = Negotiation::new(Role::Polite);
    assert_eq!(machine.step(Received(answer("a"))), NOTHING, "nothing was offered");
    assert_eq!(machine.step(NEEDED), [create(1, false)]);
    assert_eq!(machine.step(Received(answer("a"))), NOTHING, "nothing was sent");
    assert_eq!(machine.step(set(1, "o")), [Send(offer("o"))]);
    assert_eq!(machine.step(Received(offer("theirs"))), [accept(2, "theirs", true)]);
    assert_eq!(machine.step(Received(answer("a"))), NOTHING, "the offer was taken back");
}

#[test]
fn a_duplicate_answer_is_not_taken_for_the_next_one() {
    let mut machine = offering(Role::Impolite);
    assert_eq!(machine.step(Received(answer("a"))), [complete(2, "a")]);
    assert_eq!(machine.step(Received(answer("a"))), NOTHING);
    assert_eq!(machine.step(AnswerSet { epoch: Epoch(2) }), NOTHING);
    assert_eq!(machine.step(NEEDED), [create(3, false)]);
    assert_eq!(machine.step(set(3, "o2")), [Send(offer("o2"))]);
    assert_eq!(machine.step(Received(answer("a"))), NOTHING);
    assert_eq!(machine.step(Received(answer("a2"))), [complete(4, "a2")]);
}

#[test]
fn a_duplicate_offer_is_answered_the_same_way() {
    let mut machine = Negotiation::new(Role::Polite);
    assert_eq!(machine.step(Received(offer("o"))), [accept(1, "o", false)]);
    assert_eq!(machine.step(Received(offer("o"))), NOTHING);
    assert_eq!(machine.step(set(1, "a")), [Send(answer("a"))]);
    let local = candidate("local", None);
    let sent = Send(PeerMessage::Candidate(local.clone()));
    assert_eq!(machine.step(Gathered(local)), vec![sent.clone()]);
    assert_eq!(machine.step(Received(offer("o"))), [Send(answer("a")), sent]);
}

#[test]
fn a_restart_wanted_again_sends_the_open_offer_again() {
    let mut machine = offering(Role::Impolite);
    assert_eq!(machine.step(RESTART), [Send(offer("o"))]);
    assert_eq!(machine.step(Received(answer("a"))), [complete(2, "a")]);
    assert_eq!(machine.step(AnswerSet { epoch: Epoch(2) }), [create(3, true)], "as was wished");
    assert_eq!(machine.step(set(3, "o3")), [Send(offer("o3"))]);
    assert_eq!(machine.step(RESTART), [Send(offer("o3"))]);
    assert_eq!(machine.step(Received(answer("a3"))), [complete(4, "a3")]);
    assert_eq!(machine.step(AnswerSet { epoch: Epoch(4) }), NOTHING, "that was the restart");
}

#[test]
fn an_offer_during_an_operation_waits_and_the_newest_counts() {
    let mut machine = offering(Role::Polite);
    assert_eq!(machine.step(Received(answer("a"))), [complete(2, "a")]);
    assert_eq!(machine.step(Received(offer("o1"))), NOTHING);
    assert_eq!(machine.step(Received(offer("o2"))), NOTHING);
    assert_eq!(machine.step(AnswerSet { epoch: Epoch(2) }), [accept(3, "o2", false)]);
}

#[test]
fn their_ice_restart_makes_ours_unnecessary() {
    let mut machine = Negotiation::new(Role::Polite);
    assert_eq!(machine.step(Received(offer("a=ice-ufrag:1"))).len(), 1);
    assert_eq!(machine.step(set(1, "a")), [Send(answer("a"))]);
    assert_eq!(machine.step(RESTART), [create(2, true)]);
    let theirs = "a=ice-ufrag:2";
    assert_eq!(machine.step(Received(offer(theirs))), [accept(3, theirs, true)]);
    assert_eq!(machine.step(set(3, "b")), [Send(answer("b")), create(4, false)]);
}

#[test]
fn remote_candidates_wait_for_their_description() {
    let (early, late) = (candidate("early", None), candidate("late", None));
    let mut machine = Negotiation::new(Role::Polite);
    assert_eq!(machine.step(Received(PeerMessage::Candidate(early.clone()))), NOTHING);
    assert_eq!(machine.step(Received(offer("o"))), [accept(1, "o", false)]);
    assert_eq!(machine.step(Received(PeerMessage::Candidate(late.clone()))), NOTHING);
    assert_eq!(
        machine.step(set(1, "a")),
        [Send(answer("a")), AddCandidate(early), AddCandidate(late.clone())]
    );
    let now = machine.step(Received(PeerMessage::Candidate(late.clone())));
    assert_eq!(now, [AddCandidate(late)]);
}

#[test]
fn candidates_wait_for_the_generation_that_they_name() {
    let next = candidate("next", Some("2"));
    let mut machine = Negotiation::new(Role::Polite);
    assert_eq!(machine.step(Received(offer("a=ice-ufrag:1"))).len(), 1);
    assert_eq!(machine.step(set(1, "a")), [Send(answer("a"))]);
    assert_eq!(machine.step(Received(PeerMessage::Candidate(next.clone()))), NOTHING);
    assert_eq!(machine.step(Received(offer("a=ice-ufrag:2"))).len(), 1);
    assert_eq!(machine.step(set(2, "b")), [Send(answer("b")), AddCandidate(next)]);
}

#[test]
fn candidates_of_an_ignored_offer_are_dropped() {
    for fragment in [Some("theirs"), None] {
        let mut machine = offering(Role::Impolite);
        let ignored = PeerMessage::Candidate(candidate("ignored", fragment));
        let _ = machine.step(Received(offer("a=ice-ufrag:theirs")));
        assert_eq!(machine.step(Received(ignored)), NOTHING);
        assert_eq!(machine.step(Received(answer("a=ice-ufrag:new"))).len(), 1);
        assert_eq!(machine.step(AnswerSet { epoch: Epoch(2) }), NOTHING);
    }
}

#[test]
fn what_was_dropped_with_the_ignored_offer_is_sent_again_by_the_polite_side() {
    let mut machine = offering(Role::Polite);
    let mine = candidate("mine", None);
    let sent = Send(PeerMessage::Candidate(mine.clone()));
    assert_eq!(machine.step(Gathered(mine)), vec![sent.clone()]);
    assert_eq!(machine.step(Received(offer("theirs"))).len(), 1);
    assert_eq!(machine.step(set(2, "a")), [Send(answer("a")), sent, create(3, false)]);
}

#[test]
fn local_candidates_are_held_until_their_description_has_been_sent() {
    let mut machine = Negotiation::new(Role::Impolite);
    let mine = candidate("mine", None);
    let sent = Send(PeerMessage::Candidate(mine.clone()));
    assert_eq!(machine.step(Gathered(mine.clone())), NOTHING);
    assert_eq!(machine.step(NEEDED), [create(1, false)]);
    assert_eq!(machine.step(Gathered(mine.clone())), NOTHING);
    assert_eq!(machine.step(set(1, "o")), [Send(offer("o")), sent.clone(), sent.clone()]);
    assert_eq!(machine.step(Gathered(mine)), [sent]);
}

#[test]
fn no_number_of_candidates_makes_the_queues_grow_without_bound() {
    let mut machine = Negotiation::new(Role::Polite);
    for n in 0..1000 {
        let early = candidate(&n.to_string(), None);
        assert_eq!(machine.step(Received(PeerMessage::Candidate(early))), NOTHING);
    }
    assert_eq!(machine.step(Received(offer("o"))).len(), 1);
    assert_eq!(machine.step(set(1, "a")).len(), 1 + 64);
    let more = |n: u32| Received(PeerMessage::Candidate(candidate(&n.to_string(), None)));
    let added = (0..1000).map(|n| machine.step(more(n)).len()).sum::<usize>();
    assert_eq!(added, 256 - 64);
}

#[test]
fn a_second_failure_in_a_row_is_the_end() {
    let mut machine = Negotiation::new(Role::Impolite);
    assert_eq!(machine.step(NEEDED), [create(1, false)]);
    assert_eq!(machine.step(CommandFailed { epoch: Epoch(1) }), [create(2, false)]);
    assert_eq!(machine.step(CommandFailed { epoch: Epoch(1) }), NOTHING, "told twice");
    assert!(!machine.failed());
    assert_eq!(machine.step(CommandFailed { epoch: Epoch(2) }), NOTHING);
    assert!(machine.failed());
    assert_eq!(machine.step(NEEDED), NOTHING);
}

#[test]
fn an_answer_that_does_not_fit_is_asked_for_once_more() {
    let mut machine = offering(Role::Impolite);
    assert_eq!(machine.step(Received(answer("wrong"))), [complete(2, "wrong")]);
    assert_eq!(machine.step(CommandFailed { epoch: Epoch(2) }), [Send(offer("o"))]);
    assert_eq!(machine.step(Received(answer("right"))), [complete(3, "right")]);
    assert_eq!(machine.step(AnswerSet { epoch: Epoch(3) }), NOTHING);
    assert!(!machine.failed());
}

#[test]
fn an_offer_that_cannot_be_set_is_tried_again_from_a_clean_state() {
    let mut machine = Negotiation::new(Role::Polite);
    assert_eq!(machine.step(Received(offer("o"))), [accept(1, "o", false)]);
    assert_eq!(machine.step(CommandFailed { epoch: Epoch(1) }), [accept(2, "o", true)]);
    assert_eq!(machine.step(set(2, "a")), [Send(answer("a"))]);
}
