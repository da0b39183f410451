//! The tray icon and its menu. What they show follows from the state; this brings the desktop's
//! icon up to it with as few changes as that takes.

pub mod host;
mod icon;
mod menu;

use crate::shell::Shell;
use crate::windows::main;
use icon::{Sign, sign_for};
use menu::{Action, Item, Menu, find, menu_for, same_items};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tauri::image::Image;
use tauri::menu::{
    CheckMenuItem, CheckMenuItemBuilder, IsMenuItem, MenuBuilder, MenuItem, MenuItemBuilder,
    PredefinedMenuItem, Submenu, SubmenuBuilder,
};
use tauri::tray::{TrayIcon, TrayIconBuilder};
use tauri::{AppHandle, Wry};
use tincan_proto::units::UnixMillis;

/// How often the time in the menu is looked at.
const CLOCK: Duration = Duration::from_secs(20);
/// Makes the icon. On the main thread.
///
/// # Errors
/// In words, if this desktop cannot have one at all.
pub fn begin(shell: &Arc<Shell>, id: &str, folder: &Path) -> Result<Tray, String> {
    let plain = tauri::include_image!("icons/128x128.png");
    let shown = Mutex::new(Shown { menu: Vec::new(), sign: Sign::Idle, items: vec![] });
    let clicks = Arc::downgrade(shell);
    let build = || {
        TrayIconBuilder::with_id(id)
            .icon(plain.clone())
            .tooltip("Tincan")
            // Icons of other profiles and users are none of ours.
            .temp_dir_path(folder)
            .show_menu_on_left_click(true)
            .on_menu_event(move |_, event| {
                let Some(shell) = clicks.upgrade() else { return };
                // What the item does by now: the desktop may show an older menu.
                let menu = menu_for(&shell.state(), now());
                if let Some(action) = find(&menu, event.id().as_ref()) {
                    carry_out(&shell, action);
                }
            })
            .build(shell.app())
    };
    // The library behind it panics where the desktop's own library is not installed.
    let built = std::panic::catch_unwind(std::panic::AssertUnwindSafe(build));
    let icon = built.map_err(|_| "libayatana-appindicator is not installed".to_owned())?;
    Ok(Tray { icon: icon.map_err(|error| error.to_string())?, plain, shown })
}

/// The icon on the desktop.
pub struct Tray {
    icon: TrayIcon,
    plain: Image<'static>,
    shown: Mutex<Shown>,
}

/// What the desktop has been told.
struct Shown {
    menu: Menu,
    sign: Sign,
    items: Vec<Handle>,
}

/// An item that stands in the desktop's menu.
enum Handle {
    Label(MenuItem<Wry>),
    Line(PredefinedMenuItem<Wry>),
    Button(MenuItem<Wry>),
    Check(CheckMenuItem<Wry>),
    Submenu(Submenu<Wry>, Vec<Handle>),
}

/// Keeps the icon true to the state.
pub async fn follow(shell: Arc<Shell>, tray: Tray) {
    let tray = Arc::new(tray);
    let mut states = shell.follow();
    let mut clock = tokio::time::interval(CLOCK);
    loop {
        let state = states.borrow_and_update().clone();
        if state.closing {
            return;
        }
        let (menu, sign) = (menu_for(&state, now()), sign_for(&state));
        let changed = {
            let shown = tray.shown.lock().unwrap_or_else(PoisonError::into_inner);
            shown.menu != menu || shown.sign != sign
        };
        if changed {
            let (app, tray) = (shell.app().clone(), tray.clone());
            let told = shell.app().run_on_main_thread(move || tray.show(&app, menu, sign));
            if let Err(error) = told {
                tracing::debug!(%error, "the tray is not told");
            }
        }
        tokio::select! {
            changed = states.changed() => if changed.is_err() { return },
            _ = clock.tick() => {}
        }
    }
}

fn now() -> UnixMillis {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(now.as_millis() as u64)
}

fn carry_out(shell: &Shell, action: &Action) {
    tracing::info!(%action, "chosen in the tray");
    match action {
        Action::Open => main::show(shell, None),
        Action::Quit => shell.app().exit(0),
        Action::Answer(..)
        | Action::Decline(_)
        | Action::Microphone(_)
        | Action::Camera(_)
        | Action::Share(_)
        | Action::StopSharing
        | Action::HangUp
        | Action::DoNotDisturb(_) => {
            let snapshot = shell.state().snapshot;
            if let Some(intent) = snapshot.and_then(|snapshot| action.intent(&snapshot)) {
                shell.dispatch(intent);
            }
        }
    }
}

impl Tray {
    fn show(&self, app: &AppHandle, menu: Menu, sign: Sign) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let told = if same_items(&shown.menu, &menu) {
            // A click has toggled the tick already, whatever becomes of it: all are set anew.
            update(&shown.items, &menu)
        } else {
            self.rebuild(app, &menu).map(|items| shown.items = items)
        };
        if let Err(error) = told {
            tracing::debug!(%error, "the tray's menu is not as it should be");
        }
        shown.menu = menu;
        if shown.sign != sign {
            if let Err(error) = self.icon.set_icon(Some(sign.on(&self.plain))) {
                tracing::debug!(%error, "the tray's icon is not as it should be");
            }
            shown.sign = sign;
        }
    }

    fn rebuild(&self, app: &AppHandle, menu: &[Item]) -> tauri::Result<Vec<Handle>> {
        let items = build(app, menu)?;
        let parts: Vec<&dyn IsMenuItem<Wry>> = items.iter().map(Handle::part).collect();
        self.icon.set_menu(Some(MenuBuilder::new(app).items(&parts).build()?))?;
        Ok(items)
    }
}

fn build(app: &AppHandle, menu: &[Item]) -> tauri::Result<Vec<Handle>> {
    let one = |item: &Item| {
        Ok(match item {
            Item::Label(text) => {
                Handle::Label(MenuItemBuilder::new(escaped(text)).enabled(false).build(app)?)
            }
            Item::Line => Handle::Line(PredefinedMenuItem::separator(app)?),
            Item::Button(text, action) => Handle::Button(
                MenuItemBuilder::with_id(action.to_string(), escaped(text)).build(app)?,
            ),
            Item::Check(text, on, action) => Handle::Check(
                CheckMenuItemBuilder::with_id(action.to_string(), escaped(text))
                    .checked(*on)
                    .build(app)?,
            ),
            Item::Submenu(text, items) => {
                let items = build(app, items)?;
                let parts: Vec<&dyn IsMenuItem<Wry>> = items.iter().map(Handle::part).collect();
                let submenu = SubmenuBuilder::new(app, escaped(text)).items(&parts).build()?;
                Handle::Submenu(submenu, items)
            }
        })
    };
    menu.iter().map(one).collect()
}

fn update(handles: &[Handle], menu: &[Item]) -> tauri::Result<()> {
    for (handle, item) in handles.iter().zip(menu) {
        match (handle, item) {
            (Handle::Label(handle), Item::Label(text))
            | (Handle::Button(handle), Item::Button(text, _)) => handle.set_text(escaped(text))?,
            (Handle::Check(handle), Item::Check(text, on, _)) => {
                handle.set_text(escaped(text))?;
                handle.set_checked(*on)?;
            }
            (Handle::Submenu(handle, handles), Item::Submenu(text, items)) => {
                handle.set_text(escaped(text))?;
                update(handles, items)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// `&` alone marks a key in the menu's language.
fn escaped(text: &str) -> String {
    text.replace('&', "&&")
}

impl Handle {
    fn part(&self) -> &dyn IsMenuItem<Wry> {
        match self {
            Self::Label(item) | Self::Button(item) => item,
            Self::Line(item) => item,
            Self::Check(item) => item,
            Self::Submenu(item, _) => item,
        }
    }
}
