//! Debian's coturn, with one user that both clients are.

use super::{OTHER_PORT, PORT, Relay, until_it_listens};
use crate::namespace::Namespace;
use crate::plan::{SERVER, SERVER_2};
use anyhow::Result;
use serde_json::json;
use std::path::Path;
use tincan_test_support::running::Running;

const USER: &str = "tincan";
/// Its password.
const PASSWORD: &str = "lab";

/// Starts it and waits until it listens.
pub fn start(internet: &Namespace, folder: &Path) -> Result<Relay> {
    let mut command = internet.command("turnserver");
    command
        .args(["-n", "--no-cli", "--no-tls", "--no-dtls", "--no-multicast-peers"])
        .args(["--simple-log", "--log-file=stdout"])
        .arg(format!("--listening-ip={SERVER}"))
        .arg(format!("--listening-ip={SERVER_2}"))
        .arg(format!("--relay-ip={SERVER}"))
        .args(["-p", &PORT.to_string(), "--alt-listening-port", &OTHER_PORT.to_string()])
        .args(["-a", "-u", &format!("{USER}:{PASSWORD}"), "-r", "lab"])
        .arg(format!("--pidfile={}", folder.join("coturn.pid").display()));
    let mut process = Running::start("coturn", command, folder)?;
    until_it_listens(&mut process, internet, &[("udp", PORT), ("tcp", PORT)])?;
    let urls = json!([
        format!("stun:{SERVER}:{PORT}"),
        format!("turn:{SERVER}:{PORT}?transport=udp"),
        format!("turn:{SERVER}:{PORT}?transport=tcp"),
    ]);
    let servers = json!([{ "urls": urls, "username": USER, "credential": PASSWORD }]);
    Ok(Relay { _process: process, ice_servers: [servers.clone(), servers] })
}
