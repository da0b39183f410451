//! Starting and stopping: binds the port, opens the database, and holds the tasks.

use crate::exchange::Exchange;
use crate::http::{Shared, router};
use crate::limits::{INBOX_MESSAGES, MAX_CONNECTIONS, SHUTDOWN_TIME, Timings};
use crate::store::{Database, Store, StoreError};
use crate::switchboard::{self, Switchboard};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
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
}

impl ServerConfig {
    /// The usual times.
    pub fn new(listen: SocketAddr, database: Database) -> Self {
        Self { listen, database, timings: Timings::default() }
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
}

/// A running server. Dropping it stops it.
#[derive(Debug)]
pub struct Server {
    local_addr: SocketAddr,
    stop: watch::Sender<bool>,
    permits: Arc<Semaphore>,
    http: JoinHandle<()>,
    switchboard: JoinHandle<()>,
}

impl Server {
    /// Binds the port, opens the database and begins to serve.
    ///
    /// # Errors
    /// [`ServerError`] tells a port in use from all else.
    pub async fn start(config: ServerConfig) -> Result<Self, ServerError> {
        let ServerConfig { listen: address, database, timings } = config;
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
        let mut exchange = Exchange::new(store.directory().await?, timings);
        exchange.restore(store.live().await?, switchboard::now());

        let (reports, inbox) = mpsc::channel(INBOX_MESSAGES);
        let (stop, stopped) = watch::channel(false);
        let shared = Shared::new(reports, stopped.clone(), timings.sign_in);
        let permits = shared.permits.clone();
        let switchboard = tokio::spawn(Switchboard::new(exchange, store).run(inbox));
        let http = tokio::spawn(serve(listener, shared, stopped));
        info!(%local_addr, "listening");
        Ok(Self { local_addr, stop, permits, http, switchboard })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Tells every connection that the server stops, and waits until all is stored and closed.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        let connections = u32::try_from(MAX_CONNECTIONS).expect("the bound is small");
        let orderly = async {
            (&mut self.http).await.ok();
            self.permits.acquire_many(connections).await.ok();
            (&mut self.switchboard).await.ok();
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

async fn serve(listener: TcpListener, shared: Shared, mut stopped: watch::Receiver<bool>) {
    let stop = async move {
        stopped.wait_for(|&stopping| stopping).await.ok();
    };
    // small messages are to leave at once
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        stream.set_nodelay(true).ok();
    });
    let served = axum::serve(listener, router(shared)).with_graceful_shutdown(stop).await;
    if let Err(err) = served {
        warn!(%err, "serving ended");
    }
}
