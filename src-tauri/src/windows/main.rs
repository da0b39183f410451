//! The main window: how it stands, when it comes to the front, and whether closing it ends the
//! app or hides it.

use super::placement::Placements;
use crate::shell::{Shell, State};
use std::sync::Arc;
use tauri::{Manager, UserAttentionType, WebviewWindow, Window, WindowEvent};
use tincan_client::view::Intent;

/// Its label.
pub const LABEL: &str = "main";

/// How the main window stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MainWindow {
    /// It is on the desktop, perhaps minimised.
    pub shown: bool,
    /// It is minimised.
    pub minimised: bool,
    /// What is typed goes there.
    pub focused: bool,
    /// The person has closed it and the app went on.
    pub closed: bool,
}

impl MainWindow {
    /// The person has put it away.
    pub fn away(self) -> bool {
        !self.shown || self.minimised
    }

    /// The person looks at it.
    pub fn in_front(self) -> bool {
        self.focused && !self.away()
    }
}

/// Whether the app goes on without its main window: for a call, or in the tray.
fn goes_on(state: &State) -> bool {
    let in_tray = state.settings().is_some_and(|settings| settings.close_to_tray);
    state.busy() || (state.tray_host && in_tray)
}

/// Puts the window where it stood last and, unless `hidden`, shows it. On the main thread.
pub fn begin(shell: &Arc<Shell>, placements: &Placements, hidden: bool) {
    let Some(window) = window(shell) else { return };
    placements.restore(&window);
    watch_minimising(shell, &window);
    if !hidden {
        show(shell, None);
    }
}

/// Shows it when a call is answered, wherever that was done; ends the app when the call ends for
/// which its closed window was only hidden.
pub async fn follow(shell: Arc<Shell>) {
    let mut states = shell.follow();
    let mut was_busy = false;
    let mut rang = Vec::new();
    while states.changed().await.is_ok() {
        let state = states.borrow_and_update().clone();
        if state.closing {
            return;
        }
        unseen(&state).into_iter().for_each(|intent| shell.dispatch(intent));
        let call = state.snapshot.as_ref().and_then(|snapshot| snapshot.call.as_ref());
        if call.is_some_and(|call| rang.contains(&call.call)) && !state.main.in_front() {
            show(&shell, None);
        }
        rang = state.ringing();
        // The tray going away is no reason to end: the desktop's panel may be starting anew.
        if was_busy && !state.busy() && state.main.closed && !goes_on(&state) {
            tracing::info!("the call has ended and there is no window any more");
            shell.app().exit(0);
        }
        was_busy = state.busy();
    }
}

/// What must not go on where nobody sees it: the tests of the settings keep devices open.
fn unseen(state: &State) -> Vec<Intent> {
    let devices = state.snapshot.as_ref().map(|snapshot| &snapshot.devices);
    let Some(devices) = devices.filter(|_| state.main.away()) else { return vec![] };
    let microphone = devices.testing_microphone.then_some(Intent::TestMicrophone { on: false });
    let camera = devices.previewing_camera.then_some(Intent::PreviewCamera { on: false });
    microphone.into_iter().chain(camera).collect()
}

/// Brings it to the front. A desktop that asks for one gets `token`, which tells that the person
/// wanted this.
pub fn show(shell: &Shell, token: Option<String>) {
    let Some(window) = window(shell) else { return };
    give_token(&window, token);
    for done in [window.show(), window.unminimize(), window.set_focus()] {
        if let Err(error) = done {
            tracing::debug!(%error, "the window did not come to the front");
        }
    }
    shell.change(|state| {
        state.main = MainWindow { shown: true, minimised: false, closed: false, ..state.main };
    });
}

/// Marks the window in the desktop's list while a call rings. Focus stays where it is.
pub fn call_for_attention(shell: &Shell, ringing: bool) {
    let Some(window) = window(shell).filter(|_| shell.state().main.shown) else { return };
    let kind = ringing.then_some(UserAttentionType::Critical);
    if let Err(error) = window.request_user_attention(kind) {
        tracing::debug!(%error, "the desktop takes no call for attention");
    }
}

/// What happens to it.
pub fn on_event(window: &Window, event: &WindowEvent) {
    let Some(shell) = window.try_state::<Arc<Shell>>() else { return };
    match event {
        WindowEvent::CloseRequested { api, .. } => {
            // The app decides when it ends: other windows of it may be open.
            api.prevent_close();
            super::keep_places(window.app_handle());
            if goes_on(&shell.state()) && window.hide().is_ok() {
                shell.change(|state| {
                    state.main = MainWindow { closed: true, ..MainWindow::default() };
                });
            } else {
                window.app_handle().exit(0);
            }
        }
        WindowEvent::Focused(focused) => {
            let minimised = window.is_minimized().unwrap_or(false);
            shell.change(|state| {
                state.main.focused = *focused;
                state.main.minimised = minimised;
                if state.main.in_front() {
                    state.missed.clear();
                }
            });
        }
        WindowEvent::Resized(_) => {
            let minimised = window.is_minimized().unwrap_or(false);
            shell.change(|state| state.main.minimised = minimised);
        }
        _ => {}
    }
}

fn window(shell: &Shell) -> Option<WebviewWindow> {
    shell.app().get_webview_window(LABEL)
}

/// GTK tells of minimising, Tauri's events on Linux do not.
#[cfg(target_os = "linux")]
fn watch_minimising(shell: &Arc<Shell>, window: &WebviewWindow) {
    use gtk::gdk::WindowState;
    use gtk::prelude::WidgetExt;
    let Ok(window) = window.gtk_window() else { return };
    let shell = Arc::downgrade(shell);
    window.connect_window_state_event(move |_, event| {
        if let Some(shell) = shell.upgrade() {
            let minimised = event.new_window_state().contains(WindowState::ICONIFIED);
            shell.change(|state| state.main.minimised = minimised);
        }
        gtk::glib::Propagation::Proceed
    });
}

#[cfg(not(target_os = "linux"))]
fn watch_minimising(_: &Arc<Shell>, _: &WebviewWindow) {}

/// Without the token a Wayland compositor only marks the window instead of raising it.
#[cfg(target_os = "linux")]
fn give_token(window: &WebviewWindow, token: Option<String>) {
    use gtk::prelude::GtkWindowExt;
    let Some(token) = token else { return };
    let window = window.clone();
    let app = window.app_handle().clone();
    let given = app.run_on_main_thread(move || {
        if let Ok(window) = window.gtk_window() {
            window.set_startup_id(&token);
        }
    });
    if let Err(error) = given {
        tracing::debug!(%error, "the window does not get its token");
    }
}

#[cfg(not(target_os = "linux"))]
fn give_token(_: &WebviewWindow, _: Option<String>) {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::states::{in_call, online, ringing, with};
    use tincan_proto::signalling::CallMedia;

    #[test]
    fn closing_hides_the_window_during_a_call_or_where_there_is_a_tray() {
        assert!(!goes_on(&online()));
        assert!(goes_on(&in_call(|_| ())));
        assert!(goes_on(&ringing("bob", CallMedia::Audio)));
        assert!(goes_on(&State { tray_host: true, ..online() }));
    }

    #[test]
    fn a_window_that_is_put_away_tests_no_devices() {
        let testing = with(online(), |snapshot| {
            snapshot.devices.testing_microphone = true;
            snapshot.devices.previewing_camera = true;
        });
        let seen = MainWindow { shown: true, ..MainWindow::default() };
        assert_eq!(unseen(&State { main: seen, ..testing.clone() }), []);
        let minimised = MainWindow { minimised: true, ..seen };
        for main in [MainWindow::default(), minimised] {
            let off = [Intent::TestMicrophone { on: false }, Intent::PreviewCamera { on: false }];
            assert_eq!(unseen(&State { main, ..testing.clone() }), off);
            assert_eq!(unseen(&State { main, ..online() }), []);
        }
    }

    #[test]
    fn whom_wants_no_tray_ends_the_app_by_closing_its_window() {
        let state = State { tray_host: true, ..online() };
        assert!(!goes_on(&with(state, |snapshot| snapshot.settings.close_to_tray = false)));
    }
}
