//! What holds the sockets and carries out what the relay decides.

use super::outbox::Outbox;
use super::stats::{SharedStats, Stats};
use super::stream::{self, Crowd};
use super::udp::{send, serve_clients, serve_peers};
use super::{RelayConfig, RelayPorts, bind};
use crate::frame::{BUFFER, Frame};
use crate::relay::{
    Action, AllocationId, Client, Listener, Now, OpenRequest, Relay, Reply, Transport,
};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::{AbortHandle, spawn_local};
use tokio::time::{MissedTickBehavior, interval};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, info};

/// Between two sweeps, and two publications of figures.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// Sweeps between two looks at the machine's addresses.
const SWEEPS_PER_LOOK: u64 = 15;

/// A relayed address's socket. Dropping it closes it.
#[derive(Debug)]
pub struct RelayedSocket {
    socket: Rc<UdpSocket>,
    reader: AbortHandle,
}

impl Drop for RelayedSocket {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// Where answers leave.
#[derive(Debug)]
enum Outlet {
    Datagrams(Rc<UdpSocket>),
    Streams,
}

/// What holds the sockets.
#[derive(Debug)]
pub struct Shell {
    config: RelayConfig,
    ports: RelayPorts,
    relay: RefCell<Relay<RelayedSocket>>,
    /// The packet that is being looked at.
    pub buffer: RefCell<Vec<u8>>,
    outlets: RefCell<Vec<Outlet>>,
    streams: RefCell<HashMap<Client, Rc<Outbox>>>,
    pub crowd: Crowd,
    stats: Cell<Stats>,
    published: SharedStats,
}

/// The time.
pub fn now() -> Now {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Now { instant: Instant::now(), unix }
}

impl Shell {
    /// Binds all that is to be listened on. Within a runtime and a set of local tasks.
    pub fn open(config: RelayConfig, published: SharedStats) -> io::Result<(Rc<Self>, RelayPorts)> {
        let ips = bind::addresses(&config.listen);
        let datagrams =
            |port, what| bind::on_one_port(&ips, port, what, bind::udp, UdpSocket::local_addr);
        let streams =
            |port, what| bind::on_one_port(&ips, port, what, bind::tcp, TcpListener::local_addr);
        let (udp, primary) = datagrams(config.port, "STUN and TURN over UDP")?;
        let (alternate, secondary) = datagrams(config.alternate_port, "second STUN")?;
        let (tcp, plain) = streams(config.port, "TURN over TCP")?;
        let mut tls = Vec::new();
        let mut encrypted = Vec::new();
        if config.tls.is_some() {
            for &wanted in &config.tls_ports {
                let (port, bound) = streams(wanted, "TURN over TLS")?;
                tls.push(port);
                encrypted.extend(bound);
            }
        }
        let ports = RelayPorts { udp, alternate, tcp, tls };
        let secret = config.secret.clone();
        let relay = Relay::new(config.policy.clone(), secret, rand::random(), Instant::now());
        let shell = Rc::new(Self {
            config,
            ports: ports.clone(),
            relay: RefCell::new(relay),
            buffer: RefCell::new(vec![0; BUFFER]),
            outlets: RefCell::default(),
            streams: RefCell::default(),
            crowd: Crowd::default(),
            stats: Cell::default(),
            published,
        });
        for (address, socket) in primary {
            shell.serve_udp(address, socket, false);
        }
        for (address, socket) in secondary {
            shell.serve_udp(address, socket, true);
        }
        for (address, socket) in plain {
            shell.serve_streams(address, socket, Transport::Tcp);
        }
        for (address, socket) in encrypted {
            shell.serve_streams(address, socket, Transport::Tls);
        }
        Ok((shell, ports))
    }

    /// Sweeps, publishes, and listens on addresses that come later. Never ends.
    pub async fn run(self: Rc<Self>) {
        let mut known: HashSet<IpAddr> = bind::addresses(&self.config.listen).into_iter().collect();
        let mut ticks = interval(SWEEP_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for tick in 1_u64.. {
            ticks.tick().await;
            let counters = {
                let mut relay = self.relay.borrow_mut();
                relay.sweep(Instant::now());
                relay.counters()
            };
            self.published.publish(Stats { counters, ..self.stats.get() });
            if tick % SWEEPS_PER_LOOK == 0 {
                for ip in bind::addresses(&self.config.listen) {
                    if known.insert(ip) {
                        self.listen_on(ip);
                    }
                }
            }
        }
    }

    /// Listens on an address that the machine has got; what fails is left out.
    fn listen_on(self: &Rc<Self>, ip: IpAddr) {
        info!(%ip, "a new address");
        let RelayPorts { udp, alternate, tcp, tls } = self.ports.clone();
        for (port, is_alternate) in [(udp, false), (alternate, true)] {
            let address = SocketAddr::new(ip, port);
            match bind::udp(address) {
                Ok(socket) => self.serve_udp(address, socket, is_alternate),
                Err(error) => debug!(%address, %error, "not listened on"),
            }
        }
        let plain = std::iter::once((tcp, Transport::Tcp));
        for (port, transport) in plain.chain(tls.into_iter().map(|port| (port, Transport::Tls))) {
            let address = SocketAddr::new(ip, port);
            match bind::tcp(address) {
                Ok(socket) => self.serve_streams(address, socket, transport),
                Err(error) => debug!(%address, %error, "not listened on"),
            }
        }
    }

    fn listener(&self, address: SocketAddr, transport: Transport, alternate: bool) -> Listener {
        let external = self.config.external.iter().find(|(ours, _)| *ours == address.ip());
        Listener {
            transport,
            address,
            public_ip: external.map_or(address.ip(), |&(_, seen)| seen),
            alternate_port: alternate,
            alternate_address: self.config.alternate_ips.contains(&address.ip()),
        }
    }

    fn serve_udp(self: &Rc<Self>, address: SocketAddr, socket: UdpSocket, alternate: bool) {
        let listener = self.listener(address, Transport::Udp, alternate);
        let id = self.relay.borrow_mut().listen(listener);
        let socket = Rc::new(socket);
        self.outlets.borrow_mut().push(Outlet::Datagrams(socket.clone()));
        spawn_local(serve_clients(self.clone(), id, socket));
    }

    fn serve_streams(self: &Rc<Self>, address: SocketAddr, socket: TcpListener, how: Transport) {
        let id = self.relay.borrow_mut().listen(self.listener(address, how, false));
        self.outlets.borrow_mut().push(Outlet::Streams);
        let tls = self.config.tls.as_ref().filter(|_| how == Transport::Tls);
        let tls = tls.map(|identity| TlsAcceptor::from(identity.config.clone()));
        spawn_local(stream::accept(self.clone(), id, socket, tls));
    }

    /// Takes a client's packet.
    pub fn client_sent(self: &Rc<Self>, now: Now, client: Client, frame: &mut Frame<'_>) {
        let mut relay = self.relay.borrow_mut();
        let open = match relay.client_sent(now, client, frame) {
            Action::Ignore => None,
            Action::Reply(reply) => {
                self.reply(&reply);
                None
            }
            Action::ToPeer { socket, peer } => {
                send(&socket.socket, frame.bytes(), peer);
                None
            }
            Action::ToClient(client) => {
                self.relay_to(client, frame.bytes());
                None
            }
            Action::Open(request) => Some(request),
        };
        drop(relay);
        if let Some(request) = open {
            self.open_relayed(now, *request);
        }
    }

    /// Takes a peer's packet.
    pub fn peer_sent(
        &self,
        now: Instant,
        id: AllocationId,
        peer: SocketAddr,
        frame: &mut Frame<'_>,
    ) {
        let client = self.relay.borrow_mut().peer_sent(now, id, peer, frame);
        if let Some(client) = client {
            self.relay_to(client, frame.bytes());
        }
    }

    fn open_relayed(self: &Rc<Self>, now: Now, request: OpenRequest) {
        let socket = bind::relayed(request.ip, request.even_port, &self.config.relay_ports);
        let id = Rc::new(Cell::new(None));
        let opened = socket.and_then(|socket| {
            let bound = socket.local_addr().ok()?;
            let socket = Rc::new(socket);
            let reader = spawn_local(serve_peers(self.clone(), id.clone(), socket.clone()));
            Some((RelayedSocket { socket, reader: reader.abort_handle() }, bound))
        });
        let (reply, allocation) = self.relay.borrow_mut().opened(now, request, opened);
        id.set(allocation);
        self.reply(&reply);
    }

    fn reply(&self, reply: &Reply) {
        let outlets = self.outlets.borrow();
        match usize::try_from(reply.listener.0).ok().and_then(|index| outlets.get(index)) {
            Some(Outlet::Datagrams(socket)) => {
                send(socket, &reply.bytes, reply.to);
            }
            Some(Outlet::Streams) => {
                let client = Client { listener: reply.listener, address: reply.to };
                if let Some(outbox) = self.streams.borrow().get(&client) {
                    outbox.answer(&reply.bytes);
                }
            }
            None => {}
        }
    }

    fn relay_to(&self, client: Client, packet: &[u8]) {
        let outlets = self.outlets.borrow();
        match usize::try_from(client.listener.0).ok().and_then(|index| outlets.get(index)) {
            Some(Outlet::Datagrams(socket)) => {
                send(socket, packet, client.address);
            }
            Some(Outlet::Streams) => {
                let taken = self.streams.borrow().get(&client).is_some_and(|it| it.relay(packet));
                if !taken {
                    self.count(|stats| stats.packets_too_many += 1);
                }
            }
            None => {}
        }
    }

    /// Whether the client has an allocation.
    pub fn knows(&self, client: Client) -> bool {
        self.relay.borrow().has_allocation(client)
    }

    /// A client has come by a stream.
    pub fn stream_began(&self, client: Client, outbox: Rc<Outbox>) {
        self.streams.borrow_mut().insert(client, outbox);
    }

    /// The client's stream has ended.
    pub fn stream_ended(&self, client: Client) {
        self.streams.borrow_mut().remove(&client);
        self.relay.borrow_mut().stream_ended(client, Instant::now());
    }

    /// A stream was closed at once.
    pub fn refused_stream(&self) {
        self.count(|stats| stats.connections_refused += 1);
    }

    /// There is one stream more or less.
    pub fn count_streams(&self, transport: Transport, change: impl Fn(u64) -> u64) {
        self.count(|stats| match transport {
            Transport::Tcp => stats.tcp_connections = change(stats.tcp_connections),
            Transport::Tls => stats.tls_connections = change(stats.tls_connections),
            Transport::Udp => {}
        });
    }

    fn count(&self, change: impl FnOnce(&mut Stats)) {
        let mut stats = self.stats.get();
        change(&mut stats);
        self.stats.set(stats);
    }
}
