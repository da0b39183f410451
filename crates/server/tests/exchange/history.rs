use crate::desk::{Desk, call, name};
use tincan_proto::signalling::{
    CallMedia, CallOutcome, DeclineReason, Direction, HistoryEntry, MAX_HISTORY, RING_TIME,
};
use tincan_proto::units::UnixMillis;
use tincan_proto::{AccountName, ClientMessage};

/// How the last call looks from each side: outcome and seconds talked.
fn seen(desk: &Desk, account: &str) -> Option<(CallOutcome, u32)> {
    desk.history_of(account).last().map(|entry| (entry.outcome, entry.talked_s))
}

fn rung() -> Desk {
    let mut desk = Desk::with(&["alice/1", "bob/1"]);
    desk.invite("alice/1", 1, &["bob"]);
    desk
}

#[test]
fn a_conversation_is_in_both_histories_with_its_length_from_the_answer() {
    let mut desk = rung();
    let started = desk.now.unix;
    desk.pass_s(10);
    desk.accept("bob/1", 1);
    desk.pass_s(63);
    desk.leave("bob/1", 1);
    let entry = |with: &str, direction| HistoryEntry {
        call: call(1),
        with: vec![name(with)],
        direction,
        media: CallMedia::Video,
        started,
        talked_s: 63,
        outcome: CallOutcome::Answered,
    };
    assert_eq!(desk.history_of("alice"), [entry("bob", Direction::Outgoing)]);
    assert_eq!(desk.history_of("bob"), [entry("alice", Direction::Incoming)]);
}

#[test]
fn calls_without_an_answer_say_how_they_ended() {
    let mut desk = rung();
    desk.cancel("alice/1", 1);
    assert_eq!(seen(&desk, "alice"), Some((CallOutcome::Missed, 0)), "cancelled");
    assert_eq!(seen(&desk, "bob"), Some((CallOutcome::Missed, 0)), "cancelled");

    let mut desk = rung();
    desk.pass(RING_TIME);
    assert_eq!(seen(&desk, "alice"), Some((CallOutcome::Missed, 0)), "no answer");
    assert_eq!(seen(&desk, "bob"), Some((CallOutcome::Missed, 0)), "no answer");

    for (reason, outcome) in
        [(DeclineReason::Declined, CallOutcome::Declined), (DeclineReason::Busy, CallOutcome::Busy)]
    {
        let mut desk = rung();
        desk.send("bob/1", ClientMessage::Decline { call: call(1), reason });
        assert_eq!(seen(&desk, "alice"), Some((outcome, 0)));
        assert_eq!(seen(&desk, "bob"), Some((outcome, 0)));
    }

    let mut desk = rung();
    desk.disconnect("alice/1");
    desk.pass_s(11);
    assert_eq!(seen(&desk, "bob"), Some((CallOutcome::Missed, 0)), "the caller has gone");
}

#[test]
fn an_offline_contact_finds_the_missed_call_later_and_a_stranger_nothing() {
    let mut desk = Desk::with(&["alice/1", "bob/1"]);
    desk.sign_in("eve/1");
    desk.disconnect("bob/1");
    desk.invite("alice/1", 1, &["bob", "eve", "nobody"]);
    assert_eq!(seen(&desk, "alice"), Some((CallOutcome::Unreachable, 0)));
    assert_eq!(seen(&desk, "bob"), Some((CallOutcome::Missed, 0)));
    assert_eq!(seen(&desk, "eve"), None);
    assert_eq!(seen(&desk, "nobody"), None);
}

#[test]
fn in_a_group_each_history_tells_its_own_part() {
    let mut desk = Desk::with(&["alice/1", "bob/1", "carol/1", "dave/1"]);
    desk.invite("alice/1", 1, &["bob", "carol", "dave"]);
    desk.accept("bob/1", 1);
    desk.pass_s(10);
    desk.accept("carol/1", 1);
    let reason = DeclineReason::Declined;
    desk.send("dave/1", ClientMessage::Decline { call: call(1), reason });
    desk.pass_s(10);
    desk.leave("bob/1", 1);
    desk.pass_s(10);
    desk.leave("alice/1", 1);
    assert_eq!(seen(&desk, "alice"), Some((CallOutcome::Answered, 30)));
    assert_eq!(seen(&desk, "bob"), Some((CallOutcome::Answered, 20)));
    assert_eq!(seen(&desk, "carol"), Some((CallOutcome::Answered, 20)));
    assert_eq!(seen(&desk, "dave"), Some((CallOutcome::Declined, 0)));
    let with: Vec<AccountName> = ["alice", "bob", "dave"].map(name).to_vec();
    assert_eq!(desk.history_of("carol")[0].with, with);
}

#[test]
fn a_call_given_up_for_one_that_goes_on_is_not_missed() {
    let mut desk = rung();
    desk.accept("bob/1", 1);
    desk.invite("bob/1", 2, &["alice"]);
    desk.cancel("bob/1", 2);
    assert_eq!(seen(&desk, "alice"), None);
    desk.leave("bob/1", 1);
    desk.invite("bob/1", 3, &["alice"]);
    desk.cancel("bob/1", 3);
    assert_eq!(seen(&desk, "alice"), Some((CallOutcome::Missed, 0)), "without another call it is");
}

#[test]
fn asking_for_history_is_passed_to_the_store_with_a_bound() {
    let mut desk = Desk::with(&["alice/1"]);
    let before = Some(UnixMillis(5));
    desk.send("alice/1", ClientMessage::ListHistory { before, limit: u32::MAX });
    let query = desk.last.as_ref().and_then(|step| step.query.clone()).expect("a query");
    assert_eq!((query.account, query.before, query.limit), (name("alice"), before, MAX_HISTORY));
    assert_eq!(query.connection, desk.connection("alice/1"));
}
