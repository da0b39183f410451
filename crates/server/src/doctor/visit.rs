//! What can be had from the server itself: whether it answers, and which relays it hands out.

use crate::arguments::Doctor;
use anyhow::Context;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tincan_proto::{DeviceId, IceServer, ServerMessage};
use tincan_server::echo::EchoIdentity;
use tincan_server::{Database, Store, outgoing_address};
use tincan_signal_client::{ServerUrl, SignalClient, SignalConfig, SignalEvent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The longest wait for each answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the minted credentials are good.
const CREDENTIAL: Duration = Duration::from_secs(600);
/// The second device of the server's own account: the first is the echo.
const DEVICE: u128 = 2;

/// Where the servers to be tried come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The server handed them out.
    HandedOut,
    /// The usual ports, with credentials of the shared secret.
    UsualWithSecret,
    /// The usual ports, without credentials.
    Usual,
}

/// What was found at the server.
pub struct Visit {
    /// `host:port` that was asked.
    pub place: String,
    /// Its address, if it has one.
    pub address: Option<IpAddr>,
    /// How long `/health` took, or why there was no answer.
    pub answer: Result<Duration, String>,
    /// Why the server did not take its own account, if it was tried.
    pub sign_in: Option<Result<(), String>>,
    /// To be tried.
    pub servers: Vec<IceServer>,
    /// Where those come from.
    pub source: Source,
}

impl Visit {
    /// Asks the server.
    ///
    /// # Errors
    /// In words, if the arguments make no sense or the database cannot be read.
    pub async fn pay(doctor: &Doctor) -> anyhow::Result<Self> {
        let typed = match &doctor.server {
            Some(server) => server.clone(),
            None => outgoing_address(true).map_or("127.0.0.1".to_owned(), bracketed),
        };
        let url: ServerUrl = typed.parse().with_context(|| format!("the server {typed}"))?;
        let place = format!("{}:{}", url.host(), url.port());
        let address = resolve(&place).await;
        let answer = health(&place, address).await;
        let mut visit = Self {
            place,
            address: address.map(|address| address.ip()),
            answer,
            sign_in: None,
            servers: usual(&url, None),
            source: Source::Usual,
        };
        if visit.answer.is_err() {
            return Ok(visit);
        }
        if let Some(secret) = doctor.secret.get() {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let minted = secret.mint("doctor", now + CREDENTIAL);
            visit.servers = usual(&url, Some((minted.username, minted.password)));
            visit.source = Source::UsualWithSecret;
        }
        if doctor.database.exists() {
            match timeout(PATIENCE, hand_out(&typed, &doctor.database)).await {
                Ok(Ok(servers)) => {
                    (visit.servers, visit.source) = (servers, Source::HandedOut);
                    visit.sign_in = Some(Ok(()));
                }
                Ok(Err(error)) => visit.sign_in = Some(Err(format!("{error:#}"))),
                Err(_) => visit.sign_in = Some(Err("no answer".to_owned())),
            }
        }
        Ok(visit)
    }
}

fn bracketed(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

async fn resolve(place: &str) -> Option<SocketAddr> {
    timeout(PATIENCE, tokio::net::lookup_host(place)).await.ok()?.ok()?.next()
}

/// Asks for `/health` as a monitor would.
async fn health(place: &str, address: Option<SocketAddr>) -> Result<Duration, String> {
    let address = address.ok_or_else(|| format!("{place} cannot be resolved"))?;
    let begun = Instant::now();
    let asked = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET /health HTTP/1.1\r\nHost: {place}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = vec![];
        stream.take(4096).read_to_end(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    match timeout(PATIENCE, asked).await {
        Ok(Ok(answer)) if answer.starts_with(b"HTTP/1.1 200") => Ok(begun.elapsed()),
        Ok(Ok(_)) => Err("something else answers there".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no answer".to_owned()),
    }
}

/// Signs in with the key that the database holds, and waits for the hand-out.
async fn hand_out(server: &str, database: &Path) -> anyhow::Result<Vec<IceServer>> {
    let store = Store::open(&Database::File(database.to_owned())).await?;
    let EchoIdentity { name, key, .. } = EchoIdentity::new(store.server_key().await?);
    let config = SignalConfig {
        url: server.to_owned(),
        name,
        device: DeviceId::from(DEVICE),
        key: Arc::clone(&key),
        register: false,
    };
    let (client, mut events) = SignalClient::connect(config)?;
    while let Some(event) = events.recv().await {
        match event {
            SignalEvent::Message(ServerMessage::IceServers { ice }) => {
                client.shutdown().await;
                return Ok(ice.servers);
            }
            SignalEvent::Refused { message, .. } => anyhow::bail!(message),
            SignalEvent::Connecting
            | SignalEvent::SignedIn { .. }
            | SignalEvent::NotSent(_)
            | SignalEvent::Message(_)
            | SignalEvent::Lost { .. } => {}
        }
    }
    anyhow::bail!("the connection ended")
}

/// A relay at the usual ports of the server's host.
fn usual(url: &ServerUrl, credentials: Option<(String, String)>) -> Vec<IceServer> {
    let host = url.host();
    let (username, credential) = credentials.unwrap_or_default();
    let stun = IceServer { urls: vec![format!("stun:{host}:3478")], ..IceServer::default() };
    let urls = vec![
        format!("turn:{host}:3478?transport=udp"),
        format!("turn:{host}:3478?transport=tcp"),
        format!("turns:{host}:5349?transport=tcp"),
    ];
    vec![stun, IceServer { urls, username, credential, certificate_sha256: None }]
}
