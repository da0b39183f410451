//! Which addresses a relay may reach: none that would make it a way into the operator's network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A network such as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Not of the form `address/bits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a network such as 10.0.0.0/8")]
pub struct NotANetwork;

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NotANetwork)?;
        let whole = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(whole), str::parse).map_err(|_| NotANetwork)?;
        if prefix > whole { Err(NotANetwork) } else { Ok(Self { address, prefix }) }
    }
}

impl Network {
    const fn v4(a: u8, b: u8, c: u8, prefix: u8) -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::new(a, b, c, 0)), prefix }
    }

    const fn v6(a: u16, b: u16, c: u16, prefix: u8) -> Self {
        Self { address: IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)), prefix }
    }

    /// Whether the address is of this network. An IPv4 network has no IPv6 addresses, however
    /// written.
    pub fn contains(&self, ip: IpAddr) -> bool {
        let prefix = u32::from(self.prefix);
        match (self.address, ip) {
            (IpAddr::V4(network), IpAddr::V4(ip)) => {
                (network.to_bits() ^ ip.to_bits()).checked_shr(32 - prefix).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(ip)) => {
                (network.to_bits() ^ ip.to_bits()).checked_shr(128 - prefix).unwrap_or(0) == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// IPv4 that is not the public Internet (IANA special-purpose registry). The three networks for
/// documentation are left out: nothing answers there.
const DENIED_V4: [Network; 12] = [
    Network::v4(0, 0, 0, 8),
    Network::v4(10, 0, 0, 8),
    // shared address space; some clouds keep their metadata here
    Network::v4(100, 64, 0, 10),
    Network::v4(127, 0, 0, 8),
    // link-local; most clouds keep their metadata here
    Network::v4(169, 254, 0, 16),
    Network::v4(172, 16, 0, 12),
    Network::v4(192, 0, 0, 24),
    // 6to4 relays
    Network::v4(192, 88, 99, 24),
    Network::v4(192, 168, 0, 16),
    Network::v4(198, 18, 0, 15),
    Network::v4(224, 0, 0, 4),
    // reserved, and broadcast
    Network::v4(240, 0, 0, 4),
];

/// IPv6 that is not the public Internet, or that stands for an IPv4 address in a form whose
/// way nobody can foresee.
const DENIED_V6: [Network; 10] = [
    // unspecified, loopback, IPv4-compatible, and IPv4-mapped (::ffff:0:0/96)
    Network::v6(0, 0, 0, 80),
    // IPv4-translated (::ffff:0:a.b.c.d)
    Network { address: IpAddr::V6(Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0)), prefix: 96 },
    // NAT64 of one's own network
    Network::v6(0x64, 0xff9b, 1, 48),
    // discard-only
    Network::v6(0x100, 0, 0, 64),
    // Teredo
    Network::v6(0x2001, 0, 0, 32),
    // unique local, with the metadata of some clouds
    Network::v6(0xfc00, 0, 0, 7),
    Network::v6(0xfe80, 0, 0, 10),
    // site-local
    Network::v6(0xfec0, 0, 0, 10),
    Network::v6(0xff00, 0, 0, 8),
    // segment routing
    Network::v6(0x5f00, 0, 0, 16),
];

const NAT64: Network = Network::v6(0x64, 0xff9b, 0, 96);
const SIX_TO_FOUR: Network = Network::v6(0x2002, 0, 0, 16);

/// What a relay may reach.
#[derive(Clone, Debug, Default)]
pub struct PeerRules {
    allowed: Vec<Network>,
    everything: bool,
}

impl PeerRules {
    /// The public Internet, and these networks.
    pub fn public_and(allowed: Vec<Network>) -> Self {
        Self { allowed, everything: false }
    }

    /// Every unicast address: for a relay that only programs of this machine can use, which
    /// reach no more by it than without.
    pub fn everything() -> Self {
        Self { allowed: Vec::new(), everything: true }
    }

    /// Whether the operator wants this address to be reached, and not just any public one.
    pub fn names(&self, ip: IpAddr) -> bool {
        self.everything || self.allowed.iter().any(|network| network.contains(ip))
    }

    /// Whether the address may be reached.
    pub fn allow(&self, ip: IpAddr) -> bool {
        if self.allowed.iter().any(|network| network.contains(ip)) {
            return true;
        }
        if self.everything {
            let broadcast = IpAddr::V4(Ipv4Addr::BROADCAST);
            return !(ip.is_multicast() || ip.is_unspecified() || ip == broadcast);
        }
        match ip {
            IpAddr::V4(v4) => self.allow_v4(v4),
            IpAddr::V6(v6) => {
                !DENIED_V6.iter().any(|network| network.contains(ip))
                    && embedded(v6).is_none_or(|v4| self.allow(IpAddr::V4(v4)))
            }
        }
    }

    fn allow_v4(&self, ip: Ipv4Addr) -> bool {
        !DENIED_V4.iter().any(|network| network.contains(IpAddr::V4(ip)))
    }
}

/// The IPv4 address that an IPv6 address leads to by NAT64, 6to4 or ISATAP.
fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let octets = ip.octets();
    let v4 = |at: usize| Ipv4Addr::new(octets[at], octets[at + 1], octets[at + 2], octets[at + 3]);
    let isatap = octets[9..12] == [0, 0x5e, 0xfe] && octets[8] & !2 == 0;
    if NAT64.contains(IpAddr::V6(ip)) || isatap {
        Some(v4(12))
    } else if SIX_TO_FOUR.contains(IpAddr::V6(ip)) {
        Some(v4(2))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn nothing_inside_is_reached_however_it_is_written() {
        let rules = PeerRules::default();
        let inside = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "239.255.255.250",
            "255.255.255.255",
            "240.0.0.1",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::ffff:0:10.0.0.1",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "64:ff9b::10.0.0.1",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::8.8.8.8",
            "2002:7f00:1::1",
            "2002:a00:1::",
            "2002:a9fe:a9fe::1",
            "2001::1",
            "2a00::5efe:192.168.0.1",
            "2a00::200:5efe:10.0.0.1",
        ];
        for address in inside {
            assert!(!rules.allow(ip(address)), "{address}");
        }
        let outside = [
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "192.169.0.1",
            "203.0.113.9",
            "2a00::1",
            "2001:4860:4860::8888",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
            "2a00::5efe:8.8.8.8",
        ];
        for address in outside {
            assert!(rules.allow(ip(address)), "{address}");
        }
    }

    #[test]
    fn what_is_allowed_is_reached_and_nothing_more() {
        let rules = PeerRules::public_and(vec!["10.1.0.0/16".parse().expect("good")]);
        assert!(rules.allow(ip("10.1.255.1")));
        assert!(rules.allow(ip("64:ff9b::10.1.0.1")), "the same address by NAT64");
        assert!(!rules.allow(ip("10.2.0.1")));
        assert!(!rules.allow(ip("::ffff:10.1.0.1")));
        let all = PeerRules::public_and(vec!["::/0".parse().expect("good")]);
        assert!(all.allow(ip("fe80::1")));
        assert!(!all.allow(ip("10.0.0.1")));
    }

    #[test]
    fn a_relay_for_this_machine_reaches_all_but_groups() {
        let rules = PeerRules::everything();
        for address in ["127.0.0.1", "::1", "192.168.3.4", "8.8.8.8"] {
            assert!(rules.allow(ip(address)), "{address}");
        }
        for address in ["224.0.0.1", "255.255.255.255", "0.0.0.0", "ff02::1", "::"] {
            assert!(!rules.allow(ip(address)), "{address}");
        }
    }

    #[test]
    fn networks_are_read() {
        assert_eq!("10.0.0.0/8".parse(), Ok(Network::v4(10, 0, 0, 8)));
        assert!("10.0.0.1".parse::<Network>().is_ok_and(|one| !one.contains(ip("10.0.0.2"))));
        for wrong in ["", "10.0.0.0/33", "10.0.0.0/-1", "ten/8", "::/129"] {
            assert_eq!(wrong.parse::<Network>(), Err(NotANetwork), "{wrong}");
        }
    }
}
