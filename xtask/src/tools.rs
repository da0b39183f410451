//! Programs beside the Debian packages: Node.js, and cargo's subcommands.

use crate::job::{Job, Jobs};
use crate::workspace::Workspace;
use anyhow::{Result, bail};
use std::process::{Command, Stdio};

/// The oldest Node.js that Vite runs on.
const NODE: (u32, u32) = (20, 19);

/// A cargo subcommand that is installed when it is absent.
#[derive(Clone, Copy, Debug)]
pub enum Subcommand {
    /// Runs the tests.
    Nextest,
    /// Checks licences and sources of dependencies.
    Deny,
    /// Makes Debian packages.
    Deb,
    /// Makes packages for Fedora, openSUSE and their like.
    GenerateRpm,
}

impl Subcommand {
    const fn name(self) -> &'static str {
        match self {
            Self::Nextest => "nextest",
            Self::Deny => "deny",
            Self::Deb => "deb",
            Self::GenerateRpm => "generate-rpm",
        }
    }

    const fn package(self) -> &'static str {
        match self {
            Self::Nextest => "cargo-nextest",
            Self::Deny => "cargo-deny",
            Self::Deb => "cargo-deb",
            Self::GenerateRpm => "cargo-generate-rpm",
        }
    }
}

/// Installs a cargo subcommand from the registry unless it is there.
pub fn ensure_subcommand(workspace: &Workspace, jobs: &Jobs, wanted: Subcommand) -> Result<()> {
    let there = workspace
        .cargo()
        .args([wanted.name(), "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if there.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    let package = wanted.package();
    let mut install = workspace.cargo();
    install.args(["install", "--locked", package]);
    // It is used once or twice: building it fast matters more than its speed.
    for (setting, value) in
        [("LTO", "off"), ("OPT_LEVEL", "1"), ("CODEGEN_UNITS", "16"), ("DEBUG", "0")]
    {
        install.env(format!("CARGO_PROFILE_RELEASE_{setting}"), value);
    }
    let hint = format!("run by hand: cargo install --locked {package}");
    jobs.run(Job::new(format!("Install {package}"), install, 30).hint(hint)).map(drop)
}

/// What the Debian packages must bring so that there is a Node.js; an error if they cannot.
pub fn packages_for_node() -> Result<&'static [&'static str]> {
    let here = version(Command::new("node").arg("--version"));
    if here.is_some_and(|version| version >= NODE) {
        let npm = version(Command::new("npm").arg("--version"));
        return Ok(if npm.is_some() { &[] } else { &["npm"] });
    }
    let offered = version(
        Command::new("sh").args(["-c", "apt-cache policy nodejs | sed -n 's/^ *Candidate: *//p'"]),
    );
    if offered.is_some_and(|version| version >= NODE) {
        return Ok(&["nodejs", "npm"]);
    }
    let found = match here {
        Some((major, minor)) => format!("Node.js {major}.{minor} is too old"),
        None => "There is no Node.js".into(),
    };
    bail!(
        "{found}: the UI needs {}.{} or newer, and this system's packages have none.\n  What to \
         do: install it from https://nodejs.org or https://github.com/nodesource/distributions, \
         then run this again",
        NODE.0,
        NODE.1
    )
}

/// Without nasm the codec builds in silence without its assembly and is three times slower.
pub fn ensure_nasm() -> Result<()> {
    if version(Command::new("nasm").arg("--version")).is_some() {
        return Ok(());
    }
    bail!(
        "nasm is missing: the video codec would be built without its assembly, three times \
         slower.\n  What to do: apt-get install nasm, then `cargo clean -p openh264-sys2`"
    )
}

/// The first version number that a program prints.
fn version(command: &mut Command) -> Option<(u32, u32)> {
    let answer = command.stderr(Stdio::null()).output().ok()?;
    first_version(&String::from_utf8_lossy(&answer.stdout))
}

fn first_version(text: &str) -> Option<(u32, u32)> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.')).find_map(|word| {
        let mut parts = word.split('.');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_print() {
        assert_eq!(first_version("v20.20.2\n"), Some((20, 20)));
        assert_eq!(first_version("NASM version 2.16.01"), Some((2, 16)));
        assert_eq!(first_version("18.20.4+dfsg-1~deb12u3"), Some((18, 20)));
        assert_eq!(first_version("(none)"), None);
    }
}
