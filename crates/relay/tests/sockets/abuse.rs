//! Attempts to use a relay for what it is not for.

use crate::client::{Came, LOCALHOST, TurnClient, credential, error, open, secret, start, unix};
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tincan_relay::credentials::SharedSecret;
use tincan_relay::relay::{DropReason, Policy, Refusal};
use tincan_relay::server::RelayServer;
use tincan_relay::stun::{Class, Writer, attribute, method};
use tokio::net::UdpSocket;

#[tokio::test]
async fn expired_and_forged_credentials_are_refused() {
    let relay = start(open()).await;
    let mut client = TurnClient::udp(&relay, "alice").await;
    client.credential = secret().mint("alice", unix() - Duration::from_secs(1));
    assert_eq!(client.allocate().await, Err(401), "expired");
    client.credential = SharedSecret::new("south").mint("alice", unix() + Duration::from_secs(60));
    assert_eq!(client.allocate().await, Err(401), "minted with another secret");
    client.credential = credential("alice");
    client.credential.username = client.credential.username.replace("alice", "bob");
    assert_eq!(client.allocate().await, Err(401), "another account's name");
    client.credential = credential("alice");
    client.credential.username.insert(0, '9');
    assert_eq!(client.allocate().await, Err(401), "made to last longer");
    client.credential.username = "alice".to_owned();
    client.credential.password = secret().password("alice");
    assert_eq!(client.allocate().await, Err(401), "without expiry");
    client.credential = credential("alice");
    client.allocate().await.expect("the right one is good");
    relay.shutdown().await;
}

#[tokio::test]
async fn an_allocation_is_its_accounts_alone() {
    let relay = start(open()).await;
    let mut client = TurnClient::udp(&relay, "alice").await;
    client.allocate().await.expect("allowed");
    let peer = SocketAddr::from((LOCALHOST, 9));
    client.credential = credential("mallory");
    assert_eq!(client.permit(peer).await, Err(441));
    assert_eq!(client.bind(0x4000, peer).await, Err(441));
    assert_eq!(client.refresh(0).await, Err(441));
    assert_eq!(client.allocate().await, Err(441));
    client.credential = secret().mint("alice", unix() + Duration::from_secs(999));
    client.permit(peer).await.expect("a renewed credential is as good");
    relay.shutdown().await;
}

#[tokio::test]
async fn a_call_may_outlast_its_credential() {
    let relay = start(open()).await;
    let mut client = TurnClient::udp(&relay, "alice").await;
    client.allocate().await.expect("allowed");
    client.credential = secret().mint("alice", unix() - Duration::from_secs(1));
    client.refresh(600).await.expect("kept");
    client.refresh(0).await.expect("ended");
    assert_eq!(client.allocate().await, Err(401), "but begins no new one");
    relay.shutdown().await;
}

#[tokio::test]
async fn addresses_inside_are_denied_in_every_form() {
    let relay = start(Policy::default()).await;
    let mut client = TurnClient::udp(&relay, "alice").await;
    client.allocate().await.expect("allowed");
    let denied = [
        "127.0.0.2",
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.0.1",
        "224.0.0.1",
        "255.255.255.255",
    ];
    for ip in denied {
        let peer = SocketAddr::new(ip.parse().expect("an address"), 80);
        assert_eq!(client.permit(peer).await, Err(403), "{ip}");
        assert_eq!(client.bind(0x4000, peer).await, Err(403), "{ip}");
    }
    client.permit(SocketAddr::from(([8, 8, 8, 8], 53))).await.expect("the Internet is allowed");
    let mixed = |writer: Writer| {
        writer
            .xor_address(attribute::XOR_PEER_ADDRESS, ([8, 8, 4, 4], 53).into())
            .xor_address(attribute::XOR_PEER_ADDRESS, ([10, 0, 0, 1], 53).into())
    };
    let answer = client.request(method::CREATE_PERMISSION, mixed).await;
    assert_eq!(answer, Err(403), "one denied address among others");
    // an IPv6 address on an IPv4 allocation, with an IPv4 address inside or not
    for ip in ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:a00:1::1", "::1"] {
        let peer = SocketAddr::new(ip.parse().expect("an address"), 80);
        assert_eq!(client.permit(peer).await, Err(443), "{ip}");
    }
    relay.shutdown().await;
}

#[tokio::test]
async fn an_account_gets_so_many_allocations_and_no_more() {
    let relay = start(Policy { allocations_per_user: 2, ..open() }).await;
    let mut clients = Vec::new();
    for _ in 0..2 {
        let mut client = TurnClient::udp(&relay, "greedy").await;
        client.allocate().await.expect("within the quota");
        clients.push(client);
    }
    let mut third = TurnClient::udp(&relay, "greedy").await;
    assert_eq!(third.allocate().await, Err(486));
    TurnClient::udp(&relay, "modest").await.allocate().await.expect("others are not concerned");
    clients[0].refresh(0).await.expect("ended");
    third.allocate().await.expect("there is room again");
    relay.shutdown().await;
}

#[tokio::test]
async fn ten_thousand_malformed_packets_harm_nobody() {
    let relay = start(open()).await;
    let mut alice = TurnClient::udp(&relay, "alice").await;
    let mut bob = TurnClient::tcp(&relay, "bob").await;
    let alice_at = alice.allocate().await.expect("allowed");
    let bob_at = bob.allocate().await.expect("allowed");
    alice.bind(0x4000, bob_at).await.expect("bound");
    bob.bind(0x4000, alice_at).await.expect("bound");

    let seed = rand::random();
    eprintln!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut mallory = TurnClient::udp(&relay, "mallory").await;
    mallory.allocate().await.expect("allowed");
    let valid = samples(&mallory);
    let to = SocketAddr::from((LOCALHOST, relay.ports().udp));
    let strange = UdpSocket::bind((LOCALHOST, 0)).await.expect("a port");
    for round in 0..10_000_u32 {
        let packet = mutated(&mut random, &valid);
        // from a stranger, and on the 5-tuple of somebody known
        if round % 2 == 0 {
            strange.send_to(&packet, to).await.expect("sends");
        } else {
            mallory.send(&packet).await;
        }
        if round % 100 == 0 {
            let data = round.to_be_bytes();
            alice.send_on(0x4000, &data).await;
            assert_eq!(bob.relayed().await, Came::Channel(0x4000, data.to_vec()), "{round}");
            bob.send_on(0x4000, &data).await;
            assert_eq!(alice.relayed().await, Came::Channel(0x4000, data.to_vec()), "{round}");
        }
    }
    wait_for(&relay, |relay| relay.stats().counters.dropped(DropReason::Malformed) > 1000).await;
    assert!(relay.stats().counters.allocations >= 2);
    relay.shutdown().await;
}

#[tokio::test]
async fn a_source_that_proves_nothing_gets_few_answers_and_others_all() {
    let relay = start(open()).await;
    let to = SocketAddr::from((LOCALHOST, relay.ports().udp));
    let loud = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 99), 0)).await.expect("a port");
    let request = Writer::new(Class::Request, method::ALLOCATE, [0; 12]).finish();
    let flood = async {
        loop {
            loud.send_to(&request, to).await.expect("sends");
            if relay.stats().counters.refused(Refusal::RateLimited) > 100 {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::client::SOON, flood).await.expect("its answers are limited");
    let mut alice = TurnClient::udp(&relay, "alice").await;
    alice.allocate().await.expect("another source is answered");
    relay.shutdown().await;
}

#[tokio::test]
async fn answers_are_not_much_longer_than_requests() {
    let relay = start(open()).await;
    let mut client = TurnClient::udp(&relay, "alice").await;
    let unknown: Vec<u16> = (0x7000..0x7030).collect();
    let writer = Writer::new(Class::Request, method::BINDING, [1; 12]);
    let many = unknown.iter().fold(writer, |writer, &kind| writer.attribute(kind, &[]));
    let answer = client.ask(&many.finish()).await;
    assert_eq!(error(&answer), Some(420));
    assert!(answer.len() <= 80, "{}", answer.len());
    let allocate = Writer::new(Class::Request, method::ALLOCATE, [2; 12]).finish();
    let answer = client.ask(&allocate).await;
    assert_eq!(error(&answer), Some(401));
    assert!(answer.len() <= 110, "{}", answer.len());
    relay.shutdown().await;
}

/// One of each kind of packet that a relay takes.
fn samples(client: &TurnClient) -> Vec<Vec<u8>> {
    let peer = SocketAddr::from(([192, 0, 2, 1], 5000));
    let transport = |writer: Writer| writer.number(attribute::REQUESTED_TRANSPORT, 17 << 24);
    let to_peer = |writer: Writer| writer.xor_address(attribute::XOR_PEER_ADDRESS, peer);
    let new = |class, method| Writer::new(class, method, [9; 12]);
    let channel = |writer: Writer| writer.number(attribute::CHANNEL_NUMBER, 0x4001 << 16);
    let data = |writer: Writer| writer.attribute(attribute::DATA, b"payload");
    vec![
        new(Class::Request, method::BINDING).fingerprint().finish(),
        client.signed(transport(new(Class::Request, method::ALLOCATE))).finish(),
        client.signed(new(Class::Request, method::REFRESH)).fingerprint().finish(),
        client.signed(to_peer(new(Class::Request, method::CREATE_PERMISSION))).finish(),
        client.signed(channel(to_peer(new(Class::Request, method::CHANNEL_BIND)))).finish(),
        data(to_peer(new(Class::Indication, method::SEND))).finish(),
        [&[0x40, 0x01, 0, 7][..], b"payload"].concat(),
    ]
}

/// A valid packet with some damage, or noise.
fn mutated(random: &mut StdRng, valid: &[Vec<u8>]) -> Vec<u8> {
    let mut packet = valid[random.random_range(0..valid.len())].clone();
    match random.random_range(0..5) {
        0 => packet.truncate(random.random_range(0..packet.len())),
        1 => packet.extend((0..random.random_range(1..64)).map(|_| 0xa5)),
        2 => {
            // lengths that do not fit
            let at = random.random_range(0..packet.len() - 1);
            packet[at..at + 2].copy_from_slice(&random.random::<u16>().to_be_bytes());
        }
        3 => {
            packet = vec![0; random.random_range(0..1500)];
            random.fill_bytes(&mut packet);
        }
        _ => {
            for _ in 0..random.random_range(1..8) {
                let at = random.random_range(0..packet.len());
                packet[at] ^= 1 << random.random_range(0..8);
            }
        }
    }
    packet
}

async fn wait_for(relay: &RelayServer, condition: impl Fn(&RelayServer) -> bool) {
    let wait = async {
        while !condition(relay) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::client::SOON, wait).await.expect("it comes true");
}
