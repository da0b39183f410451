//! This machine's own address, as others may know it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

/// Public addresses that packets are thought of as going to.
const FAR_V4: Ipv4Addr = Ipv4Addr::new(1, 0, 0, 1);
const FAR_V6: Ipv6Addr = Ipv6Addr::new(0x2600, 0, 0, 0, 0, 0, 0, 1);

/// The address of this machine that packets to the Internet leave from: over IPv4 if there is a
/// way, else over IPv6 if `v6` allows that. Nothing is sent.
pub fn outgoing_address(v6: bool) -> Option<IpAddr> {
    let over_v4 = toward(Ipv4Addr::UNSPECIFIED.into(), FAR_V4.into());
    over_v4.or_else(|| v6.then(|| toward(Ipv6Addr::UNSPECIFIED.into(), FAR_V6.into())).flatten())
}

fn toward(from: IpAddr, to: IpAddr) -> Option<IpAddr> {
    let socket = UdpSocket::bind((from, 0)).ok()?;
    // Connecting a datagram socket only chooses the way.
    socket.connect((to, 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}
