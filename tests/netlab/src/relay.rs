//! The STUN and TURN servers that stand in the Internet of the lab.

use crate::namespace::Namespace;
use crate::plan::SERVER;
use anyhow::Result;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tincan_test_support::process::wait_until;
use tincan_test_support::running::Running;

/// Where it listens, over UDP and TCP.
const PORT: u16 = 3478;
/// Where it listens so that clients can tell how they are translated.
const OTHER_PORT: u16 = 3479;
/// How long it may take to listen.
const START: Duration = Duration::from_secs(20);
/// For a coturn with one user.
const USER: &str = "tincan";
/// Its password.
const PASSWORD: &str = "lab";

/// Whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayKind {
    /// Debian's coturn.
    Coturn,
}

impl RelayKind {
    /// By its name on a command line.
    pub fn named(name: &str) -> Option<Self> {
        match name {
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
    ice_servers: Value,
}

impl Relay {
    /// Starts it and waits until it listens.
    pub fn start(kind: RelayKind, internet: &Namespace, folder: &Path) -> Result<Self> {
        match kind {
            RelayKind::Coturn => coturn(internet, folder),
        }
    }

    /// What clients are told, in W3C form.
    pub fn ice_servers(&self) -> &Value {
        &self.ice_servers
    }
}

fn coturn(internet: &Namespace, folder: &Path) -> Result<Relay> {
    let mut command = internet.command("turnserver");
    command
        .args(["-n", "--no-cli", "--no-tls", "--no-dtls", "--no-multicast-peers"])
        .args(["--simple-log", "--log-file=stdout"])
        .arg(format!("--listening-ip={SERVER}"))
        .arg(format!("--listening-ip={}", crate::plan::SERVER_2))
        .arg(format!("--relay-ip={SERVER}"))
        .args(["-p", &PORT.to_string(), "--alt-listening-port", &OTHER_PORT.to_string()])
        .args(["-a", "-u", &format!("{USER}:{PASSWORD}"), "-r", "lab"])
        .arg(format!("--pidfile={}", folder.join("coturn.pid").display()));
    let mut process = Running::start("coturn", command, folder)?;
    wait_until(START, "coturn listens", || {
        process.still_there()?;
        let ports = internet.run("ss", &["-Hln", "-A", "udp,tcp", &format!("sport = :{PORT}")])?;
        Ok(["udp", "tcp"].iter().all(|kind| ports.contains(kind)))
    })?;
    let urls = json!([
        format!("stun:{SERVER}:{PORT}"),
        format!("turn:{SERVER}:{PORT}?transport=udp"),
        format!("turn:{SERVER}:{PORT}?transport=tcp"),
    ]);
    let servers = json!([{ "urls": urls, "username": USER, "credential": PASSWORD }]);
    Ok(Relay { _process: process, ice_servers: servers })
}

#[cfg(test)]
mod tests {
    use super::*;

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
