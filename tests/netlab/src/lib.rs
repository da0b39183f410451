//! A laboratory of network namespaces: two clients, each behind a translator of addresses and a
//! wire of its own, and the Internet with a relay between them. What a client meets there, its
//! programs cannot tell from the real thing.
#![deny(unsafe_code)]

mod ability;
mod access;
mod arrivals;
pub mod bench;
mod lab;
pub mod leaks;
mod namespace;
mod nat;
mod plan;
mod relay;
#[allow(unsafe_code, reason = "namespaces and raw sockets have no safe interface")]
mod sys;
mod wire;

pub use ability::{lab_or_skip, skip};
pub use arrivals::{Arrival, Arrivals};
pub use lab::{Carried, Client, Lab, Plan};
pub use namespace::Namespace;
pub use relay::{RelayKind, Transport};
pub use wire::Impairment;
