//! STUN alone: addresses, and the means to tell NATs apart.

use crate::client::{LOCALHOST, SOON, config, error, open, start};
use std::net::{IpAddr, SocketAddr};
use tincan_relay::server::RelayServer;
use tincan_relay::stun::{Class, Message, Writer, attribute, method};
use tokio::net::UdpSocket;
use tokio::time::timeout;

async fn ask(from: &UdpSocket, to: SocketAddr, change: Option<u32>) -> (SocketAddr, Vec<u8>) {
    let mut writer = Writer::new(Class::Request, method::BINDING, rand::random());
    if let Some(change) = change {
        writer = writer.number(attribute::CHANGE_REQUEST, change);
    }
    from.send_to(&writer.finish(), to).await.expect("sends");
    let mut buffer = vec![0; 2000];
    let answer = timeout(SOON, from.recv_from(&mut buffer)).await.expect("an answer");
    let (length, origin) = answer.expect("receives");
    buffer.truncate(length);
    (origin, buffer)
}

fn clear_address(answer: &Message<'_>, kind: u16) -> Option<SocketAddr> {
    let value = answer.find(kind)?;
    let ip: [u8; 4] = value.get(4..)?.try_into().ok()?;
    Some(SocketAddr::from((ip, u16::from_be_bytes([value[2], value[3]]))))
}

#[tokio::test]
async fn an_answer_tells_the_askers_address_and_where_else_to_ask() {
    let relay = start(open()).await;
    let socket = UdpSocket::bind((LOCALHOST, 0)).await.expect("a port");
    let primary = SocketAddr::from((LOCALHOST, relay.ports().udp));
    let alternate = SocketAddr::from((LOCALHOST, relay.ports().alternate));
    for (asked, other) in [(primary, alternate), (alternate, primary)] {
        let (origin, answer) = ask(&socket, asked, None).await;
        let answer = Message::read(&answer).expect("STUN");
        assert_eq!(origin, asked);
        let mapped = answer.xor_address(attribute::XOR_MAPPED_ADDRESS);
        assert_eq!(mapped, Some(socket.local_addr().expect("an address")));
        assert_eq!(clear_address(&answer, attribute::RESPONSE_ORIGIN), Some(asked));
        assert_eq!(clear_address(&answer, attribute::OTHER_ADDRESS), Some(other));
    }
    relay.shutdown().await;
}

#[tokio::test]
async fn an_answer_comes_from_the_other_port_if_wanted() {
    let relay = start(open()).await;
    let socket = UdpSocket::bind((LOCALHOST, 0)).await.expect("a port");
    let primary = SocketAddr::from((LOCALHOST, relay.ports().udp));
    let alternate = SocketAddr::from((LOCALHOST, relay.ports().alternate));
    let (origin, answer) = ask(&socket, primary, Some(2)).await;
    assert_eq!(origin, alternate);
    let answer = Message::read(&answer).expect("STUN");
    assert_eq!(clear_address(&answer, attribute::RESPONSE_ORIGIN), Some(alternate));
    let (_, answer) = ask(&socket, primary, Some(6)).await;
    assert_eq!(error(&answer), Some(420), "there is no other address");
    relay.shutdown().await;
}

#[tokio::test]
async fn an_answer_comes_from_the_other_address_if_there_is_one() {
    let (first, second) = (IpAddr::from(LOCALHOST), IpAddr::from([127, 0, 0, 2]));
    let mut config = config(open());
    config.listen = vec![first, second];
    config.alternate_ips = vec![second];
    let relay = RelayServer::start(config).await.expect("free ports");
    let (udp, alternate) = (relay.ports().udp, relay.ports().alternate);
    let socket = UdpSocket::bind((LOCALHOST, 0)).await.expect("a port");
    let asked = SocketAddr::new(first, udp);
    let cases = [(6, second, alternate), (4, second, udp), (2, first, alternate), (0, first, udp)];
    for (change, ip, port) in cases {
        let (origin, answer) = ask(&socket, asked, Some(change)).await;
        assert_eq!(origin, SocketAddr::new(ip, port), "{change}");
        let answer = Message::read(&answer).expect("STUN");
        let other = clear_address(&answer, attribute::OTHER_ADDRESS);
        assert_eq!(other, Some(SocketAddr::new(second, alternate)));
    }
    relay.shutdown().await;
}
