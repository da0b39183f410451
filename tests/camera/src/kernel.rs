//! The kernel of the guest: Debian's, unpacked from its package.

use crate::{run, tool};
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};

/// Names the package.
const PACKAGE: &str = "TINCAN_GUEST_KERNEL";
/// The test driver.
const DRIVER: &str = "vivid";

/// A kernel that can boot.
pub struct Kernel {
    /// The kernel itself.
    pub image: PathBuf,
    /// The modules of the driver, in the order in which they are loaded.
    pub modules: Vec<PathBuf>,
}

/// The package, if there is one: what the environment names. `cargo xtask test` fetches and names it.
pub fn package() -> Option<PathBuf> {
    std::env::var_os(PACKAGE).map(PathBuf::from).filter(|package| package.exists())
}

/// Unpacks what a guest with a camera needs, once.
///
/// # Errors
/// The package has no such kernel.
pub fn unpack(package: &Path, cache: &Path) -> Result<Kernel> {
    let name = package.file_stem().context("a nameless package")?;
    let root = cache.join(name);
    if !root.join("unpacked").exists() {
        std::fs::create_dir_all(&root)?;
        run(tool("dpkg-deb").arg("-x").arg(package).arg(&root))?;
        run(tool("depmod").arg("-b").arg(&root).arg(version(&root)?))?;
        std::fs::write(root.join("unpacked"), "")?;
    }
    let version = version(&root)?;
    let listed = run(tool("modprobe").arg("-d").arg(&root).args([
        "-S",
        &version,
        "--show-depends",
        DRIVER,
    ]))?;
    let listed = String::from_utf8_lossy(&listed).into_owned();
    let modules = listed
        .lines()
        .filter_map(|line| line.strip_prefix("insmod "))
        .filter_map(|rest| rest.split_whitespace().next())
        .map(PathBuf::from)
        .collect();
    let image = root.join(format!("boot/vmlinuz-{version}"));
    ensure!(image.exists(), "no {}", image.display());
    Ok(Kernel { image, modules })
}

fn version(root: &Path) -> Result<String> {
    let mut folders = std::fs::read_dir(root.join("lib/modules")).context("no modules")?;
    let folder = folders.next().context("no modules")??;
    folder.file_name().into_string().ok().context("a version that is no text")
}
