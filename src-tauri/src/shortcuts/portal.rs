//! Keys that the desktop hands on (XDG desktop portal, `GlobalShortcuts` version 1): it asks the
//! person, keeps the answer, and tells when one is pressed and let go.

use super::{Deed, Press, ShortcutAccess, pressed, wanted};
use crate::shell::{Shell, State};
use ashpd::desktop::Session;
use ashpd::desktop::global_shortcuts::{GlobalShortcuts, NewShortcut};
use ashpd::zbus::Connection;
use futures_util::{Stream, StreamExt as _, stream};
use std::future::pending;
use std::time::Duration;
use tauri_plugin_global_shortcut::{Modifiers, Shortcut};
use tokio::sync::watch;

/// What the desktop knows the app by: the name of its desktop file.
const APP: &str = "org.tincan.Tincan";
/// A portal that does not close a session by then has gone, and the session with it.
const CLOSING: Duration = Duration::from_secs(1);

impl Deed {
    const ALL: [Self; 4] = [Self::Mute, Self::Talk, Self::HangUp, Self::Share];

    /// Under which the portal keeps it.
    fn id(self) -> &'static str {
        match self {
            Self::Mute => "mute",
            Self::Talk => "talk",
            Self::HangUp => "hang-up",
            Self::Share => "share",
        }
    }

    /// What the desktop's dialog says of it.
    fn description(self) -> &'static str {
        match self {
            Self::Mute => "Mute or unmute the microphone in a call",
            Self::Talk => "Talk in a call while the keys are held",
            Self::HangUp => "Hang up",
            Self::Share => "Share the screen, or stop sharing",
        }
    }
}

/// Proposes the keys that the person has set, and does what those do that the desktop hands on.
pub async fn follow(shell: &Shell) {
    if let Err(error) = attend(shell).await {
        tracing::info!(%error, "this desktop hands no shortcuts on");
        shell.change(|state| state.shortcuts = ShortcutAccess::None);
    }
}

async fn attend(shell: &Shell) -> ashpd::Result<()> {
    let connection = Connection::session().await?;
    let portal = GlobalShortcuts::with_connection(connection.clone()).await?;
    // Where the portal has none, only this is refused.
    portal.get_property::<u32>("version").await?;
    shell.change(|state| state.shortcuts = ShortcutAccess::Desktop);
    let mut states = shell.follow();
    loop {
        let state = states.borrow_and_update().clone();
        if state.closing {
            return Ok(());
        }
        let keys = wanted(&state);
        if keys.is_empty() {
            another(&mut states, &keys).await;
            continue;
        }
        let mut owners = portal.receive_owner_changed().await?;
        introduce(&connection).await;
        let begun = portal.create_session(Default::default()).await;
        tokio::select! {
            () = hear(shell, &portal, begun.as_ref(), &keys) => {}
            () = another(&mut states, &keys) => {}
            // The portal has been started anew, and has forgotten the session.
            Some(Some(_)) = owners.next() => {}
        }
        if keys.iter().any(|(_, deed)| *deed == Deed::Talk) {
            // It may be held now, and nobody tells any more when it is let go.
            pressed(shell, Deed::Talk, Press::Up);
        }
        if let Ok(session) = begun
            && !matches!(tokio::time::timeout(CLOSING, session.close()).await, Ok(Ok(())))
        {
            tracing::debug!("the portal did not close the session of the shortcuts");
        }
    }
}

/// Portals from 1.20 on are told who asks; older ones do not know the word, and find it out.
async fn introduce(connection: &Connection) {
    let told = match APP.try_into() {
        Ok(app) => ashpd::register_host_app_with_connection(connection.clone(), app).await,
        Err(error) => Err(error),
    };
    if let Err(error) = told {
        tracing::debug!(%error, "the portal takes no name");
    }
}

/// Waits until other keys are wanted, or the app ends.
async fn another(states: &mut watch::Receiver<State>, keys: &[(Shortcut, Deed)]) {
    let other = |state: &State| state.closing || wanted(state) != keys;
    if states.wait_for(other).await.is_err() {
        pending().await
    }
}

/// Has the desktop ask the person, and does what is pressed from then on. Does not end: asking
/// again at once would be a nuisance, so the next change of the settings asks.
async fn hear(
    shell: &Shell,
    portal: &GlobalShortcuts,
    session: Result<&Session<GlobalShortcuts>, &ashpd::Error>,
    keys: &[(Shortcut, Deed)],
) {
    let bound = match session {
        Ok(session) => bind(portal, session, keys).await.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match bound {
        Ok(presses) => {
            futures_util::pin_mut!(presses);
            while let Some((id, press)) = presses.next().await {
                if let Some(deed) = Deed::ALL.into_iter().find(|deed| deed.id() == id) {
                    pressed(shell, deed, press);
                }
            }
        }
        Err(error) => tracing::info!(error, "the desktop hands these shortcuts on to nobody"),
    }
    pending().await
}

async fn bind(
    portal: &GlobalShortcuts,
    session: &Session<GlobalShortcuts>,
    keys: &[(Shortcut, Deed)],
) -> ashpd::Result<impl Stream<Item = (String, Press)> + use<>> {
    let down = portal.receive_activated().await?;
    let down = down.map(|told| (told.shortcut_id().to_owned(), Press::Down));
    let up = portal.receive_deactivated().await?;
    let up = up.map(|told| (told.shortcut_id().to_owned(), Press::Up));
    let proposed: Vec<NewShortcut> = keys
        .iter()
        .map(|(key, deed)| {
            NewShortcut::new(deed.id(), deed.description()).preferred_trigger(trigger(key).as_str())
        })
        .collect();
    let bound = portal.bind_shortcuts(session, &proposed, None, Default::default()).await?;
    for shortcut in bound.response()?.shortcuts() {
        tracing::debug!(id = shortcut.id(), keys = shortcut.trigger_description(), "a shortcut");
    }
    Ok(stream::select(down, up))
}

/// A key as the shortcuts specification of freedesktop.org writes it: modifiers, and the name of a
/// key symbol.
fn trigger(key: &Shortcut) -> String {
    let modifiers = [
        (Modifiers::CONTROL, "CTRL+"),
        (Modifiers::ALT, "ALT+"),
        (Modifiers::SHIFT, "SHIFT+"),
        (Modifiers::SUPER, "LOGO+"),
    ];
    let held = modifiers.iter().filter(|(modifier, _)| key.mods.contains(*modifier));
    let code = key.key.to_string();
    let symbol = match (code.as_str(), code.strip_prefix("Key").or(code.strip_prefix("Digit"))) {
        (_, Some(plain)) => plain.to_lowercase(),
        ("Space", _) => "space".to_owned(),
        ("Enter", _) => "Return".to_owned(),
        (other, _) => other.strip_prefix("Arrow").unwrap_or(other).to_owned(),
    };
    held.map(|(_, name)| *name).chain([symbol.as_str()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_proposed_as_the_specification_writes_them() {
        for (ours, theirs) in [
            ("Control+Shift+M", "CTRL+SHIFT+m"),
            ("Alt+Super+Digit1", "ALT+LOGO+1"),
            ("F12", "F12"),
            ("Control+ArrowUp", "CTRL+Up"),
            ("Super+Space", "LOGO+space"),
        ] {
            assert_eq!(trigger(&ours.parse().expect("a shortcut")), theirs);
        }
    }
}
