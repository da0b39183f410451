//! Whether the desktop shows tray icons.

use crate::shell::Shell;
use std::sync::Arc;

/// Keeps the state's `tray_host` true to the desktop.
#[cfg(target_os = "linux")]
pub async fn follow(shell: Arc<Shell>) {
    if let Err(error) = watcher::attend(&shell).await {
        tracing::info!(%error, "this desktop has no tray");
    }
}

/// The tray is part of these desktops.
#[cfg(not(target_os = "linux"))]
pub async fn follow(shell: Arc<Shell>) {
    shell.change(|state| state.tray_host = true);
}

/// The bus name that desktops with a tray own (Status Notifier Item specification of KDE).
#[cfg(target_os = "linux")]
mod watcher {
    use crate::shell::Shell;
    use futures_util::StreamExt;
    use zbus::Connection;
    use zbus::fdo::DBusProxy;
    use zbus::names::BusName;

    const WATCHER: &str = "org.kde.StatusNotifierWatcher";

    pub async fn attend(shell: &Shell) -> zbus::Result<()> {
        let connection = Connection::session().await?;
        let bus = DBusProxy::new(&connection).await?;
        let mut owners = bus.receive_name_owner_changed_with_args(&[(0, WATCHER)]).await?;
        let mut there = bus.name_has_owner(BusName::try_from(WATCHER)?).await?;
        let mut states = shell.follow();
        loop {
            shell.change(|state| state.tray_host = there);
            loop {
                tokio::select! {
                    changed = owners.next() => {
                        let Some(changed) = changed else { return Ok(()) };
                        there = changed.args()?.new_owner().is_some();
                        break;
                    }
                    changed = states.changed() => {
                        if changed.is_err() || states.borrow_and_update().closing {
                            return Ok(());
                        }
                    }
                }
            }
        }
    }
}
