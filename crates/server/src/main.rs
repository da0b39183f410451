//! The server as a program: arguments, logs, and an orderly end when it is told to stop.
#![forbid(unsafe_code)]

mod arguments;
mod doctor;

use anyhow::Context;
use arguments::{Arguments, Command, Serve};
use clap::Parser;
use std::process::ExitCode;
use tincan_server::Server;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let Arguments { serve, command } = Arguments::parse();
    let usual = if command.is_some() { "error" } else { "info" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match command {
        Some(Command::Doctor(wanted)) => doctor::run(wanted).await,
        None => run(serve).await.map(|()| ExitCode::SUCCESS),
    }
}

async fn run(serve: Serve) -> anyhow::Result<()> {
    let server = Server::start(serve.config()?).await.context("while starting the server")?;
    told_to_stop().await.context("while waiting for a signal")?;
    tracing::info!("stopping");
    server.shutdown().await;
    Ok(())
}

/// Waits for Ctrl-C, or for what service managers send.
async fn told_to_stop() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            pressed = tokio::signal::ctrl_c() => pressed,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
