//! Keys that work while another program has the focus: mute, talk, hang up, share. On X11, macOS and
//! Windows any program may take them; a Wayland desktop hands them on, if it can, once the person
//! has said which.

mod grabbed;
#[cfg(target_os = "linux")]
mod portal;

use crate::shell::{Shell, State};
use serde::Serialize;
use std::sync::Arc;
use tauri_plugin_global_shortcut::Shortcut;
use tincan_client::view::{Intent, ScreenAccessView, ShareView, Shortcuts};
use ts_rs::TS;

/// Who has the last word on keys that work in every program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum ShortcutAccess {
    /// The app takes the keys that are set in it.
    App,
    /// The desktop: it asks the person, and what is set in the app is a proposal.
    Desktop,
    /// No program gets any.
    #[default]
    None,
}

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "ShortcutAction")]
pub enum Deed {
    /// Microphone on or off.
    Mute,
    /// The microphone is turned round while the key is held.
    Talk,
    /// Hang up.
    HangUp,
    /// Share a screen, or stop sharing.
    Share,
}

/// What happens to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Press {
    /// It goes down, or is said to again while it is held.
    Down,
    /// It is let go, or nobody will tell any more when it is.
    Up,
}

impl Deed {
    /// What it asks for in a state; none where it has no meaning.
    fn intent(self, press: Press, state: &State) -> Option<Intent> {
        let snapshot = state.snapshot.as_ref()?;
        let call = snapshot.call.as_ref()?;
        match (self, &call.share) {
            (Self::Talk, _) => Some(Intent::HoldMicrophone { held: press == Press::Down }),
            _ if press == Press::Up => None,
            (Self::Mute, _) => Some(Intent::SetMicrophone { on: !call.microphone.on }),
            (Self::HangUp, _) => Some(Intent::HangUp),
            (Self::Share, ShareView::Starting { .. } | ShareView::Sharing { .. }) => {
                Some(Intent::StopSharing)
            }
            (Self::Share, ShareView::Off) => match snapshot.screens.access {
                ScreenAccessView::SystemDialog => Some(Intent::ShareScreen { target: None }),
                ScreenAccessView::Listed => {
                    let targets = &snapshot.screens.targets;
                    let target = targets.iter().find(|one| one.primary).or(targets.first())?;
                    Some(Intent::ShareScreen { target: Some(target.id.clone()) })
                }
                ScreenAccessView::Unavailable { .. } => None,
            },
        }
    }
}

/// Has the keys that the person has set.
pub async fn follow(shell: Arc<Shell>) {
    #[cfg(target_os = "linux")]
    if shell.on_wayland() || std::env::var("XDG_SESSION_TYPE").as_deref() == Ok("wayland") {
        // Its X server, if it has one, tells of keys only while one of that server's windows has
        // the focus.
        return portal::follow(&shell).await;
    }
    grabbed::follow(shell).await;
}

/// The keys that are wanted in a state.
fn wanted(state: &State) -> Vec<(Shortcut, Deed)> {
    state.settings().map_or(vec![], |settings| keys(&settings.shortcuts))
}

/// Does what a key asks for.
fn pressed(shell: &Shell, deed: Deed, press: Press) {
    if let Some(intent) = deed.intent(press, &shell.state()) {
        shell.dispatch(intent);
    }
}

/// The keys that can be read, each once: the first meaning counts.
fn keys(shortcuts: &Shortcuts) -> Vec<(Shortcut, Deed)> {
    if !shortcuts.enabled {
        return vec![];
    }
    let mut keys: Vec<(Shortcut, Deed)> = Vec::new();
    for (text, deed) in [
        (&shortcuts.mute, Deed::Mute),
        (&shortcuts.talk, Deed::Talk),
        (&shortcuts.hang_up, Deed::HangUp),
        (&shortcuts.share, Deed::Share),
    ] {
        match text.parse::<Shortcut>() {
            Ok(key) if keys.iter().all(|(other, _)| *other != key) => keys.push((key, deed)),
            Ok(_) => tracing::info!(?deed, "this shortcut has a meaning already"),
            Err(_) if text.is_empty() => {}
            Err(error) => tracing::info!(?deed, %error, "not a shortcut"),
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::states::{in_call, online, with};

    fn shortcuts(mute: &str, hang_up: &str, share: &str) -> Shortcuts {
        let (mute, talk) = (mute.into(), "Control+Alt+T".into());
        Shortcuts { enabled: true, mute, talk, hang_up: hang_up.into(), share: share.into() }
    }

    fn deeds(shortcuts: &Shortcuts) -> Vec<Deed> {
        keys(shortcuts).into_iter().map(|(_, deed)| deed).collect()
    }

    #[test]
    fn keys_are_read_as_people_see_them() {
        let read = shortcuts("Control+Shift+M", "Control+Alt+KeyH", "Super+F12");
        assert_eq!(deeds(&read), [Deed::Mute, Deed::Talk, Deed::HangUp, Deed::Share]);
        assert_eq!(deeds(&Shortcuts { enabled: false, ..read.clone() }), []);
        let without = Shortcuts { talk: String::new(), ..read };
        assert_eq!(deeds(&without), [Deed::Mute, Deed::HangUp, Deed::Share]);
        assert_eq!(deeds(&shortcuts("", "nonsense+Q", "Control+S")), [Deed::Talk, Deed::Share]);
    }

    #[test]
    fn a_key_has_one_meaning() {
        let twice = shortcuts("Control+Shift+M", "Shift+Control+M", "");
        assert_eq!(deeds(&twice), [Deed::Mute, Deed::Talk]);
    }

    #[test]
    fn keys_mean_nothing_without_a_call() {
        for deed in [Deed::Mute, Deed::Talk, Deed::HangUp, Deed::Share] {
            assert_eq!(deed.intent(Press::Down, &online()), None);
        }
    }

    #[test]
    fn mute_turns_the_microphone_and_share_starts_and_stops() {
        let muted = in_call(|call| call.microphone.on = false);
        assert_eq!(
            Deed::Mute.intent(Press::Down, &muted),
            Some(Intent::SetMicrophone { on: true })
        );
        let asks = with(in_call(|_| ()), |snapshot| {
            snapshot.screens.access = ScreenAccessView::SystemDialog;
        });
        let shares = Deed::Share.intent(Press::Down, &asks);
        assert_eq!(shares, Some(Intent::ShareScreen { target: None }));
        let sharing = in_call(|call| call.share = ShareView::Starting { target: None });
        assert_eq!(Deed::Share.intent(Press::Down, &sharing), Some(Intent::StopSharing));
    }
    #[test]
    fn only_talking_ends_when_its_key_is_let_go() {
        let call = in_call(|_| ());
        for held in [true, false] {
            let press = if held { Press::Down } else { Press::Up };
            assert_eq!(Deed::Talk.intent(press, &call), Some(Intent::HoldMicrophone { held }));
        }
        for deed in [Deed::Mute, Deed::HangUp, Deed::Share] {
            assert_eq!(deed.intent(Press::Up, &call), None);
        }
    }
}
