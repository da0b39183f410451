//! Asks STUN servers over UDP, and drives the discoveries.

use crate::behaviour::{Answer, FilteringDiscovery, MappingDiscovery, Question};
use crate::findings::Finding;
use crate::message::{self, Change};
use crate::nat::{Filtering, Mapping};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

/// When a request is sent, and sent again. Quicker than RFC 8489's 500 ms: a person waits.
const SENDS: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_millis(150),
    Duration::from_millis(400),
    Duration::from_millis(800),
];
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_millis(1_300);
/// Larger datagrams are not answers.
const MAX_DATAGRAM: usize = 1_500;

/// What mapping discovery found.
pub struct MappingFound {
    pub mapping: Finding<Mapping>,
    pub mapped: Option<SocketAddr>,
    pub local: SocketAddr,
}

/// Finds the mapping; `second` is any STUN server at another address.
pub async fn mapping(
    server: SocketAddr,
    second: Option<SocketAddr>,
) -> std::io::Result<MappingFound> {
    let socket = socket_towards(server).await?;
    let mut discovery = MappingDiscovery::new(server, second);
    while let Some(question) = discovery.next() {
        let answer = ask(&socket, question).await;
        discovery.take(question, answer);
    }
    let local = local_address(&socket, server).await?;
    Ok(MappingFound { mapping: discovery.finding(local), mapped: discovery.mapped(), local })
}

/// Finds the filtering.
pub async fn filtering(server: SocketAddr) -> std::io::Result<Finding<Filtering>> {
    let socket = socket_towards(server).await?;
    let mut discovery = FilteringDiscovery::new(server);
    while let Some(question) = discovery.next() {
        let answer = ask(&socket, question).await;
        discovery.take(question, answer);
    }
    Ok(discovery.finding())
}

/// Asks for the public address alone.
pub async fn mapped(server: SocketAddr) -> std::io::Result<Option<SocketAddr>> {
    let socket = socket_towards(server).await?;
    let answer = ask(&socket, Question { server, change: Change::default() }).await;
    Ok(answer.map(|(_, binding)| binding.mapped))
}

/// Binds a socket of the family of `server`.
pub async fn socket_towards(server: SocketAddr) -> std::io::Result<UdpSocket> {
    let any = match server {
        SocketAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
    };
    UdpSocket::bind((any, 0)).await
}

async fn ask(socket: &UdpSocket, question: Question) -> Answer {
    let request = message::binding_request(question.change);
    let begin = Instant::now();
    let mut sends = SENDS.into_iter();
    let mut next = sends.next();
    let mut datagram = [0; MAX_DATAGRAM];
    loop {
        if next.is_some_and(|at| begin.elapsed() >= at) {
            // What cannot be sent is not answered, and there is another attempt.
            let _ = socket.send_to(&request.bytes, question.server).await;
            next = sends.next();
            continue;
        }
        let until = begin + next.unwrap_or(PATIENCE);
        match timeout_at(until, socket.recv_from(&mut datagram)).await {
            // Time to send anew.
            Err(_) if next.is_some() => {}
            // Too late, or an error that a datagram sent before came back with.
            Err(_) | Ok(Err(_)) => return None,
            Ok(Ok((len, from))) => match message::read_binding(&datagram[..len], request.id) {
                Some(Ok(binding)) => return Some((from, binding)),
                Some(Err(_)) => return None,
                None => {}
            },
        }
    }
}

/// The address that packets to `server` leave from, with the socket's port.
async fn local_address(socket: &UdpSocket, server: SocketAddr) -> std::io::Result<SocketAddr> {
    let route = socket_towards(server).await?;
    route.connect(server).await?;
    Ok(SocketAddr::new(route.local_addr()?.ip(), socket.local_addr()?.port()))
}
