//! What there is to know about this app on this desktop: for the about page, and for whoever
//! looks for what a desktop lacks.

use crate::log;
use crate::notifications::NotificationSupport;
use crate::shell::Shell;
use crate::shortcuts::{Deed, ShortcutAccess};
use serde::Serialize;
use std::path::{Path, PathBuf};
use ts_rs::TS;

/// What this app is made of, and under which licences.
const LICENCES: &str = include_str!(concat!(env!("OUT_DIR"), "/licences.txt"));

/// What there is to know about this app on this desktop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct AboutView {
    /// The app's version.
    pub version: String,
    /// What it is made of, and under which licences.
    pub licences: String,
    /// Whether the desktop keeps a window above others when asked.
    pub always_on_top: bool,
    /// Whether the desktop shows tray icons.
    pub tray: bool,
    /// Whether the desktop shows notifications, and buttons on them.
    pub notifications: NotificationSupport,
    /// Who has the last word on keys that reach the app while another program has the focus.
    pub shortcuts: ShortcutAccess,
    /// What has no key since another program has it; changes are told by `shortcuts-taken`.
    pub shortcuts_taken: Vec<Deed>,
    /// The file that the log goes to.
    pub log_file: String,
}

/// Where the log lies.
pub struct LogFolder(pub PathBuf);

impl AboutView {
    /// Looks at the desktop now.
    pub fn look(shell: &Shell, log_folder: &Path) -> Self {
        let state = shell.state();
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            licences: LICENCES.to_owned(),
            always_on_top: !shell.on_wayland(),
            tray: state.tray_host,
            notifications: state.notifications,
            shortcuts: state.shortcuts,
            shortcuts_taken: state.shortcuts_taken,
            log_file: log::current(log_folder).display().to_string(),
        }
    }
}
