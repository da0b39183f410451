//! What a network lets through, and what that means for calls: the model of address
//! translators with its oracle, and the checks that find out where this machine stands.
#![forbid(unsafe_code)]

pub mod behaviour;
pub mod check;
pub mod findings;
pub mod message;
pub mod nat;
pub mod server_url;
pub mod tls;
pub mod verdict;

pub use check::{Step, check};
pub use findings::{Finding, Findings, LinkQuality, Reached, RelayProblem};
pub use nat::{Filtering, Mapping, Nat, NatBehaviour, Path, expected_path};
pub use server_url::{Role, ServerUrl, Transport};
pub use tls::{TlsConfigError, tls_client_config};
pub use verdict::{Verdict, is_lossy, sentence, verdict};
