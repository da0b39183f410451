//! Holds back checks that come from a relay, for a moment.
//!
//! A NAT that lets through whoever was spoken to lets the relay's addresses through: the far
//! side's relayed check may arrive first, and before its candidate. `rtc-ice` 0.21.1 then takes
//! it for a peer-reflexive path, which waits for nothing, and never replaces it.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// How long after the first check of the far side those from relays are dropped; they are
/// repeated every few milliseconds.
const HELD_BACK: Duration = Duration::from_millis(100);
/// Most addresses of either kind that are remembered.
const MAX_ADDRESSES: usize = 64;

/// The addresses of the relays that a connection uses, and those that the far side has named.
#[derive(Debug, Default)]
pub struct Relays {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    relays: Vec<IpAddr>,
    direct: Vec<SocketAddr>,
    relayed: Vec<SocketAddr>,
}

impl Relays {
    /// A relay was asked for an address.
    pub fn add(&self, relay: IpAddr) {
        let mut known = self.lock();
        if !known.relays.contains(&relay) && known.relays.len() < MAX_ADDRESSES {
            known.relays.push(relay);
        }
    }

    /// The far side has named a candidate (RFC 8839, section 5.1); one that is no relay's may be on
    /// the machine of one.
    pub fn note_candidate(&self, candidate: &str) {
        let fields: Vec<&str> = candidate.split_ascii_whitespace().collect();
        let &[_, _, _, _, address, port, "typ", kind, ..] = fields.as_slice() else { return };
        let (Ok(address), Ok(port)) = (address.parse(), port.parse()) else { return };
        let mut known = self.lock();
        let named = if kind == "relay" { &mut known.relayed } else { &mut known.direct };
        if named.len() < MAX_ADDRESSES {
            named.push(SocketAddr::new(address, port));
        }
    }

    /// Whether the far side has named this address, and as no relay's.
    pub fn is_announced(&self, address: SocketAddr) -> bool {
        self.lock().direct.contains(&address)
    }

    /// Whether a relay of either side has this address.
    pub fn is_relay(&self, address: SocketAddr) -> bool {
        let known = self.lock();
        let ours = known.relays.contains(&address.ip()) && !known.direct.contains(&address);
        ours || known.relayed.contains(&address)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // Nothing in there is half done when something panics.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The checks that one socket hears.
#[derive(Debug, Default)]
pub struct Checks {
    first: OnceLock<Instant>,
}

impl Checks {
    /// Whether a check that came `from` there is to be dropped.
    pub fn hold_back(&self, now: Instant, from: SocketAddr, relays: &Relays) -> bool {
        let first = *self.first.get_or_init(|| now);
        now.saturating_duration_since(first) < HELD_BACK && relays.is_relay(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_from_a_relay_are_held_back_for_a_moment_only() {
        let (relays, checks, start) = (Relays::default(), Checks::default(), Instant::now());
        let relay: SocketAddr = "198.51.100.1:50000".parse().expect("an address");
        let peer: SocketAddr = "203.0.113.9:4000".parse().expect("an address");
        relays.add(relay.ip());
        assert!(!checks.hold_back(start, peer, &relays));
        assert!(checks.hold_back(start + HELD_BACK / 2, relay, &relays));
        assert!(!checks.hold_back(start + HELD_BACK, relay, &relays));
    }

    #[test]
    fn who_shares_a_machine_with_a_relay_is_heard_once_announced() {
        let (relays, checks, start) = (Relays::default(), Checks::default(), Instant::now());
        let [peer, relayed] = ["127.0.0.1:4000", "127.0.0.1:50000"];
        relays.add("127.0.0.1".parse().expect("an address"));
        relays.note_candidate("1 1 udp 2130706431 127.0.0.1 4000 typ host");
        relays.note_candidate("candidate:2 1 udp 1 127.0.0.1 50000 typ relay raddr :: rport 9");
        let held = |from: &str| checks.hold_back(start, from.parse().expect("one"), &relays);
        assert!(!held(peer));
        assert!(held(relayed));
    }

    #[test]
    fn a_relay_of_the_far_side_alone_is_known_once_announced() {
        let (relays, address) = (Relays::default(), "198.51.100.1:50000");
        let is_relay = || relays.is_relay(address.parse().expect("an address"));
        assert!(!is_relay(), "nobody named it");
        relays.note_candidate("2 1 udp 1 198.51.100.1 50000 typ relay raddr :: rport 9");
        assert!(is_relay());
    }
}
