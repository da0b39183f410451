//! Connecting while answers to ICE's checks are slow to come or never do.

use crate::loss::is_client_hello;
use crate::proxy::{Loss, Proxy};
use crate::sides::{Side, run_through};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tincan_call::{NegotiationInput, Role};

/// STUN's message types (RFC 8489, section 5) and the attribute that nominates (RFC 8445,
/// section 16.1).
const REQUEST: [u8; 2] = [0x00, 0x01];
const SUCCESS: [u8; 2] = [0x01, 0x01];
const USE_CANDIDATE: u16 = 0x0025;
/// A nomination that gets lost so often is lost for longer than the check before it takes.
const NOMINATIONS_LOST: usize = 6;

fn is_success(datagram: &[u8]) -> bool {
    datagram.starts_with(&SUCCESS)
}

fn is_nomination(datagram: &[u8]) -> bool {
    let mut attributes = datagram.get(20..).unwrap_or_default();
    while let &[high, low, long, short, ref rest @ ..] = attributes {
        if u16::from_be_bytes([high, low]) == USE_CANDIDATE {
            return datagram.starts_with(&REQUEST);
        }
        let length = usize::from(u16::from_be_bytes([long, short])).next_multiple_of(4);
        attributes = rest.get(length..).unwrap_or_default();
    }
    false
}

/// Loses every answer to a nomination of A's.
pub fn answers_to_nominations() -> Loss {
    let mut nominations = Vec::<Vec<u8>>::new();
    Box::new(move |from_a, datagram| {
        let transaction = || datagram[8..20].to_vec();
        if from_a && is_nomination(datagram) {
            nominations.push(transaction());
        }
        !from_a && is_success(datagram) && nominations.contains(&transaction())
    })
}

async fn connects_despite(loss: Loss) {
    let mut proxy = Proxy::start(loss).await;
    let (mut a, mut b) = (Side::new(Role::Impolite).await, Side::new(Role::Polite).await);
    assert!(a.step(NegotiationInput::Needed { ice_restart: false }).is_empty());
    run_through(Some(&mut proxy), &mut a, &mut b, |a, b| {
        a.connected > 0 && b.connected > 0 && a.control_open && b.control_open
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dtls_does_not_wait_for_the_answer_to_the_nomination() {
    connects_despite(answers_to_nominations()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_caller_waits_for_no_answer_when_the_callee_was_heard() {
    connects_despite(Box::new(|from_a, datagram| !from_a && is_success(datagram))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nomination_gets_through_however_often_it_is_lost() {
    let mut count = 0;
    connects_despite(Box::new(move |from_a, datagram| {
        let nominates = from_a && is_nomination(datagram);
        count += usize::from(nominates);
        nominates && count <= NOMINATIONS_LOST
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_callee_takes_no_nomination_before_its_own_check_was_answered() {
    let answers = Arc::<AtomicUsize>::default();
    let (before, seen) = (Arc::<AtomicUsize>::default(), answers.clone());
    let early = before.clone();
    connects_despite(Box::new(move |from_a, datagram| {
        // Its first three checks come to nothing, and so does whatever is chosen meanwhile.
        let answer = from_a && is_success(datagram);
        let lost = answer && seen.fetch_add(1, Ordering::Relaxed) < 3;
        let server_speaks = !from_a && datagram.first() == Some(&22);
        if server_speaks && seen.load(Ordering::Relaxed) <= 3 {
            early.fetch_add(1, Ordering::Relaxed);
        }
        lost
    }))
    .await;
    assert!(answers.load(Ordering::Relaxed) > 3);
    assert_eq!(before.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_caller_says_hello() {
    let [caller, callee] = [(); 2].map(|()| Arc::<AtomicUsize>::default());
    let counts = [caller.clone(), callee.clone()];
    connects_despite(Box::new(move |from_a, datagram| {
        let hellos = &counts[usize::from(!from_a)];
        hellos.fetch_add(usize::from(is_client_hello(datagram)), Ordering::Relaxed);
        false
    }))
    .await;
    assert!(caller.load(Ordering::Relaxed) > 0);
    assert_eq!(callee.load(Ordering::Relaxed), 0);
}
