//! What the findings mean for calls, in words. Pure.

use crate::findings::Findings;
use crate::nat::{Nat, Path, expected_path};
use crate::server_url::Transport;

/// More loss than this is heard.
const NOTICEABLE_LOSS: f32 = 0.03;

/// What calls will be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// With every network that lets UDP through, without a relay.
    Direct,
    /// With some networks through the relay.
    SomeRelayed,
    /// All through the relay, over a stream.
    UdpBlocked,
    /// Direct where possible, and with strict networks not at all.
    NoRelay,
    /// Nothing was reached.
    NoConnection,
}

/// Returns what the findings mean: the oracle's word over every translator that fits them.
pub fn verdict(findings: &Findings) -> Verdict {
    let has_relay = findings.relays().next().is_some();
    match (findings.udp, has_relay) {
        (false, false) => Verdict::NoConnection,
        (true, false) => Verdict::NoRelay,
        (false, true) => Verdict::UdpBlocked,
        (true, true) if always_direct(findings) => Verdict::Direct,
        (true, true) => Verdict::SomeRelayed,
    }
}

/// Returns the same as a sentence or two in plain English.
pub fn sentence(findings: &Findings) -> String {
    let mut text = match verdict(findings) {
        Verdict::Direct => "Calls connect directly.".to_owned(),
        Verdict::SomeRelayed => "Calls with some networks go through the relay.".to_owned(),
        Verdict::UdpBlocked => {
            let over = match findings.relays().next() {
                Some(Transport::Tls) => "TLS",
                Some(Transport::Tcp | Transport::Udp) | None => "TCP",
            };
            format!(
                "UDP is blocked here: calls go through the relay over {over}, quality may suffer."
            )
        }
        Verdict::NoRelay => "No relay reachable: calls may fail behind strict networks.".to_owned(),
        Verdict::NoConnection => "No connection.".to_owned(),
    };
    if let Some(link) = findings.link.known().filter(|_| is_lossy(findings)) {
        let percent = (link.loss() * 100.0).round();
        text += &format!(" {percent} % of packets are lost on the way, so calls may break up.");
    }
    text
}

/// Whether so many packets are lost that calls break up.
pub fn is_lossy(findings: &Findings) -> bool {
    findings.link.known().is_some_and(|link| link.loss() > NOTICEABLE_LOSS)
}

fn always_direct(findings: &Findings) -> bool {
    let others = Nat::NAMED.into_iter().filter(|&other| other != Nat::UDP_BLOCKED);
    let mine = findings.nat();
    !mine.possible().is_empty()
        && others
            .flat_map(|other| mine.possible().iter().map(move |&nat| (nat, other)))
            .all(|(nat, other)| expected_path(nat, other) == Path::Direct)
}
