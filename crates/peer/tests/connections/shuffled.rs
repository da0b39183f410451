//! A signalling path that doubles messages and delivers them in any order.

use crate::sides::{PATIENCE, Side};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::time::Duration;
use tincan_call::{NegotiationInput, Role};
use tincan_proto::PeerMessage;

/// Carries messages in an order drawn from `random`, some of them twice.
async fn run_shuffled(
    a: &mut Side,
    b: &mut Side,
    random: &mut StdRng,
    done: impl Fn(&Side, &Side) -> bool,
) {
    let carrying = async {
        let mut under_way: Vec<(bool, PeerMessage)> = Vec::new();
        while !done(a, b) {
            let arrives = tokio::time::sleep(Duration::from_millis(random.random_range(0..4)));
            let (to_b, sent) = tokio::select! {
                sent = a.next() => (true, sent),
                sent = b.next() => (false, sent),
                () = arrives => {
                    if under_way.is_empty() {
                        continue;
                    }
                    let at = random.random_range(0..under_way.len());
                    let (to_b, message) = under_way.swap_remove(at);
                    if random.random_ratio(1, 4) {
                        under_way.push((to_b, message.clone()));
                    }
                    let received = NegotiationInput::Received(message);
                    (!to_b, if to_b { b.step(received) } else { a.step(received) })
                }
            };
            under_way.extend(sent.into_iter().map(|message| (to_b, message)));
        }
    };
    tokio::time::timeout(PATIENCE, carrying).await.expect("done in time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_come_twice_and_in_any_order_make_one_connection() {
    for seed in 0..24 {
        eprintln!("seed {seed}");
        let mut random = StdRng::seed_from_u64(seed);
        let (mut a, mut b) = (Side::new(Role::Impolite).await, Side::new(Role::Polite).await);
        let wish = || NegotiationInput::Needed { ice_restart: false };
        assert!(a.step(wish()).is_empty());
        if seed % 2 == 0 {
            assert!(b.step(wish()).is_empty());
        }
        run_shuffled(&mut a, &mut b, &mut random, |a, b| {
            a.connected > 0 && b.connected > 0 && a.control_open && b.control_open
        })
        .await;
        a.peer.close().await;
        b.peer.close().await;
    }
}
