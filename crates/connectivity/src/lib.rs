//! What a network lets through, and what that means for calls: the model of address
//! translators with its oracle, and the checks that find out where this machine stands.
#![forbid(unsafe_code)]

pub mod nat;
pub mod tls;

pub use nat::{Filtering, Mapping, Nat, NatBehaviour, Path, expected_path};
pub use tls::{TlsConfigError, tls_client_config};
