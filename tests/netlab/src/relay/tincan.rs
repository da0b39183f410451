//! Our own server with its relay. Each client has an account there, and is told of the relay as the
//! app is: by signing in.

use super::{OTHER_PORT, PORT, Relay, START, until_it_listens};
use crate::namespace::Namespace;
use crate::plan::{SERVER, SERVER_2};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use tincan_proto::{DeviceId, IceServer, IdentityKey, ServerMessage};
use tincan_signal_client::{SignalClient, SignalConfig, SignalEvent};
use tincan_test_support::place;
use tincan_test_support::running::Running;

/// Where clients sign in.
const SIGNALLING_PORT: u16 = 4780;
/// TURN over TLS: its own port, and the one that every network lets out.
const TLS_PORTS: [u16; 2] = [5349, 443];

/// Starts it, signs both clients in and keeps what they are told.
pub fn start(internet: &Namespace, folder: &Path) -> Result<Relay> {
    let program = place::program("tincan-server")?;
    let program = program.to_str().context("a program's path is text")?;
    let mut command = internet.command(program);
    command
        .args(["--memory", "--listen", &format!("{SERVER}:{SIGNALLING_PORT}")])
        .args(["--relay-port", &PORT.to_string()])
        .args(["--relay-alternate-port", &OTHER_PORT.to_string()])
        .args(["--relay-alternate-ip", &SERVER_2.to_string()]);
    for port in TLS_PORTS {
        command.args(["--relay-tls-port", &port.to_string()]);
    }
    let mut process = Running::start("server", command, folder)?;
    let [tls, web] = TLS_PORTS;
    let ports = [
        ("tcp", SIGNALLING_PORT),
        ("udp", PORT),
        ("udp", OTHER_PORT),
        ("tcp", PORT),
        ("tcp", tls),
        ("tcp", web),
    ];
    until_it_listens(&mut process, internet, &ports)?;
    let told = |name: &str| {
        internet.enter(|| hand_out(name)).with_context(|| format!("while {name} signs in"))
    };
    let ice_servers = [told("anna")?, told("ben")?];
    Ok(Relay { _process: process, ice_servers })
}

/// Signs in from the namespace that this thread is in; the servers that the account is told of.
fn hand_out(name: &str) -> Result<Value> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("while starting a runtime")?;
    let servers = runtime.block_on(async { tokio::time::timeout(START, sign_in(name)).await });
    let servers = servers.context("no servers are handed out")??;
    ensure!(!servers.is_empty(), "an empty hand-out");
    Ok(servers.iter().map(in_w3c_form).collect())
}

async fn sign_in(name: &str) -> Result<Vec<IceServer>> {
    let config = SignalConfig {
        url: format!("ws://{SERVER}:{SIGNALLING_PORT}"),
        name: name.parse().context("an account's name")?,
        device: DeviceId::from(1),
        key: Arc::new(IdentityKey::generate(&mut rand::rng())),
        register: true,
    };
    let (client, mut events) = SignalClient::connect(config)?;
    while let Some(event) = events.recv().await {
        match event {
            SignalEvent::Message(ServerMessage::IceServers { ice }) => {
                client.shutdown().await;
                return Ok(ice.servers);
            }
            SignalEvent::Refused { message, .. } => bail!("refused: {message}"),
            SignalEvent::Connecting
            | SignalEvent::SignedIn { .. }
            | SignalEvent::NotSent(_)
            | SignalEvent::Message(_)
            | SignalEvent::Lost { .. } => {}
        }
    }
    bail!("the connection ended")
}

/// As `tincan-peer` takes it.
fn in_w3c_form(server: &IceServer) -> Value {
    let IceServer { urls, username, credential, certificate_sha256 } = server;
    json!({
        "urls": urls, "username": username, "credential": credential,
        "certificate_sha256": certificate_sha256,
    })
}
