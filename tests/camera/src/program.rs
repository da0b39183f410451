//! The program that runs in the guest: an example of the package under test.

use crate::run;
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::process::Command;

/// Builds it and returns where it is.
///
/// # Errors
/// It does not compile.
pub fn build() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.current_dir(env!("CARGO_MANIFEST_DIR"));
    build.args(["build", "--package", "tincan-devices", "--example", "camera_check"]);
    build.arg("--message-format=json-render-diagnostics");
    let messages = run(&mut build)?;
    String::from_utf8_lossy(&messages)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == "camera_check")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .context("cargo built no program")
}
