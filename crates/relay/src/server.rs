//! The sockets of a relay. One thread owns everything, so that a relayed packet meets neither a
//! lock nor another thread; what is slow on one socket is dropped there.

mod bind;
mod outbox;
mod shell;
mod stats;
mod stream;
mod udp;

pub use stats::Stats;

use crate::credentials::SharedSecret;
use crate::relay::Policy;
use crate::tls::TlsIdentity;
use shell::Shell;
use stats::SharedStats;
use std::io;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use tokio::sync::{oneshot, watch};
use tokio::task::LocalSet;
use tracing::info;

/// How to run a relay.
#[derive(Clone, Debug)]
pub struct RelayConfig {
    /// Addresses to listen on; an unspecified one stands for all of this machine.
    pub listen: Vec<IpAddr>,
    /// For STUN, TURN over UDP and TURN over TCP; 0 takes any free one.
    pub port: u16,
    /// The second one for STUN over UDP, by which NATs are told apart.
    pub alternate_port: u16,
    /// For TURN over TLS, if there is a certificate.
    pub tls_ports: Vec<u16>,
    /// Where relayed addresses are taken from.
    pub relay_ports: RangeInclusive<u16>,
    /// Addresses that a NAT translates one to one: ours, and the one the world sees.
    pub external: Vec<(IpAddr, IpAddr)>,
    /// Which of our addresses is the second one for STUN (one of each family).
    pub alternate_ips: Vec<IpAddr>,
    /// What credentials are minted with.
    pub secret: SharedSecret,
    /// What is granted to whom.
    pub policy: Policy,
    /// For TURN over TLS; none: no TLS.
    pub tls: Option<TlsIdentity>,
}

impl RelayConfig {
    /// The usual ports.
    pub fn new(listen: Vec<IpAddr>, secret: SharedSecret) -> Self {
        Self {
            listen,
            port: 3478,
            alternate_port: 3479,
            tls_ports: vec![5349],
            relay_ports: 49152..=65535,
            external: Vec::new(),
            alternate_ips: Vec::new(),
            secret,
            policy: Policy::default(),
            tls: None,
        }
    }

    /// Takes free ports rather than the usual ones.
    #[must_use]
    pub fn on_free_ports(mut self) -> Self {
        (self.port, self.alternate_port) = (0, 0);
        self.tls_ports = vec![0];
        self
    }
}

/// The ports that a relay really has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RelayPorts {
    /// STUN, and TURN over UDP.
    pub udp: u16,
    /// STUN's second port.
    pub alternate: u16,
    /// TURN over TCP.
    pub tcp: u16,
    /// TURN over TLS.
    pub tls: Vec<u16>,
}

/// Why a relay does not run.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// No address can be listened on.
    #[error("no address can be listened on: {0}")]
    Listen(io::Error),
    /// The thread could not be started.
    #[error("the relay's thread did not start: {0}")]
    Thread(io::Error),
}

/// A running relay. Dropping it stops it.
#[derive(Debug)]
pub struct RelayServer {
    ports: RelayPorts,
    stats: SharedStats,
    stop: watch::Sender<bool>,
    done: Option<oneshot::Receiver<()>>,
}

impl RelayServer {
    /// Binds the sockets and begins to serve.
    ///
    /// # Errors
    /// [`RelayError`] if there is nothing to listen on.
    pub async fn start(config: RelayConfig) -> Result<Self, RelayError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(RelayError::Thread)?;
        let stats = SharedStats::default();
        let (stop, mut stopped) = watch::channel(false);
        let (ready, started) = oneshot::channel();
        let (finished, done) = oneshot::channel();
        let shared = stats.clone();
        let serve = async move || {
            match Shell::open(config, shared) {
                Ok((shell, ports)) => {
                    ready.send(Ok(ports)).ok();
                    tokio::select! {
                        () = shell.run() => {}
                        // a sender that is gone means the same
                        _ = stopped.wait_for(|&stopping| stopping) => {}
                    }
                }
                Err(error) => {
                    ready.send(Err(error)).ok();
                }
            }
        };
        let run = move || {
            LocalSet::new().block_on(&runtime, serve());
            drop(runtime);
            finished.send(()).ok();
        };
        std::thread::Builder::new()
            .name("relay".to_owned())
            .spawn(run)
            .map_err(RelayError::Thread)?;
        let gone = || RelayError::Thread(io::Error::other("it ended"));
        let ports = started.await.map_err(|_| gone())?.map_err(RelayError::Listen)?;
        info!(?ports, "relaying");
        Ok(Self { ports, stats, stop, done: Some(done) })
    }

    /// The ports that it really has.
    pub fn ports(&self) -> &RelayPorts {
        &self.ports
    }

    /// What it has counted, as of a second ago.
    pub fn stats(&self) -> Stats {
        self.stats.read()
    }

    /// The same, for whoever outlives this handle.
    pub fn watch_stats(&self) -> impl Fn() -> Stats + Clone + Send + Sync + 'static {
        let stats = self.stats.clone();
        move || stats.read()
    }

    /// Stops it and waits until its sockets are closed.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        if let Some(done) = self.done.take() {
            done.await.ok();
        }
    }
}
