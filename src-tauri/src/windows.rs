//! The app's windows. All show pages of the same bundle, told apart by their label.

pub mod incoming;
pub mod main;
pub mod pip;
pub mod placement;

use placement::Placements;
use tauri::{AppHandle, LogicalPosition, LogicalSize, Manager, Window, WindowEvent};

/// A corner of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Corner {
    /// Where notifications come.
    TopRight,
    /// Out of the way of what one works on.
    BottomRight,
}

/// How far small windows stay away from the screen's edges.
const MARGIN: f64 = 24.0;

/// Where a small window of this size goes on the first screen; none if there is no telling.
fn in_corner(
    app: &AppHandle,
    corner: Corner,
    size: LogicalSize<f64>,
) -> Option<LogicalPosition<f64>> {
    let main = app.get_webview_window(main::LABEL)?;
    let screen = main.current_monitor().ok().flatten().or(main.primary_monitor().ok().flatten())?;
    let scale = screen.scale_factor();
    let position = screen.work_area().position.to_logical::<f64>(scale);
    let room = screen.work_area().size.to_logical::<f64>(scale);
    let x = position.x + room.width - size.width - MARGIN;
    let y = match corner {
        Corner::TopRight => position.y + MARGIN,
        Corner::BottomRight => position.y + room.height - size.height - MARGIN,
    };
    Some(LogicalPosition::new(x, y))
}

/// Whether the windows are a Wayland compositor's. On the main thread.
#[cfg(target_os = "linux")]
pub fn is_wayland() -> bool {
    use gtk::prelude::DisplayExtManual;
    gtk::gdk::Display::default().is_some_and(|display| display.backend().is_wayland())
}

/// Whether the windows are a Wayland compositor's. On the main thread.
#[cfg(not(target_os = "linux"))]
pub fn is_wayland() -> bool {
    false
}

/// Keeps where the windows stand, for the next time. On the main thread.
pub fn keep_places(app: &AppHandle) {
    let Some(placements) = app.try_state::<Placements>() else { return };
    for label in [main::LABEL, pip::LABEL] {
        if let Some(window) = app.get_webview_window(label)
            && window.is_visible().unwrap_or(false)
        {
            placements.keep(&window);
        }
    }
}

/// What happens to a window.
pub fn on_event(window: &Window, event: &WindowEvent) {
    match window.label() {
        main::LABEL => main::on_event(window, event),
        pip::LABEL => pip::on_event(window, event),
        incoming::LABEL => incoming::on_event(window, event),
        _ => {}
    }
}
