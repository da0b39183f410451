//! STUN and TURN servers as they are handed out.

use crate::apps::{App, PATIENCE, config, start};
use std::net::SocketAddr;
use tincan_proto::{ClientMessage, IceServers, ServerMessage};
use tincan_relay::credentials::SharedSecret;
use tincan_relay::stun::{Class, Key, Message, Writer, attribute, method};
use tincan_server::ice::{Host, RelayChoice};
use tincan_server::{Server, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

async fn handed_out(app: &mut App) -> IceServers {
    app.send(ClientMessage::ListIceServers);
    app.message(|message| match message {
        ServerMessage::IceServers { ice } => Some(ice.clone()),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn what_is_handed_out_opens_a_relay_at_the_host_that_was_reached() {
    let server = start().await;
    let mut alice = App::register(&server, "alice").await;
    let ice = handed_out(&mut alice).await;
    assert!(ice.expires.is_some());
    let [stun, turn] = &ice.servers[..] else { panic!("two: {ice:?}") };
    assert!(stun.urls[0].starts_with("stun:127.0.0.1:"), "{stun:?}");
    assert_eq!(turn.urls.len(), 3, "UDP, TCP and TLS: {turn:?}");
    assert_eq!(turn.certificate_sha256.as_ref().map(String::len), Some(64));
    let port = turn.urls[0].strip_prefix("turn:127.0.0.1:").expect("the host");
    let port = port.strip_suffix("?transport=udp").expect("UDP").parse().expect("a port");

    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    socket.connect(SocketAddr::from(([127, 0, 0, 1], port))).await.expect("connects");
    let allocate = |transaction| {
        Writer::new(Class::Request, method::ALLOCATE, transaction)
            .number(attribute::REQUESTED_TRANSPORT, 17 << 24)
    };
    let refusal = ask(&socket, allocate([1; 12])).await;
    let refusal = Message::read(&refusal).expect("STUN");
    let realm = refusal.text(attribute::REALM).expect("a realm");
    let signed = allocate([2; 12])
        .attribute(attribute::USERNAME, turn.username.as_bytes())
        .attribute(attribute::REALM, realm.as_bytes())
        .attribute(attribute::NONCE, refusal.find(attribute::NONCE).expect("a nonce"))
        .sign(&Key::long_term(&turn.username, realm, &turn.credential));
    let answer = ask(&socket, signed).await;
    let answer = Message::read(&answer).expect("STUN");
    assert_eq!(answer.class_and_method(), (Class::Success, method::ALLOCATE));
    server.shutdown().await;
}

#[tokio::test]
async fn every_welcome_is_followed_by_servers_without_asking() {
    let server = start().await;
    let url = server.local_addr().to_string();
    let mut alice = App::connect(&url, "alice", crate::apps::random_key(), true);
    let is_ice = |message: &ServerMessage| match message {
        ServerMessage::IceServers { ice } => Some(ice.servers.len()),
        _ => None,
    };
    assert_eq!(alice.message(is_ice).await, 2);
    server.shutdown().await;
}

#[tokio::test]
async fn an_operator_names_the_host_or_another_relay_or_none() {
    let public_host = Some(Host::parse("call.example.org").expect("a host"));
    let server = Server::start(ServerConfig { public_host, ..config() }).await.expect("starts");
    let mut alice = App::register(&server, "alice").await;
    let ice = handed_out(&mut alice).await;
    assert!(ice.servers[1].urls[0].starts_with("turn:call.example.org:"), "{ice:?}");
    server.shutdown().await;

    let urls = vec!["turn:turn.example.org:3478?transport=udp".to_owned()];
    let secret = SharedSecret::new("north");
    let relay = RelayChoice::External { urls: urls.clone(), secret: secret.clone() };
    let server = Server::start(ServerConfig { relay, ..config() }).await.expect("starts");
    let mut alice = App::register(&server, "alice").await;
    let ice = handed_out(&mut alice).await;
    assert_eq!(ice.servers[0].urls, urls);
    assert_eq!(ice.servers[0].credential, secret.password(&ice.servers[0].username));
    server.shutdown().await;

    let relay = RelayChoice::None;
    let server = Server::start(ServerConfig { relay, ..config() }).await.expect("starts");
    let mut alice = App::register(&server, "alice").await;
    assert_eq!(handed_out(&mut alice).await, IceServers::default());
    server.shutdown().await;
}

#[tokio::test]
async fn figures_are_served_only_if_wanted() {
    for metrics in [false, true] {
        let server = Server::start(ServerConfig { metrics, ..config() }).await.expect("starts");
        let mut stream = TcpStream::connect(server.local_addr()).await.expect("listens");
        let request = b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("read");
        assert_eq!(answer.contains("\ntincan_relay_allocations 0\n"), metrics, "{answer}");
        assert_eq!(answer.starts_with("HTTP/1.1 404"), !metrics, "{answer}");
        server.shutdown().await;
    }
}

async fn ask(socket: &UdpSocket, request: Writer) -> Vec<u8> {
    socket.send(&request.finish()).await.expect("sends");
    let mut buffer = vec![0; 2000];
    let length = timeout(PATIENCE, socket.recv(&mut buffer)).await.expect("an answer");
    buffer.truncate(length.expect("receives"));
    buffer
}
