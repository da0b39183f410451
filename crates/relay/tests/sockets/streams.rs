//! Streams that misbehave.

use crate::client::{Came, LOCALHOST, SOON, TurnClient, open, start};
use std::net::SocketAddr;
use tincan_relay::stun::{Class, Writer, attribute, method};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

#[tokio::test]
async fn a_client_that_does_not_read_blocks_nobody_else() {
    let relay = start(open()).await;
    let peer = UdpSocket::bind((LOCALHOST, 0)).await.expect("a port");
    let peer_at = peer.local_addr().expect("an address");
    let mut slow = TurnClient::tcp(&relay, "slow").await;
    let slow_at = slow.allocate().await.expect("allowed");
    slow.permit(peer_at).await.expect("permitted");
    let mut quick = TurnClient::tcp(&relay, "quick").await;
    let quick_at = quick.allocate().await.expect("allowed");
    quick.permit(peer_at).await.expect("permitted");

    // until the relay says that it dropped something for the slow one
    let flood = async {
        while relay.stats().packets_too_many == 0 {
            for _ in 0..64 {
                peer.send_to(&[1; 1200], slow_at).await.expect("sends");
            }
            peer.send_to(b"on time", quick_at).await.expect("sends");
            assert_eq!(quick.relayed().await, Came::Data(peer_at, b"on time".to_vec()));
        }
    };
    timeout(SOON * 2, flood).await.expect("the slow client's queue is bounded");
    assert_eq!(relay.stats().counters.allocations, 2, "and it was not thrown out for that");
    relay.shutdown().await;
}

#[tokio::test]
async fn a_stream_that_is_not_turn_is_closed() {
    let relay = start(open()).await;
    let tcp = SocketAddr::from((LOCALHOST, relay.ports().tcp));
    let tls = SocketAddr::from((LOCALHOST, relay.ports().tls[0]));
    for to in [tcp, tls] {
        let mut stream = TcpStream::connect(to).await.expect("connects");
        stream.write_all(b"\xffGET / HTTP/1.1\r\n\r\n").await.expect("writes");
        let mut rest = Vec::new();
        let end = timeout(SOON, stream.read_to_end(&mut rest)).await;
        assert!(end.is_ok(), "closed");
    }
    // a message that a stranger has no need of
    let mut stream = TcpStream::connect(tcp).await.expect("connects");
    stream.write_all(&[0, 1, 0xff, 0xfc, 0x21, 0x12, 0xa4, 0x42]).await.expect("writes");
    let mut rest = Vec::new();
    assert!(timeout(SOON, stream.read_to_end(&mut rest)).await.is_ok(), "closed");
    relay.shutdown().await;
}

#[tokio::test]
async fn an_allocation_goes_with_its_stream() {
    let relay = start(open()).await;
    let mut alice = TurnClient::tcp(&relay, "alice").await;
    alice.allocate().await.expect("allowed");
    let count = |wanted: u64| {
        let stats = relay.watch_stats();
        async move {
            while stats().counters.allocations != wanted {
                tokio::task::yield_now().await;
            }
        }
    };
    timeout(SOON, count(1)).await.expect("it is there");
    drop(alice);
    timeout(SOON, count(0)).await.expect("it is gone");
    relay.shutdown().await;
}

#[tokio::test]
async fn a_message_may_come_byte_by_byte_and_several_at_once() {
    let relay = start(open()).await;
    let peer = UdpSocket::bind((LOCALHOST, 0)).await.expect("a port");
    let peer_at = peer.local_addr().expect("an address");
    let mut alice = TurnClient::tcp(&relay, "alice").await;
    alice.allocate().await.expect("allowed");
    alice.bind(0x4000, peer_at).await.expect("bound");
    let message = [&[0x40, 0, 0, 3][..], b"one", &[0]].concat();
    for byte in &message {
        alice.send(&[*byte]).await;
    }
    alice.send(&[&message[..], &message, &message].concat()).await;
    for _ in 0..4 {
        let mut buffer = [0; 9];
        let length = timeout(SOON, peer.recv(&mut buffer)).await.expect("comes").expect("receives");
        assert_eq!(&buffer[..length], b"one");
    }
    relay.shutdown().await;
}

#[tokio::test]
async fn a_packet_right_behind_its_allocation_is_relayed() {
    let relay = start(open()).await;
    let peer = UdpSocket::bind((LOCALHOST, 0)).await.expect("a port");
    let peer_at = peer.local_addr().expect("an address");
    let mut alice = TurnClient::tcp(&relay, "alice").await;
    alice.greet().await;
    let request = |method| Writer::new(Class::Request, method, rand::random());
    let allocate = request(method::ALLOCATE).number(attribute::REQUESTED_TRANSPORT, 17 << 24);
    let permit = request(method::CREATE_PERMISSION);
    let permit = permit.xor_address(attribute::XOR_PEER_ADDRESS, peer_at);
    let data = Writer::new(Class::Indication, method::SEND, rand::random())
        .xor_address(attribute::XOR_PEER_ADDRESS, peer_at)
        .attribute(attribute::DATA, b"first");
    let (allocate, permit) = (alice.signed(allocate).finish(), alice.signed(permit).finish());
    // in one segment, so that the relay takes them without waiting for anything in between
    alice.send(&[allocate, permit, data.finish()].concat()).await;
    let mut buffer = [0; 9];
    let length = timeout(SOON, peer.recv(&mut buffer)).await.expect("comes").expect("receives");
    assert_eq!(&buffer[..length], b"first");
    relay.shutdown().await;
}
