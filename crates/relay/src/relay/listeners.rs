//! Where the server listens, and from where else it can answer (RFC 5780).

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

/// A socket that clients send to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListenerId(pub u32);

/// How clients come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
    /// An encrypted stream.
    Tls,
}

/// A socket that clients send to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    /// How they come.
    pub transport: Transport,
    /// Where it is bound; never to an unspecified address.
    pub address: SocketAddr,
    /// The address that the world sees it under.
    pub public_ip: IpAddr,
    /// Whether it has the second port.
    pub alternate_port: bool,
    /// Whether it has the second address.
    pub alternate_address: bool,
}

impl Listener {
    /// Where the world sees it.
    pub fn public(&self) -> SocketAddr {
        SocketAddr::new(self.public_ip, self.address.port())
    }
}

/// All listeners.
#[derive(Debug, Default)]
pub struct Listeners {
    all: Vec<Listener>,
    public_ips: HashMap<IpAddr, IpAddr>,
}

impl Listeners {
    pub fn add(&mut self, listener: Listener) -> ListenerId {
        self.public_ips.insert(listener.address.ip(), listener.public_ip);
        self.all.push(listener);
        ListenerId(u32::try_from(self.all.len() - 1).expect("sockets are few"))
    }

    pub fn get(&self, id: ListenerId) -> Option<&Listener> {
        self.all.get(usize::try_from(id.0).ok()?)
    }

    /// The address that the world sees for one of ours.
    pub fn public_ip(&self, ip: IpAddr) -> IpAddr {
        self.public_ips.get(&ip).copied().unwrap_or(ip)
    }

    /// Whether relayed addresses may have this address.
    pub fn is_own(&self, ip: IpAddr) -> bool {
        self.public_ips.iter().any(|(&bound, &public)| ip == bound || ip == public)
    }

    /// An address of ours of the wanted family: the one the client came to, or else one that is
    /// as near to it as can be.
    pub fn relay_ip(&self, came_to: IpAddr, ipv6: bool) -> Option<IpAddr> {
        if came_to.is_ipv6() == ipv6 {
            return Some(came_to);
        }
        let of_family =
            || self.all.iter().map(|it| it.address.ip()).filter(|ip| ip.is_ipv6() == ipv6);
        of_family().find(|ip| ip.is_loopback() == came_to.is_loopback())
    }

    /// The listener whose port, or address, or both are the other ones.
    pub fn other(&self, than: &Listener, address: bool, port: bool) -> Option<ListenerId> {
        let fits = |it: &Listener| {
            let same_address = it.address.ip() == than.address.ip();
            let other_address = it.alternate_address != than.alternate_address
                && it.address.is_ipv4() == than.address.is_ipv4()
                && it.address.ip().is_loopback() == than.address.ip().is_loopback();
            it.transport == Transport::Udp
                && than.transport == Transport::Udp
                && (if address { other_address } else { same_address })
                && (it.alternate_port != than.alternate_port) == port
        };
        let index = self.all.iter().position(fits)?;
        Some(ListenerId(u32::try_from(index).expect("sockets are few")))
    }

    /// What OTHER-ADDRESS says: both other, or, if there is no second address, the other port.
    pub fn other_address(&self, than: &Listener) -> Option<SocketAddr> {
        let id = self.other(than, true, true).or_else(|| self.other(than, false, true))?;
        Some(self.get(id)?.public())
    }
}
