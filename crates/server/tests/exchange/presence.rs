use crate::desk::{Desk, name};
use tincan_proto::ServerMessage;
use tincan_proto::signalling::Presence;

fn told(desk: &mut Desk, who: &str) -> Vec<(String, Presence)> {
    let told = desk.mail(who).into_iter().filter_map(|message| match message {
        ServerMessage::PresenceChanged { name, presence } => Some((name.to_string(), presence)),
        _ => None,
    });
    told.collect()
}

#[test]
fn contacts_hear_of_coming_and_going_and_strangers_do_not() {
    let mut desk = Desk::with(&["alice/1", "bob/1"]);
    desk.sign_in("eve/1");
    desk.clear();
    desk.disconnect("bob/1");
    assert_eq!(told(&mut desk, "alice/1"), [("bob".to_owned(), Presence::Offline)]);
    desk.sign_in("bob/1");
    assert_eq!(told(&mut desk, "alice/1"), [("bob".to_owned(), Presence::Online)]);
    assert_eq!(told(&mut desk, "eve/1"), []);
}

#[test]
fn a_second_device_changes_nothing() {
    let mut desk = Desk::with(&["alice/1", "bob/1"]);
    desk.sign_in("bob/2");
    desk.disconnect("bob/1");
    assert_eq!(told(&mut desk, "alice/1"), []);
    desk.disconnect("bob/2");
    assert_eq!(told(&mut desk, "alice/1"), [("bob".to_owned(), Presence::Offline)]);
}

#[test]
fn people_are_in_a_call_from_its_answer_to_its_end() {
    let mut desk = Desk::with(&["alice/1", "bob/1", "carol/1"]);
    desk.invite("alice/1", 1, &["bob"]);
    assert_eq!(told(&mut desk, "carol/1"), [], "ringing is nobody else's business");
    desk.accept("bob/1", 1);
    let both = |presence| vec![("alice".to_owned(), presence), ("bob".to_owned(), presence)];
    assert_eq!(told(&mut desk, "carol/1"), both(Presence::InCall));
    desk.leave("bob/1", 1);
    assert_eq!(told(&mut desk, "carol/1"), both(Presence::Online));
}

#[test]
fn somebody_whose_connection_is_away_for_a_moment_is_still_in_the_call() {
    let mut desk = Desk::with(&["alice/1", "bob/1", "carol/1"]);
    desk.invite("alice/1", 1, &["bob"]);
    desk.accept("bob/1", 1);
    desk.clear();
    desk.disconnect("bob/1");
    desk.pass_s(89);
    assert_eq!(told(&mut desk, "carol/1"), []);
    desk.pass_s(2);
    let told = told(&mut desk, "carol/1");
    assert!(told.contains(&("bob".to_owned(), Presence::Offline)), "{told:?}");
    assert!(told.contains(&("alice".to_owned(), Presence::Online)), "{told:?}");
}

#[test]
fn a_book_tells_presence_as_it_is() {
    let mut desk = Desk::with(&["alice/1", "bob/1", "carol/1"]);
    desk.invite("alice/1", 1, &["bob"]);
    desk.accept("bob/1", 1);
    desk.disconnect("carol/1");
    let connection = desk.sign_in("carol/1");
    let Some(ServerMessage::Welcome { book, .. }) = desk.peek(connection).first() else {
        panic!("not welcomed")
    };
    let presence: Vec<_> = book.contacts.iter().map(|c| (c.name.clone(), c.presence)).collect();
    assert_eq!(presence, [(name("alice"), Presence::InCall), (name("bob"), Presence::InCall)]);
}
