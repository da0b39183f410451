//! TURN over TCP and TLS, which `webrtc` 0.21.1 skips in silence: it is given a URL with an
//! address that exists nowhere, and what it sends there goes through a stream to the server.

use super::socket::Inbox;
use super::stream_relay::{StreamRelay, Target};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tincan_proto::IceServer;

/// Ends the names that stand for streams; such names exist nowhere (RFC 2606).
const SUFFIX: &str = ".turn-stream.invalid";
/// How long a TCP connection waits for a relay to answer over UDP, which is better.
const TCP_AFTER: Duration = Duration::from_millis(150);
/// How long a TLS connection waits.
const TLS_AFTER: Duration = Duration::from_millis(300);
/// Ports of TURN (RFC 8656, section 3.1).
const PORTS: (u16, u16) = (3478, 5349);

/// The streams to TURN servers of one connection.
#[derive(Debug, Default)]
pub struct StreamRelays {
    relays: Vec<Arc<StreamRelay>>,
    udp_answered: Arc<AtomicBool>,
}

impl StreamRelays {
    /// Takes the servers as they were handed out and returns them as the crate can use them.
    pub fn replace(servers: &[IceServer]) -> (Self, Vec<IceServer>) {
        let mut streams = Self::default();
        let udp = |url: &String| url.starts_with("turn:") && !url.ends_with("?transport=tcp");
        let has_udp = servers.iter().any(|server| server.urls.iter().any(udp));
        let servers = servers
            .iter()
            .map(|server| IceServer {
                urls: server.urls.iter().map(|url| streams.take(server, url, has_udp)).collect(),
                ..server.clone()
            })
            .collect();
        (streams, servers)
    }

    /// The addresses of a name that stands for a stream.
    pub fn resolve(&self, host_and_port: &str) -> Option<Vec<SocketAddr>> {
        let (host, _) = host_and_port.rsplit_once(':')?;
        let index: usize = host.strip_suffix(SUFFIX)?.parse().ok()?;
        (index < self.relays.len()).then(|| addresses(index).to_vec())
    }

    /// Whether an address stands for a stream.
    pub fn contains(&self, destination: SocketAddr) -> bool {
        self.index(destination).is_some()
    }

    /// Sends a datagram through the stream that `destination` stands for.
    pub fn send(&self, destination: SocketAddr, from: &Arc<Inbox>, datagram: &[u8]) {
        if let Some(index) = self.index(destination) {
            self.relays[index].send(destination, from, datagram);
        }
    }

    fn index(&self, destination: SocketAddr) -> Option<usize> {
        (0..self.relays.len()).find(|&index| addresses(index).contains(&destination))
    }

    /// A relay has answered over UDP: no stream is needed.
    pub fn udp_answered(&self) {
        self.udp_answered.store(true, Ordering::Relaxed);
    }

    fn take(&mut self, server: &IceServer, url: &str, has_udp: bool) -> String {
        let Some((host, port, tls)) = stream_url(url) else { return url.to_owned() };
        let name = format!("turn:{}{SUFFIX}:{port}?transport=udp", self.relays.len());
        let wait = match (has_udp, tls) {
            (false, _) => Duration::ZERO,
            (true, false) => TCP_AFTER,
            (true, true) => TLS_AFTER,
        };
        let certificate_sha256 = server.certificate_sha256.clone();
        let target = Target { host, port, tls, certificate_sha256, wait };
        self.relays.push(Arc::new(StreamRelay::new(target, self.udp_answered.clone())));
        name
    }
}

/// Addresses that nothing can be reached at: of "this network" (RFC 1122, section 3.2.1.3) and
/// of the discard prefix (RFC 6666).
fn addresses(index: usize) -> [SocketAddr; 2] {
    let last = index as u8 + 1;
    let v4 = IpAddr::V4(Ipv4Addr::new(0, 0, 0, last));
    let v6 = IpAddr::V6(Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, last.into()));
    [SocketAddr::new(v4, PORTS.0), SocketAddr::new(v6, PORTS.0)]
}

/// Host, port, and whether TLS is spoken, of a `turn:` or `turns:` URL (RFC 7065) that wants a
/// stream.
fn stream_url(url: &str) -> Option<(String, u16, bool)> {
    let (scheme, rest) = url.split_once(':')?;
    let (place, transport) = match rest.split_once("?transport=") {
        Some((place, transport)) => (place, Some(transport)),
        None => (rest, None),
    };
    let tls = match (scheme, transport) {
        ("turn", Some("tcp")) => false,
        ("turns", None | Some("tcp")) => true,
        _ => return None,
    };
    let default = if tls { PORTS.1 } else { PORTS.0 };
    let is_v6 = place.starts_with('[');
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !is_v6 || host.ends_with(']') => (host, port.parse().ok()?),
        _ => (place, default),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    (!host.is_empty()).then(|| (host.to_owned(), port, tls))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_want_a_stream_are_told_from_others() {
        let stream = |url| stream_url(url).map(|(host, port, tls)| format!("{host} {port} {tls}"));
        let cases = [
            ("turn:a.example?transport=tcp", Some("a.example 3478 false")),
            ("turn:10.0.0.1:80?transport=tcp", Some("10.0.0.1 80 false")),
            ("turns:a.example", Some("a.example 5349 true")),
            ("turns:[2001:db8::5]:443?transport=tcp", Some("2001:db8::5 443 true")),
            ("turns:[2001:db8::5]", Some("2001:db8::5 5349 true")),
            ("turn:a.example", None),
            ("turn:a.example?transport=udp", None),
            ("turns:a.example?transport=udp", None),
            ("stun:a.example", None),
            ("turns:a.example:port", None),
            ("turns::5349", None),
        ];
        for (url, expected) in cases {
            assert_eq!(stream(url).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn the_crate_is_given_names_that_resolve_here() {
        let urls = ["stun:s", "turn:t", "turn:t?transport=tcp", "turns:t"].map(str::to_owned);
        let server = IceServer { urls: urls.to_vec(), ..IceServer::default() };
        let (streams, servers) = StreamRelays::replace(&[server]);
        assert_eq!(servers[0].urls[..2], urls[..2]);
        for (index, url) in servers[0].urls[2..].iter().enumerate() {
            let place = url.strip_prefix("turn:").and_then(|u| u.strip_suffix("?transport=udp"));
            let resolved = streams.resolve(place.expect("a plain URL"));
            assert_eq!(resolved, Some(addresses(index).to_vec()));
        }
        assert_eq!(streams.resolve("t:3478"), None);
        assert_eq!(streams.resolve("7.turn-stream.invalid:1"), None);
    }
}
