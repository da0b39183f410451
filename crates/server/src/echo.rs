//! The echo contact's account: its reserved name, and the key that only this server has. What
//! answers its calls signs in as everybody does.

use crate::address::outgoing_address;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tincan_echo::{Echo, EchoConfig};
use tincan_proto::ids::ECHO;
use tincan_proto::{AccountName, DeviceId, IdentityKey};

/// What the echo contact signs in with.
#[derive(Clone)]
pub struct EchoIdentity {
    /// The reserved name.
    pub name: AccountName,
    /// The server's own key.
    pub key: std::sync::Arc<IdentityKey>,
    /// Its one device.
    pub device: DeviceId,
}

impl EchoIdentity {
    /// For the server with this key.
    pub fn new(key: IdentityKey) -> Self {
        Self { name: echo_name(), key: key.into(), device: DeviceId::from(1) }
    }
}

impl std::fmt::Debug for EchoIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EchoIdentity({})", self.name)
    }
}

/// Begins to answer its calls at a server that listens there. Without it the server is still
/// good for everything else.
pub(crate) fn answer(identity: EchoIdentity, listens: SocketAddr, phase: Duration) -> Option<Echo> {
    let EchoIdentity { name, key, device } = identity;
    let server = SocketAddr::new(met_at(listens.ip()), listens.port()).to_string();
    Echo::start(EchoConfig { server, name, key, device, phase })
        .inspect_err(|error| tracing::warn!(%error, "there is no echo contact"))
        .ok()
}

/// An address at which callers can reach what listens there, since relays are named after it.
fn met_at(listens: IpAddr) -> IpAddr {
    if !listens.is_unspecified() {
        return listens;
    }
    outgoing_address(listens.is_ipv6()).unwrap_or(match listens {
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    })
}

/// The reserved name.
pub fn echo_name() -> AccountName {
    ECHO.parse().expect("the reserved name is a name")
}
