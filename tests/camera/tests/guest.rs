//! Opens a real V4L2 camera in a virtual machine.

#![cfg(target_os = "linux")]

use anyhow::{Context, Result};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tincan_camera_tests::{guest, image, kernel, missing_packages};
use tincan_test_support::process::Owned;

/// Set to 1, what is missing fails the test instead of skipping it.
const REQUIRED: &str = "TINCAN_REQUIRE_CAMERA_GUEST";
/// A minute and a half on two cores with nothing else to do.
const PATIENCE: Duration = Duration::from_secs(175);
/// What runs in the guest, with what it says last.
const PROGRAMS: [(&str, &str); 2] = [
    (env!("CARGO_BIN_EXE_tincan-camera-check"), "camera_check: all checks passed"),
    (env!("CARGO_BIN_EXE_tincan-camera-session"), "camera_session: all checks passed"),
];

#[test]
fn a_camera_is_opened_watched_and_released() {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("camera-guest");
    let required = std::env::var(REQUIRED).as_deref() == Ok("1");
    let missing = missing_packages();
    let package = kernel::package();
    if !required && (!missing.is_empty() || package.is_none()) {
        let kernel = if package.is_none() { ", no kernel package" } else { "" };
        eprintln!("skipped: missing {missing:?}{kernel}; {REQUIRED}=1 demands it");
        return;
    }
    assert_eq!(missing, Vec::<&str>::new(), "packages to install");
    let package = package.expect("a kernel: `cargo xtask test` fetches one");
    let said = run(&package, &cache).unwrap_or_else(|error| panic!("{error:#}"));
    eprintln!("{said}");
    for (program, last) in PROGRAMS {
        assert!(said.contains(last), "the guest said:\n{said}");
        let name = Path::new(program).file_name().and_then(|name| name.to_str());
        let ended = format!("{} {} 0", image::ENDED, name.expect("a name"));
        assert!(said.contains(&ended), "the guest said:\n{said}");
    }
}

fn run(package: &Path, cache: &Path) -> Result<String> {
    let kernel = kernel::unpack(package, cache).context("while unpacking the kernel")?;
    let programs = PROGRAMS.map(|(program, _)| Path::new(program));
    let image = image::make(cache, &kernel.modules, &programs).context("while making the image")?;
    let log = cache.join("console.log");
    let console = std::fs::File::create(&log)?;
    let mut command = guest(&kernel.image, &image);
    command.stdin(Stdio::null()).stdout(console.try_clone()?).stderr(console);
    let ended = Owned::start(&mut command)?.finish(PATIENCE);
    let said = std::fs::read_to_string(&log).unwrap_or_default();
    ended.with_context(|| format!("the guest said:\n{said}"))?;
    Ok(said)
}
