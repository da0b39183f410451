//! The echo contact in everybody's book.

use crate::desk::{Desk, key_of, name};
use tincan_proto::signalling::{Contact, Failure, Presence, Refusal};
use tincan_proto::units::UnixMillis;
use tincan_proto::{ClientMessage, IdentityKey, ServerMessage};
use tincan_server::Timings;
use tincan_server::exchange::{Change, Directory, Exchange};

/// A desk whose server offers the echo contact.
fn desk() -> Desk {
    let key = key_of(&name("echo")).public();
    let mut directory = Directory::default();
    let created = UnixMillis(1);
    directory.apply(&Change::AccountCreated { name: name("echo"), key, created });
    let exchange = Exchange::new(directory, Timings::default()).with_echo(key);
    let mut desk = Desk::new();
    desk.exchange = exchange;
    desk
}

fn welcomed_with(mail: &[ServerMessage]) -> Vec<Contact> {
    mail.iter()
        .find_map(|message| match message {
            ServerMessage::Welcome { book, .. } => Some(book.contacts.clone()),
            _ => None,
        })
        .expect("welcome")
}

#[test]
fn everybody_has_the_echo_contact_and_sees_it_come_and_go() {
    let mut desk = desk();
    desk.sign_in("alice/1");
    let contacts = welcomed_with(&desk.mail("alice/1"));
    let [echo] = &contacts[..] else { panic!("one contact, got {contacts:?}") };
    assert!(echo.echo && echo.presence == Presence::Offline);
    desk.sign_in("echo/1");
    let online = ServerMessage::PresenceChanged { name: name("echo"), presence: Presence::Online };
    assert!(desk.mail("alice/1").contains(&online));
    assert!(welcomed_with(&desk.mail("echo/1")).is_empty(), "it knows nobody");
}

#[test]
fn it_can_be_called_without_a_request_and_several_times_at_once() {
    let mut desk = desk();
    for who in ["echo/1", "alice/1", "bob/1"] {
        desk.sign_in(who);
    }
    for (number, who) in [(1, "alice/1"), (2, "bob/1")] {
        desk.invite(who, number, &["echo"]);
        desk.accept("echo/1", number);
        assert!(desk.is_live(number));
    }
    assert_eq!(desk.presence("echo"), Presence::Online, "it takes more calls");
}

#[test]
fn it_can_neither_be_removed_nor_impersonated() {
    let mut desk = desk();
    desk.sign_in("alice/1");
    desk.clear();
    desk.send("alice/1", ClientMessage::RemoveContact { name: name("echo") });
    let mail = desk.mail("alice/1");
    let failed =
        |m: &ServerMessage| matches!(m, ServerMessage::Failed { code: Failure::OutOfBounds, .. });
    assert!(mail.iter().any(failed), "{mail:?}");
    assert!(refused(&mut desk, Refusal::NameTaken));
}

#[test]
fn its_name_is_nobodys_where_there_is_none() {
    assert!(refused(&mut Desk::new(), Refusal::NameTaken));
}

/// Whether somebody with another key is refused the name.
fn refused(desk: &mut Desk, with: Refusal) -> bool {
    let connection = desk.sign_in_as(tincan_server::accounts::Proven {
        name: name("echo"),
        device: tincan_proto::DeviceId::from(9),
        key: IdentityKey::from_bytes(&[9; 32]).public(),
        register: true,
        resume: None,
        fresh: tincan_proto::ids::SessionId::from(9),
    });
    let mail = desk.peek(connection);
    mail.iter().any(|m| matches!(m, ServerMessage::Refused { code, .. } if *code == with))
}
