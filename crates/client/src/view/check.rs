//! The check of the connection, as the settings page shows it.

use serde::Serialize;
use tincan_connectivity::{Finding, Findings, Nat, Reached, RelayProblem, Step, Verdict};
use ts_rs::TS;

/// A check that runs or has run.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(tag = "state", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[ts(export)]
pub enum ConnectionCheckView {
    /// It runs.
    Running {
        /// Parts that are done.
        done: Vec<CheckStep>,
        /// So many parts there are.
        of: u32,
    },
    /// It has ended.
    Done {
        /// What it found.
        result: Box<CheckResult>,
    },
}

/// A part of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum CheckStep {
    /// The public addresses.
    PublicAddress,
    /// What stands between this machine and the Internet.
    Nat,
    /// The relay over UDP.
    RelayUdp,
    /// The relay over TCP.
    RelayTcp,
    /// The relay over TLS.
    RelayTls,
    /// Loss and round trip.
    Link,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct CheckResult {
    /// What it means for calls.
    pub verdict: CheckVerdict,
    /// The same in plain English.
    pub sentence: String,
    /// Addresses of this machine.
    pub local_addresses: Vec<String>,
    /// The public IPv4 address and port.
    pub public_v4: CheckFinding,
    /// The public IPv6 address and port.
    pub public_v6: CheckFinding,
    /// What stands between this machine and the Internet: `none`, `full-cone`,
    /// `address-restricted`, `port-restricted`, `symmetric`, `udp-blocked`, or `other`.
    pub nat: CheckFinding,
    /// The relay over UDP.
    pub relay_udp: RelayCheck,
    /// The relay over TCP.
    pub relay_tcp: RelayCheck,
    /// The relay over TLS.
    pub relay_tls: RelayCheck,
    /// Share of packets lost through the relay and back, 0 to 1; none if not measured.
    pub loss: Option<f32>,
    /// So many are lost that calls break up.
    pub lossy: bool,
    /// Median time through the relay and back; none if not measured.
    pub round_trip_ms: Option<f32>,
}

/// What calls will be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum CheckVerdict {
    /// Without a relay, with every network that lets UDP through.
    Direct,
    /// With some networks through the relay.
    SomeRelayed,
    /// All through the relay, over a stream.
    UdpBlocked,
    /// With strict networks not at all.
    NoRelay,
    /// Nothing was reached.
    NoConnection,
}

/// Something that could be told, or why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum CheckFinding {
    /// It is so.
    Known {
        /// The value.
        value: String,
    },
    /// It could not be told.
    Unknown {
        /// In words.
        why: String,
    },
}

/// Whether the relay can be used one way.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum RelayCheck {
    /// It gave an address.
    Reached {
        /// From the request to the answer.
        round_trip_ms: f32,
    },
    /// There is none.
    NotConfigured,
    /// It cannot be used.
    Failed {
        /// In words.
        why: String,
    },
}

impl ConnectionCheckView {
    /// One that has just begun.
    pub fn begun() -> Self {
        Self::Running { done: vec![], of: Step::ALL.len() as u32 }
    }
}

impl From<Step> for CheckStep {
    fn from(step: Step) -> Self {
        match step {
            Step::PublicAddress => Self::PublicAddress,
            Step::Nat => Self::Nat,
            Step::RelayUdp => Self::RelayUdp,
            Step::RelayTcp => Self::RelayTcp,
            Step::RelayTls => Self::RelayTls,
            Step::Link => Self::Link,
        }
    }
}

impl From<&Findings> for CheckResult {
    fn from(found: &Findings) -> Self {
        let link = found.link.known();
        Self {
            verdict: tincan_connectivity::verdict(found).into(),
            sentence: tincan_connectivity::sentence(found),
            local_addresses: found.local.iter().map(ToString::to_string).collect(),
            public_v4: finding(&found.public_v4, ToString::to_string),
            public_v6: finding(&found.public_v6, ToString::to_string),
            nat: finding(&found.nat(), |nat: &Nat| nat.name().unwrap_or("other").to_owned()),
            relay_udp: (&found.relay_udp).into(),
            relay_tcp: (&found.relay_tcp).into(),
            relay_tls: (&found.relay_tls).into(),
            loss: link.map(|link| link.loss()),
            lossy: tincan_connectivity::is_lossy(found),
            round_trip_ms: link.map(|link| link.round_trip.as_secs_f32() * 1000.0),
        }
    }
}

impl From<Verdict> for CheckVerdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Direct => Self::Direct,
            Verdict::SomeRelayed => Self::SomeRelayed,
            Verdict::UdpBlocked => Self::UdpBlocked,
            Verdict::NoRelay => Self::NoRelay,
            Verdict::NoConnection => Self::NoConnection,
        }
    }
}

impl From<&Result<Reached, RelayProblem>> for RelayCheck {
    fn from(reached: &Result<Reached, RelayProblem>) -> Self {
        match reached {
            Ok(reached) => {
                Self::Reached { round_trip_ms: reached.round_trip.as_secs_f32() * 1000.0 }
            }
            Err(RelayProblem::NotConfigured) => Self::NotConfigured,
            Err(problem) => Self::Failed { why: problem.to_string() },
        }
    }
}

fn finding<T>(found: &Finding<T>, name: impl Fn(&T) -> String) -> CheckFinding {
    match found {
        Finding::Known(value) => CheckFinding::Known { value: name(value) },
        Finding::Unknown { why, .. } => CheckFinding::Unknown { why: why.clone() },
    }
}
