//! Packets that are relayed, over every transport.

use crate::client::{Came, LOCALHOST, SOON, TurnClient, config, open, start};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use tincan_relay::TlsIdentity;
use tincan_relay::relay::{DropReason, Policy};
use tincan_relay::server::{RelayConfig, RelayServer};
use tokio::net::UdpSocket;
use tokio::time::timeout;

async fn client(relay: &RelayServer, how: &str, account: &str, sha256: &str) -> TurnClient {
    match how {
        "udp" => TurnClient::udp(relay, account).await,
        "tcp" => TurnClient::tcp(relay, account).await,
        _ => TurnClient::tls(relay, account, sha256).await,
    }
}

async fn with_tls(policy: Policy) -> (RelayServer, String) {
    let mut config = config(policy);
    let identity = TlsIdentity::self_signed().expect("a certificate");
    let sha256 = identity.certificate_sha256().to_owned();
    config.tls = Some(identity);
    (RelayServer::start(config).await.expect("free ports"), sha256)
}

#[tokio::test]
async fn a_peer_without_relay_and_a_client_talk_over_every_transport() {
    let (relay, sha256) = with_tls(open()).await;
    for how in ["udp", "tcp", "tls"] {
        let peer = UdpSocket::bind((LOCALHOST, 0)).await.expect("a port");
        let peer_address = peer.local_addr().expect("an address");
        let mut alice = client(&relay, how, "alice", &sha256).await;
        let relayed = alice.allocate().await.expect("allowed");
        alice.permit(peer_address).await.expect("permitted");
        // odd lengths: padding is not to be relayed
        alice.send_to(peer_address, b"by indication").await;
        assert_eq!(heard(&peer).await, (relayed, b"by indication".to_vec()), "{how}");
        peer.send_to(b"back", relayed).await.expect("sends");
        assert_eq!(alice.relayed().await, Came::Data(peer_address, b"back".to_vec()), "{how}");

        alice.bind(0x4000, peer_address).await.expect("bound");
        for data in [&b"by channel"[..], b"", &[7; 1400]] {
            alice.send_on(0x4000, data).await;
            assert_eq!(heard(&peer).await, (relayed, data.to_vec()), "{how}");
            peer.send_to(data, relayed).await.expect("sends");
            assert_eq!(alice.relayed().await, Came::Channel(0x4000, data.to_vec()), "{how}");
        }
        alice.refresh(0).await.expect("ended");
    }
    relay.shutdown().await;
}

#[tokio::test]
async fn two_clients_talk_by_their_relayed_addresses_though_these_are_denied_to_others() {
    let (relay, sha256) = with_tls(Policy::default()).await;
    for (one, other) in [("udp", "udp"), ("udp", "tcp"), ("tcp", "tls"), ("tls", "udp")] {
        let mut alice = client(&relay, one, "alice", &sha256).await;
        let mut bob = client(&relay, other, "bob", &sha256).await;
        let alice_at = alice.allocate().await.expect("allowed");
        let bob_at = bob.allocate().await.expect("allowed");
        alice.permit(bob_at).await.expect("permitted");
        bob.bind(0x4abc, alice_at).await.expect("bound");
        alice.send_to(bob_at, b"hello").await;
        assert_eq!(bob.relayed().await, Came::Channel(0x4abc, b"hello".to_vec()), "{one} {other}");
        bob.send_on(0x4abc, b"hi").await;
        assert_eq!(alice.relayed().await, Came::Data(bob_at, b"hi".to_vec()), "{one} {other}");

        // a program of the server's machine that is no relayed address
        let local = UdpSocket::bind((LOCALHOST, 0)).await.expect("a port");
        let local_at = local.local_addr().expect("an address");
        alice.bind(0x4001, local_at).await.expect("the address is that of relays");
        alice.send_on(0x4001, b"secret").await;
        local.send_to(b"in", alice_at).await.expect("sends");
        alice.send_to(bob_at, b"after").await;
        assert_eq!(bob.relayed().await, Came::Channel(0x4abc, b"after".to_vec()));
        bob.send_on(0x4abc, b"after").await;
        assert_eq!(alice.relayed().await, Came::Data(bob_at, b"after".to_vec()), "and not `in`");
        assert!(local.try_recv(&mut [0; 9]).is_err(), "nothing reached it");
    }
    relay.shutdown().await;
}

#[tokio::test]
async fn addresses_of_either_family_are_given_whichever_the_client_came_by() {
    let ips = [LOCALHOST.into(), IpAddr::from(Ipv6Addr::LOCALHOST)];
    if std::net::UdpSocket::bind((ips[1], 0)).is_err() {
        eprintln!("skipped: this machine has no IPv6");
        return;
    }
    let config = RelayConfig { listen: ips.to_vec(), ..config(open()) };
    let relay = RelayServer::start(config).await.expect("free ports");
    for (came_by, family, ip) in [(ips[0], 2, ips[1]), (ips[1], 1, ips[0]), (ips[1], 2, ips[1])] {
        let peer = UdpSocket::bind((ip, 0)).await.expect("a port");
        let peer_address = peer.local_addr().expect("an address");
        let mut alice = TurnClient::udp_to(came_by, &relay, "alice").await;
        let relayed = alice.allocate_family(family).await.expect("allowed");
        assert_eq!(relayed.ip(), ip, "came by {came_by}");
        alice.permit(peer_address).await.expect("permitted");
        alice.send_to(peer_address, b"there").await;
        assert_eq!(heard(&peer).await, (relayed, b"there".to_vec()));
        peer.send_to(b"back", relayed).await.expect("sends");
        assert_eq!(alice.relayed().await, Came::Data(peer_address, b"back".to_vec()));
        let other = if ip.is_ipv4() { ips[1] } else { ips[0] };
        assert_eq!(alice.permit(SocketAddr::new(other, 9)).await, Err(443), "another family");
        alice.refresh(0).await.expect("ended");
    }
    relay.shutdown().await;
}

#[tokio::test]
async fn behind_a_one_to_one_nat_the_address_that_the_world_sees_is_given() {
    let seen = IpAddr::from([198, 51, 100, 7]);
    let config = RelayConfig { external: vec![(LOCALHOST.into(), seen)], ..config(open()) };
    let relay = RelayServer::start(config).await.expect("free ports");
    let mut alice = TurnClient::udp(&relay, "alice").await;
    let mut bob = TurnClient::udp(&relay, "bob").await;
    let alice_at = alice.allocate().await.expect("allowed");
    let bob_at = bob.allocate().await.expect("allowed");
    assert_eq!((alice_at.ip(), bob_at.ip()), (seen, seen));
    // What comes from outside: the translator has put our own address in.
    let peer = UdpSocket::bind((LOCALHOST, 0)).await.expect("a port");
    let peer_address = peer.local_addr().expect("an address");
    alice.permit(peer_address).await.expect("permitted");
    peer.send_to(b"in", (LOCALHOST, alice_at.port())).await.expect("sends");
    assert_eq!(alice.relayed().await, Came::Data(peer_address, b"in".to_vec()));
    // Two who hide behind it reach each other, though the translator would lead nothing back.
    alice.permit(bob_at).await.expect("permitted");
    bob.permit(alice_at).await.expect("permitted");
    alice.send_to(bob_at, b"hello").await;
    assert_eq!(bob.relayed().await, Came::Data(alice_at, b"hello".to_vec()));
    relay.shutdown().await;
}

#[tokio::test]
async fn nothing_passes_without_permission() {
    let relay = start(open()).await;
    let peer = UdpSocket::bind((LOCALHOST, 0)).await.expect("a port");
    let peer_address = peer.local_addr().expect("an address");
    let mut alice = TurnClient::udp(&relay, "alice").await;
    let relayed = alice.allocate().await.expect("allowed");
    alice.send_to(peer_address, b"too early").await;
    peer.send_to(b"too early", relayed).await.expect("sends");
    let both = async {
        while relay.stats().counters.dropped(DropReason::NotPermitted) < 2 {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, both).await.expect("both are dropped");
    alice.permit(peer_address).await.expect("permitted");
    alice.send_to(peer_address, b"now").await;
    assert_eq!(heard(&peer).await, (relayed, b"now".to_vec()));
    peer.send_to(b"now", relayed).await.expect("sends");
    assert_eq!(alice.relayed().await, Came::Data(peer_address, b"now".to_vec()));
    relay.shutdown().await;
}

#[tokio::test]
async fn a_refreshed_allocation_stays_and_an_ended_one_is_gone() {
    let relay = start(open()).await;
    let mut alice = TurnClient::udp(&relay, "alice").await;
    alice.allocate().await.expect("allowed");
    assert_eq!(alice.allocate().await, Err(437), "there is one");
    alice.refresh(600).await.expect("kept");
    alice.refresh(0).await.expect("ended");
    assert_eq!(alice.refresh(600).await, Err(437), "there is none");
    assert_eq!(alice.permit(SocketAddr::from((LOCALHOST, 9))).await, Err(437));
    alice.allocate().await.expect("a new one");
    relay.shutdown().await;
}

async fn heard(peer: &UdpSocket) -> (SocketAddr, Vec<u8>) {
    let mut buffer = vec![0; 70_000];
    let heard = timeout(SOON, peer.recv_from(&mut buffer)).await.expect("something comes");
    let (length, from) = heard.expect("receives");
    buffer.truncate(length);
    (from, buffer)
}
