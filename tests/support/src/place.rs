//! Where the built programs are, and where pictures and logs go.

use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};

/// The workspace's `target` folder, wherever cargo builds: pictures and logs are found there.
pub fn output() -> PathBuf {
    package().join("../../target")
}

/// The folder of the package whose test or program runs. Asked at run time: checkouts that share a
/// build folder share what is built, too.
pub fn package() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").into()).into()
}

/// A fresh folder for what a test of this kind leaves behind: `target/KIND/TEST`.
pub fn output_of(kind: &str, test: &str) -> Result<PathBuf> {
    let folder = output().join(kind).join(test);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("while emptying {folder:?}"))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("while making {folder:?}"))?;
    folder.canonicalize().context("while finding the folder's whole path")
}

/// A program of the workspace: built beside the one that runs.
pub fn program(name: &str) -> Result<PathBuf> {
    let here = std::env::current_exe().context("while finding this program")?;
    let folder = here.ancestors().skip(1).find(|folder| !folder.ends_with("deps"));
    let program = folder.context("a program lies in a folder")?.join(name);
    ensure!(
        program.is_file(),
        "{program:?} is not built. What to do: cargo build --workspace (the app needs the UI: \
         npm --prefix ui run build), or cargo xtask test"
    );
    Ok(program)
}

/// An address on this machine that nothing listens on.
pub fn free_port() -> Result<u16> {
    let listener =
        std::net::TcpListener::bind("127.0.0.1:0").context("while looking for a free port")?;
    Ok(listener.local_addr()?.port())
}

/// A short-lived private folder: sockets need short paths, and keys must not stay.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes the folder; nobody else may read it.
    pub fn new(name: &str) -> Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let folder = std::env::temp_dir().join(format!("tincan-{}-{name}", std::process::id()));
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("while emptying {folder:?}"))?;
        }
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .with_context(|| format!("while making {folder:?}"))?;
        Ok(Self(folder))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A private folder in it.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        use std::os::unix::fs::DirBuilderExt;
        let folder = self.0.join(name);
        fs::DirBuilder::new()
            .mode(0o700)
            .recursive(true)
            .create(&folder)
            .with_context(|| format!("while making {folder:?}"))?;
        Ok(folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Best effort: a process on its way out may still write there.
        let _ = fs::remove_dir_all(&self.0);
    }
}
