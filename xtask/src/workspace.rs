//! Where things lie: the repository, its `target` folder, and where cargo really builds.

use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folders that the commands work in.
pub struct Workspace {
    /// The repository.
    pub root: PathBuf,
    /// `target` in the repository, for reports and logs, wherever cargo builds.
    pub output: PathBuf,
    /// Where cargo builds: differs from `output` when `CARGO_TARGET_DIR` is set.
    pub build: PathBuf,
}

impl Workspace {
    /// Finds the folders by asking cargo.
    pub fn find() -> Result<Self> {
        // Asked at run time: checkouts that share a build folder share this program, too.
        let here = std::env::var_os("CARGO_MANIFEST_DIR")
            .context("this program is to be run by cargo: cargo xtask ...")?;
        let root = Path::new(&here).parent().context("xtask lies in the repository")?.to_path_buf();
        let answer = cargo(&root)
            .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
            .output()
            .context("while asking cargo where it builds")?;
        ensure!(
            answer.status.success(),
            "cargo cannot read the workspace:\n{}",
            String::from_utf8_lossy(&answer.stderr)
        );
        let metadata: serde_json::Value =
            serde_json::from_slice(&answer.stdout).context("while reading cargo's metadata")?;
        let build = metadata["target_directory"].as_str().context("metadata names the folder")?;
        Ok(Self { output: root.join("target"), build: build.into(), root })
    }

    /// Cargo, to be run in the repository.
    pub fn cargo(&self) -> Command {
        cargo(&self.root)
    }

    /// A program that cargo has built.
    pub fn program(&self, profile: Profile, name: &str) -> PathBuf {
        self.build.join(profile.folder()).join(name).with_extension(std::env::consts::EXE_EXTENSION)
    }
}

/// How programs are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// For development and tests.
    Dev,
    /// As it is given to people.
    Release,
    /// Optimised, for measuring.
    Measure,
}

impl Profile {
    /// As cargo calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Release => "release",
            Self::Measure => "measure",
        }
    }

    /// Where cargo puts what it builds.
    const fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release | Self::Measure => self.name(),
        }
    }
}

/// Cargo as it was called for this program, without what it told this program about itself:
/// build scripts that watch those variables would run again.
fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}
