//! Keys that the app takes for itself.

use super::{Deed, ShortcutAccess, pressed, wanted};
use crate::shell::Shell;
use std::sync::Arc;
use tauri::{AppHandle, Wry};
use tauri_plugin_global_shortcut::{GlobalShortcutExt, Shortcut, ShortcutEvent, ShortcutState};

/// Has the keys that the person has set.
pub async fn follow(shell: Arc<Shell>) {
    if let Err(error) = shell.app().plugin(tauri_plugin_global_shortcut::Builder::new().build()) {
        tracing::warn!(%error, "there are no shortcuts in other programs");
        return;
    }
    shell.change(|state| state.shortcuts = ShortcutAccess::App);
    let mut states = shell.follow();
    let mut had: Vec<(Shortcut, Deed)> = Vec::new();
    loop {
        let state = states.borrow_and_update().clone();
        if state.closing {
            return;
        }
        let wanted = wanted(&state);
        if wanted != had {
            register(&shell, &wanted);
            had = wanted;
        }
        if states.changed().await.is_err() {
            return;
        }
    }
}

fn register(shell: &Arc<Shell>, wanted: &[(Shortcut, Deed)]) {
    let keys = shell.app().global_shortcut();
    if let Err(error) = keys.unregister_all() {
        tracing::debug!(%error, "old shortcuts stay");
    }
    for (key, deed) in wanted.iter().copied() {
        let shell = Arc::downgrade(shell);
        let told = move |_: &AppHandle<Wry>, _: &Shortcut, event: ShortcutEvent| {
            if event.state == ShortcutState::Pressed
                && let Some(shell) = shell.upgrade()
            {
                pressed(&shell, deed);
            }
        };
        if let Err(error) = keys.on_shortcut(key, told) {
            tracing::info!(%error, ?deed, "another program has this shortcut");
        }
    }
}
