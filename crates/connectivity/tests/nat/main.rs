//! The oracle against packets: two agents that send ICE checks through two simulated translators.

mod discovery;
mod simulation;

use simulation::Simulation;
use tincan_connectivity::{Filtering, Mapping, Nat, Path, expected_path};

/// Orders in which packets pass each other.
const SEEDS: u64 = 20;

#[test]
fn every_pair_of_behaviours_meets_as_the_oracle_says() {
    let nats = all();
    for &a in &nats {
        for &b in &nats {
            for seed in 0..SEEDS {
                let found = Simulation::new(a, b, seed).run();
                assert_eq!(found, expected_path(a, b), "{a:?} with {b:?}, seed {seed}");
            }
        }
    }
}

#[test]
fn the_table_of_the_six_named_types_is_as_documented() {
    let rows = ["DDDDDR", "DDDDDR", "DDDDDR", "DDDDRR", "DDDRRR", "RRRRRR"];
    for (a, row) in Nat::NAMED.into_iter().zip(rows) {
        for (b, cell) in Nat::NAMED.into_iter().zip(row.chars()) {
            let path = if cell == 'D' { Path::Direct } else { Path::Relayed };
            assert_eq!(expected_path(a, b), path, "{a:?} with {b:?}");
        }
    }
}

#[test]
fn the_oracle_does_not_care_who_is_named_first() {
    for a in all() {
        for b in all() {
            assert_eq!(expected_path(a, b), expected_path(b, a), "{a:?} with {b:?}");
        }
    }
}

#[test]
fn the_named_types_have_different_names() {
    let names: std::collections::BTreeSet<_> =
        Nat::NAMED.into_iter().map(|nat| nat.name().expect("a name")).collect();
    assert_eq!(names.len(), Nat::NAMED.len());
}

/// Every combination of mapping and filtering, no translator, and UDP blocked.
pub fn all() -> Vec<Nat> {
    let mut nats = vec![Nat::Public, Nat::UdpBlocked];
    for mapping in Mapping::ALL {
        nats.extend(Filtering::ALL.map(|filtering| Nat::translated(mapping, filtering)));
    }
    nats
}
