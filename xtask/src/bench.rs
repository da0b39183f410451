//! `cargo xtask bench`: figures to compare, as tables.

mod connect;
mod relay;

use anyhow::Result;
use clap::Subcommand;

/// What is measured.
#[derive(Subcommand)]
pub enum Bench {
    /// How long calls take to set up in the network lab, over ways of many kinds.
    Connect(connect::Options),
    /// Throughput, loss and processor time of the server's relay, beside coturn.
    Relay(relay::Options),
}

/// Measures; true if everything that was tried worked.
pub fn run(bench: &Bench) -> Result<bool> {
    match bench {
        Bench::Connect(options) => connect::run(options),
        Bench::Relay(options) => relay::run(options),
    }
}
