//! The UI's part: its packages, its build, its lint, types and tests.

use crate::job::{Job, Jobs};
use crate::workspace::Workspace;
use anyhow::Result;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

/// What the built UI is made from.
const SOURCES: &[&str] =
    &["src", "public", "index.html", "package-lock.json", "vite.config.ts", "svelte.config.js"];

/// How many tests passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Passed.
    pub passed: u64,
    /// Failed.
    pub failed: u64,
    /// Could not be run here.
    pub skipped: u64,
}

impl Counts {
    /// The same if so many of those that seem to have passed were skipped.
    pub fn without(self, skipped: u64) -> Self {
        Self { passed: self.passed.saturating_sub(skipped), skipped, ..self }
    }
}

/// Installs the UI's packages unless they are newer than the lock file.
pub fn install(workspace: &Workspace, jobs: &Jobs) -> Result<()> {
    let ui = workspace.root.join("ui");
    // npm writes this file at the end of an installation.
    let installed = newest(&ui.join("node_modules/.package-lock.json"));
    if installed.is_some() && installed >= newest(&ui.join("package-lock.json")) {
        println!("✓ the UI's packages are there");
        return Ok(());
    }
    let mut command = npm(workspace);
    command.args(["ci", "--no-audit", "--no-fund"]);
    let job = Job::new("UI packages", command, 10).hint("check the network, then run this again");
    jobs.run(job).map(drop)
}

/// Builds the UI unless it is newer than everything that it is made from.
pub fn build(workspace: &Workspace, jobs: &Jobs) -> Result<()> {
    let ui = workspace.root.join("ui");
    let built = newest(&ui.join("dist/index.html"));
    let changed = SOURCES.iter().filter_map(|source| newest(&ui.join(source))).max();
    if built.is_some() && built > changed {
        println!("✓ the UI is built already");
        return Ok(());
    }
    script(workspace, jobs, "UI build", "build", &[])
}

/// Lints the UI, and repairs what can be when `fix` is set.
pub fn lint(workspace: &Workspace, jobs: &Jobs, fix: bool) -> Result<()> {
    script(workspace, jobs, "UI lint", "lint", if fix { &["--fix"] } else { &[] })
}

/// Checks the UI's types.
pub fn types(workspace: &Workspace, jobs: &Jobs) -> Result<()> {
    script(workspace, jobs, "UI types", "check", &[])
}

/// Runs the UI's tests.
pub fn test(workspace: &Workspace, jobs: &Jobs) -> (Counts, Result<()>) {
    let report = jobs.logs().join("vitest.json");
    let output = format!("--outputFile.json={}", report.display());
    let arguments = ["--reporter=default", "--reporter=json", &output];
    let outcome = script(workspace, jobs, "UI tests", "test", &arguments);
    let counts = fs::read(&report)
        .ok()
        .and_then(|text| serde_json::from_slice::<serde_json::Value>(&text).ok())
        .map(|report| Counts {
            passed: report["numPassedTests"].as_u64().unwrap_or(0),
            failed: report["numFailedTests"].as_u64().unwrap_or(0),
            skipped: 0,
        })
        .unwrap_or_default();
    (counts, outcome)
}

fn script(
    workspace: &Workspace,
    jobs: &Jobs,
    title: &str,
    name: &str,
    arguments: &[&str],
) -> Result<()> {
    let mut command = npm(workspace);
    command.args(["run", name, "--"]).args(arguments);
    let hint = format!("run by hand: npm --prefix ui run {name}");
    jobs.run(Job::new(title, command, 10).hint(hint)).map(drop)
}

fn npm(workspace: &Workspace) -> Command {
    let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    command.current_dir(workspace.root.join("ui")).env("NO_COLOR", "1");
    command
}

/// When a file, or the newest file below a folder, was changed.
fn newest(path: &Path) -> Option<SystemTime> {
    let about = fs::metadata(path).ok()?;
    if !about.is_dir() {
        return about.modified().ok();
    }
    fs::read_dir(path).ok()?.flatten().filter_map(|entry| newest(&entry.path())).max()
}
