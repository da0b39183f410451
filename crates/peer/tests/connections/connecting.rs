//! Connecting, restarting, last words.

use crate::sides::{PATIENCE, Side, run, run_with};
use tincan_call::{NegotiationInput, Role};
use tincan_peer_connection::PeerOptions;
use tincan_proto::{ControlMessage, PeerMessage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_offering_at_once_become_one_connection_with_a_control_channel() {
    let (mut a, mut b) = (Side::new(Role::Impolite).await, Side::new(Role::Polite).await);
    let wish = || NegotiationInput::Needed { ice_restart: false };
    let (to_b, to_a) = (a.step(wish()), b.step(wish()));
    assert!(to_a.is_empty() && to_b.is_empty(), "offers are made first");
    run(&mut a, &mut b, |a, b| {
        a.connected > 0 && b.connected > 0 && a.control_open && b.control_open
    })
    .await;

    let said =
        ControlMessage::Media { microphone: true, camera: false, screen: false, paused: false };
    a.peer.send_control(said);
    run(&mut a, &mut b, |_, b| b.heard.contains(&said)).await;
    let stats = a.peer.stats().await;
    let path = stats.path.expect("a selected pair");
    assert!(["host", "prflx"].contains(&path.local.as_str()), "{path:?}");

    a.peer.send_control(ControlMessage::Bye);
    a.peer.close().await;
    let last_words = async {
        while !b.heard.contains(&ControlMessage::Bye) {
            b.next().await;
        }
    };
    tokio::time::timeout(PATIENCE, last_words).await.expect("last words arrive");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ice_restart_keeps_the_connection() {
    let (mut a, mut b) = (Side::new(Role::Impolite).await, Side::new(Role::Polite).await);
    let first = a.step(NegotiationInput::Needed { ice_restart: false });
    assert!(first.is_empty());
    run(&mut a, &mut b, |a, b| a.control_open && b.control_open).await;
    let again = b.step(NegotiationInput::Needed { ice_restart: true });
    assert!(again.is_empty());
    let connected = (a.connected, b.connected);
    run(&mut a, &mut b, |a, b| a.connected > connected.0 || b.connected > connected.1).await;
    let said =
        ControlMessage::Media { microphone: false, camera: true, screen: false, paused: false };
    b.peer.send_control(said);
    run(&mut a, &mut b, |a, _| a.heard.contains(&said)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_udp_two_sides_meet_over_tcp() {
    let options = || PeerOptions { tcp: true, ..PeerOptions::default() };
    let mut a = Side::with(Role::Impolite, options()).await;
    let mut b = Side::with(Role::Polite, options()).await;
    let is_tcp = |candidate: &str| candidate.split(' ').nth(2) == Some("tcp");
    let over_tcp_alone = |_, message| match message {
        PeerMessage::Description(mut description) => {
            let lines = description.sdp.split_inclusive('\n');
            let others = |l: &&str| !l.starts_with("a=candidate") || is_tcp(l);
            description.sdp = lines.filter(others).collect();
            Some(PeerMessage::Description(description))
        }
        PeerMessage::Candidate(candidate) => (is_tcp(&candidate.candidate)
            || candidate.candidate.is_empty())
        .then_some(PeerMessage::Candidate(candidate)),
        PeerMessage::Renew => Some(PeerMessage::Renew),
    };
    assert!(a.step(NegotiationInput::Needed { ice_restart: false }).is_empty());
    run_with(over_tcp_alone, &mut a, &mut b, |a, b| a.control_open && b.control_open).await;
    let path = a.peer.stats().await.path.expect("a selected pair");
    assert_eq!(path.protocol, "tcp");
}
