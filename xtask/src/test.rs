//! `cargo xtask test`: every test, from a bare machine to one line with the count.

use crate::check;
use crate::job::{Job, Jobs};
use crate::packages::{self, Purpose};
use crate::tools::{self, Subcommand};
use crate::ui::{self, Counts};
use crate::workspace::Workspace;
use anyhow::{Result, bail};
use clap::Args;
use std::fs;
use std::time::Instant;

/// The tests that start real windows, browsers or a virtual machine: one at a time, after all others.
const IN_WINDOWS: &str =
    "package(tincan-desktop-tests) | package(tincan-interop-tests) | package(tincan-camera-tests)";
/// The tests in the network lab: one at a time, at the very end.
const IN_LAB: &str = "package(tincan-netlab-tests)";

/// What `test` takes.
#[derive(Args)]
pub struct Options {
    /// Only Rust tests with this in their name, of any kind.
    filter: Option<String>,
    /// Do not install anything: name what is missing and stop.
    #[arg(long)]
    no_install: bool,
}

/// Counts tests, and keeps what went wrong beside them.
#[derive(Default)]
struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
    problems: Vec<String>,
}

impl Tally {
    fn add(&mut self, counts: Counts, outcome: Result<()>) -> bool {
        self.passed += counts.passed;
        self.failed += counts.failed;
        self.skipped += counts.skipped;
        let succeeded = outcome.is_ok();
        if let Err(problem) = outcome {
            // What fails without a failing test still counts: the last line must not look well.
            self.failed += u64::from(counts.failed == 0);
            let problem = format!("{problem:#}");
            println!("{problem}");
            // Only the end is repeated in the summary, without the output that leads to it.
            let told = problem.lines().filter(|line| !line.starts_with("  | "));
            self.problems.push(told.collect::<Vec<_>>().join("\n"));
        }
        succeeded
    }

    fn gate(&mut self, outcome: Result<()>) -> bool {
        self.add(Counts::default(), outcome)
    }
}

/// Runs the tests; true if all passed.
pub fn run(options: &Options) -> Result<bool> {
    let begun = Instant::now();
    let workspace = Workspace::find()?;
    let jobs = Jobs::new(&workspace, "test")?;
    let mut tally = Tally::default();
    let prepared = prepare(&workspace, &jobs, options);
    if tally.gate(prepared) {
        match &options.filter {
            None => everything(&workspace, &jobs, &mut tally),
            Some(filter) => some(&workspace, &jobs, &mut tally, filter),
        }
    }
    println!("\n{} s, logs in {}", begun.elapsed().as_secs(), jobs.logs().display());
    for problem in &tally.problems {
        println!("{problem}");
    }
    if tally.skipped > 0 {
        println!("{} skipped: no network lab here (it needs root)", tally.skipped);
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    Ok(tally.failed == 0)
}

fn prepare(workspace: &Workspace, jobs: &Jobs, options: &Options) -> Result<()> {
    let node = tools::packages_for_node()?;
    if cfg!(target_os = "linux") {
        packages::ensure(jobs, Purpose::Test, node, !options.no_install)?;
        packages::ensure_guest_kernel(jobs, !options.no_install)?;
    } else {
        println!("Tests in windows need Xvfb and WebKitWebDriver, so Linux: they are left out");
    }
    tools::ensure_nasm()?;
    tools::ensure_subcommand(workspace, jobs, Subcommand::Nextest)?;
    ui::install(workspace, jobs)
}

fn everything(workspace: &Workspace, jobs: &Jobs, tally: &mut Tally) {
    tally.gate(check::format(workspace, jobs, false));
    tally.gate(ui::lint(workspace, jobs, false));
    tally.gate(ui::types(workspace, jobs));
    let (counts, outcome) = ui::test(workspace, jobs);
    tally.add(counts, outcome);
    let built = tally.gate(ui::build(workspace, jobs)) && tally.gate(build(workspace, jobs));
    if !built {
        return;
    }
    let elsewhere = format!("not ({IN_WINDOWS} | {IN_LAB})");
    let (counts, outcome) = nextest(workspace, jobs, "Rust tests", &["-E", &elsewhere], 20);
    tally.add(counts, outcome);
    tally.gate(bindings_unchanged(workspace, jobs));
    if cfg!(target_os = "linux") {
        let title = "Tests in windows, browsers and a virtual machine";
        let (counts, outcome) = nextest(workspace, jobs, title, &["-E", IN_WINDOWS], 35);
        tally.add(counts, outcome);
        let title = "Tests in the network lab";
        let (counts, outcome) = nextest(workspace, jobs, title, &["-E", IN_LAB], 20);
        tally.add(counts, outcome);
    }
}

fn some(workspace: &Workspace, jobs: &Jobs, tally: &mut Tally, filter: &str) {
    if tally.gate(ui::build(workspace, jobs)) && tally.gate(build(workspace, jobs)) {
        let title = format!("Rust tests with {filter}");
        let (counts, outcome) = nextest(workspace, jobs, &title, &[filter], 30);
        tally.add(counts, outcome);
    }
}

/// Builds all programs and all tests at once: one set of features, so each dependency once.
fn build(workspace: &Workspace, jobs: &Jobs) -> Result<()> {
    let mut command = workspace.cargo();
    command.args(["build", "--workspace", "--all-targets", "--locked"]);
    let job = Job::new("Build of everything", command, 60);
    jobs.run(job.hint("run by hand: cargo build --workspace --all-targets")).map(drop)
}

fn nextest(
    workspace: &Workspace,
    jobs: &Jobs,
    title: &str,
    arguments: &[&str],
    minutes: u64,
) -> (Counts, Result<()>) {
    // Named in .config/nextest.toml and kept in the checkout wherever cargo builds; a stale one
    // would be counted again.
    let report = workspace.output.join("nextest/default/junit.xml");
    let _ = fs::remove_file(&report);
    // Tests that cannot run here say so in this folder: to the runner they look as if passed.
    let skipped = workspace.output.join("netlab/skipped");
    let _ = fs::remove_dir_all(&skipped);
    let mut command = workspace.cargo();
    command
        .args(["nextest", "run", "--workspace", "--locked", "--no-fail-fast"])
        .args(["--color", "never", "--no-tests", "fail"])
        .args(arguments)
        // For the app and the headless peer that the tests start.
        .env("RUST_BACKTRACE", "1")
        // Errors name their causes; where they were made is noise.
        .env("RUST_LIB_BACKTRACE", "0");
    if cfg!(target_os = "linux") {
        // Their packages are installed: no test may be skipped for want of them.
        command.env("TINCAN_REQUIRE_SOUND_SERVER", "1").env("TINCAN_REQUIRE_COTURN", "1");
        command.env("TINCAN_REQUIRE_WAYLAND", "1");
        if let Some(kernel) = packages::guest_kernel() {
            command.env("TINCAN_REQUIRE_CAMERA_GUEST", "1").env("TINCAN_GUEST_KERNEL", kernel);
        }
    }
    let outcome = jobs.run(Job::new(title, command, minutes)).map(drop);
    let counts = fs::read_to_string(&report).ok().and_then(|text| counts_of_junit(&text));
    let skipped = fs::read_dir(&skipped).map_or(0, Iterator::count) as u64;
    match (counts.map(|counts| counts.without(skipped)), outcome) {
        (Some(counts), outcome) => {
            println!(
                "    {} passed, {} failed, {} skipped",
                counts.passed, counts.failed, counts.skipped
            );
            (counts, outcome)
        }
        (None, Ok(())) => {
            let problem = anyhow::anyhow!("✗ {title}: no report at {}", report.display());
            (Counts::default(), Err(problem))
        }
        (None, Err(problem)) => (Counts::default(), Err(problem)),
    }
}

/// The totals in the root element of a JUnit report.
fn counts_of_junit(report: &str) -> Option<Counts> {
    let root = report.split_once("<testsuites")?.1.split_once('>')?.0;
    let number = |name: &str| -> Option<u64> {
        let value = root.split_once(&format!(" {name}=\""))?.1;
        value.split_once('"')?.0.parse().ok()
    };
    let failed = number("failures")? + number("errors")?;
    Some(Counts { passed: number("tests")?.checked_sub(failed)?, failed, skipped: 0 })
}

/// The types that the Rust tests have just written must be the ones that are committed.
fn bindings_unchanged(workspace: &Workspace, jobs: &Jobs) -> Result<()> {
    if !workspace.root.join(".git").exists() {
        println!("· Not a git checkout: whether the generated types are current is not checked");
        return Ok(());
    }
    let mut command = std::process::Command::new("git");
    command.current_dir(&workspace.root).args([
        "status",
        "--porcelain",
        "--untracked-files=all",
        "--",
        "ui/src/lib/bindings",
    ]);
    let log = jobs.run(Job::new("Generated types are the committed ones", command, 1))?;
    let changed = fs::read_to_string(log)?;
    if !changed.trim().is_empty() {
        bail!(
            "✗ The UI's types differ from the committed ones:\n{changed}  What to do: look at \
             `git diff ui/src/lib/bindings` and commit it"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_and_failures_count_as_failed() {
        let report = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nextest-run" tests="12" failures="2" errors="1" uuid="x" timestamp="y">
    <testsuite name="a" tests="12" disabled="0" errors="1" failures="2">"#;
        let counts = Counts { passed: 9, failed: 3, skipped: 0 };
        assert_eq!(counts_of_junit(report), Some(counts));
        assert_eq!(counts.without(4), Counts { passed: 5, failed: 3, skipped: 4 });
        assert_eq!(counts_of_junit(""), None);
    }

    #[test]
    fn failing_gate_without_tests_counts_as_one_failure() {
        let mut tally = Tally::default();
        assert!(tally.add(Counts { passed: 5, ..Counts::default() }, Ok(())));
        assert!(!tally.gate(Err(anyhow::anyhow!("  | output\nno"))));
        assert!(
            !tally.add(Counts { passed: 1, failed: 2, skipped: 0 }, Err(anyhow::anyhow!("two")))
        );
        assert_eq!((tally.passed, tally.failed), (6, 3));
        assert_eq!(tally.problems, ["no", "two"]);
    }
}
