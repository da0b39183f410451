use crate::apps::{App, config, random_key, start, start_with};
use crate::raw::Raw;
use std::time::Duration;
use tincan_proto::identity::sign_in_proof;
use tincan_proto::signalling::{Direction, Refusal};
use tincan_proto::{ClientMessage, DeviceId, ServerMessage};
use tincan_server::{Server, ServerConfig, ServerError, Timings};
use tincan_signal_client::{SendError, SignalEvent};
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn names_belong_to_the_keys_that_claimed_them() {
    let server = start().await;
    let url = server.local_addr().to_string();
    let alice = App::register(&server, "alice").await;
    let key = alice.key.clone();
    for (account, key, register, code) in [
        ("alice", random_key(), true, Refusal::NameTaken),
        ("alice", random_key(), false, Refusal::WrongKey),
        ("bob", random_key(), false, Refusal::UnknownAccount),
    ] {
        let mut app = App::connect(&url, account, key, register);
        assert_eq!(app.refused().await, (code, false), "and is not tried again");
        app.client.shutdown().await;
    }
    for register in [true, false] {
        let mut again = App::connect(&url, "alice", key.clone(), register);
        again.signed_in().await;
    }
}

#[tokio::test]
async fn a_proof_by_another_key_is_refused() {
    let server = start().await;
    let mut raw = Raw::open(&server).await;
    let nonce = raw.greet("alice", &random_key()).await;
    let name = "alice".parse().expect("valid");
    let signature = sign_in_proof(&random_key(), &nonce, &name, DeviceId::from(1));
    raw.send(&ClientMessage::Prove { signature }).await;
    assert_eq!(raw.refusal().await, Refusal::BadProof);
    App::register(&server, "alice").await;
}

#[tokio::test]
async fn another_version_is_refused_even_if_its_hello_looks_different() {
    let server = start().await;
    let mut raw = Raw::open(&server).await;
    raw.write(Message::Text(r#"{"type":"hello","version":99,"who":"me"}"#.into())).await;
    assert_eq!(raw.refusal().await, Refusal::UnsupportedVersion);
}

#[tokio::test]
async fn who_does_not_sign_in_in_time_is_refused() {
    let sign_in = Duration::from_millis(50);
    let server = start_with(Timings { sign_in, ..Timings::default() }).await;
    let raw = Raw::open(&server).await;
    assert_eq!(raw.refusal().await, Refusal::Unavailable);
}

#[tokio::test]
async fn the_same_device_signing_in_anew_replaces_the_old_connection_for_good() {
    let server = start().await;
    let url = server.local_addr().to_string();
    let mut old = App::register(&server, "alice").await;
    let mut new = App::connect_as(&url, old.me.clone(), old.key.clone(), false);
    new.signed_in().await;
    assert_eq!(old.refused().await, (Refusal::Replaced, false));
    let history = ClientMessage::ListHistory { before: None, limit: 1 };
    assert_eq!(old.client.send(history.clone()), Err(SendError::Offline));

    new.send(history);
    new.expect(ServerMessage::History { entries: Vec::new() }).await;
    old.client.retry_now();
    old.signed_in().await;
    assert_eq!(new.refused().await, (Refusal::Replaced, false), "if a person insists");
}

#[tokio::test]
async fn a_request_waits_for_somebody_who_is_offline() {
    let server = start().await;
    let url = server.local_addr().to_string();
    let alice = App::register(&server, "alice").await;
    let bob = App::register(&server, "bob").await;
    let key = bob.key.clone();
    bob.client.shutdown().await;
    let mut alice = alice;
    alice.send(ClientMessage::AddContact { name: "bob".parse().expect("valid") });
    alice
        .message(|m| match m {
            ServerMessage::Book { book } => (book.requests.len() == 1).then_some(()),
            _ => None,
        })
        .await;
    let mut bob = App::connect(&url, "bob", key, false);
    let book = bob.signed_in().await;
    assert_eq!(book.requests.len(), 1);
    assert_eq!(book.requests[0].direction, Direction::Incoming);
}

#[tokio::test]
async fn a_port_in_use_is_told_from_other_errors() {
    let server = start().await;
    let listen = server.local_addr();
    let second = Server::start(ServerConfig { listen, ..config() }).await;
    match second.expect_err("the port is taken") {
        ServerError::AddressInUse(address) => assert_eq!(address, listen),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_an_event_and_is_tried_again() {
    // a port that was free a moment ago
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("ws://{}", listener.local_addr().expect("bound"));
    drop(listener);
    let mut app = App::connect(&url, "alice", random_key(), true);
    assert_eq!(app.events.recv().await, Some(SignalEvent::Connecting));
    let Some(SignalEvent::Lost { retry_in: Some(_), reason }) = app.events.recv().await else {
        panic!("expected a loss")
    };
    assert!(reason.contains(&url), "{reason}");
    app.client.retry_now();
    assert_eq!(app.events.recv().await, Some(SignalEvent::Connecting));
    app.client.shutdown().await;
}
