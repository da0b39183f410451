//! The client against a server that does as the test says.

use futures_util::{SinkExt, StreamExt};
use std::sync::Arc;
use std::time::Duration;
use tincan_proto::identity::check_sign_in_proof;
use tincan_proto::signalling::{
    ContactBook, DeclineReason, LeaveReason, Refusal, Resume, RingStop,
};
use tincan_proto::units::UnixMillis;
use tincan_proto::{
    AccountName, CallId, ClientMessage, DeviceId, Envelope, IdentityKey, ServerMessage, SessionId,
};
use tincan_signal_client::{SendError, SignalClient, SignalConfig, SignalEvent};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

/// Far longer than anything takes, for machines that are busy.
const PATIENCE: Duration = Duration::from_secs(30);

struct FakeServer(TcpListener);

struct Session {
    socket: WebSocketStream<TcpStream>,
    /// What the hello asked for.
    register: bool,
    resume: Option<Resume>,
}

/// What the server says of the session.
#[derive(Clone, Copy)]
struct Known {
    resumed: bool,
    received: u64,
}

const NOTHING: Known = Known { resumed: false, received: 0 };

impl FakeServer {
    async fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.expect("a free port"))
    }

    fn url(&self) -> String {
        format!("ws://{}", self.0.local_addr().expect("bound"))
    }

    async fn accept(&self) -> WebSocketStream<TcpStream> {
        let (stream, _) = timeout(PATIENCE, self.0.accept()).await.expect("in time").expect("tcp");
        accept_async(stream).await.expect("a WebSocket")
    }

    /// Signs the client in and welcomes it to a session, known or not.
    async fn welcome_to(&self, session: SessionId, known: Known) -> Session {
        let socket = self.accept().await;
        let mut session_socket = Session { socket, register: false, resume: None };
        let Some(ClientMessage::Hello { name, device, key, register, resume, .. }) =
            session_socket.receive_bare().await
        else {
            panic!("no hello")
        };
        session_socket.say_bare(&ServerMessage::Challenge { nonce: "nonce".into() }).await;
        let Some(ClientMessage::Prove { signature }) = session_socket.receive_bare().await else {
            panic!("no proof")
        };
        assert_eq!(check_sign_in_proof(&key, "nonce", &name, device, &signature), Ok(()));
        let (now, book) = (UnixMillis(7), ContactBook::default());
        let Known { resumed, received } = known;
        let welcome = ServerMessage::Welcome { now, book, session, resumed, received };
        session_socket.say_bare(&welcome).await;
        Session { register, resume, ..session_socket }
    }

    async fn welcome(&self) -> Session {
        self.welcome_to(SessionId::from(1), NOTHING).await
    }
}

impl Session {
    async fn say_bare(&mut self, message: &ServerMessage) {
        self.write(serde_json::to_string(message).expect("string keys")).await;
    }

    async fn say(&mut self, seq: u64, ack: u64, message: ServerMessage) {
        let envelope = Envelope { seq: Some(seq), ack, message: Some(message) };
        self.write(serde_json::to_string(&envelope).expect("string keys")).await;
    }

    async fn write(&mut self, text: String) {
        self.socket.send(Message::Text(text.into())).await.expect("sent");
    }

    async fn receive_bare(&mut self) -> Option<ClientMessage> {
        let text = self.receive_text().await?;
        Some(serde_json::from_str(&text).expect("of the protocol"))
    }

    async fn receive_envelope(&mut self) -> Option<Envelope<ClientMessage>> {
        let text = self.receive_text().await?;
        Some(serde_json::from_str(&text).expect("of the protocol"))
    }

    /// The next message and its number.
    async fn receive(&mut self) -> Option<(u64, ClientMessage)> {
        loop {
            let envelope = self.receive_envelope().await?;
            if let (Some(seq), Some(message)) = (envelope.seq, envelope.message) {
                return Some((seq, message));
            }
        }
    }

    /// Waits for a question whether this end lives; it is answered on the way.
    async fn asked(&mut self) {
        loop {
            let frame = timeout(PATIENCE, self.socket.next()).await.expect("in time");
            if let Message::Ping(_) = frame.expect("open").expect("open") {
                return self.socket.flush().await.expect("answered");
            }
        }
    }

    async fn receive_text(&mut self) -> Option<String> {
        loop {
            match timeout(PATIENCE, self.socket.next()).await.expect("in time")? {
                Ok(Message::Text(text)) => return Some(text.to_string()),
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
    assert!(!resumed(events).await);
}

/// Waits for a sign-in and returns whether the session goes on.
async fn resumed(events: &mut mpsc::Receiver<SignalEvent>) -> bool {
    assert_eq!(next(events).await, SignalEvent::Connecting);
    match next(events).await {
        SignalEvent::SignedIn { now: UnixMillis(7), resumed, .. } => resumed,
        other => panic!("expected a sign-in, got {other:?}"),
    }
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

fn cancel(call: u128) -> ClientMessage {
    ClientMessage::Cancel { call: CallId::from(call) }
}

fn stopped(call: u128) -> ServerMessage {
    ServerMessage::RingStopped { call: CallId::from(call), reason: RingStop::Cancelled }
}

#[tokio::test]
async fn what_is_said_offline_waits_for_the_next_sign_in_and_keeps_its_order() {
    let server = FakeServer::start().await;
    let (client, mut events) = connect(&server);
    let session = server.welcome().await;
    assert!(session.register, "the first time");
    assert_eq!(session.resume, None);
    signed_in(&mut events).await;
    drop(session);
    assert!(lost(&mut events).await.is_some());
    assert!(!client.is_signed_in());

    let call = CallId::from(1);
    let kept = [
        ClientMessage::RingingHere { call, hide_address: false },
        ClientMessage::Accept { call },
        ClientMessage::Decline { call, reason: DeclineReason::Busy },
        ClientMessage::Cancel { call },
        ClientMessage::Leave { call, reason: LeaveReason::HungUp },
    ];
    for message in &kept {
        assert_eq!(client.send(message.clone()), Ok(()));
        assert_eq!(client.send(history()), Err(SendError::Offline), "to be asked after sign-in");
    }
    client.retry_now();
    let mut session = server.welcome().await;
    assert!(!session.register, "the name is claimed already");
    signed_in(&mut events).await;
    client.send(history()).expect("signed in");
    for (message, seq) in kept.into_iter().chain([history()]).zip(1..) {
        assert_eq!(session.receive().await, Some((seq, message)));
    }
}

#[tokio::test]
async fn what_was_on_its_way_is_said_again_exactly_if_the_server_lacks_it() {
    let server = FakeServer::start().await;
    let (client, mut events) = connect(&server);
    let mut session = server.welcome().await;
    signed_in(&mut events).await;
    for n in 1..=3 {
        client.send(cancel(n)).expect("taken");
        assert_eq!(session.receive().await, Some((n as u64, cancel(n))));
    }
    session.say(1, 1, stopped(1)).await;
    assert_eq!(next(&mut events).await, SignalEvent::Message(stopped(1)));
    drop(session);
    lost(&mut events).await;

    // the third was lost with the connection
    client.retry_now();
    let known = Known { resumed: true, received: 2 };
    let mut session = server.welcome_to(SessionId::from(1), known).await;
    assert_eq!(session.resume, Some(Resume { session: SessionId::from(1), received: 1 }));
    assert!(resumed(&mut events).await);
    assert_eq!(session.receive().await, Some((3, cancel(3))));
    // what it knows already is not heard twice
    session.say(1, 3, stopped(1)).await;
    session.say(2, 3, stopped(2)).await;
    assert_eq!(next(&mut events).await, SignalEvent::Message(stopped(2)));
}

#[tokio::test]
async fn what_is_heard_is_acknowledged_even_if_there_is_nothing_to_say() {
    let server = FakeServer::start().await;
    let (_client, mut events) = connect(&server);
    let mut session = server.welcome().await;
    signed_in(&mut events).await;
    session.say(1, 0, stopped(1)).await;
    let expected = Envelope { seq: None, ack: 1, message: None };
    assert_eq!(session.receive_envelope().await, Some(expected));
}

#[tokio::test]
async fn a_server_that_has_forgotten_is_told_again_and_the_app_learns_of_it() {
    let server = FakeServer::start().await;
    let (client, mut events) = connect(&server);
    let mut session = server.welcome().await;
    signed_in(&mut events).await;
    client.send(cancel(1)).expect("taken");
    assert!(session.receive().await.is_some());
    session.say(1, 0, stopped(1)).await;
    assert_eq!(next(&mut events).await, SignalEvent::Message(stopped(1)));
    drop(session);
    lost(&mut events).await;
    client.retry_now();
    let mut session = server.welcome_to(SessionId::from(2), NOTHING).await;
    assert!(!resumed(&mut events).await);
    assert_eq!(session.receive().await, Some((1, cancel(1))));
    session.say(1, 1, stopped(1)).await;
    assert_eq!(
        next(&mut events).await,
        SignalEvent::Message(stopped(1)),
        "the new session's first"
    );
}

#[tokio::test]
async fn a_server_that_lost_count_is_asked_for_a_new_session() {
    let server = FakeServer::start().await;
    let (client, mut events) = connect(&server);
    let session = server.welcome().await;
    signed_in(&mut events).await;
    drop(session);
    lost(&mut events).await;
    client.retry_now();
    let known = Known { resumed: true, received: 9 };
    let _session = server.welcome_to(SessionId::from(1), known).await;
    assert_eq!(next(&mut events).await, SignalEvent::Connecting);
    lost(&mut events).await;
    client.retry_now();
    assert_eq!(server.welcome().await.resume, None);
}

#[tokio::test]
async fn a_silent_server_is_left_soon_during_a_call() {
    let server = FakeServer::start().await;
    let (client, mut events) = connect(&server);
    client.set_hurry(true);
    // it never reads again, and so does not answer
    let _session = server.welcome().await;
    signed_in(&mut events).await;
    match next(&mut events).await {
        SignalEvent::Lost { reason, .. } => assert!(reason.contains("silent"), "{reason}"),
        other => panic!("expected a loss, got {other:?}"),
    }
}

#[tokio::test]
async fn a_change_of_the_network_ends_a_dead_connection_without_a_wait_and_leaves_a_live_one() {
    let server = FakeServer::start().await;
    let (client, mut events) = connect(&server);
    let mut session = server.welcome().await;
    signed_in(&mut events).await;
    // reading is answering
    client.network_changed();
    session.asked().await;
    client.send(cancel(1)).expect("taken");
    assert_eq!(session.receive().await, Some((1, cancel(1))), "the connection goes on");
    // it never reads again
    client.network_changed();
    assert_eq!(lost(&mut events).await, Some(Duration::ZERO));
    let _session = server.welcome().await;
    signed_in(&mut events).await;
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
    let session = server.welcome().await;
    signed_in(&mut events).await;
    drop(session);
    let wait = lost(&mut events).await.expect("tried again");
    assert!(wait <= Duration::from_millis(1250), "the first wait is short: {wait:?}");
    let _session = server.welcome().await;
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
        let mut session = server.welcome().await;
        signed_in(&mut events).await;
        let message = "because".to_owned();
        session.say_bare(&ServerMessage::Refused { code, message: message.clone() }).await;
        assert_eq!(next(&mut events).await, SignalEvent::Refused { code, message });
        assert_eq!(lost(&mut events).await.is_some(), retried, "{code:?}");
        client.retry_now();
        let _session = server.welcome().await;
        signed_in(&mut events).await;
    }
}

#[tokio::test]
async fn a_server_that_speaks_nonsense_is_left() {
    for frame in [Message::Text("{".into()), Message::Binary(vec![1].into())] {
        let server = FakeServer::start().await;
        let (_client, mut events) = connect(&server);
        let mut session = server.welcome().await;
        signed_in(&mut events).await;
        session.socket.send(frame).await.expect("sent");
        assert!(lost(&mut events).await.is_some());
        assert_eq!(session.receive().await, None);
    }
}

#[tokio::test]
async fn shutting_down_sends_what_was_handed_over_and_says_goodbye() {
    let server = FakeServer::start().await;
    let (client, mut events) = connect(&server);
    let mut session = server.welcome().await;
    signed_in(&mut events).await;
    let leave = ClientMessage::Leave { call: CallId::from(1), reason: LeaveReason::HungUp };
    client.send(leave.clone()).expect("signed in");
    let farewell = async {
        assert_eq!(session.receive().await, Some((1, leave)));
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
        let mut session = server.welcome().await;
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
