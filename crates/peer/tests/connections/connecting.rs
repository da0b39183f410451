//! Connecting, restarting, last words.

use crate::sides::{PATIENCE, Side, run};
use tincan_call::{NegotiationInput, Role};
use tincan_proto::ControlMessage;

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

    let said = ControlMessage::Media { microphone: true, camera: false };
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
    let said = ControlMessage::Media { microphone: false, camera: true };
    b.peer.send_control(said);
    run(&mut a, &mut b, |a, _| a.heard.contains(&said)).await;
}
