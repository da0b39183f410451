//! The client against a server that does as the test says.

use futures_util::{SinkExt, StreamExt};
use std::sync::Arc;
use std::time::Duration;
use tincan_proto::identity::check_sign_in_proof;
use tincan_proto::signalling::{ContactBook, DeclineReason, LeaveReason, Refusal};
use tincan_proto::units::UnixMillis;
use tincan_proto::{AccountName, CallId, ClientMessage, DeviceId, IdentityKey, ServerMessage};
use tincan_signal_client::{SendError, SignalClient, SignalConfig, SignalEvent};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

/// Far longer than anything takes, for machines that are busy.
const PATIENCE: Duration = Duration::from_secs(30);

struct FakeServer(TcpListener);

struct Session(WebSocketStream<TcpStream>);

impl FakeServer {
    async fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.expect("a free port"))
    }

    fn url(&self) -> String {
        format!("ws://{}", self.0.local_addr().expect("bound"))
    }

    async fn accept(&self) -> Session {
        let (stream, _) = timeout(PATIENCE, self.0.accept()).await.expect("in time").expect("tcp");
        Session(accept_async(stream).await.expect("a WebSocket"))
    }

    /// Signs the client in and returns whether it wanted to register.
    async fn welcome(&self) -> (Session, bool) {
        let mut session = self.accept().await;
        let Some(ClientMessage::Hello { name, device, key, register, .. }) =
            session.receive().await
        else {
            panic!("no hello")
        };
        session.send(&ServerMessage::Challenge { nonce: "nonce".into() }).await;
        let Some(ClientMessage::Prove { signature }) = session.receive().await else {
            panic!("no proof")
        };
        assert_eq!(check_sign_in_proof(&key, "nonce", &name, device, &signature), Ok(()));
        let book = ContactBook::default();
        session.send(&ServerMessage::Welcome { now: UnixMillis(7), book }).await;
        (session, register)
    }
}

impl Session {
    async fn send(&mut self, message: &ServerMessage) {
        let text = serde_json::to_string(message).expect("string keys");
        self.0.send(Message::Text(text.into())).await.expect("sent");
    }

    async fn receive(&mut self) -> Option<ClientMessage> {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("in time")? {
                Ok(Message::Text(text)) => {
                    return Some(serde_json::from_str(&text).expect("of the protocol"));
                }
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }
}

fn connect(server: &FakeServer) -> (SignalClient, mpsc::Receiver<SignalEvent>) {
    let name: AccountName = "alice".parse().expect("valid");
    let key = Arc::new(IdentityKey::from_bytes(&[1; 32]));
    let (url, device) = (server.url(), DeviceId::from(1));
    SignalClient::connect(SignalConfig { url, name, device, key, register: true })
        .expect("a good address")
}

async fn next(events: &mut mpsc::Receiver<SignalEvent>) -> SignalEvent {
    timeout(PATIENCE, events.recv()).await.expect("in time").expect("the client goes on")
}

async fn signed_in(events: &mut mpsc::Receiver<SignalEvent>) {
    assert_eq!(next(events).await, SignalEvent::Connecting);
    let expected = SignalEvent::SignedIn { now: UnixMillis(7), book: ContactBook::default() };
    assert_eq!(next(events).await, expected);
}

/// Waits for a loss and returns the wait until the next attempt.
async fn lost(events: &mut mpsc::Receiver<SignalEvent>) -> Option<Duration> {
    match next(events).await {
        SignalEvent::Lost { retry_in, .. } => retry_in,
        other => panic!("expected a loss, got {other:?}"),
    }
}

fn history() -> ClientMessage {
    ClientMessage::ListHistory { before: None, limit: 1 }
}

#[tokio::test]
async fn answers_and_goodbyes_wait_for_the_next_session_and_keep_their_order() {
    let server = FakeServer::start().await;
    let (client, mut events) = connect(&server);
    let (session, register) = server.welcome().await;
    assert!(register, "the first time");
    signed_in(&mut events).await;
    drop(session);
    assert!(lost(&mut events).await.is_some());
    assert!(!client.is_signed_in());

    let call = CallId::from(1);
    let kept = [
        ClientMessage::Accept { call },
        ClientMessage::Decline { call, reason: DeclineReason::Busy },
        ClientMessage::Cancel { call },
        ClientMessage::Leave { call, reason: LeaveReason::HungUp },
    ];
    for message in &kept {
        assert_eq!(client.send(message.clone()), Ok(()));
        assert_eq!(client.send(history()), Err(SendError::Offline));
        assert_eq!(
            client.send(ClientMessage::RingingHere { call, hide_address: false }),
            Err(SendError::Offline)
        );
    }
    client.retry_now();
    let (mut session, register) = server.welcome().await;
    assert!(!register, "the name is claimed already");
    signed_in(&mut events).await;
    client.send(history()).expect("signed in");
    for message in kept.into_iter().chain([history()]) {
        assert_eq!(session.receive().await, Some(message));
    }
}

#[tokio::test]
async fn what_is_kept_is_bounded() {
    let server = FakeServer::start().await;
    let (client, mut events) = connect(&server);
    drop(server.accept().await);
    assert_eq!(next(&mut events).await, SignalEvent::Connecting);
    assert!(lost(&mut events).await.is_some());
    let sent = |n| client.send(ClientMessage::Accept { call: CallId::from(n) });
    let full = (0..10_000).map(sent).find(|sent| sent.is_err());
    assert_eq!(full, Some(Err(SendError::Full)));
}

#[tokio::test]
async fn a_lost_connection_comes_back_by_itself() {
    let server = FakeServer::start().await;
    let (_client, mut events) = connect(&server);
    let (session, _) = server.welcome().await;
    signed_in(&mut events).await;
    drop(session);
    let wait = lost(&mut events).await.expect("tried again");
    assert!(wait <= Duration::from_millis(1250), "the first wait is short: {wait:?}");
    let (_session, _) = server.welcome().await;
    signed_in(&mut events).await;
}

#[tokio::test]
async fn waits_grow_while_the_server_cannot_be_reached() {
    let server = FakeServer::start().await;
    let (client, mut events) = connect(&server);
    let mut waits = Vec::new();
    for _ in 0..4 {
        drop(server.accept().await);
        assert_eq!(next(&mut events).await, SignalEvent::Connecting);
        waits.push(lost(&mut events).await.expect("tried again"));
        client.retry_now();
    }
    assert!(waits.is_sorted(), "{waits:?}");
    assert!(waits[3] >= Duration::from_secs(6), "{waits:?}");
}

#[tokio::test]
async fn only_a_refusal_that_may_heal_is_tried_again_by_itself() {
    for (code, retried) in [
        (Refusal::Unavailable, true),
        (Refusal::TooMany, true),
        (Refusal::NameTaken, false),
        (Refusal::UnsupportedVersion, false),
        (Refusal::Replaced, false),
    ] {
        let server = FakeServer::start().await;
        let (client, mut events) = connect(&server);
        let (mut session, _) = server.welcome().await;
        signed_in(&mut events).await;
        let message = "because".to_owned();
        session.send(&ServerMessage::Refused { code, message: message.clone() }).await;
        assert_eq!(next(&mut events).await, SignalEvent::Refused { code, message });
        assert_eq!(lost(&mut events).await.is_some(), retried, "{code:?}");
        client.retry_now();
        let (_session, _) = server.welcome().await;
        signed_in(&mut events).await;
    }
}

#[tokio::test]
async fn a_server_that_speaks_nonsense_is_left() {
    for frame in [Message::Text("{".into()), Message::Binary(vec![1].into())] {
        let server = FakeServer::start().await;
        let (_client, mut events) = connect(&server);
        let (mut session, _) = server.welcome().await;
        signed_in(&mut events).await;
        session.0.send(frame).await.expect("sent");
        assert!(lost(&mut events).await.is_some());
        assert_eq!(session.receive().await, None);
    }
}

#[tokio::test]
async fn shutting_down_sends_what_was_handed_over_and_says_goodbye() {
    let server = FakeServer::start().await;
    let (client, mut events) = connect(&server);
    let (mut session, _) = server.welcome().await;
    signed_in(&mut events).await;
    let leave = ClientMessage::Leave { call: CallId::from(1), reason: LeaveReason::HungUp };
    client.send(leave.clone()).expect("signed in");
    let farewell = async {
        assert_eq!(session.receive().await, Some(leave));
        assert_eq!(session.receive().await, None);
    };
    tokio::join!(client.shutdown(), farewell);
    assert_eq!(timeout(PATIENCE, events.recv()).await, Ok(None), "no event after the end");
}

#[tokio::test]
async fn dropping_the_handle_or_the_events_ends_the_connection() {
    for drop_handle in [true, false] {
        let server = FakeServer::start().await;
        let (client, mut events) = connect(&server);
        let (mut session, _) = server.welcome().await;
        signed_in(&mut events).await;
        let (mut client, mut events) = (Some(client), Some(events));
        if drop_handle {
            client.take();
        } else {
            events.take();
        }
        assert_eq!(session.receive().await, None);
    }
}
