//! What a check finds.

use crate::nat::{Filtering, Mapping, Nat, NatBehaviour};
use crate::server_url::Transport;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Something that could be told, or why it could not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding<T> {
    /// It is so.
    Known(T),
    /// It could not be told.
    Unknown {
        /// In words for a person.
        why: String,
        /// What it may be, as far as is known.
        possible: Vec<T>,
    },
}

impl<T: Copy> Finding<T> {
    /// What is known.
    pub fn known(&self) -> Option<T> {
        match self {
            Self::Known(value) => Some(*value),
            Self::Unknown { .. } => None,
        }
    }

    /// Everything that it may be.
    pub fn possible(&self) -> &[T] {
        match self {
            Self::Known(value) => std::slice::from_ref(value),
            Self::Unknown { possible, .. } => possible,
        }
    }

    /// Why it is not known.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Known(_) => None,
            Self::Unknown { why, .. } => Some(why),
        }
    }
}

/// Why a relay could not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RelayProblem {
    /// No such relay is known.
    #[error("none is configured")]
    NotConfigured,
    /// Its name cannot be found.
    #[error("its name cannot be resolved")]
    NoSuchHost,
    /// Nothing came back.
    #[error("no answer")]
    NoAnswer,
    /// The connection was refused or cut.
    #[error("no connection: {0}")]
    NoConnection(String),
    /// It shows another certificate than it should, or none.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// It does not take these credentials.
    #[error("it refuses the credentials")]
    Credentials,
    /// It refuses for another reason.
    #[error("it refuses: {code} {reason}")]
    Refused {
        /// STUN's error code.
        code: u16,
        /// In the relay's words.
        reason: String,
    },
}

/// A relay that gave an address and took it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// From the request to the answer; over streams this includes no set-up of the stream.
    pub round_trip: Duration,
    /// The address it gave.
    pub relayed: SocketAddr,
}

/// How packets fare through the relay and back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinkQuality {
    /// By which way they went.
    pub transport: Transport,
    /// How many were sent.
    pub sent: u32,
    /// How many came back.
    pub received: u32,
    /// The median time there and back.
    pub round_trip: Duration,
}

impl LinkQuality {
    /// The share that did not come back, 0 to 1.
    pub fn loss(&self) -> f32 {
        if self.sent == 0 { 0.0 } else { 1.0 - self.received as f32 / self.sent as f32 }
    }
}

/// Everything that a check found.
#[derive(Clone, Debug, PartialEq)]
pub struct Findings {
    /// Addresses of this machine's interfaces, without loopback.
    pub local: Vec<IpAddr>,
    /// The public address and port over IPv4.
    pub public_v4: Finding<SocketAddr>,
    /// The same over IPv6.
    pub public_v6: Finding<SocketAddr>,
    /// Whether any datagram came back.
    pub udp: bool,
    /// The public address is the machine's own.
    pub untranslated: bool,
    /// Which destinations share a public port.
    pub mapping: Finding<Mapping>,
    /// Whom a public port lets in.
    pub filtering: Finding<Filtering>,
    /// The relay over UDP.
    pub relay_udp: Result<Reached, RelayProblem>,
    /// The relay over TCP.
    pub relay_tcp: Result<Reached, RelayProblem>,
    /// The relay over TLS.
    pub relay_tls: Result<Reached, RelayProblem>,
    /// Packets through the first of these that works.
    pub link: Finding<LinkQuality>,
}

impl Findings {
    /// Returns what stands between this machine and the Internet.
    pub fn nat(&self) -> Finding<Nat> {
        let mut possible = self.possible_nats();
        let [nat] = possible[..] else {
            let why = self.filtering.why().or(self.mapping.why());
            let why = why.unwrap_or("nothing could be measured").to_owned();
            possible.dedup();
            return Finding::Unknown { why, possible };
        };
        Finding::Known(nat)
    }

    /// The ways to the relay that work, best first.
    pub fn relays(&self) -> impl Iterator<Item = Transport> {
        [
            (Transport::Udp, &self.relay_udp),
            (Transport::Tcp, &self.relay_tcp),
            (Transport::Tls, &self.relay_tls),
        ]
        .into_iter()
        .filter(|(_, reached)| reached.is_ok())
        .map(|(transport, _)| transport)
    }

    fn possible_nats(&self) -> Vec<Nat> {
        if !self.udp {
            return vec![Nat::UdpBlocked];
        }
        let mut nats = vec![];
        for &mapping in self.mapping.possible() {
            for &filtering in self.filtering.possible() {
                let behaviour = NatBehaviour { mapping, filtering };
                // A machine with a public address behind a firewall is met as a translator is.
                let open = filtering == Filtering::EndpointIndependent && self.untranslated;
                nats.push(if open { Nat::Public } else { Nat::Translated(behaviour) });
            }
        }
        nats
    }
}
