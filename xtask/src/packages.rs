//! Debian packages that building, showing and testing need, and their installation.

use crate::job::{Job, Jobs};
use anyhow::{Context, Result, bail};
use std::env;
use std::fs;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// To build the app.
const BUILD: &[&str] = &[
    "build-essential",
    "cmake",
    "libasound2-dev",
    "libayatana-appindicator3-dev",
    "libclang-dev",
    "libdbus-1-dev",
    "libpipewire-0.3-dev",
    "librsvg2-dev",
    "libssl-dev",
    "libwebkit2gtk-4.1-dev",
    "nasm",
    "pkg-config",
];
/// To run it: WebKit decodes H.264 through this.
const RUN: &[&str] = &["gstreamer1.0-libav"];
/// To run it in windows that nobody sees, with sound that nobody hears.
const UNSEEN: &[&str] = &[
    "dbus",
    "dbus-x11",
    "espeak-ng",
    "openbox",
    "pipewire",
    "pipewire-pulse",
    "pulseaudio-utils",
    "webkit2gtk-driver",
    "wireplumber",
    "xvfb",
];
/// A Wayland desktop that nobody sees, with the portal for its screen.
const WAYLAND: &[&str] = &["sway", "swaybg", "xdg-desktop-portal", "xdg-desktop-portal-wlr"];
/// The network lab: namespaces, address translators, and another maker's relay.
const LAB: &[&str] = &["conntrack", "coturn", "iproute2", "nftables"];
/// A virtual machine with a virtual camera.
const GUEST: &[&str] = &["busybox-static", "cpio", "kmod", "qemu-system-x86"];
/// The far side of the interop tests.
const FAR_SIDE: &[&str] = &["chromium", "chromium-driver"];

/// To make packages that others install.
const PACKAGE: &[&str] = &["appstream", "desktop-file-utils", "dpkg-dev", "lintian"];

/// What the packages are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Building alone.
    Build,
    /// Building, and the app in a window that somebody sees.
    Seen,
    /// Building, and the app in windows that nobody sees.
    Unseen,
    /// The same, and Chromium beside it.
    Beside,
    /// Building, and the network lab.
    Lab,
    /// The same, and Chromium in it.
    LabBeside,
    /// Building, and packages that others install.
    Package,
    /// All tests.
    Test,
}

impl Purpose {
    fn packages(self) -> Vec<&'static str> {
        let lists: &[&[&str]] = match self {
            Self::Build => &[BUILD],
            Self::Seen => &[BUILD, RUN],
            Self::Unseen => &[BUILD, RUN, UNSEEN],
            Self::Beside => &[BUILD, RUN, UNSEEN, FAR_SIDE],
            Self::Lab => &[BUILD, LAB],
            Self::LabBeside => &[BUILD, LAB, FAR_SIDE],
            Self::Package => &[BUILD, PACKAGE],
            Self::Test => &[BUILD, RUN, UNSEEN, WAYLAND, FAR_SIDE, LAB, GUEST],
        };
        lists.concat()
    }
}

/// Installs what is missing, or only says it when `install` is false.
pub fn ensure(jobs: &Jobs, purpose: Purpose, extra: &[&'static str], install: bool) -> Result<()> {
    let mut wanted = purpose.packages();
    wanted.extend(extra);
    if !has_dpkg() {
        println!(
            "This is not a Debian: packages are not installed for you. Needed are what Debian \
             calls\n  {}",
            wanted.join(" ")
        );
        return Ok(());
    }
    let missing = missing(&wanted)?;
    if missing.is_empty() {
        println!("✓ all {} Debian packages are there", wanted.len());
        return Ok(());
    }
    println!("Missing Debian packages: {}", missing.join(" "));
    let as_root = Root::find();
    let by_hand = format!(
        "{}apt-get install --no-install-recommends {}",
        if as_root == Root::Already { "" } else { "sudo " },
        missing.join(" ")
    );
    if !install {
        bail!("Install them first:\n  {by_hand}");
    }
    if as_root == Root::OutOfReach {
        bail!("Neither root nor sudo here. Ask somebody who may to run:\n  {by_hand}");
    }
    let hint = format!("run by hand: {by_hand}");
    renew_lists(jobs, as_root);
    let mut apt = as_root.apt_get();
    apt.args(["install", "-y", "-q", "--no-install-recommends"]).args(&missing);
    jobs.run(Job::new("Debian packages", apt, 30).hint(hint)).map(drop)
}

fn renew_lists(jobs: &Jobs, as_root: Root) {
    let mut update = as_root.apt_get();
    update.args(["update", "-q"]);
    // An unreachable mirror does no harm when the packages are in the cache.
    if let Err(problem) = jobs.run(Job::new("Package lists", update, 5)) {
        println!("{problem}\n  Going on with the lists that are here.");
    }
}

/// The kernel that the virtual machine boots: Debian's newest, as a package of 70 MB that is kept in
/// the user's cache and not installed. None where there are no such packages.
pub fn ensure_guest_kernel(jobs: &Jobs, fetch: bool) -> Result<()> {
    if !has_dpkg() || !cfg!(target_arch = "x86_64") || guest_kernel().is_some() {
        return Ok(());
    }
    let folder = kernels()?;
    if !fetch {
        bail!("There is no kernel for the camera's virtual machine in {}", folder.display());
    }
    fs::create_dir_all(&folder).with_context(|| format!("while making {folder:?}"))?;
    let download = || {
        let mut download = Command::new("apt-get");
        download.args(["download", "-q", &newest_kernel()?]).current_dir(&folder);
        jobs.run(Job::new("Kernel for the camera's virtual machine", download, 10)).map(drop)
    };
    // Lists are absent in a new container, and grow old: mirrors keep the newest alone.
    if download().is_err() {
        renew_lists(jobs, Root::find());
        download()?;
    }
    guest_kernel().context("the kernel is not there after its download").map(drop)
}

/// The kernel that was fetched, if one was.
pub fn guest_kernel() -> Option<PathBuf> {
    let files = fs::read_dir(kernels().ok()?).ok()?.flatten().map(|file| file.path());
    files.filter(|path| path.extension().is_some_and(|it| it == "deb")).max()
}

fn kernels() -> Result<PathBuf> {
    let named = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = named.or_else(home).context("there is neither XDG_CACHE_HOME nor HOME")?;
    Ok(cache.join("tincan/guest-kernel"))
}

/// What `linux-image-amd64` stands for.
fn newest_kernel() -> Result<String> {
    let answer = Command::new("apt-cache").args(["depends", "linux-image-amd64"]).output();
    let answer = answer.context("while asking apt-cache for a kernel")?;
    kernel_of(&String::from_utf8_lossy(&answer.stdout))
        .context("linux-image-amd64 depends on no kernel")
}

fn kernel_of(depends: &str) -> Option<String> {
    let kernels = |word: &&str| word.starts_with("linux-image-") && *word != "linux-image-amd64";
    depends.split_whitespace().find(kernels).map(str::to_owned)
}

/// How apt-get may be run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Root {
    Already,
    Sudo,
    OutOfReach,
}

impl Root {
    fn find() -> Self {
        let id = Command::new("id").arg("-u").output();
        if id.is_ok_and(|id| id.stdout.trim_ascii() == b"0") {
            return Self::Already;
        }
        // With a terminal sudo may ask for the password, which it does here, before the log
        // takes its output; without one it must not ask.
        let mut sudo = Command::new("sudo");
        if !std::io::stdin().is_terminal() {
            sudo.arg("-n").stdin(Stdio::null()).stderr(Stdio::null());
        }
        match sudo.arg("-v").status() {
            Ok(status) if status.success() => Self::Sudo,
            Ok(_) | Err(_) => Self::OutOfReach,
        }
    }

    fn apt_get(self) -> Command {
        let mut command = Command::new("env");
        if self == Self::Sudo {
            command = Command::new("sudo");
            command.args(["-n", "env"]);
        }
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        command
    }
}

fn has_dpkg() -> bool {
    Command::new("dpkg-query")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn missing(wanted: &[&'static str]) -> Result<Vec<&'static str>> {
    let answer = Command::new("dpkg-query")
        .args(["-W", "-f", "${Package} ${db:Status-Status}\n"])
        .args(wanted)
        .output()
        .context("while asking dpkg-query what is installed")?;
    Ok(not_installed(wanted, &String::from_utf8_lossy(&answer.stdout)))
}

fn not_installed(wanted: &[&'static str], answer: &str) -> Vec<&'static str> {
    let there: Vec<&str> =
        answer.lines().filter_map(|line| line.strip_suffix(" installed")).collect();
    wanted.iter().copied().filter(|name| !there.contains(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removed_and_unknown_packages_are_missing() {
        let answer = "nasm installed\nxvfb config-files\ncmake not-installed\n";
        assert_eq!(
            not_installed(&["cmake", "dbus", "nasm", "xvfb"], answer),
            ["cmake", "dbus", "xvfb"]
        );
    }

    #[test]
    fn the_kernel_is_what_the_name_without_a_number_depends_on() {
        let answer = "linux-image-amd64\n  Depends: linux-image-6.1.0-56-amd64\n";
        assert_eq!(kernel_of(answer).as_deref(), Some("linux-image-6.1.0-56-amd64"));
        assert_eq!(kernel_of("linux-image-amd64\n"), None);
    }

    #[test]
    fn tests_need_all_that_anything_needs() {
        let test = Purpose::Test.packages();
        for name in [Purpose::Build, Purpose::Seen, Purpose::Unseen, Purpose::Lab]
            .iter()
            .flat_map(|purpose| purpose.packages())
        {
            assert!(test.contains(&name), "{name}");
        }
    }
}
