use crate::desk::{Desk, device, key_of, name};
use tincan_proto::signalling::Refusal;
use tincan_proto::{ClientMessage, DeviceId, ServerMessage};
use tincan_server::accounts::Proven;
use tincan_server::exchange::{Change, ConnectionId};
use tincan_server::limits::MAX_DEVICES;

fn refusal(desk: &Desk, connection: ConnectionId) -> Option<Refusal> {
    match desk.peek(connection).last() {
        Some(ServerMessage::Refused { code, .. }) => Some(*code),
        _ => None,
    }
}

fn sign_in(desk: &mut Desk, account: &str, key_from: &str, register: bool) -> ConnectionId {
    let key = key_of(&name(key_from)).public();
    desk.sign_in_as(Proven { name: name(account), device: DeviceId::from(1), key, register })
}

#[test]
fn a_new_name_is_stored_with_its_key_and_welcomed() {
    let mut desk = Desk::new();
    let connection = sign_in(&mut desk, "alice", "alice", true);
    let [ServerMessage::Welcome { now, book }] = desk.peek(connection) else {
        panic!("not welcomed: {:?}", desk.peek(connection))
    };
    assert_eq!(*now, desk.now.unix);
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
    let late = ClientMessage::AddContact { name: name("bob") };
    desk.step(tincan_server::exchange::Input::MessageReceived { connection: old, message: late });
    desk.step(tincan_server::exchange::Input::ConnectionEnded { connection: old });
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
    let hello =
        ClientMessage::Hello { version: 1, name: name("alice"), device, key, register: false };
    desk.send("alice/1", hello);
    assert_eq!(refusal(&desk, connection), Some(Refusal::Malformed));
    assert_eq!(desk.mail("bob/1").len(), 1, "she is offline");
}
