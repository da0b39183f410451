//! The server as a program: arguments, logs, and an orderly end on Ctrl-C.
#![forbid(unsafe_code)]

mod arguments;

use anyhow::Context;
use arguments::{SECRET_VARIABLE, USAGE};
use tincan_server::Server;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let secret = std::env::var(SECRET_VARIABLE).ok();
    let Some(config) = arguments::parse(std::env::args().skip(1), secret)? else {
        use std::io::Write;
        return writeln!(std::io::stdout(), "{USAGE}").context("while writing the usage");
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let server = Server::start(config).await.context("while starting the server")?;
    tokio::signal::ctrl_c().await.context("while waiting for Ctrl-C")?;
    tracing::info!("stopping");
    server.shutdown().await;
    Ok(())
}
