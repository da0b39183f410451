//! A virtual machine with a virtual camera: Debian's stock kernel with its test driver `vivid`,
//! and in its memory nothing but busybox and the programs to run.

#![forbid(unsafe_code)]

pub mod image;
pub mod kernel;
#[cfg(target_os = "linux")]
pub mod node;

use anyhow::{Result, bail};
use std::path::Path;
use std::process::{Command, Stdio};

/// What has to be installed, as packages of Debian.
const TOOLS: [(&str, &str); 7] = [
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("busybox", "busybox-static"),
    ("cpio", "cpio"),
    ("strip", "binutils"),
    ("modprobe", "kmod"),
    ("depmod", "kmod"),
    ("dpkg-deb", "dpkg"),
];

/// The packages that are missing, each once.
pub fn missing_packages() -> Vec<&'static str> {
    let mut missing: Vec<&str> = TOOLS
        .iter()
        .filter(|(tool, _)| find(tool).is_none())
        .map(|(_, package)| *package)
        .collect();
    missing.dedup();
    missing
}

/// Where a tool is; those of the administrator are not in everybody's path.
fn find(tool: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.map(|folder| folder.join(tool)).find(|file| file.exists())
}

/// Runs a tool to its end and returns what it wrote.
///
/// # Errors
/// It failed; the error has its complaint.
fn run(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.stdin(Stdio::null()).output();
    match output {
        Ok(output) if output.status.success() => Ok(output.stdout),
        Ok(output) => bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => bail!("{command:?}: {error}"),
    }
}

/// A tool by its name.
fn tool(name: &str) -> Command {
    Command::new(find(name).unwrap_or_else(|| name.into()))
}

/// The command that boots `kernel` with `image`; the guest's console is its output. By
/// emulation: a stock kernel does not boot under the virtualisation of every host.
pub fn guest(kernel: &Path, image: &Path) -> Command {
    let mut qemu = tool("qemu-system-x86_64");
    qemu.args(["-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "1024"]);
    qemu.args(["-nodefaults", "-display", "none", "-serial", "stdio", "-monitor", "none"]);
    qemu.args(["-no-reboot", "-append", "console=ttyS0 quiet loglevel=3 panic=-1"]);
    qemu.arg("-kernel").arg(kernel).arg("-initrd").arg(image);
    qemu
}
