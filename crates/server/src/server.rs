//! Starting and stopping: binds the port, opens the database, and holds the tasks.

use crate::echo::{self, EchoIdentity};
use crate::exchange::{Change, Exchange};
use crate::http::{LocalAddress, Shared, router};
use crate::ice::{HandOut, Host, OwnRelay, RelayChoice};
use crate::limits::{INBOX_MESSAGES, MAX_CONNECTIONS, SHUTDOWN_TIME, Timings};
use crate::store::{Database, Store, StoreError};
use crate::switchboard::{self, Switchboard};
use axum::Router;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tincan_echo::Echo;
use tincan_proto::units::UnixMillis;
use tincan_relay::server::{RelayError, RelayServer};
use tincan_relay::{TlsError, TlsIdentity};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::{info, warn};

/// How to run a server.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Where to keep accounts.
    pub database: Database,
    /// The times that rule ringing.
    pub timings: Timings,
    /// Which STUN and TURN servers clients are told of.
    pub relay: RelayChoice,
    /// The host of the own relay; none: the one that each client reached this server by.
    pub public_host: Option<Host>,
    /// Whether figures are served over HTTP, to everyone who asks.
    pub metrics: bool,
    /// Whether everybody has the echo contact, and how long it lets one hear oneself over each
    /// path; [`crate::ECHO_PHASE`] is usual.
    pub echo: Option<Duration>,
}

impl ServerConfig {
    /// The usual times, a relay beside it, and no echo contact.
    pub fn new(listen: SocketAddr, database: Database) -> Self {
        Self {
            relay: RelayChoice::Own(Box::new(OwnRelay::beside(listen))),
            listen,
            database,
            timings: Timings::default(),
            public_host: None,
            metrics: false,
            echo: None,
        }
    }
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Somebody listens there already, perhaps a server of an earlier start.
    #[error("{0} is in use")]
    AddressInUse(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The relay cannot run.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// The relay's certificate cannot be used.
    #[error(transparent)]
    Certificate(#[from] TlsError),
}

/// A running server. Dropping it stops it.
#[derive(Debug)]
pub struct Server {
    local_addr: SocketAddr,
    stop: watch::Sender<bool>,
    permits: Arc<Semaphore>,
    http: JoinHandle<()>,
    switchboard: JoinHandle<()>,
    relay: Option<RelayServer>,
    echo: Option<Echo>,
}

impl Server {
    /// Binds the port, opens the database and begins to serve.
    ///
    /// # Errors
    /// [`ServerError`] tells a port in use from all else.
    pub async fn start(config: ServerConfig) -> Result<Self, ServerError> {
        let ServerConfig { listen: address, database, timings, relay, public_host, metrics, echo } =
            config;
        let listener = TcpListener::bind(address).await.map_err(|source| {
            if source.kind() == io::ErrorKind::AddrInUse {
                ServerError::AddressInUse(address)
            } else {
                ServerError::Listen { address, source }
            }
        })?;
        let local_addr =
            listener.local_addr().map_err(|source| ServerError::Listen { address, source })?;
        let store = Store::open(&database).await?;
        let (relay, hand_out) = start_relay(relay, &database).await?;
        let identity = match echo {
            Some(_) => Some(EchoIdentity::new(store.server_key().await?)),
            None => None,
        };
        let mut exchange = open_exchange(&store, timings, identity.as_ref()).await?;
        exchange.restore(store.live().await?, switchboard::now());

        let (reports, inbox) = mpsc::channel(INBOX_MESSAGES);
        let (stop, stopped) = watch::channel(false);
        let shared = Shared {
            reports,
            stop: stopped.clone(),
            permits: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            ids: Arc::default(),
            sign_in_time: timings.sign_in,
            hand_out: Arc::new(hand_out),
            public_host,
        };
        let figures = relay.as_ref().filter(|_| metrics).map(RelayServer::watch_stats);
        let router = router(shared.clone(), metrics, figures);
        let permits = shared.permits.clone();
        let switchboard = tokio::spawn(Switchboard::new(exchange, store).run(inbox));
        let http = tokio::spawn(serve(listener, router, stopped));
        info!(%local_addr, "listening");
        let echo = identity.zip(echo).and_then(|(it, phase)| echo::answer(it, local_addr, phase));
        Ok(Self { local_addr, stop, permits, http, switchboard, relay, echo })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Tells every connection that the server stops, and waits until all is stored and closed.
    pub async fn shutdown(mut self) {
        if let Some(echo) = self.echo.take() {
            echo.shutdown().await;
        }
        self.stop.send_replace(true);
        let connections = u32::try_from(MAX_CONNECTIONS).expect("the bound is small");
        let orderly = async {
            (&mut self.http).await.ok();
            self.permits.acquire_many(connections).await.ok();
            (&mut self.switchboard).await.ok();
            if let Some(relay) = self.relay.take() {
                relay.shutdown().await;
            }
        };
        if timeout(SHUTDOWN_TIME, orderly).await.is_err() {
            warn!("connections did not end in time");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // the connections notice; the switchboard ends with the last of them
        self.stop.send_replace(true);
        self.http.abort();
    }
}

/// Reads the accounts back; makes that of the echo contact the first time.
async fn open_exchange(
    store: &Store,
    timings: Timings,
    echo: Option<&EchoIdentity>,
) -> Result<Exchange, StoreError> {
    let mut directory = store.directory().await?;
    let Some(EchoIdentity { name, key, .. }) = echo else {
        return Ok(Exchange::new(directory, timings));
    };
    let key = key.public();
    if directory.key(name).is_none() {
        let created = Change::AccountCreated { name: name.clone(), key, created: unix_now() };
        store.write(std::slice::from_ref(&created), &[], &[]).await?;
        directory.apply(&created);
    }
    Ok(Exchange::new(directory, timings).with_echo(key))
}

fn unix_now() -> UnixMillis {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}

/// Starts what the choice needs, and says what clients are told.
async fn start_relay(
    choice: RelayChoice,
    database: &Database,
) -> Result<(Option<RelayServer>, HandOut), ServerError> {
    let OwnRelay { mut config, certificate } = match choice {
        RelayChoice::None => return Ok((None, HandOut::Nothing)),
        RelayChoice::External { urls, secret } => {
            return Ok((None, HandOut::External { urls, secret }));
        }
        RelayChoice::Own(own) => *own,
    };
    let identity = match (&certificate, database) {
        (Some((certificates, key)), _) => TlsIdentity::from_files(certificates, key)?,
        (None, Database::File(path)) => TlsIdentity::kept_in(&path.with_extension("relay.pem"))?,
        (None, Database::Memory) => TlsIdentity::self_signed()?,
    };
    let certificate_sha256 = Some(identity.certificate_sha256().to_owned());
    config.tls = Some(identity);
    let secret = config.secret.clone();
    let relay = RelayServer::start(config).await?;
    let ports = relay.ports().clone();
    Ok((Some(relay), HandOut::Own { ports, certificate_sha256, secret }))
}

async fn serve(listener: TcpListener, router: Router, mut stopped: watch::Receiver<bool>) {
    let stop = async move {
        stopped.wait_for(|&stopping| stopping).await.ok();
    };
    let router = router.into_make_service_with_connect_info::<LocalAddress>();
    let served = axum::serve(listener, router).with_graceful_shutdown(stop).await;
    if let Err(err) = served {
        warn!(%err, "serving ended");
    }
}
