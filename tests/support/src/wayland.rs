//! A Wayland desktop of the test's own: a headless sway with PipeWire and the portal, on a private bus that
//! starts nothing by itself. Dropping it ends all of its processes.

mod pointer;

pub use pointer::Pointer;

use crate::place::Scratch;
use crate::process::wait_until;
use crate::running::Running;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// With this set to 1, a machine without the packages fails tests instead of skipping them.
const REQUIRED: &str = "TINCAN_REQUIRE_WAYLAND";
/// The desktop stands after two seconds; on a loaded machine after some.
const STARTING: Duration = Duration::from_secs(60);
/// All that it is made of.
const PROGRAMS: &[&str] = &[
    "busctl",
    "cc",
    "dbus-daemon",
    "pipewire",
    "pw-cli",
    "sway",
    "swaybg",
    "swaymsg",
    "wireplumber",
];
const PORTAL: &str = "/usr/libexec/xdg-desktop-portal";
const BACKEND: &str = "/usr/libexec/xdg-desktop-portal-wlr";
const PERMISSIONS: &str = "/usr/libexec/xdg-permission-store";
const SHIM: &str = include_str!("wayland/screencopy-shm.c");

/// What the desktop does when a program asks for the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialog {
    /// It lets everybody have it.
    None,
    /// It reads the answer that [`Rig::answer`] has written.
    Answers,
    /// It waits for a person who never comes.
    Waits,
}

/// The desktop; a screen of 1280 x 720 named `HEADLESS-1`.
#[derive(Debug)]
pub struct Rig {
    // In the order in which they were started.
    processes: Vec<(&'static str, Running)>,
    folder: Scratch,
}

impl Rig {
    /// Starts it, or says why the test is skipped.
    ///
    /// # Panics
    /// If it does not start although the environment demands it.
    pub fn start_or_skip(name: &str, dialog: Dialog) -> Option<Self> {
        let missing: Vec<_> = PROGRAMS.iter().filter(|program| !is_there(program)).collect();
        let portals = [PORTAL, BACKEND, PERMISSIONS].iter().all(|path| Path::new(path).exists());
        let required = std::env::var(REQUIRED).as_deref() == Ok("1");
        if !required && (!missing.is_empty() || !portals) {
            eprintln!("skipped: a Wayland desktop needs {missing:?}, xdg-desktop-portal and -wlr");
            return None;
        }
        Some(Self::start(name, dialog).expect("a Wayland desktop"))
    }

    fn start(name: &str, dialog: Dialog) -> Result<Self> {
        let mut rig = Self { processes: Vec::new(), folder: Scratch::new(name)? };
        let backend = rig.folder.folder("config/xdg-desktop-portal-wlr")?;
        for folder in ["run", "data", "cache", "log"] {
            rig.folder.folder(folder)?;
        }
        let [answer, asked] = ["answer", "asked"].map(|name| rig.path(name));
        rig.answer("HEADLESS-1")?;
        let chooser = match dialog {
            Dialog::None => "chooser_type=none\n".to_owned(),
            Dialog::Answers => {
                let (asked, answer) = (asked.display(), answer.display());
                format!("chooser_type=simple\nchooser_cmd=echo asked > {asked}; cat {answer}\n")
            }
            Dialog::Waits => format!(
                "chooser_type=simple\nchooser_cmd=echo asked > {}; exec sleep 300\n",
                asked.display()
            ),
        };
        let config = format!("[screencast]\noutput_name=HEADLESS-1\n{chooser}");
        fs::write(backend.join("config"), config)?;
        fs::write(
            rig.path("sway.conf"),
            "output HEADLESS-1 mode 1280x720@60Hz position 0 0\n\
             output HEADLESS-1 background #00ff00 solid_color\n\
             xwayland disable\nfocus_follows_mouse no\nseat seat0 hide_cursor 0\n",
        )?;
        fs::write(rig.path("bus.conf"), rig.bus_config())?;

        let bus = format!("--config-file={}", rig.path("bus.conf").display());
        rig.run("bus", Command::new("dbus-daemon").args(["--nofork", "--nopidfile", &bus]))?;
        rig.wait("the bus listens", |rig| rig.path("run/bus").exists())?;
        rig.start_compositor()?;
        rig.run("pipewire", &mut Command::new("pipewire"))?;
        rig.wait("PipeWire listens", |rig| rig.path("run/pipewire-0").exists())?;
        rig.run("wireplumber", &mut Command::new("wireplumber"))?;
        rig.wait("WirePlumber has come", |rig| {
            rig.output("pw-cli", &["ls", "Client"]).is_ok_and(|said| said.contains("WirePlumber"))
        })?;
        rig.start_portal()?;
        Ok(rig)
    }

    fn start_compositor(&mut self) -> Result<()> {
        // sway does not run as root: there it gets a user of its own.
        let mut sway = Command::new("unshare");
        if fs::metadata("/proc/self")?.uid() == 0 {
            sway.args(["--user", "--map-user=1000", "--map-group=1000", "sway"]);
        } else {
            sway = Command::new("sway");
        }
        sway.arg("-c").arg(self.path("sway.conf"));
        sway.env("WLR_BACKENDS", "headless").env("WLR_LIBINPUT_NO_DEVICES", "1");
        sway.env("WLR_RENDERER", "pixman").env("WLR_HEADLESS_OUTPUTS", "1");
        self.run("sway", &mut sway)?;
        self.wait("sway has its output", |rig| {
            rig.sway("-t get_outputs").is_ok_and(|said| said.contains("HEADLESS-1"))
        })
    }

    fn start_portal(&mut self) -> Result<()> {
        let (source, shim) = (self.path("shim.c"), self.path("shim.so"));
        fs::write(&source, SHIM)?;
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&shim).arg(&source).arg("-ldl");
        ensure!(cc.status().context("while building the shim")?.success(), "no shim");
        self.run("permissions", &mut Command::new(PERMISSIONS))?;
        let name = "org.freedesktop.impl.portal.PermissionStore";
        self.wait("permissions are kept", |rig| rig.has(name))?;
        let mut backend = Command::new(BACKEND);
        backend.env("LD_PRELOAD", shim).env("XDPW_PERSIST_MODE", "permanent");
        self.run("backend", &mut backend)?;
        let name = "org.freedesktop.impl.portal.desktop.wlr";
        self.wait("the portal's backend has come", |rig| rig.has(name))?;
        self.run("portal", &mut Command::new(PORTAL))?;
        self.wait("the portal has come", |rig| rig.has("org.freedesktop.portal.Desktop"))
    }

    /// Writes what the next dialog answers: the name of an output, or nothing to decline.
    pub fn answer(&self, answer: &str) -> Result<()> {
        Ok(fs::write(self.path("answer"), answer)?)
    }

    /// Whether a dialog has come up that answers or waits.
    pub fn is_asked(&self) -> bool {
        self.path("asked").exists()
    }

    /// Tells the compositor something.
    pub fn sway(&self, command: &str) -> Result<String> {
        self.output("swaymsg", &command.split(' ').collect::<Vec<_>>())
    }

    /// Fills the screen with a colour (`#rrggbb`).
    pub fn paint(&self, colour: &str) -> Result<()> {
        self.sway(&format!("output HEADLESS-1 background {colour} solid_color")).map(drop)
    }

    /// How many sessions the portal has.
    pub fn sessions(&self) -> Result<usize> {
        let portal = "org.freedesktop.portal.Desktop";
        let tree = self
            .output("busctl", &[&format!("--address={}", self.bus()), "tree", "--list", portal])?;
        let session = |line: &&str| line.contains("/session/") && line.matches('/').count() == 7;
        Ok(tree.lines().filter(session).count())
    }

    /// Ends a process as if it had crashed.
    pub fn end(&mut self, name: &str) {
        self.processes.retain(|(theirs, _)| *theirs != name);
    }

    /// Puts a pointer onto the screen, which is there as long as what is returned.
    pub fn pointer(&self) -> Result<Pointer> {
        Pointer::new(&self.path("run/wayland-1"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The address of its session bus.
    pub fn bus(&self) -> String {
        format!("unix:path={}", self.path("run/bus").display())
    }

    /// A bus that starts no service by itself: what it started would outlive the test.
    fn bus_config(&self) -> String {
        format!(
            "<busconfig><type>session</type><listen>{}</listen><policy context=\"default\">\
             <allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/>\
             <allow own=\"*\"/></policy></busconfig>",
            self.bus()
        )
    }

    fn run(&mut self, name: &'static str, command: &mut Command) -> Result<()> {
        let mut owned = Command::new(command.get_program());
        owned.args(command.get_args());
        self.surround(&mut owned);
        for (variable, value) in command.get_envs() {
            owned.env(variable, value.unwrap_or_default());
        }
        let running = Running::start(name, owned, &self.path("log"))?;
        self.processes.push((name, running));
        Ok(())
    }

    fn surround(&self, command: &mut Command) {
        for gone in ["DISPLAY", "DBUS_SYSTEM_BUS_ADDRESS", "PIPEWIRE_REMOTE"] {
            command.env_remove(gone);
        }
        command
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_DATA_HOME", self.path("data"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("DBUS_SESSION_BUS_ADDRESS", self.bus())
            .env("XDG_SESSION_TYPE", "wayland")
            .env("XDG_CURRENT_DESKTOP", "sway")
            .env("WAYLAND_DISPLAY", "wayland-1")
            .env("SWAYSOCK", self.path("run/sway.sock"))
            .env("XCURSOR_SIZE", "24");
    }

    fn output(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(program);
        self.surround(command.args(arguments));
        let output = command.stdin(Stdio::null()).output()?;
        ensure!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Asking for the owner starts no service.
    fn has(&self, name: &str) -> bool {
        let bus = format!("--address={}", self.bus());
        let question =
            ["call", "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "NameHasOwner"];
        let arguments = [&[bus.as_str()], &question[..], &["s", name]].concat();
        self.output("busctl", &arguments).is_ok_and(|said| said.contains("true"))
    }

    fn wait(&mut self, what: &str, condition: impl Fn(&Self) -> bool) -> Result<()> {
        wait_until(STARTING, what, || {
            for (_, process) in &mut self.processes {
                process
                    .still_there()
                    .with_context(|| fs::read_to_string(process.log()).unwrap_or_default())?;
            }
            Ok(condition(self))
        })
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        // The last first: nobody is to miss what it stands on.
        while self.processes.pop().is_some() {}
    }
}

fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).exists())
}
