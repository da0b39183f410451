//! A Tincan peer without a window, driven by JSON lines on standard input and output.

use anyhow::Context;

fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::from_env("TINCAN_LOG"))
        .init();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("while starting the async runtime")?;
    runtime.block_on(tincan_client::headless::serve(tokio::io::stdin(), tokio::io::stdout()))
}
