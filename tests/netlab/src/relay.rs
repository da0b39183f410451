//! The STUN and TURN servers that stand in the Internet of the lab.

mod coturn;
mod tincan;

use crate::namespace::Namespace;
use anyhow::Result;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;
use tincan_test_support::process::wait_until;
use tincan_test_support::running::Running;
use tincan_test_support::{CallOptions, Side};

/// Where it listens, over UDP and TCP.
const PORT: u16 = 3478;
/// Where it listens so that clients can tell how they are translated.
const OTHER_PORT: u16 = 3479;
/// How long it may take to listen.
const START: Duration = Duration::from_secs(20);

/// Whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayKind {
    /// The one in our own server, which clients are told of when they sign in.
    Tincan,
    /// Debian's coturn, without TLS.
    Coturn,
}

impl RelayKind {
    /// By its name on a command line.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "tincan" => Some(Self::Tincan),
            "coturn" => Some(Self::Coturn),
            _ => None,
        }
    }
}

/// How a client reaches a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// `turn:` over UDP.
    Udp,
    /// `turn:` over TCP.
    Tcp,
    /// `turns:`.
    Tls,
}

impl Transport {
    fn of(url: &str) -> Option<Self> {
        match url.split_once(':')? {
            ("turns", _) => Some(Self::Tls),
            ("turn", rest) if rest.ends_with("?transport=tcp") => Some(Self::Tcp),
            ("turn", _) => Some(Self::Udp),
            _ => None,
        }
    }

    /// These options with the relay reached in this way only.
    pub fn only(self, options: CallOptions) -> CallOptions {
        let ice_servers = options.ice_servers.map(|servers| self.among(&servers));
        CallOptions { ice_servers, ..options }
    }

    /// The servers, in W3C form, as far as they relay and are reached like this.
    pub fn among(self, servers: &Value) -> Value {
        let servers = servers.as_array().map(Vec::as_slice).unwrap_or_default();
        let reached = servers.iter().filter_map(|server| {
            let mut server = server.clone();
            let urls = server["urls"].as_array_mut()?;
            urls.retain(|url| url.as_str().and_then(Self::of) == Some(self));
            (!urls.is_empty()).then_some(server)
        });
        reached.collect()
    }
}

/// A running relay; ended when dropped.
#[derive(Debug)]
pub struct Relay {
    _process: Running,
    ice_servers: [Value; 2],
}

impl Relay {
    /// Starts it and waits until it listens.
    pub fn start(kind: RelayKind, internet: &Namespace, folder: &Path) -> Result<Self> {
        match kind {
            RelayKind::Tincan => tincan::start(internet, folder),
            RelayKind::Coturn => coturn::start(internet, folder),
        }
    }

    /// What a client is told, in W3C form.
    pub fn ice_servers(&self, side: Side) -> &Value {
        match side {
            Side::A => &self.ice_servers[0],
            Side::B => &self.ice_servers[1],
        }
    }
}

/// Waits until a process listens on these ports of the Internet, each `udp` or `tcp`.
fn until_it_listens(
    process: &mut Running,
    internet: &Namespace,
    ports: &[(&str, u16)],
) -> Result<()> {
    wait_until(START, "a relay listens", || {
        process.still_there()?;
        for (kind, port) in ports {
            let filter = format!("sport = :{port}");
            if internet.run("ss", &["-Hln", "-A", kind, &filter])?.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn servers_are_told_apart_by_how_they_are_reached() {
        let servers = json!([
            { "urls": ["stun:a:1", "turn:a:1?transport=udp", "turn:a:1?transport=tcp"], "username": "u" },
            { "urls": ["turns:a:2?transport=tcp", "turn:b:3"] },
        ]);
        let among = |transport: Transport| transport.among(&servers);
        assert_eq!(
            among(Transport::Udp),
            json!([
                { "urls": ["turn:a:1?transport=udp"], "username": "u" },
                { "urls": ["turn:b:3"] },
            ])
        );
        assert_eq!(
            among(Transport::Tcp),
            json!([{ "urls": ["turn:a:1?transport=tcp"], "username": "u" }])
        );
        assert_eq!(among(Transport::Tls), json!([{ "urls": ["turns:a:2?transport=tcp"] }]));
    }
}
