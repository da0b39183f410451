use crate::desk::{Desk, device, key_of, name};
use tincan_proto::signalling::Refusal;
use tincan_proto::{ClientMessage, DeviceId, Envelope, ServerMessage, SessionId};
use tincan_server::accounts::Proven;
use tincan_server::exchange::{Change, ConnectionId, Input};
use tincan_server::limits::MAX_DEVICES;

fn refusal(desk: &Desk, connection: ConnectionId) -> Option<Refusal> {
    match desk.peek(connection).last() {
        Some(ServerMessage::Refused { code, .. }) => Some(*code),
        _ => None,
    }
}

fn sign_in(desk: &mut Desk, account: &str, key_from: &str, register: bool) -> ConnectionId {
    let key = key_of(&name(key_from)).public();
    let (device, fresh) = (DeviceId::from(1), SessionId::from(7));
    let name = name(account);
    desk.sign_in_as(Proven { name, device, key, register, resume: None, fresh })
}

#[test]
fn a_new_name_is_stored_with_its_key_and_welcomed() {
    let mut desk = Desk::new();
    let connection = sign_in(&mut desk, "alice", "alice", true);
    let [ServerMessage::Welcome { now, book, session, resumed, received }] = desk.peek(connection)
    else {
        panic!("not welcomed: {:?}", desk.peek(connection))
    };
    assert_eq!(*now, desk.now.unix);
    assert_eq!((*session, *resumed, *received), (SessionId::from(7), false, 0));
    assert!(book.contacts.is_empty() && book.requests.is_empty());
    let created = Change::AccountCreated {
        name: name("alice"),
        key: key_of(&name("alice")).public(),
        created: desk.now.unix,
    };
    assert_eq!(desk.changes, [created]);
}

#[test]
fn registering_again_with_the_same_key_just_signs_in() {
    let mut desk = Desk::with(&["alice/1"]);
    let stored = desk.changes.len();
    desk.disconnect("alice/1");
    let connection = sign_in(&mut desk, "alice", "alice", true);
    assert_eq!(refusal(&desk, connection), None);
    assert_eq!(desk.changes.len(), stored);
}

#[test]
fn a_name_of_another_key_or_of_nobody_is_refused() {
    let mut desk = Desk::with(&["alice/1"]);
    for (account, register, code) in [
        ("alice", true, Refusal::NameTaken),
        ("alice", false, Refusal::WrongKey),
        ("bob", false, Refusal::UnknownAccount),
    ] {
        let connection = sign_in(&mut desk, account, "mallory", register);
        assert_eq!(refusal(&desk, connection), Some(code));
    }
    assert_eq!(desk.mail("alice/1"), [], "her session is untouched");
}

#[test]
fn the_same_device_signing_in_anew_replaces_its_old_connection() {
    let mut desk = Desk::with(&["alice/1", "bob/1"]);
    let old = desk.connection("alice/1");
    desk.sign_in("alice/1");
    assert_eq!(refusal(&desk, old), Some(Refusal::Replaced));
    assert_eq!(desk.mail("bob/1"), [], "she was online all the time");

    // what was on its way on the old connection is nobody's, and its end is no news
    desk.clear();
    let message = Some(ClientMessage::AddContact { name: name("bob") });
    let late = Envelope { seq: Some(1), ack: 0, message };
    desk.step(Input::MessageReceived { connection: old, envelope: late });
    desk.step(Input::ConnectionEnded { connection: old });
    assert_eq!(desk.peek(old), []);
    assert_eq!(desk.mail("bob/1"), []);
}

#[test]
fn an_account_has_several_devices_at_once_up_to_a_bound() {
    let mut desk = Desk::new();
    let all: Vec<_> = (1..=MAX_DEVICES).map(|n| desk.sign_in(&format!("alice/{n}"))).collect();
    assert!(all.iter().all(|&connection| refusal(&desk, connection).is_none()));
    let more = desk.sign_in(&format!("alice/{}", MAX_DEVICES + 1));
    assert_eq!(refusal(&desk, more), Some(Refusal::TooMany));
    desk.sign_in("alice/1");
    assert_eq!(refusal(&desk, all[0]), Some(Refusal::Replaced), "one of them may come back");
}

#[test]
fn a_second_hello_ends_the_session() {
    let mut desk = Desk::with(&["alice/1", "bob/1"]);
    let connection = desk.connection("alice/1");
    let key = key_of(&name("alice")).public();
    let device = device("alice/1").device;
    let name = name("alice");
    let hello =
        ClientMessage::Hello { version: 1, name, device, key, register: false, resume: None };
    desk.send("alice/1", hello);
    assert_eq!(refusal(&desk, connection), Some(Refusal::Malformed));
    assert_eq!(desk.mail("bob/1").len(), 1, "she is offline");
}

#[test]
fn whoever_counts_wrongly_is_disconnected() {
    for (seq, ack) in [(Some(2), 0), (Some(1), 1), (None, 0)] {
        let mut desk = Desk::new();
        let connection = desk.sign_in("alice/1");
        let message = Some(ClientMessage::ListIceServers);
        let envelope = Envelope { seq, ack, message };
        desk.step(Input::MessageReceived { connection, envelope });
        assert_eq!(refusal(&desk, connection), Some(Refusal::Malformed), "{seq:?} {ack}");
    }
}

#[test]
fn a_session_that_the_server_does_not_know_begins_anew() {
    let mut desk = Desk::with(&["alice/1"]);
    desk.disconnect("alice/1");
    desk.pass_s(3600);
    let connection = desk.sign_in("alice/1");
    let [ServerMessage::Welcome { resumed, .. }, ..] = desk.peek(connection) else {
        panic!("not welcomed: {:?}", desk.peek(connection))
    };
    assert!(!resumed);
}
