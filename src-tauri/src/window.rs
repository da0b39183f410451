//! The window: what it is shown, and when it comes and goes. Closing it during a call hides
//! it and the call goes on; the app ends when neither a window nor a call is left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tauri::{AppHandle, Emitter, Manager, UserAttentionType, Window, WindowEvent};
use tincan_client::ports::{Happening, Ui};
use tincan_client::view::{Levels, Snapshot};

const MAIN: &str = "main";

/// Shows the state in the window.
pub struct WindowUi {
    app: AppHandle,
    in_call: AtomicBool,
    hidden: AtomicBool,
}

impl WindowUi {
    /// For the windows of `app`.
    pub fn new(app: AppHandle) -> Self {
        Self { app, in_call: AtomicBool::new(false), hidden: AtomicBool::new(false) }
    }

    /// Notes how the window decodes pictures.
    pub fn decoder_chosen(&self, webcodecs: bool) {
        if webcodecs {
            tracing::info!("the window decodes pictures itself");
        } else {
            tracing::warn!("the webview has no H.264 decoder: pictures are decoded for it");
        }
    }

    fn emit<T: serde::Serialize + Clone>(&self, event: &str, payload: &T) {
        if let Err(error) = self.app.emit(event, payload) {
            tracing::debug!(%error, event, "the window was not told");
        }
    }
}

impl Ui for WindowUi {
    fn show(&self, snapshot: &Snapshot) {
        self.emit("snapshot", snapshot);
        let in_call = snapshot.call.is_some();
        let was_in_call = self.in_call.swap(in_call, Ordering::AcqRel);
        if was_in_call && !in_call && self.hidden.load(Ordering::Acquire) {
            self.app.exit(0);
        }
    }

    fn show_levels(&self, levels: &Levels) {
        self.emit("levels", levels);
    }

    fn happened(&self, happening: &Happening) {
        match happening {
            Happening::RingStarted { .. } => {
                show(&self.app);
                if let Some(window) = self.app.get_webview_window(MAIN) {
                    let asked = window.request_user_attention(Some(UserAttentionType::Critical));
                    if let Err(error) = asked {
                        tracing::debug!(%error, "the desktop takes no call for attention");
                    }
                }
            }
            Happening::CallMissed { .. } => {}
            Happening::RingStopped { .. } => {
                if let Some(window) = self.app.get_webview_window(MAIN)
                    && let Err(error) = window.request_user_attention(None)
                {
                    tracing::debug!(%error, "the desktop takes no call for attention");
                }
            }
        }
    }
}

/// Brings the window to the front.
pub fn show(app: &AppHandle) {
    if let Some(ui) = app.try_state::<Arc<WindowUi>>() {
        ui.hidden.store(false, Ordering::Release);
    }
    let Some(window) = app.get_webview_window(MAIN) else { return };
    for done in [window.show(), window.unminimize(), window.set_focus()] {
        if let Err(error) = done {
            tracing::debug!(%error, "the window did not come to the front");
        }
    }
}

/// Keeps the app when its window closes during a call.
pub fn on_event(window: &Window, event: &WindowEvent) {
    let WindowEvent::CloseRequested { api, .. } = event else { return };
    let Some(ui) = window.try_state::<Arc<WindowUi>>() else { return };
    if ui.in_call.load(Ordering::Acquire) && window.hide().is_ok() {
        ui.hidden.store(true, Ordering::Release);
        api.prevent_close();
    }
}
