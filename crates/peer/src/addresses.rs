//! Which local addresses a connection listens on.

use std::net::{IpAddr, Ipv4Addr};

/// Every interface of both families; each is expanded when bound, and anew at an ICE restart
/// that rebinds. A machine with nothing but loopback talks to itself.
pub fn udp_binds() -> Vec<String> {
    let (mut v4, mut v6) = (false, false);
    for interface in if_addrs::get_if_addrs().unwrap_or_default() {
        match interface.ip() {
            ip if ip.is_loopback() => {}
            IpAddr::V4(ip) => v4 |= !ip.is_link_local(),
            IpAddr::V6(ip) => v6 |= !ip.is_unicast_link_local(),
        }
    }
    let mut binds = Vec::new();
    if v4 {
        binds.push("0.0.0.0:0".to_owned());
    }
    if v6 {
        binds.push("[::]:0".to_owned());
    }
    if binds.is_empty() {
        binds.push(format!("{}:0", Ipv4Addr::LOCALHOST));
    }
    binds
}
