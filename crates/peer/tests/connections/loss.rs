//! Connecting while parts of the DTLS handshake get lost.

use crate::proxy::{Loss, Proxy};
use crate::sides::{Side, run_through};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tincan_call::{NegotiationInput, Role};
use tincan_proto::ControlMessage;
use tokio::task::JoinSet;

/// Most datagrams of the DTLS client's last flight: certificate, key exchange and proof, change
/// of keys, and "finished".
const LAST_FLIGHT: usize = 4;
/// Handshake messages (RFC 6347, section 4.3.2): the first, and the one that asks for a cookie.
const CLIENT_HELLO: u8 = 1;
const HELLO_VERIFY_REQUEST: u8 = 3;

/// What each says as soon as it may.
const A_SAYS: ControlMessage = ControlMessage::PictureMissing { missing: true };
const B_SAYS: ControlMessage = ControlMessage::PictureMissing { missing: false };

/// Content types of a handshake: the change of keys, and its messages.
fn is_handshake(datagram: &[u8]) -> bool {
    matches!(datagram.first(), Some(20 | 22))
}

/// What is sent once it is over, the control channel alone as long as there are no media.
fn is_application_data(datagram: &[u8]) -> bool {
    datagram.first() == Some(&23)
}

/// Whether a datagram begins a handshake.
pub fn is_client_hello(datagram: &[u8]) -> bool {
    datagram.first() == Some(&22) && datagram.get(13) == Some(&CLIENT_HELLO)
}

/// A good path that counts how often the DTLS server asks for a cookie.
pub fn counting_cookies() -> (Loss, Arc<AtomicUsize>) {
    let asked = Arc::<AtomicUsize>::default();
    let count = asked.clone();
    let path = move |_, datagram: &[u8]| {
        let asks = is_handshake(datagram) && datagram.get(13) == Some(&HELLO_VERIFY_REQUEST);
        count.fetch_add(usize::from(asks), Ordering::Relaxed);
        false
    };
    (Box::new(path), asked)
}

/// A good path.
pub fn no_loss() -> Loss {
    Box::new(|_, _| false)
}

/// Loses the last flight of the DTLS client the first time that it is sent.
pub fn last_flight_once() -> Loss {
    let (mut client, mut gone) = (None, Vec::<Vec<u8>>::new());
    Box::new(move |from_a, datagram| {
        if !is_handshake(datagram) {
            return false;
        }
        let is_hello = is_client_hello(datagram);
        if is_hello {
            client = Some(from_a);
        }
        // Copies of what was lost get through.
        let first_time = !gone.iter().any(|seen| seen == datagram);
        let of_client = client == Some(from_a) && !is_hello;
        let lost = of_client && first_time && gone.len() < LAST_FLIGHT;
        if lost {
            gone.push(datagram.to_vec());
        }
        lost
    })
}

async fn connects_despite(loss: Loss) {
    reaches(loss, |side| side.connected > 0 && side.control_open).await;
}

async fn reaches(loss: Loss, up: impl Fn(&Side) -> bool) {
    let mut proxy = Proxy::start(loss).await;
    let (mut a, mut b) = (Side::new(Role::Impolite).await, Side::new(Role::Polite).await);
    a.says = Some(A_SAYS);
    b.says = Some(B_SAYS);
    let sent = a.step(NegotiationInput::Needed { ice_restart: false });
    assert!(sent.is_empty(), "the offer is made first");
    run_through(Some(&mut proxy), &mut a, &mut b, |a, b| up(a) && up(b)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_asked_for_a_cookie() {
    let (path, asked) = counting_cookies();
    connects_despite(path).await;
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_datagram_of_the_handshake_may_get_lost_once() {
    // Either side sends three or four; one that does not exist makes a call without loss.
    for (lossy, nth) in [true, false].into_iter().flat_map(|a| (0..4).map(move |n| (a, n))) {
        eprintln!("the {nth}th datagram from {}", if lossy { "the caller" } else { "the callee" });
        let mut count = 0;
        connects_despite(Box::new(move |from_a, datagram| {
            let counts = from_a == lossy && is_handshake(datagram);
            count += usize::from(counts);
            counts && count == nth + 1
        }))
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_flight_may_get_lost_whole() {
    connects_despite(last_flight_once()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_first_is_heard_whatever_of_the_control_channels_opening_gets_lost() {
    let mut calls = JoinSet::new();
    for (lossy, nth) in [true, false].into_iter().flat_map(|a| (0..6).map(move |n| (a, n))) {
        let mut count = 0;
        let loss: Loss = Box::new(move |from_a, datagram| {
            let counts = from_a == lossy && is_application_data(datagram);
            count += usize::from(counts);
            counts && count == nth + 1
        });
        let heard = |side: &Side| side.heard.contains(&A_SAYS) || side.heard.contains(&B_SAYS);
        calls.spawn(async move {
            reaches(loss, heard).await;
            eprintln!("heard without the {nth}th datagram, from the caller: {lossy}");
        });
    }
    calls.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fifth_of_everything_may_get_lost() {
    for seed in 0..3 {
        let mut random = StdRng::seed_from_u64(seed);
        eprintln!("seed {seed}");
        // SCTP's own repeats, which open the control channel, may take half a minute then.
        reaches(Box::new(move |_, _| random.random_bool(0.2)), |side| side.connected > 0).await;
    }
}
