//! The server as a program: arguments, logs, and an orderly end on Ctrl-C.
#![forbid(unsafe_code)]

use anyhow::{Context, bail};
use std::net::SocketAddr;
use tincan_server::{Database, Server, ServerConfig};
use tracing_subscriber::EnvFilter;

const USAGE: &str = "usage: tincan-server [--listen ADDRESS:PORT] [--database FILE | --memory]
  --listen    where to listen (0.0.0.0:4780)
  --database  the file that keeps accounts (tincan-server.sqlite)
  --memory    keep accounts until the end only
Logs go to stderr; RUST_LOG sets their level.";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Some(config) = parse(std::env::args().skip(1))? else {
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

/// Reads the arguments; none if help is wanted.
fn parse(mut args: impl Iterator<Item = String>) -> anyhow::Result<Option<ServerConfig>> {
    let mut listen = SocketAddr::from(([0, 0, 0, 0], 4780));
    let mut database = Database::File("tincan-server.sqlite".into());
    while let Some(arg) = args.next() {
        let mut value = || args.next().with_context(|| format!("{arg} needs a value\n{USAGE}"));
        match arg.as_str() {
            "--listen" => {
                let text = value()?;
                listen = text.parse().with_context(|| format!("{text} is no ADDRESS:PORT"))?;
            }
            "--database" => database = Database::File(value()?.into()),
            "--memory" => database = Database::Memory,
            "--help" | "-h" => return Ok(None),
            _ => bail!("unknown argument {arg}\n{USAGE}"),
        }
    }
    Ok(Some(ServerConfig::new(listen, database)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> anyhow::Result<Option<ServerConfig>> {
        parse(args.iter().map(|&arg| arg.to_owned()))
    }

    #[test]
    fn arguments_say_where_to_listen_and_what_to_keep() {
        let config = parsed(&["--listen", "[::1]:9", "--database", "a.db"]);
        let config = config.expect("good").expect("no help");
        assert_eq!(config.listen.to_string(), "[::1]:9");
        assert_eq!(config.database, Database::File("a.db".into()));
    }

    #[test]
    fn wrong_arguments_are_named() {
        let error = |args| parsed(args).expect_err("bad").to_string();
        assert!(error(&["--listen"]).starts_with("--listen needs a value"));
        assert!(error(&["--listen", "here"]).contains("here"));
        assert!(error(&["--loud"]).contains("--loud"));
        assert!(parsed(&["--help"]).expect("good").is_none());
    }
}
