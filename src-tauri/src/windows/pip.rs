//! Picture-in-picture: a small window above the others with what the other side sends. It comes
//! when asked for, or by itself when the person puts the main window away during a call.

use super::placement::Placements;
use super::{Corner, in_corner};
use crate::shell::{Shell, State};
use serde::Serialize;
use std::sync::Arc;
use tauri::{
    LogicalSize, Manager, WebviewUrl, WebviewWindow, WebviewWindowBuilder, Window, WindowEvent,
};
use tokio::sync::mpsc;

/// Its label.
pub const LABEL: &str = "pip";
/// Requests that wait: a person makes one at a time.
pub const REQUESTS: usize = 8;

const SIZE: LogicalSize<f64> = LogicalSize::new(320.0, 180.0);
const SMALLEST: LogicalSize<f64> = LogicalSize::new(200.0, 112.0);

/// What a person asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It is to come.
    Open,
    /// It is to go.
    Close,
}

/// The event `pip`: all windows hear that it has come or gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PipView {
    /// It is there.
    pub open: bool,
}

/// Shows the window when it is to be there.
pub async fn follow(shell: Arc<Shell>, mut requests: mpsc::Receiver<Asked>) {
    let mut states = shell.follow();
    let mut policy = Policy::default();
    let mut asked = None;
    loop {
        let state = states.borrow_and_update().clone();
        if state.closing {
            return;
        }
        let window = shell.app().get_webview_window(LABEL);
        match (policy.step(Facts::of(&state), asked.take()), window) {
            (true, None) => match open(&shell) {
                Ok(()) => shell.emit("pip", &PipView { open: true }),
                Err(error) => {
                    tracing::warn!(%error, "there is no picture-in-picture");
                    policy.open = false;
                }
            },
            (false, Some(window)) => {
                close(&window);
                shell.emit("pip", &PipView { open: false });
            }
            (true, Some(_)) | (false, None) => {}
        }
        tokio::select! {
            changed = states.changed() => if changed.is_err() { return },
            request = requests.recv() => asked = request,
        }
    }
}

/// What it depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Facts {
    /// There is a call that has been connected.
    talking: bool,
    /// The main window is minimised or closed.
    away: bool,
    /// The person wants it to come by itself then.
    by_itself: bool,
}

impl Facts {
    fn of(state: &State) -> Self {
        Self {
            talking: state.talking(),
            away: state.main.away(),
            by_itself: state.settings().is_some_and(|settings| settings.pip_on_minimise),
        }
    }
}

/// Whether it is to be there.
#[derive(Debug, Default)]
struct Policy {
    open: bool,
    away: bool,
    left_alone: bool,
}

impl Policy {
    fn step(&mut self, facts: Facts, asked: Option<Asked>) -> bool {
        let left_alone = facts.talking && facts.away;
        if left_alone && !self.left_alone && facts.by_itself {
            self.open = true;
        }
        // The person is back.
        if self.away && !facts.away {
            self.open = false;
        }
        match asked {
            Some(Asked::Open) => self.open = true,
            Some(Asked::Close) => self.open = false,
            None => {}
        }
        self.open &= facts.talking;
        self.away = facts.away;
        self.left_alone = left_alone;
        self.open
    }
}

fn open(shell: &Shell) -> tauri::Result<()> {
    let app = shell.app();
    let mut builder = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::default())
        .title("Tincan picture-in-picture")
        .inner_size(SIZE.width, SIZE.height)
        .min_inner_size(SMALLEST.width, SMALLEST.height)
        .decorations(false)
        .always_on_top(true)
        .visible_on_all_workspaces(true)
        .skip_taskbar(true)
        .focused(false);
    if let Some(place) = in_corner(app, Corner::BottomRight, SIZE) {
        builder = builder.position(place.x, place.y);
    }
    let window = builder.build()?;
    if let Some(placements) = app.try_state::<Placements>() {
        placements.restore(&window);
    }
    Ok(())
}

fn close(window: &WebviewWindow) {
    if let Some(placements) = window.try_state::<Placements>() {
        placements.keep(window);
    }
    if let Err(error) = window.destroy() {
        tracing::debug!(%error, "picture-in-picture stays");
    }
}

/// Closed by the desktop, it is closed in order, so that its place is kept.
pub fn on_event(window: &Window, event: &WindowEvent) {
    let WindowEvent::CloseRequested { api, .. } = event else { return };
    if let Some(shell) = window.try_state::<Arc<Shell>>() {
        api.prevent_close();
        shell.ask_pip(Asked::Close);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Facts = Facts { talking: false, away: false, by_itself: true };
    const TALKING: Facts = Facts { talking: true, ..IDLE };
    const AWAY: Facts = Facts { away: true, ..TALKING };

    #[test]
    fn it_comes_when_the_window_is_put_away_in_a_call_and_goes_on_return() {
        let mut policy = Policy::default();
        assert!(!policy.step(TALKING, None));
        assert!(policy.step(AWAY, None));
        assert!(policy.step(AWAY, None));
        assert!(!policy.step(TALKING, None));
    }

    #[test]
    fn it_comes_when_a_call_connects_while_the_window_is_away() {
        let mut policy = Policy::default();
        assert!(!policy.step(Facts { away: true, ..IDLE }, None));
        assert!(policy.step(AWAY, None));
    }

    #[test]
    fn it_stays_away_if_the_person_wants_it_so() {
        let mut policy = Policy::default();
        assert!(!policy.step(Facts { by_itself: false, ..TALKING }, None));
        assert!(!policy.step(Facts { by_itself: false, ..AWAY }, None));
        assert!(policy.step(Facts { by_itself: false, ..AWAY }, Some(Asked::Open)));
    }

    #[test]
    fn put_away_by_hand_it_does_not_come_back_by_itself() {
        let mut policy = Policy::default();
        assert!(policy.step(AWAY, None));
        assert!(!policy.step(AWAY, Some(Asked::Close)));
        assert!(!policy.step(AWAY, None));
        assert!(!policy.step(TALKING, None));
        assert!(policy.step(AWAY, None), "put away again");
    }

    #[test]
    fn asked_for_by_hand_it_stays_beside_the_main_window_until_the_call_ends() {
        let mut policy = Policy::default();
        assert!(policy.step(TALKING, Some(Asked::Open)));
        assert!(policy.step(TALKING, None));
        assert!(!policy.step(IDLE, None));
        assert!(!policy.step(TALKING, None), "another call");
    }

    #[test]
    fn without_a_call_there_is_nothing_to_show() {
        let mut policy = Policy::default();
        assert!(!policy.step(IDLE, Some(Asked::Open)));
        assert!(!policy.step(TALKING, None));
    }
}
