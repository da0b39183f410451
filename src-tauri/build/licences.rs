//! What goes into the app and under which licences, from cargo's and npm's own lists.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

const INTRODUCTION: &str = "Tincan is free software under the MIT or the Apache-2.0 licence, \
at your choice. It contains the following, each under the licence named with it. H.264 is coded \
by OpenH264 of Cisco Systems, Inc., under the BSD-2-Clause licence.\n";
/// What of npm's packages ends up in the pages.
const IN_PAGES: [&str; 4] =
    ["@fontsource-variable/inter", "@lucide/svelte", "@tauri-apps/api", "svelte"];

/// Writes the list to where the program includes it from.
pub fn write() -> Result<()> {
    println!("cargo:rerun-if-changed=../Cargo.lock");
    println!("cargo:rerun-if-changed=../ui/package-lock.json");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=build/licences.rs");
    let place = Path::new(&std::env::var("OUT_DIR")?).join("licences.txt");
    std::fs::write(&place, INTRODUCTION)?;
    let mut parts = crates()?;
    parts.extend(of_pages()?);
    let lines: String =
        parts.iter().map(|(name, licence)| format!("\n{name}: {licence}")).collect();
    std::fs::write(&place, format!("{INTRODUCTION}{lines}\n"))?;
    Ok(())
}

/// The crates that this one is built with on the target, except our own.
fn crates() -> Result<BTreeMap<String, String>> {
    let output = Command::new(std::env::var("CARGO")?)
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform"])
        .arg(std::env::var("TARGET")?)
        .output()
        .context("while running cargo metadata")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let nodes: BTreeMap<&str, &Value> = list(&metadata["resolve"]["nodes"])
        .filter_map(|node| Some((node["id"].as_str()?, node)))
        .collect();
    let own = env!("CARGO_PKG_NAME");
    let root = list(&metadata["packages"]).find(|package| package["name"] == own);
    let root =
        root.and_then(|package| package["id"].as_str()).context("this package is missing")?;
    let mut reached = BTreeSet::from([root]);
    let mut ahead = vec![root];
    while let Some(node) = ahead.pop().and_then(|id| nodes.get(id)) {
        let normal =
            |dependency: &&Value| list(&dependency["dep_kinds"]).any(|kind| kind["kind"].is_null());
        for dependency in list(&node["deps"]).filter(normal) {
            if let Some(id) = dependency["pkg"].as_str()
                && reached.insert(id)
            {
                ahead.push(id);
            }
        }
    }
    let foreign = list(&metadata["packages"]).filter(|package| {
        package["source"].is_string()
            && package["id"].as_str().is_some_and(|id| reached.contains(id))
    });
    Ok(foreign.map(|package| entry(&package["name"], package)).collect())
}

fn of_pages() -> Result<BTreeMap<String, String>> {
    let lock = std::fs::read("../ui/package-lock.json").context("while reading npm's list")?;
    let lock: Value = serde_json::from_slice(&lock)?;
    let packages = IN_PAGES.map(|name| {
        let package = &lock["packages"][format!("node_modules/{name}")];
        entry(&Value::from(name), package)
    });
    Ok(packages.into())
}

fn entry(name: &Value, package: &Value) -> (String, String) {
    let word = |value: &Value| value.as_str().unwrap_or("unknown").to_owned();
    (format!("{} {}", word(name), word(&package["version"])), word(&package["license"]))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
