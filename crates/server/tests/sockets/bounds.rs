use crate::apps::{App, start};
use crate::raw::Raw;
use tincan_proto::signalling::{MAX_MESSAGE_BYTES, Refusal};
use tincan_proto::{ClientMessage, ServerMessage};
use tincan_server::Server;
use tincan_server::limits::MESSAGE_BURST;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message;

/// Somebody else's session goes on.
async fn assert_serves(app: &mut App) {
    app.send(ClientMessage::ListHistory { before: None, limit: 1 });
    app.expect(ServerMessage::History { entries: Vec::new() }).await;
}

async fn refused_after(server: &Server, frame: Message) -> Refusal {
    let mut raw = Raw::sign_in(server, "mallory").await;
    raw.write(frame).await;
    raw.refusal().await
}

#[tokio::test]
async fn what_is_not_of_the_protocol_ends_only_its_own_connection() {
    for frame in [
        Message::Text("{".into()),
        Message::Text(r#"{"type":"nonsense"}"#.into()),
        Message::Text(r#"{"type":"addContact","name":"Not a name!"}"#.into()),
        Message::Text("[".repeat(10_000).into()),
        Message::Binary(vec![0; 10].into()),
        Message::Text("x".repeat(MAX_MESSAGE_BYTES + 1).into()),
    ] {
        let server = start().await;
        let mut alice = App::register(&server, "alice").await;
        assert_eq!(refused_after(&server, frame).await, Refusal::Malformed);
        assert_serves(&mut alice).await;
    }
}

#[tokio::test]
async fn a_message_out_of_turn_is_refused_before_sign_in() {
    let server = start().await;
    let mut raw = Raw::open(&server).await;
    raw.send(&ClientMessage::ListHistory { before: None, limit: 1 }).await;
    assert_eq!(raw.refusal().await, Refusal::Malformed);
}

#[tokio::test]
async fn a_flood_ends_only_its_own_connection() {
    let server = start().await;
    let mut alice = App::register(&server, "alice").await;
    let mut raw = Raw::sign_in(&server, "mallory").await;
    // three bursts within the time in which one is allowed, even on a slow machine
    for _ in 0..MESSAGE_BURST as usize * 3 {
        raw.write(Message::Ping(Default::default())).await;
    }
    assert_eq!(raw.refusal().await, Refusal::TooMany);
    assert_serves(&mut alice).await;
}

#[tokio::test]
async fn health_is_told_to_whoever_asks() {
    let server = start().await;
    let mut stream = tokio::net::TcpStream::connect(server.local_addr()).await.expect("listens");
    let request = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("read");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok"), "{answer}");
}
