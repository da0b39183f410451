//! The checks, side by side: asks the servers, and reports which parts are done. Dropping the
//! future stops all.

mod binding;
mod link;
mod relay;

use crate::findings::{Finding, Findings, LinkQuality, Reached, RelayProblem};
use crate::nat::{Filtering, Mapping};
use crate::server_url::{Role, ServerUrl, Transport};
use binding::MappingFound;
use futures_util::future::join_all;
use relay::Allocation;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tincan_proto::IceServer;
use tokio::time::timeout;

/// The longest that one part may take.
const PART: Duration = Duration::from_millis(4_500);

/// One part of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The public addresses.
    PublicAddress,
    /// How the translator maps and filters.
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

impl Step {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::PublicAddress,
        Self::Nat,
        Self::RelayUdp,
        Self::RelayTcp,
        Self::RelayTls,
        Self::Link,
    ];
}

/// Checks what the network lets through to these servers. Calls `done` after each part.
pub async fn check(servers: &[IceServer], done: impl Fn(Step)) -> Findings {
    let stun = StunServers::of(servers).await;
    let (public, (relays, link)) = tokio::join!(ask_stun(&stun, &done), ask_relays(servers, &done));
    let [relay_udp, relay_tcp, relay_tls] = relays;
    let udp = public.mapped.is_some() || public.public_v6.known().is_some() || relay_udp.is_ok();
    Findings {
        local: local_addresses(),
        public_v4: public.public_v4,
        public_v6: public.public_v6,
        udp,
        untranslated: public.untranslated,
        mapping: public.mapping,
        filtering: public.filtering,
        relay_udp,
        relay_tcp,
        relay_tls,
        link,
    }
}

/// Addresses of STUN servers; a relay over UDP is one, too.
struct StunServers {
    v4: Vec<SocketAddr>,
    v6: Vec<SocketAddr>,
}

impl StunServers {
    async fn of(servers: &[IceServer]) -> Self {
        let mut urls: Vec<ServerUrl> = urls(servers)
            .map(|(url, _)| url)
            .filter(|url| url.transport == Transport::Udp)
            .collect();
        urls.sort_by_key(|url| url.role);
        let mut found = Self { v4: vec![], v6: vec![] };
        // All at once: each name may take its time to be found, or not to be.
        let lookups = urls.iter().flat_map(|url| {
            [SocketAddr::is_ipv4, SocketAddr::is_ipv6]
                .map(|is_wanted| link::resolve(&url.host, url.port, is_wanted))
        });
        for address in join_all(lookups).await.into_iter().flatten() {
            let known = if address.is_ipv4() { &mut found.v4 } else { &mut found.v6 };
            if !known.contains(&address) {
                known.push(address);
            }
        }
        found
    }
}

/// What STUN told.
struct Public {
    mapped: Option<SocketAddr>,
    public_v4: Finding<SocketAddr>,
    public_v6: Finding<SocketAddr>,
    untranslated: bool,
    mapping: Finding<Mapping>,
    filtering: Finding<Filtering>,
}

async fn ask_stun(servers: &StunServers, done: &impl Fn(Step)) -> Public {
    let primary = servers.v4.first().or(servers.v6.first()).copied();
    let second = |first: SocketAddr| {
        let others = if first.is_ipv4() { &servers.v4 } else { &servers.v6 };
        others.iter().copied().find(|other| other.ip() != first.ip())
    };
    let v6 = async {
        match servers.v6.first() {
            Some(&server) => address(limited(binding::mapped(server)).await.flatten()),
            None => unknown("no STUN server with an IPv6 address is known"),
        }
    };
    let mapping = async {
        match primary {
            Some(server) => limited(binding::mapping(server, second(server))).await,
            None => None,
        }
    };
    let public = async {
        let public = tokio::join!(mapping, v6);
        done(Step::PublicAddress);
        public
    };
    let filtering = async {
        match primary {
            Some(server) => limited(binding::filtering(server)).await,
            None => None,
        }
    };
    let ((mapping, public_v6), filtering) = tokio::join!(public, filtering);
    done(Step::Nat);
    let why = if primary.is_some() { "no STUN server answered" } else { "no STUN server is known" };
    let (mapping, mapped, local) = match mapping {
        Some(MappingFound { mapping, mapped, local }) => (mapping, mapped, Some(local)),
        None => (unknown_of(why, &Mapping::ALL), None, None),
    };
    Public {
        mapped,
        public_v4: match servers.v4.first() {
            Some(_) => address(mapped),
            None => unknown("no STUN server with an IPv4 address is known"),
        },
        public_v6,
        untranslated: mapped.is_some() && mapped == local,
        mapping,
        filtering: filtering.unwrap_or_else(|| unknown_of(why, &Filtering::ALL)),
    }
}

type Relays = [Result<Reached, RelayProblem>; 3];

async fn ask_relays(servers: &[IceServer], done: &impl Fn(Step)) -> (Relays, Finding<LinkQuality>) {
    let over = async |transport, step| {
        let made = timeout(PART, allocate(servers, transport)).await;
        done(step);
        made.unwrap_or(Err(RelayProblem::NoAnswer))
    };
    let (udp, tcp, tls) = tokio::join!(
        over(Transport::Udp, Step::RelayUdp),
        over(Transport::Tcp, Step::RelayTcp),
        over(Transport::Tls, Step::RelayTls),
    );
    let mut link = unknown("no relay was reached");
    let mut relays = vec![];
    for (made, transport) in [(udp, Transport::Udp), (tcp, Transport::Tcp), (tls, Transport::Tls)] {
        match made {
            Ok(mut allocation) => {
                relays.push(Ok(allocation.reached()));
                if link.known().is_none() && relays.iter().filter(|r| r.is_ok()).count() == 1 {
                    link = allocation.measure(transport).await;
                }
                allocation.free().await;
            }
            Err(problem) => relays.push(Err(problem)),
        }
    }
    done(Step::Link);
    let relays = relays.try_into().unwrap_or_else(|_| unreachable!("three went in"));
    (relays, link)
}

/// Allocates at the first relay of this transport that works.
async fn allocate(servers: &[IceServer], transport: Transport) -> Result<Allocation, RelayProblem> {
    let mut problem = RelayProblem::NotConfigured;
    for (url, server) in urls(servers) {
        if url.role == Role::Turn && url.transport == transport {
            match Allocation::make(transport, &url.host, url.port, server).await {
                Ok(allocation) => return Ok(allocation),
                Err(this) => problem = this,
            }
        }
    }
    Err(problem)
}

fn urls(servers: &[IceServer]) -> impl Iterator<Item = (ServerUrl, &IceServer)> {
    servers
        .iter()
        .take(tincan_proto::ice::MAX_ICE_SERVERS)
        .flat_map(|server| server.urls.iter().map(move |url| (url, server)))
        .filter_map(|(url, server)| Some((url.parse().ok()?, server)))
}

fn local_addresses() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let addresses = interfaces.into_iter().filter(|i| !i.is_loopback()).map(|i| i.ip());
    addresses.filter(|ip| !matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local())).collect()
}

async fn limited<T>(part: impl Future<Output = std::io::Result<T>>) -> Option<T> {
    timeout(PART, part).await.ok()?.ok()
}

fn address(mapped: Option<SocketAddr>) -> Finding<SocketAddr> {
    mapped.map_or_else(|| unknown("no STUN server answered"), Finding::Known)
}

fn unknown<T>(why: &str) -> Finding<T> {
    Finding::Unknown { why: why.to_owned(), possible: vec![] }
}

fn unknown_of<T: Clone>(why: &str, possible: &[T]) -> Finding<T> {
    Finding::Unknown { why: why.to_owned(), possible: possible.to_vec() }
}
