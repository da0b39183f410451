//! Keys that the app takes for itself.

use super::{Deed, Press, ShortcutAccess, pressed, wanted};
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
            let taken = register(&shell, &wanted);
            if had.iter().any(|(_, deed)| *deed == Deed::Talk) {
                // It may be held now, and nobody tells any more when it is let go.
                pressed(&shell, Deed::Talk, Press::Up);
            }
            shell.emit("shortcuts-taken", &taken);
            shell.change(|state| state.shortcuts_taken = taken);
            had = wanted;
        }
        if states.changed().await.is_err() {
            return;
        }
    }
}

/// Takes the keys, and returns what is without its own since another program has it.
fn register(shell: &Arc<Shell>, wanted: &[(Shortcut, Deed)]) -> Vec<Deed> {
    let keys = shell.app().global_shortcut();
    if let Err(error) = keys.unregister_all() {
        tracing::debug!(%error, "old shortcuts stay");
    }
    let mut taken = Vec::new();
    for (key, deed) in wanted.iter().copied() {
        let shell = Arc::downgrade(shell);
        let told = move |_: &AppHandle<Wry>, _: &Shortcut, event: ShortcutEvent| {
            let press = match event.state {
                ShortcutState::Pressed => Press::Down,
                ShortcutState::Released => Press::Up,
            };
            if let Some(shell) = shell.upgrade() {
                pressed(&shell, deed, press);
            }
        };
        if let Err(error) = keys.on_shortcut(key, told) {
            tracing::info!(%error, ?deed, "another program has this shortcut");
            taken.push(deed);
        }
    }
    taken
}
