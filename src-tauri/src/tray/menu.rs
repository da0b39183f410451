//! What the tray's menu says in each state, and what its items do. Pure: a menu is data.

use crate::shell::State;
use std::fmt;
use tincan_client::view::{
    CallView, Intent, PhaseView, ScreenAccessView, ScreenKind, ScreenView, ScreensView,
    SessionView, ShareView, Snapshot,
};
use tincan_proto::CallId;
use tincan_proto::signalling::CallMedia;
use tincan_proto::units::UnixMillis;

/// Longer titles of windows are cut.
const TITLE_CHARS: usize = 48;

/// The menu, item by item.
pub type Menu = Vec<Item>;

/// An item.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// Says something and does nothing.
    Label(String),
    /// A line between groups.
    Line,
    /// Does something.
    Button(String, Action),
    /// Does something, and has a tick if the flag is set.
    Check(String, bool, Action),
    /// Opens another menu.
    Submenu(String, Menu),
}

/// What an item does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Take a ringing call.
    Answer(CallId, CallMedia),
    /// Decline it.
    Decline(CallId),
    /// Microphone on or off.
    Microphone(bool),
    /// Camera on or off.
    Camera(bool),
    /// Share a monitor or window; none: the system's dialog asks which.
    Share(Option<String>),
    /// Stop that.
    StopSharing,
    /// End the call.
    HangUp,
    /// Whether calls may disturb.
    DoNotDisturb(bool),
    /// Show the main window.
    Open,
    /// End the app.
    Quit,
}

impl fmt::Display for Action {
    /// A name of its own for each item that can stand in a menu at a time. It does not tell on
    /// from off, so that a click on what is just changing still finds its item.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(call, _) => write!(f, "answer/{call}"),
            Self::Decline(call) => write!(f, "decline/{call}"),
            Self::Microphone(_) => f.write_str("microphone"),
            Self::Camera(_) => f.write_str("camera"),
            Self::Share(Some(target)) => write!(f, "share/{target}"),
            Self::Share(None) => f.write_str("share"),
            Self::StopSharing => f.write_str("stop-sharing"),
            Self::HangUp => f.write_str("hang-up"),
            Self::DoNotDisturb(_) => f.write_str("do-not-disturb"),
            Self::Open => f.write_str("open"),
            Self::Quit => f.write_str("quit"),
        }
    }
}

/// The menu for a state at a time.
pub fn menu_for(state: &State, now: UnixMillis) -> Menu {
    let mut menu = Vec::new();
    if let Some(snapshot) = &state.snapshot {
        menu.push(Item::Label(state_line(snapshot, now)));
        let several = snapshot.incoming.len() > 1;
        for incoming in &snapshot.incoming {
            let whose = if several { format!(" {}", incoming.from) } else { String::new() };
            let answer = Action::Answer(incoming.call, incoming.media);
            menu.push(Item::Button(format!("Answer{whose}"), answer));
            menu.push(Item::Button(format!("Decline{whose}"), Action::Decline(incoming.call)));
        }
        if let Some(call) = &snapshot.call {
            menu.push(Item::Line);
            call_items(call, &snapshot.screens, &mut menu);
        }
        menu.push(Item::Line);
        let quiet = snapshot.settings.do_not_disturb;
        menu.push(Item::Check("Do not disturb".into(), quiet, Action::DoNotDisturb(!quiet)));
    }
    menu.push(Item::Button("Open Tincan".into(), Action::Open));
    menu.push(Item::Button("Quit".into(), Action::Quit));
    menu
}

fn state_line(snapshot: &Snapshot, now: UnixMillis) -> String {
    if let Some(call) = &snapshot.call {
        return call_line(call, now);
    }
    match &snapshot.incoming[..] {
        [] => match &snapshot.session {
            SessionView::SignedOut { .. } => "Not signed in".into(),
            SessionView::SigningIn { .. } => "Signing in…".into(),
            SessionView::Online { name, .. } => format!("Signed in as {name}"),
            SessionView::Offline { .. } => "Not connected to the server".into(),
        },
        [one] => format!("{} is calling", one.from),
        several => format!("{} people are calling", several.len()),
    }
}

fn call_line(call: &CallView, now: UnixMillis) -> String {
    let names: Vec<&str> = call.participants.iter().map(|p| p.account.as_str()).collect();
    let names = names.join(", ");
    match &call.phase {
        PhaseView::Calling | PhaseView::Ringing => format!("Calling {names}…"),
        PhaseView::Connecting => format!("Connecting to {names}…"),
        PhaseView::Reconnecting { .. } => format!("Reconnecting to {names}…"),
        PhaseView::Connected => match call.connected_at {
            Some(since) => format!("{names} · {}", talked(since, now)),
            None => names,
        },
    }
}

/// In minutes: an open menu does not count seconds.
fn talked(since: UnixMillis, now: UnixMillis) -> String {
    let minutes = now.0.saturating_sub(since.0) / 60_000;
    match (minutes / 60, minutes % 60) {
        (0, 0) => "less than a minute".into(),
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

fn call_items(call: &CallView, screens: &ScreensView, menu: &mut Menu) {
    let muted = !call.microphone.on;
    menu.push(Item::Check("Mute".into(), muted, Action::Microphone(muted)));
    // One that is paused is switched on again.
    let camera = call.camera.on && !call.paused;
    menu.push(Item::Check("Camera".into(), camera, Action::Camera(!camera)));
    match &call.share {
        ShareView::Off => {
            if call.connected_at.is_some() {
                menu.push(share_item(screens));
            }
        }
        ShareView::Starting { .. } => {
            menu.push(Item::Button("Stop sharing".into(), Action::StopSharing));
        }
        ShareView::Sharing { name, .. } => {
            let text = format!("Stop sharing {}", shortened(name));
            menu.push(Item::Button(text, Action::StopSharing));
        }
    }
    menu.push(Item::Button("Hang up".into(), Action::HangUp));
}

fn share_item(screens: &ScreensView) -> Item {
    let items = match &screens.access {
        ScreenAccessView::SystemDialog => {
            let mut items = targets(&screens.targets);
            items.push(Item::Button("Choose…".into(), Action::Share(None)));
            items
        }
        ScreenAccessView::Unavailable { .. } => {
            vec![Item::Label("This desktop does not let the screen be shared".into())]
        }
        ScreenAccessView::Listed if screens.targets.is_empty() => {
            vec![Item::Label("Nothing to share".into())]
        }
        ScreenAccessView::Listed => targets(&screens.targets),
    };
    Item::Submenu("Share screen".into(), items)
}

/// Monitors first, then windows.
fn targets(targets: &[ScreenView]) -> Menu {
    let of = |kind: ScreenKind| {
        targets.iter().filter(move |target| target.kind == kind).map(|target| {
            Item::Button(shortened(&target.name), Action::Share(Some(target.id.clone())))
        })
    };
    let mut menu: Menu = of(ScreenKind::Monitor).collect();
    let windows: Menu = of(ScreenKind::Window).collect();
    if !menu.is_empty() && !windows.is_empty() {
        menu.push(Item::Line);
    }
    menu.extend(windows);
    menu
}

fn shortened(title: &str) -> String {
    match title.char_indices().nth(TITLE_CHARS) {
        Some((end, _)) => format!("{}…", title[..end].trim_end()),
        None => title.to_owned(),
    }
}

impl Action {
    /// What it asks of the controller; none if the shell does it itself.
    pub fn intent(&self, snapshot: &Snapshot) -> Option<Intent> {
        Some(match self {
            Self::Answer(call, media) => Intent::Accept { call: *call, media: *media },
            Self::Decline(call) => Intent::Decline { call: *call },
            Self::Microphone(on) => Intent::SetMicrophone { on: *on },
            Self::Camera(on) => Intent::SetCamera { on: *on },
            Self::Share(target) => Intent::ShareScreen { target: target.clone() },
            Self::StopSharing => Intent::StopSharing,
            Self::HangUp => Intent::HangUp,
            Self::DoNotDisturb(on) => {
                let mut settings = snapshot.settings.clone();
                settings.do_not_disturb = *on;
                Intent::UpdateSettings { settings }
            }
            Self::Open | Self::Quit => return None,
        })
    }
}

/// The action of this name in a menu.
pub fn find<'a>(menu: &'a [Item], name: &str) -> Option<&'a Action> {
    menu.iter().find_map(|item| match item {
        Item::Button(_, action) | Item::Check(_, _, action) => {
            (action.to_string() == name).then_some(action)
        }
        Item::Submenu(_, items) => find(items, name),
        Item::Label(_) | Item::Line => None,
    })
}

/// Whether two menus have the same items, whatever these say: then texts and ticks are changed
/// in place, and a menu that is open stays open.
pub fn same_items(one: &[Item], other: &[Item]) -> bool {
    let same = |(one, other): (&Item, &Item)| match (one, other) {
        (Item::Label(_), Item::Label(_)) | (Item::Line, Item::Line) => true,
        (Item::Button(_, one), Item::Button(_, other))
        | (Item::Check(_, _, one), Item::Check(_, _, other)) => {
            one.to_string() == other.to_string()
        }
        (Item::Submenu(_, one), Item::Submenu(_, other)) => same_items(one, other),
        _ => false,
    };
    one.len() == other.len() && one.iter().zip(other).all(same)
}

#[cfg(test)]
mod tests;
