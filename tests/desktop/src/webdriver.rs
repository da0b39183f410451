//! A WebDriver server of its own for each window or browser, and the session with it.

use crate::eventually;
use crate::place::free_port;
use crate::running::Running;
use anyhow::{Context, Result};
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// How long a driver may take to listen.
const DRIVER_START: Duration = Duration::from_secs(15);
/// How long the program behind it may take to show its first page.
const SESSION_START: Duration = Duration::from_secs(60);

/// A WebDriver server: WebKitWebDriver or chromedriver. One session each.
#[derive(Debug)]
pub struct Driver {
    running: Running,
    port: u16,
}

impl Driver {
    /// Starts the server on a free port and waits until it listens. What the program that it
    /// starts says goes to the driver's log.
    pub async fn start(name: &str, mut command: Command, folder: &Path) -> Result<Self> {
        let port = free_port()?;
        command.arg(format!("--port={port}"));
        let running = Running::start(name, command, folder)?;
        let mut driver = Self { running, port };
        eventually("the WebDriver server listens", DRIVER_START, async || {
            driver.running.still_there()?;
            let reached = tokio::net::TcpStream::connect(("127.0.0.1", driver.port)).await;
            Ok(reached.ok().map(drop))
        })
        .await?;
        Ok(driver)
    }

    /// Starts the program named in the capabilities and takes the session with it.
    pub async fn session(&self, capabilities: Capabilities) -> Result<Client> {
        let url = format!("http://127.0.0.1:{}", self.port);
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities);
        tokio::time::timeout(SESSION_START, builder.connect(&url))
            .await
            .with_context(|| format!("the page did not come: see {:?}", self.running.log()))?
            .with_context(|| format!("no session: see {:?}", self.running.log()))
    }

    /// The log of the driver and of the program behind it.
    pub fn log(&self) -> &Path {
        self.running.log()
    }
}
