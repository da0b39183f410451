//! Holds back checks that come from a relay, for a moment.
//!
//! A NAT that lets through whoever was spoken to lets the relay's addresses through: the far
//! side's relayed check may arrive first, and before its candidate. `rtc-ice` 0.21.1 then takes
//! it for a peer-reflexive path, which waits for nothing, and never replaces it.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// How long after the first check of the far side those from relays are dropped; they are
/// repeated every few milliseconds.
const HELD_BACK: Duration = Duration::from_millis(100);
/// Most relays that are remembered.
const MAX_RELAYS: usize = 32;

/// The addresses of the relays that a connection uses.
#[derive(Debug, Default)]
pub struct Relays {
    addresses: Mutex<Vec<IpAddr>>,
}

impl Relays {
    /// A relay was asked for an address. One on this very machine is told from nobody else here,
    /// and is no detour.
    pub fn add(&self, relay: IpAddr) {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if !relay.is_loopback() && !addresses.contains(&relay) && addresses.len() < MAX_RELAYS {
            addresses.push(relay);
        }
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner).contains(&address)
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
        now.saturating_duration_since(first) < HELD_BACK && relays.contains(from.ip())
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
    fn a_relay_on_this_machine_holds_nothing_back() {
        let (relays, checks) = (Relays::default(), Checks::default());
        let local: SocketAddr = "127.0.0.1:50000".parse().expect("an address");
        relays.add(local.ip());
        assert!(!checks.hold_back(Instant::now(), local, &relays));
    }
}
