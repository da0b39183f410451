//! Finding addresses and ports.

use rand::Rng;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use tokio::net::{TcpListener, UdpSocket};
use tracing::warn;

/// Most addresses of one machine that are listened on.
const MAX_ADDRESSES: usize = 32;
/// Free ports that are tried on all addresses.
const FREE_PORT_TRIES: usize = 16;
/// Ports of the range that are tried for a relayed address.
const RELAY_PORT_TRIES: usize = 64;
/// What sockets may hold until the relay comes to it; systems grant less.
const SOCKET_BUFFER: usize = 1 << 20;
/// Connections that wait to be accepted.
const BACKLOG: i32 = 256;

/// The addresses that are meant: unspecified ones stand for all of the machine. Link-local ones
/// are left out, as they mean nothing without naming an interface.
pub fn addresses(listen: &[IpAddr]) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for &ip in listen {
        if !ip.is_unspecified() {
            found.push(ip);
            continue;
        }
        match if_addrs::get_if_addrs() {
            Ok(interfaces) => {
                let addresses = interfaces.into_iter().map(|interface| interface.ip());
                found.extend(addresses.filter(|ip| !is_link_local(*ip)));
            }
            Err(error) => warn!(%error, "the machine's addresses are not known"),
        }
    }
    found.sort();
    found.dedup();
    found.truncate(MAX_ADDRESSES);
    found
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// Binds all addresses to one port: the wanted one, or a free one if somebody has it already.
/// Addresses that cannot be bound at all are left out.
pub fn on_one_port<T>(
    ips: &[IpAddr],
    wanted: u16,
    what: &str,
    bind: impl Fn(SocketAddr) -> io::Result<T>,
    port_of: impl Fn(&T) -> io::Result<SocketAddr>,
) -> io::Result<(u16, Vec<(SocketAddr, T)>)> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    let free = std::iter::repeat_n(0, FREE_PORT_TRIES);
    for port in std::iter::once(wanted).filter(|&port| port != 0).chain(free) {
        match on_port(ips, port, &bind, &port_of) {
            Ok((found, bound)) => {
                if wanted != 0 && found != wanted {
                    warn!(what, wanted, found, "the port cannot be had, another one is used");
                }
                return Ok((found, bound));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn on_port<T>(
    ips: &[IpAddr],
    mut port: u16,
    bind: impl Fn(SocketAddr) -> io::Result<T>,
    port_of: impl Fn(&T) -> io::Result<SocketAddr>,
) -> io::Result<(u16, Vec<(SocketAddr, T)>)> {
    let mut bound = Vec::new();
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for &ip in ips {
        match bind(SocketAddr::new(ip, port)) {
            Ok(socket) => {
                let address = port_of(&socket)?;
                port = address.port();
                bound.push((SocketAddr::new(ip, port), socket));
            }
            Err(error) => match error.kind() {
                io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => return Err(error),
                _ => {
                    warn!(%ip, %error, "the address cannot be listened on");
                    last = error;
                }
            },
        }
    }
    if bound.is_empty() { Err(last) } else { Ok((port, bound)) }
}

/// A socket for datagrams. Within a runtime.
pub fn udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    // as much as the system grants
    socket.set_recv_buffer_size(SOCKET_BUFFER).ok();
    socket.set_send_buffer_size(SOCKET_BUFFER).ok();
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}

/// A socket that connections come to. Within a runtime.
pub fn tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    // a restart must not wait for the connections of the last start
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// A socket for a relayed address: a random port of the range, so that nobody can guess it.
pub fn relayed(ip: IpAddr, even: bool, ports: &RangeInclusive<u16>) -> Option<UdpSocket> {
    for _ in 0..RELAY_PORT_TRIES {
        let port = rand::rng().random_range(ports.clone());
        let port = if even { port & !1 } else { port };
        match udp(SocketAddr::new(ip, port)) {
            Ok(socket) => return Some(socket),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => {
                warn!(%ip, %error, "no relayed address");
                return None;
            }
        }
    }
    warn!(%ip, "no port for a relayed address");
    None
}
