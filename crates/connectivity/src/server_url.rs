//! Reads the URLs of STUN and TURN servers (RFC 7064, RFC 7065).

use std::fmt;
use std::str::FromStr;

/// Without a port: RFC 7064 and RFC 7065, section 3.2.
const DEFAULT_PORT: u16 = 3478;
const DEFAULT_TLS_PORT: u16 = 5349;

/// How a server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
    /// A stream in TLS.
    Tls,
}

/// What a server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Tells public addresses.
    Stun,
    /// Relays.
    Turn,
}

/// One URL of a server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerUrl {
    /// STUN or TURN.
    pub role: Role,
    /// A name or an address, the latter without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How to speak to it.
    pub transport: Transport,
}

/// Not the URL of a STUN or TURN server that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a stun:, turn: or turns: URL")]
pub struct BadServerUrl(String);

impl FromStr for ServerUrl {
    type Err = BadServerUrl;

    fn from_str(text: &str) -> Result<Self, BadServerUrl> {
        parse(text).ok_or_else(|| BadServerUrl(text.chars().take(100).collect()))
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match (self.role, self.transport) {
            (Role::Stun, _) => "stun",
            (Role::Turn, Transport::Tls) => "turns",
            (Role::Turn, Transport::Udp | Transport::Tcp) => "turn",
        };
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{scheme}:{open}{}{close}:{}", self.host, self.port)?;
        match (self.role, self.transport) {
            (Role::Turn, Transport::Udp) => f.write_str("?transport=udp"),
            (Role::Turn, Transport::Tcp | Transport::Tls) => f.write_str("?transport=tcp"),
            (Role::Stun, _) => Ok(()),
        }
    }
}

fn parse(text: &str) -> Option<ServerUrl> {
    let (scheme, rest) = text.split_once(':')?;
    let (authority, query) = match rest.split_once('?') {
        Some((authority, query)) => (authority, Some(query)),
        None => (rest, None),
    };
    let (role, transport, default_port) = match (scheme.to_ascii_lowercase().as_str(), query) {
        ("stun", None) => (Role::Stun, Transport::Udp, DEFAULT_PORT),
        ("turn", None | Some("transport=udp")) => (Role::Turn, Transport::Udp, DEFAULT_PORT),
        ("turn", Some("transport=tcp")) => (Role::Turn, Transport::Tcp, DEFAULT_PORT),
        // DTLS to a relay (transport=udp) is not spoken here.
        ("turns", None | Some("transport=tcp")) => (Role::Turn, Transport::Tls, DEFAULT_TLS_PORT),
        _ => return None,
    };
    let (host, port) = match authority.strip_prefix('[') {
        Some(bracketed) => {
            let (host, after) = bracketed.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = match port {
        Some(port) => port.parse().ok().filter(|&port| port != 0)?,
        None => default_port,
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    let named = !host.is_empty() && host.len() <= 253 && host.chars().all(allowed);
    named.then(|| ServerUrl { role, host: host.to_owned(), port, transport })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_the_standards_are_read() {
        for (text, written) in [
            ("stun:example.org", "stun:example.org:3478"),
            ("turn:192.0.2.1:80", "turn:192.0.2.1:80?transport=udp"),
            ("turn:[2001:db8::1]:80?transport=tcp", "turn:[2001:db8::1]:80?transport=tcp"),
            ("turns:example.org", "turns:example.org:5349?transport=tcp"),
            ("TURN:example.org", "turn:example.org:3478?transport=udp"),
        ] {
            let url: ServerUrl = text.parse().expect(text);
            assert_eq!(url.to_string(), written);
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        for text in [
            "",
            "stun:",
            "http:example.org",
            "turn:host:0",
            "turn:host:99999",
            "turn:[::1",
            "turn:[host]:1",
            "turn:a b",
            "turns:host?transport=udp",
            "stun:host?transport=tcp",
            "turn://host",
        ] {
            assert!(text.parse::<ServerUrl>().is_err(), "{text}");
        }
    }
}
