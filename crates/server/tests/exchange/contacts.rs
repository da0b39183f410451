use crate::desk::{Desk, name};
use tincan_proto::signalling::{ContactBook, ContactRequest, Direction, Failure, Presence};
use tincan_proto::{ClientMessage, ServerMessage};
use tincan_server::exchange::Change;
use tincan_server::limits::{MAX_CONTACTS, MAX_REQUESTS};

fn strangers(devices: &[&str]) -> Desk {
    let mut desk = Desk::new();
    for who in devices {
        desk.sign_in(who);
    }
    desk.clear();
    desk.changes.clear();
    desk
}

fn book(desk: &mut Desk, who: &str) -> ContactBook {
    match desk.mail(who).pop() {
        Some(ServerMessage::Book { book }) => book,
        other => panic!("expected a book for {who}, got {other:?}"),
    }
}

fn failure(desk: &mut Desk, who: &str) -> Option<Failure> {
    match desk.mail(who).pop() {
        Some(ServerMessage::Failed { code, .. }) => Some(code),
        _ => None,
    }
}

fn add(desk: &mut Desk, who: &str, other: &str) {
    desk.send(who, ClientMessage::AddContact { name: name(other) });
}

fn answer(desk: &mut Desk, who: &str, other: &str, accept: bool) {
    desk.send(who, ClientMessage::AnswerRequest { name: name(other), accept });
}

fn remove(desk: &mut Desk, who: &str, other: &str) {
    desk.send(who, ClientMessage::RemoveContact { name: name(other) });
}

fn names(book: &ContactBook) -> Vec<&str> {
    book.contacts.iter().map(|contact| contact.name.as_str()).collect()
}

#[test]
fn a_request_shows_in_both_books_and_an_answer_makes_contacts() {
    let mut desk = strangers(&["alice/1", "bob/1", "bob/2"]);
    add(&mut desk, "alice/1", "bob");
    let request = |other, direction| ContactRequest { name: name(other), direction };
    let hers = book(&mut desk, "alice/1");
    assert_eq!(hers.requests, [request("bob", Direction::Outgoing)]);
    for his in ["bob/1", "bob/2"] {
        let his = book(&mut desk, his);
        assert_eq!(his.requests, [request("alice", Direction::Incoming)]);
        assert_eq!(names(&his), [""; 0]);
    }
    answer(&mut desk, "bob/2", "alice", true);
    for (who, other) in [("alice/1", "bob"), ("bob/1", "alice"), ("bob/2", "alice")] {
        let book = book(&mut desk, who);
        assert_eq!(names(&book), [other]);
        assert_eq!(book.contacts[0].presence, Presence::Online);
        assert_eq!(book.requests, []);
    }
    assert_eq!(
        desk.changes,
        [
            Change::RequestMade { asker: name("alice"), asked: name("bob") },
            Change::RequestClosed { asker: name("alice"), asked: name("bob") },
            Change::ContactsMade(name("bob"), name("alice")),
        ]
    );
}

#[test]
fn asking_somebody_who_has_asked_already_accepts() {
    let mut desk = strangers(&["alice/1", "bob/1"]);
    add(&mut desk, "alice/1", "bob");
    add(&mut desk, "bob/1", "alice");
    assert_eq!(names(&book(&mut desk, "alice/1")), ["bob"]);
    assert_eq!(names(&book(&mut desk, "bob/1")), ["alice"]);
}

#[test]
fn a_declined_or_withdrawn_request_leaves_both_books() {
    for ending in ["declined", "withdrawn"] {
        let mut desk = strangers(&["alice/1", "bob/1"]);
        add(&mut desk, "alice/1", "bob");
        match ending {
            "declined" => answer(&mut desk, "bob/1", "alice", false),
            _ => remove(&mut desk, "alice/1", "bob"),
        }
        for who in ["alice/1", "bob/1"] {
            assert_eq!(book(&mut desk, who), ContactBook::default(), "{ending}, {who}");
        }
    }
}

#[test]
fn a_removed_contact_leaves_both_books_and_hears_no_more_of_presence() {
    let mut desk = Desk::with(&["alice/1", "bob/1"]);
    remove(&mut desk, "alice/1", "bob");
    assert_eq!(book(&mut desk, "alice/1"), ContactBook::default());
    assert_eq!(book(&mut desk, "bob/1"), ContactBook::default());
    desk.disconnect("bob/1");
    assert_eq!(desk.mail("alice/1"), []);
}

#[test]
fn an_answer_without_a_request_makes_nobody_a_contact() {
    let mut desk = strangers(&["alice/1", "bob/1"]);
    answer(&mut desk, "alice/1", "bob", true);
    assert_eq!(book(&mut desk, "alice/1"), ContactBook::default());
    add(&mut desk, "alice/1", "bob");
    desk.clear();
    answer(&mut desk, "alice/1", "bob", true);
    assert_eq!(names(&book(&mut desk, "alice/1")), [""; 0], "one cannot answer for others");
    assert_eq!(desk.mail("bob/1"), []);
}

#[test]
fn oneself_and_nobody_cannot_be_contacts() {
    let mut desk = strangers(&["alice/1"]);
    add(&mut desk, "alice/1", "alice");
    assert_eq!(failure(&mut desk, "alice/1"), Some(Failure::Oneself));
    add(&mut desk, "alice/1", "nobody");
    assert_eq!(failure(&mut desk, "alice/1"), Some(Failure::UnknownAccount));
    remove(&mut desk, "alice/1", "nobody");
    assert_eq!(failure(&mut desk, "alice/1"), Some(Failure::UnknownAccount));
    assert_eq!(desk.changes, []);
}

#[test]
fn asking_twice_changes_nothing_but_answers_with_the_book() {
    let mut desk = strangers(&["alice/1", "bob/1"]);
    add(&mut desk, "alice/1", "bob");
    desk.clear();
    add(&mut desk, "alice/1", "bob");
    assert_eq!(book(&mut desk, "alice/1").requests.len(), 1);
    assert_eq!(desk.mail("bob/1"), []);
    assert_eq!(desk.changes.len(), 1);
}

#[test]
fn open_requests_and_contacts_are_bounded() {
    let mut desk = strangers(&["alice/1"]);
    for n in 0..=MAX_REQUESTS {
        desk.sign_in(&format!("user{n}/1"));
        desk.clear();
        add(&mut desk, "alice/1", &format!("user{n}"));
    }
    assert_eq!(failure(&mut desk, "alice/1"), Some(Failure::TooMany));

    let mut desk = strangers(&["alice/1"]);
    for n in 0..=MAX_CONTACTS {
        let other = format!("user{n}/1");
        desk.sign_in(&other);
        add(&mut desk, &other, "alice");
        desk.clear();
        answer(&mut desk, "alice/1", &format!("user{n}"), true);
    }
    assert_eq!(failure(&mut desk, "alice/1"), Some(Failure::TooMany));
}
