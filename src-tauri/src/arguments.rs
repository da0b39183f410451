//! The command line.

use crate::links::Link;
use anyhow::Context;
use clap::Parser;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tincan_proto::AccountName;

/// What makes WebKitGTK draw without the graphics driver: no buffers shared with it, no
/// accelerated compositing, OpenGL in software.
const SAFE_RENDERING: [&str; 3] =
    ["WEBKIT_DISABLE_DMABUF_RENDERER", "WEBKIT_DISABLE_COMPOSITING_MODE", "LIBGL_ALWAYS_SOFTWARE"];

/// Private audio and video calls.
#[derive(Debug, Parser)]
#[command(name = "tincan", version)]
pub struct Arguments {
    /// Keeps everything of this profile apart from others.
    #[arg(long, default_value = "default", value_parser = profile_name)]
    pub profile: String,
    /// Sign in with this name on first start, without asking.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Ask this person to become a contact, and accept their request; may be repeated.
    #[arg(long = "contact", value_name = "NAME")]
    pub contacts: Vec<AccountName>,
    /// Keep profiles and the embedded server's accounts here.
    #[arg(long, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// Use this server instead of the one inside the app.
    #[arg(long, value_name = "HOST:PORT")]
    pub server: Option<String>,
    /// Where the server inside the app listens. If another app listens there, it is used.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4780")]
    pub listen: SocketAddr,
    /// Start in the tray, without a window.
    #[arg(long)]
    pub hidden: bool,
    /// For graphics drivers that leave the window blank.
    #[arg(long)]
    safe_rendering: bool,
    /// How long a call rings on the server inside the app, in seconds.
    #[arg(long, env = "TINCAN_RING_SECONDS", hide = true)]
    ring_seconds: Option<u64>,
    /// What to open: tincan://call/NAME[@SERVER] or tincan://invite/NAME[?server=SERVER].
    #[arg(value_name = "LINK", value_parser = Link::parse)]
    pub link: Option<Link>,
}

impl Arguments {
    /// The folder of all profiles and the embedded server.
    pub fn data_root(&self) -> anyhow::Result<PathBuf> {
        if let Some(folder) = &self.data_dir {
            return Ok(folder.clone());
        }
        let folders = directories::ProjectDirs::from("org", "tincan", "Tincan")
            .context("there is no home folder: say where with --data-dir")?;
        Ok(folders.data_dir().to_owned())
    }

    /// The folder of the chosen profile.
    pub fn profile_folder(&self) -> anyhow::Result<PathBuf> {
        Ok(self.data_root()?.join("profiles").join(&self.profile))
    }

    /// Where the profile's log goes.
    pub fn log_folder(&self) -> anyhow::Result<PathBuf> {
        Ok(self.profile_folder()?.join("logs"))
    }

    /// How long a call rings, if told.
    pub fn ring_time(&self) -> Option<Duration> {
        self.ring_seconds.map(Duration::from_secs)
    }

    /// Whether there is a session bus: without one there is neither a keyring nor a way to
    /// find the app's first instance.
    pub fn has_session_bus(&self) -> bool {
        if !cfg!(target_os = "linux") {
            return true;
        }
        let runtime_bus = || {
            let folder = std::env::var_os("XDG_RUNTIME_DIR")?;
            Some(PathBuf::from(folder).join("bus").exists())
        };
        std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some() || runtime_bus() == Some(true)
    }

    /// Has WebKit draw without the graphics driver, if asked to. What the environment says
    /// already stays. Must run before the first thread and the first window.
    pub fn prepare_rendering(&self) {
        if !self.safe_rendering {
            return;
        }
        for variable in SAFE_RENDERING {
            if std::env::var_os(variable).is_none() {
                // SAFETY: called first in `main`, when no other thread exists.
                unsafe { std::env::set_var(variable, "1") };
            }
        }
    }
}

fn profile_name(text: &str) -> Result<String, String> {
    let fits = (1..=32).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    fits.then(|| text.to_owned())
        .ok_or_else(|| "a profile's name has 1 to 32 letters, digits, '-' or '_'".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_cannot_leave_its_folder() {
        for bad in ["", "..", "a/b", "a b", &"x".repeat(33)] {
            assert!(Arguments::try_parse_from(["tincan", "--profile", bad]).is_err(), "{bad}");
        }
        assert!(Arguments::try_parse_from(["tincan", "--profile", "alice-2"]).is_ok());
    }

    #[test]
    fn a_desktop_hands_over_one_link_and_nothing_else() {
        let read = |arguments: &[&str]| {
            Arguments::try_parse_from([&["tincan"], arguments].concat()).map(|read| read.link)
        };
        assert!(read(&["tincan://call/bob"]).expect("a link").is_some());
        assert!(read(&[]).expect("nothing at all").is_none());
        assert!(read(&["https://example.org"]).is_err());
        assert!(read(&["tincan://call/bob", "tincan://call/carol"]).is_err());
    }

    #[test]
    fn contacts_repeat_and_are_checked() {
        let read = |names: &[&str]| Arguments::try_parse_from([&["tincan"], names].concat());
        let arguments = read(&["--contact", "bob", "--contact", "carol"]).expect("two names");
        assert_eq!(arguments.contacts.len(), 2);
        assert!(read(&["--contact", "not a name"]).is_err());
    }
}
