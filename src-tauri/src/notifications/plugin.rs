//! The notifications of macOS and Windows: they tell of a call; what answers it is the window of
//! the ringing call.

use super::NotificationSupport;
use super::wanted::{Note, wanted};
use crate::shell::Shell;
use std::sync::Arc;
use tauri_plugin_notification::NotificationExt;

/// Shows what is wanted.
pub async fn follow(shell: Arc<Shell>) {
    if let Err(error) = shell.app().plugin(tauri_plugin_notification::init()) {
        tracing::info!(%error, "there are no notifications");
        return;
    }
    shell.change(|state| state.notifications = NotificationSupport::NoActions);
    let mut states = shell.follow();
    let mut shown: Vec<Note> = Vec::new();
    loop {
        let state = states.borrow_and_update().clone();
        if state.closing {
            return;
        }
        let now = wanted(&state);
        for note in now.iter().filter(|note| !shown.contains(note)) {
            let notification = shell.app().notification().builder();
            if let Err(error) = notification.title(note.title()).body(note.body()).show() {
                tracing::debug!(%error, "a notification is not shown");
            }
        }
        shown = now;
        if states.changed().await.is_err() {
            return;
        }
    }
}
