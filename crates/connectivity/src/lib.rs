//! What a network lets through, and what that means for calls: the model of address
//! translators with its oracle, and the checks that find out where this machine stands.
#![forbid(unsafe_code)]

pub mod nat;

pub use nat::{Filtering, Mapping, Nat, NatBehaviour, Path, expected_path};
