//! Opens a real V4L2 camera in a virtual machine.

#![cfg(target_os = "linux")]

use anyhow::{Context, Result};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tincan_camera_tests::{guest, image, kernel, missing_packages, program};
use tincan_test_support::process::Owned;

/// Set to 1, it downloads the kernel, and what is missing fails the test instead of skipping it.
const REQUIRED: &str = "TINCAN_REQUIRE_CAMERA_GUEST";
/// Half a minute on a machine with nothing else to do.
const PATIENCE: Duration = Duration::from_secs(600);

#[test]
fn a_camera_is_opened_watched_and_released() {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("camera-guest");
    let required = std::env::var(REQUIRED).as_deref() == Ok("1");
    let missing = missing_packages();
    let package = kernel::package(&cache);
    if !required && (!missing.is_empty() || package.is_none()) {
        let kernel = if package.is_none() { ", no kernel package" } else { "" };
        eprintln!("skipped: missing {missing:?}{kernel}; {REQUIRED}=1 demands it");
        return;
    }
    assert_eq!(missing, Vec::<&str>::new(), "packages to install");
    let said = run(&cache).unwrap_or_else(|error| panic!("{error:#}"));
    eprintln!("{said}");
    assert!(said.contains("camera_check: all checks passed"), "the guest said:\n{said}");
    assert!(said.contains(&format!("{} 0", image::ENDED)), "the guest said:\n{said}");
}

fn run(cache: &Path) -> Result<String> {
    let package = kernel::package(cache).map_or_else(|| kernel::download(cache), Ok)?;
    let kernel = kernel::unpack(&package, cache).context("while unpacking the kernel")?;
    let program = program::build().context("while building the program")?;
    let image = image::make(cache, &kernel.modules, &program).context("while making the image")?;
    let log = cache.join("console.log");
    let console = std::fs::File::create(&log)?;
    let mut command = guest(&kernel.image, &image);
    command.stdin(Stdio::null()).stdout(console.try_clone()?).stderr(console);
    let ended = Owned::start(&mut command)?.finish(PATIENCE);
    let said = std::fs::read_to_string(&log).unwrap_or_default();
    ended.with_context(|| format!("the guest said:\n{said}"))?;
    Ok(said)
}
