//! The small window of a ringing call: for desktops whose notifications have no buttons. It
//! takes no focus from what the person is doing.

use super::{Corner, in_corner};
use crate::shell::{Shell, State};
use std::sync::Arc;
use tauri::{LogicalSize, Manager, WebviewUrl, WebviewWindowBuilder, Window, WindowEvent};
use tincan_proto::CallId;
use tokio::sync::mpsc;

/// Its label.
pub const LABEL: &str = "incoming";

const SIZE: LogicalSize<f64> = LogicalSize::new(360.0, 150.0);

/// The person has put the window away; it goes on ringing.
pub struct PutAway;

/// Shows the window while a call rings.
pub async fn follow(shell: Arc<Shell>, mut requests: mpsc::Receiver<PutAway>) {
    let mut states = shell.follow();
    let mut put_away: Vec<CallId> = Vec::new();
    loop {
        let state = states.borrow_and_update().clone();
        if state.closing {
            return;
        }
        let window = shell.app().get_webview_window(LABEL);
        match (is_wanted(&state, &put_away), window) {
            (true, None) => {
                if let Err(error) = open(&shell) {
                    tracing::warn!(%error, "a ringing call has no window of its own");
                    put_away = state.ringing();
                }
            }
            (false, Some(window)) => {
                if let Err(error) = window.destroy() {
                    tracing::debug!(%error, "the ringing call's window stays");
                }
            }
            (true, Some(_)) | (false, None) => {}
        }
        tokio::select! {
            changed = states.changed() => if changed.is_err() { return },
            Some(PutAway) = requests.recv() => put_away = state.ringing(),
        }
    }
}

/// While a call rings that was not put away, unless the person sees it in the main window or
/// wants no disturbance.
fn is_wanted(state: &State, put_away: &[CallId]) -> bool {
    let quiet = state.settings().is_none_or(|settings| settings.do_not_disturb);
    let rings = state.ringing().iter().any(|call| !put_away.contains(call));
    rings && !quiet && !state.main.in_front()
}

/// Closed by the desktop, it is put away as by its own key.
pub fn on_event(window: &Window, event: &WindowEvent) {
    let WindowEvent::CloseRequested { api, .. } = event else { return };
    if let Some(requests) = window.try_state::<mpsc::Sender<PutAway>>() {
        api.prevent_close();
        put_away(&requests);
    }
}

/// Has it go; it goes on ringing.
pub fn put_away(requests: &mpsc::Sender<PutAway>) {
    // One that waits already says the same.
    let _ = requests.try_send(PutAway);
}

fn open(shell: &Shell) -> tauri::Result<()> {
    let app = shell.app();
    let mut builder = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::default())
        .title("Incoming call")
        .inner_size(SIZE.width, SIZE.height)
        .decorations(false)
        .resizable(false)
        .always_on_top(true)
        .visible_on_all_workspaces(true)
        .skip_taskbar(true)
        .focused(false);
    if let Some(place) = in_corner(app, Corner::TopRight, SIZE) {
        builder = builder.position(place.x, place.y);
    }
    builder.build().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::states::{call_id, online, ringing, with};
    use crate::windows::main::MainWindow;
    use tincan_proto::signalling::CallMedia;

    const IN_FRONT: MainWindow =
        MainWindow { shown: true, minimised: false, focused: true, closed: false };

    #[test]
    fn it_is_there_while_a_call_rings_that_the_main_window_does_not_show() {
        let state = ringing("bob", CallMedia::Audio);
        assert!(is_wanted(&state, &[]));
        assert!(!is_wanted(&online(), &[]));
        for (main, wanted) in [
            (IN_FRONT, false),
            (MainWindow { focused: false, ..IN_FRONT }, true),
            (MainWindow { minimised: true, ..IN_FRONT }, true),
            (MainWindow { shown: false, ..IN_FRONT }, true),
        ] {
            assert_eq!(is_wanted(&State { main, ..state.clone() }, &[]), wanted, "{main:?}");
        }
    }

    #[test]
    fn put_away_it_stays_away_for_this_call() {
        let state = ringing("bob", CallMedia::Audio);
        assert!(!is_wanted(&state, &[call_id()]));
        assert!(is_wanted(&state, &[CallId::random(&mut rand::rng())]));
    }

    #[test]
    fn it_does_not_disturb_whom_wants_no_disturbance() {
        let state = ringing("bob", CallMedia::Audio);
        let quiet = with(state, |snapshot| snapshot.settings.do_not_disturb = true);
        assert!(!is_wanted(&quiet, &[]));
    }
}
