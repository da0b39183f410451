//! Relays across ICE restarts, which give up the addresses that a relay has lent.

use crate::sides::{Side, run, run_with};
use std::cell::Cell;
use std::net::Ipv4Addr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tincan_call::{NegotiationInput, Role};
use tincan_peer_connection::PeerOptions;
use tincan_proto::{ControlMessage, IceServer, PeerMessage};
use tincan_relay::credentials::SharedSecret;
use tincan_relay::peers::PeerRules;
use tincan_relay::relay::Policy;
use tincan_relay::server::{RelayConfig, RelayServer};

const HOUR: Duration = Duration::from_secs(3600);

async fn relay() -> RelayServer {
    let listen = vec![Ipv4Addr::LOCALHOST.into()];
    let mut config = RelayConfig::new(listen, SharedSecret::new("north")).on_free_ports();
    config.policy = Policy { peers: PeerRules::everything(), ..Policy::default() };
    RelayServer::start(config).await.expect("free ports")
}

/// One with a credential that ends at this time since 1970.
fn server(place: &str, ends: Duration) -> IceServer {
    let credential = SharedSecret::new("north").mint("alice", ends);
    IceServer {
        urls: vec![format!("turn:127.0.0.1:{place}")],
        username: credential.username,
        credential: credential.password,
        certificate_sha256: None,
    }
}

fn in_an_hour() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970") + HOUR
}

fn behind(server: IceServer) -> PeerOptions {
    PeerOptions { ice_servers: vec![server], relay_only: true, ..PeerOptions::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_takes_the_credentials_that_came_since() {
    let relay = relay().await;
    let place = relay.ports().udp.to_string();
    let mut a = Side::with(Role::Impolite, behind(server(&place, HOUR))).await;
    let mut b = Side::new(Role::Polite).await;
    let [relayed, over, answered] = [const { Cell::new(false) }; 3];
    let look = |from_a: bool, message: PeerMessage| {
        match (from_a, &message) {
            (true, PeerMessage::Candidate(candidate)) => {
                relayed.set(relayed.get() || candidate.candidate.contains("typ relay"));
                over.set(over.get() || candidate.candidate.is_empty());
            }
            (false, PeerMessage::Description(_)) => answered.set(true),
            _ => {}
        }
        Some(message)
    };
    assert!(a.step(NegotiationInput::Needed { ice_restart: false }).is_empty());
    run_with(look, &mut a, &mut b, |_, _| over.get() && answered.get()).await;
    assert!(!relayed.get(), "the credential has ended");
    a.peer.renew_ice_servers(vec![server(&place, in_an_hour())]);
    assert!(a.step(NegotiationInput::Needed { ice_restart: true }).is_empty());
    run_with(look, &mut a, &mut b, |_, _| relayed.get()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_over_tcp_is_there_again_after_a_restart() {
    let relay = relay().await;
    let place = format!("{}?transport=tcp", relay.ports().tcp);
    let mut a = Side::with(Role::Impolite, behind(server(&place, in_an_hour()))).await;
    let mut b = Side::new(Role::Polite).await;
    assert!(a.step(NegotiationInput::Needed { ice_restart: false }).is_empty());
    run(&mut a, &mut b, |a, b| a.control_open && b.control_open).await;
    for side in [false, true] {
        let connected = (a.connected, b.connected);
        let who = if side { &mut b } else { &mut a };
        assert!(who.step(NegotiationInput::Needed { ice_restart: true }).is_empty());
        run(&mut a, &mut b, |a, b| a.connected > connected.0 && b.connected > connected.1).await;
        let said =
            ControlMessage::Media { microphone: side, camera: true, screen: false, paused: false };
        b.peer.send_control(said);
        run(&mut a, &mut b, |a, _| a.heard.contains(&said)).await;
    }
    assert_eq!(a.relayed, Some(true));
}
