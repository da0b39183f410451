//! A server's address as people write it.

use std::fmt;
use std::str::FromStr;
use tincan_proto::signalling::SIGNALLING_PATH;

/// The port of a server whose address names none.
pub const DEFAULT_PORT: u16 = 4780;

/// Where a server listens: `ws://host:port`, `host:port` or `host`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerUrl {
    host: String,
    port: u16,
}

/// Why a text is no server address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// `wss://` was asked for.
    #[error("TLS is not built in yet: use ws:// or host:port")]
    Tls,
    /// Another scheme than `ws`.
    #[error("a server's address begins with ws:// or is host:port")]
    Scheme,
    /// No host, or not one.
    #[error("the server's address has no proper host name")]
    Host,
    /// Not a port number.
    #[error("the server's port is a number from 1 to 65535")]
    Port,
}

impl ServerUrl {
    /// The host as it is resolved; an IPv6 address is in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The WebSocket's URL.
    pub(crate) fn signalling(&self) -> String {
        format!("{self}{SIGNALLING_PATH}")
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ws://{}:{}", self.host, self.port)
    }
}

impl FromStr for ServerUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let text = text.trim();
        let rest = match text.split_once("://") {
            None => text,
            Some((scheme, rest)) => match scheme.to_ascii_lowercase().as_str() {
                "ws" => rest,
                "wss" => return Err(UrlError::Tls),
                _ => return Err(UrlError::Scheme),
            },
        };
        let rest = rest.strip_suffix(SIGNALLING_PATH).unwrap_or(rest);
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.rsplit_once(':') {
            // the colons inside of brackets belong to the address
            Some((host, port)) if !port.ends_with(']') => {
                let port = port.parse().ok().filter(|&port| port != 0);
                (host, port.ok_or(UrlError::Port)?)
            }
            Some(_) | None => (rest, DEFAULT_PORT),
        };
        if !is_host(host) {
            return Err(UrlError::Host);
        }
        Ok(Self { host: host.to_ascii_lowercase(), port })
    }
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[') {
        Some(rest) => {
            rest.strip_suffix(']').is_some_and(|ip| ip.parse::<std::net::Ipv6Addr>().is_ok())
        }
        None => {
            let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
            !host.is_empty() && host.len() <= 253 && host.chars().all(allowed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_as_people_write_them() {
        for (text, url) in [
            ("ws://example.org:4780", "ws://example.org:4780/signalling"),
            (" Example.org:81/ ", "ws://example.org:81/signalling"),
            ("127.0.0.1", "ws://127.0.0.1:4780/signalling"),
            ("ws://[::1]:9", "ws://[::1]:9/signalling"),
            ("[::1]", "ws://[::1]:4780/signalling"),
            ("ws://host:9/signalling", "ws://host:9/signalling"),
        ] {
            let parsed = text.parse::<ServerUrl>().map(|url| url.signalling());
            assert_eq!(parsed.as_deref(), Ok(url), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_its_reason() {
        for (text, error) in [
            ("wss://example.org", UrlError::Tls),
            ("http://example.org", UrlError::Scheme),
            ("", UrlError::Host),
            ("ws://", UrlError::Host),
            ("a b:80", UrlError::Host),
            ("user@host:80", UrlError::Host),
            ("host/path", UrlError::Host),
            ("[::1", UrlError::Host),
            ("host:0", UrlError::Port),
            ("host:99999", UrlError::Port),
            ("::1", UrlError::Host),
        ] {
            assert_eq!(text.parse::<ServerUrl>(), Err(error), "{text}");
        }
    }
}
