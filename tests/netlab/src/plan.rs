//! Who has which address in the lab. Public ones are those that RFC 5737 and RFC 3849 keep for
//! documentation, private ones those of RFC 1918, so that programs treat each kind as they would
//! in the world. 192.0.2.0/24 and 2001:db8::/64 stay free: clients let addresses of these stand for
//! their streams to relays.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The server's address.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 225);
/// Its second one, for servers that tell how a translator maps.
pub const SERVER_2: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 226);
/// Its address of the other family.
pub const SERVER_6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x53, 0, 0, 0, 0, 1);
/// The length of the prefix of the servers' network.
pub const SERVERS_PREFIX: u8 = 27;
/// Ports of the server that even a network without UDP lets its users reach.
pub const WEB_PORTS: [u16; 3] = [443, 3478, 5349];
/// Where the Internet sends what nobody has: it vanishes there. An error that came back instead
/// would make relays drop whole sessions.
pub const NOWHERE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 254);

/// The addresses of one access to the Internet: a provider's line with a router at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessPlan {
    /// Our side: 0 or 1.
    side: u8,
    /// Which of the side's accesses.
    number: u8,
}

impl AccessPlan {
    /// The access of this number (0 or 1) of a side (0 or 1).
    pub const fn new(side: u8, number: u8) -> Self {
        Self { side, number }
    }

    /// The router's public address, on a line of four addresses.
    pub fn wan(self) -> Ipv4Addr {
        self.public(4 * self.number + 2)
    }

    /// The provider's end of that line.
    pub fn provider(self) -> Ipv4Addr {
        self.public(4 * self.number + 1)
    }

    /// The name of the interface at that end.
    pub fn provider_interface(self) -> String {
        format!("line-{}-{}", self.side, self.number)
    }

    /// The router in the client's network; translated or not.
    pub fn router(self, translated: bool) -> Ipv4Addr {
        if translated { self.private(1) } else { self.public(64 * (self.number + 1) + 1) }
    }

    /// The client's address, the `nth` (0, 1, ...) that it gets.
    pub fn client(self, translated: bool, nth: u8) -> Ipv4Addr {
        let host = 2 + nth % 32;
        if translated { self.private(host) } else { self.public(64 * (self.number + 1) + host) }
    }

    /// The client's network when it is public: a route for the Internet.
    pub fn public_network(self) -> String {
        format!("{}/26", self.public(64 * (self.number + 1)))
    }

    /// The length of the network prefix at the client.
    pub const fn prefix(translated: bool) -> u8 {
        if translated { 24 } else { 26 }
    }

    /// This host in the client's network of the other family, which no one translates.
    pub fn client_6(self, host: u16) -> Ipv6Addr {
        let subnet = u16::from(self.side) * 16 + u16::from(self.number) + 1;
        Ipv6Addr::new(0x2001, 0xdb8, subnet, 0, 0, 0, 0, host)
    }

    /// This host on the line of the other family.
    pub fn line_6(self, host: u16) -> Ipv6Addr {
        let subnet = u16::from(self.side) * 16 + u16::from(self.number) + 0x101;
        Ipv6Addr::new(0x2001, 0xdb8, subnet, 0, 0, 0, 0, host)
    }

    fn public(self, host: u8) -> Ipv4Addr {
        match self.side {
            0 => Ipv4Addr::new(198, 51, 100, host),
            _ => Ipv4Addr::new(203, 0, 113, host),
        }
    }

    fn private(self, host: u8) -> Ipv4Addr {
        Ipv4Addr::new(192, 168, 1 + self.side + 100 * self.number, host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn nobody_shares_an_address() {
        let mut all = vec![SERVER, SERVER_2, NOWHERE];
        for plan in [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(s, n)| AccessPlan::new(s, n)) {
            all.extend([plan.wan(), plan.provider()]);
            for translated in [true, false] {
                all.push(plan.router(translated));
                all.extend((0..3).map(|nth| plan.client(translated, nth)));
            }
        }
        let distinct: BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len(), "{all:?}");
    }
}
