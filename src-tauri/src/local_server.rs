//! The server inside the app. The first app of a machine hosts it, the others use it; when
//! that app goes, the next one that misses it takes over with the same accounts.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use tincan_client::ports::{LocalServer, LocalServerPlace};
use tincan_server::{Database, ECHO_PHASE, Server, ServerConfig, ServerError};
use tokio::sync::Mutex;

/// The port to the embedded server.
pub struct HostedServer {
    listen: SocketAddr,
    database: PathBuf,
    ring_time: Option<Duration>,
    running: Mutex<Option<Server>>,
}

impl HostedServer {
    /// Not started yet.
    pub fn new(listen: SocketAddr, database: PathBuf, ring_time: Option<Duration>) -> Self {
        Self { listen, database, ring_time, running: Mutex::new(None) }
    }

    /// Stops the server if it runs here.
    pub async fn stop(&self) {
        if let Some(server) = self.running.lock().await.take() {
            server.shutdown().await;
        }
    }

    fn place(&self, hosted_here: bool) -> LocalServerPlace {
        let mut address = self.listen;
        if address.ip().is_unspecified() {
            match address {
                SocketAddr::V4(_) => address.set_ip(Ipv4Addr::LOCALHOST.into()),
                SocketAddr::V6(_) => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            }
        }
        LocalServerPlace { address: address.to_string(), hosted_here }
    }
}

#[async_trait::async_trait]
impl LocalServer for HostedServer {
    async fn ensure(&self) -> Result<LocalServerPlace, String> {
        let mut running = self.running.lock().await;
        if running.is_some() {
            return Ok(self.place(true));
        }
        if let Some(folder) = self.database.parent() {
            tokio::fs::create_dir_all(folder)
                .await
                .map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        let mut config = ServerConfig::new(self.listen, Database::File(self.database.clone()));
        config.echo = Some(ECHO_PHASE);
        if let Some(ring_time) = self.ring_time {
            config.timings.ring = ring_time;
        }
        match Server::start(config).await {
            Ok(server) => {
                *running = Some(server);
                Ok(self.place(true))
            }
            Err(ServerError::AddressInUse(_)) => Ok(self.place(false)),
            Err(error) => Err(error.to_string()),
        }
    }
}
