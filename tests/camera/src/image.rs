//! The memory disk of the guest: busybox, the modules, the programs and their libraries.

use crate::{find, run, tool};
use anyhow::{Context, Result, ensure};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// What the guest writes when a program has ended, before its name and status.
pub const ENDED: &str = "GUEST-ENDED";

const INIT: &str = "#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
while read module options; do /bin/busybox insmod $module $options; done < /modules/order
# The console turns line ends around; nothing else is to touch them.
for program in /programs/*; do
  HOME=/tmp RUST_BACKTRACE=0 $program 2>&1
  echo GUEST-ENDED ${program##*/} $?
done
/bin/busybox poweroff -f
";

/// Makes the disk in `folder` and returns its file. The programs run one after the other, by name.
///
/// # Errors
/// A tool or a library is missing.
pub fn make(folder: &Path, modules: &[PathBuf], programs: &[&Path]) -> Result<PathBuf> {
    let root = folder.join("root");
    if root.exists() {
        std::fs::remove_dir_all(&root)?;
    }
    for part in ["bin", "modules", "dev", "programs"] {
        std::fs::create_dir_all(root.join(part))?;
    }
    copy(&find("busybox").context("no busybox")?, &root.join("bin/busybox"))?;
    for program in programs {
        let name = program.file_name().context("a nameless program")?;
        // What debuggers need would fill the guest's memory.
        let stripped = root.join("programs").join(name);
        run(tool("strip").arg("-o").arg(&stripped).arg(program))?;
        for library in libraries(program)? {
            copy(&library, &root.join(library.strip_prefix("/")?))?;
        }
    }
    let mut order = String::new();
    for module in modules {
        let name = module.file_name().and_then(|it| it.to_str()).context("a nameless module")?;
        copy(module, &root.join("modules").join(name))?;
        // One camera, and nothing of the driver's other kinds of device.
        let options = if name.starts_with("vivid.") { " n_devs=1 node_types=0x1" } else { "" };
        order += &format!("/modules/{name}{options}\n");
    }
    std::fs::write(root.join("modules/order"), order)?;
    std::fs::write(root.join("init"), INIT)?;
    std::fs::set_permissions(root.join("init"), PermissionsExt::from_mode(0o755))?;
    pack(&root, &folder.join("initrd.img"))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to.parent().context("no folder")?)?;
    std::fs::copy(from, to).with_context(|| format!("while copying {}", from.display()))?;
    Ok(())
}

/// The shared libraries of a program with the loader, by their full paths.
fn libraries(program: &Path) -> Result<Vec<PathBuf>> {
    let listed = run(tool("ldd").arg(program))?;
    let listed = String::from_utf8_lossy(&listed).into_owned();
    ensure!(!listed.contains("not found"), "a library is missing:\n{listed}");
    let paths = listed.split_whitespace().filter(|word| word.starts_with('/'));
    Ok(paths.map(PathBuf::from).collect())
}

fn pack(root: &Path, image: &Path) -> Result<PathBuf> {
    let names = run(tool("find").arg(".").current_dir(root))?;
    let archive = std::fs::File::create(image)?;
    let mut cpio = tool("cpio");
    cpio.args(["-o", "-H", "newc", "--quiet"]).current_dir(root);
    let mut cpio = cpio.stdin(Stdio::piped()).stdout(archive).spawn().context("cpio")?;
    cpio.stdin.take().context("no pipe")?.write_all(&names)?;
    let status = cpio.wait()?;
    ensure!(status.success(), "cpio failed: {status}");
    Ok(image.to_owned())
}
