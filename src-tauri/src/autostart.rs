//! Starting with the session, as the person has set it.

#[cfg(target_os = "linux")]
mod entry;

use crate::shell::Shell;
use std::sync::Arc;

/// How the app is to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// With which profile.
    pub profile: String,
    /// In the tray, without a window.
    pub hidden: bool,
}

/// Keeps the session's list of what to start true to the settings.
pub async fn follow(shell: Arc<Shell>) {
    let mut states = shell.follow();
    let mut last = None;
    loop {
        let state = states.borrow_and_update().clone();
        if state.closing {
            return;
        }
        if let Some(snapshot) = &state.snapshot {
            let settings = &snapshot.settings;
            let start = settings.start_at_login.then(|| Start {
                profile: snapshot.profile.clone(),
                hidden: settings.start_hidden,
            });
            let wanted = Some((snapshot.profile.clone(), start));
            if wanted != last {
                if let Some((profile, start)) = &wanted
                    && let Err(error) = keep(&shell, profile, start.as_ref())
                {
                    tracing::warn!(%error, "whether it starts at login is not as it was set");
                }
                last = wanted;
            }
        }
        if states.changed().await.is_err() {
            return;
        }
    }
}

#[cfg(target_os = "linux")]
fn keep(_: &Shell, profile: &str, start: Option<&Start>) -> std::io::Result<()> {
    entry::keep(profile, start)
}

#[cfg(not(target_os = "linux"))]
fn keep(shell: &Shell, _: &str, start: Option<&Start>) -> tauri::Result<()> {
    use tauri_plugin_autostart::{Builder, ManagerExt};
    let arguments = start.filter(|start| start.hidden).map(|_| "--hidden");
    shell.app().remove_plugin("autostart");
    shell.app().plugin(Builder::new().args(arguments).build())?;
    let list = shell.app().autolaunch();
    let done = match start {
        Some(_) => list.enable(),
        None if list.is_enabled().unwrap_or(false) => list.disable(),
        None => Ok(()),
    };
    done.map_err(|error| tauri::Error::from(std::io::Error::other(error)))
}
