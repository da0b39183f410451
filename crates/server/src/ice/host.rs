//! The host that clients are told to find the relay at.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Longest name (RFC 1035, section 2.3.4).
const MAX_NAME: usize = 253;

/// A host name or an address, as it stands in a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host(String);

/// Neither a host name nor an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither a host name nor an address")]
pub struct NotAHost;

impl Host {
    /// Reads `host` or `host:port`; the port is left out.
    ///
    /// # Errors
    /// [`NotAHost`] for anything that could mean something else within a URL.
    pub fn parse(text: &str) -> Result<Self, NotAHost> {
        if let Ok(ip) = text.parse::<Ipv6Addr>() {
            return Ok(Self::from(IpAddr::V6(ip)));
        }
        if let Some(rest) = text.strip_prefix('[') {
            let (ip, port) = rest.split_once(']').ok_or(NotAHost)?;
            check_port(port)?;
            return Ok(Self::from(IpAddr::V6(ip.parse().map_err(|_| NotAHost)?)));
        }
        let name = match text.find(':') {
            Some(colon) => {
                check_port(&text[colon..])?;
                &text[..colon]
            }
            None => text,
        };
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(good) {
            return Err(NotAHost);
        }
        Ok(Self(name.to_ascii_lowercase()))
    }

    /// The host that a client reached the server by: what its HTTP request names, or else the
    /// address that its connection came to. `localhost` is of two families, of which the relay
    /// may have one: the address is sure.
    pub fn reached(header: Option<&str>, local: SocketAddr) -> Self {
        let named = header.and_then(|text| Self::parse(text).ok());
        named.filter(|host| host.0 != "localhost").unwrap_or_else(|| Self::from(local.ip()))
    }
}

impl From<IpAddr> for Host {
    fn from(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(ip) => Self(ip.to_string()),
            IpAddr::V6(ip) => Self(format!("[{ip}]")),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn check_port(text: &str) -> Result<(), NotAHost> {
    match text.strip_prefix(':') {
        Some(port) => port.parse::<u16>().map(|_| ()).map_err(|_| NotAHost),
        None if text.is_empty() => Ok(()),
        None => Err(NotAHost),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_with_and_without_port() {
        let host = |text| Host::parse(text).map(|host| host.to_string());
        assert_eq!(host("Call.Example.org:4780").as_deref(), Ok("call.example.org"));
        assert_eq!(host("192.0.2.1").as_deref(), Ok("192.0.2.1"));
        assert_eq!(host("[2001:db8::1]:80").as_deref(), Ok("[2001:db8::1]"));
        assert_eq!(host("2001:db8::1").as_deref(), Ok("[2001:db8::1]"));
        let wrong =
            ["", ":80", "a b", "a/b", "a?transport=tcp", "a:b", "a:80:90", "[::1", "[a]", "ä"];
        for text in wrong {
            assert_eq!(host(text), Err(NotAHost), "{text}");
        }
        assert_eq!(host(&"a".repeat(254)), Err(NotAHost));
    }

    #[test]
    fn a_client_is_told_the_host_that_it_used() {
        let local = SocketAddr::from(([192, 0, 2, 7], 4780));
        let reached = |header| Host::reached(header, local).to_string();
        assert_eq!(reached(Some("call.example.org:4780")), "call.example.org");
        assert_eq!(reached(Some("localhost:4780")), "192.0.2.7");
        assert_eq!(reached(Some("evil/\"?")), "192.0.2.7");
        assert_eq!(reached(None), "192.0.2.7");
    }
}
