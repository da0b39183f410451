//! Keys that work while another program has the focus: mute, hang up, share. On X11, macOS and
//! Windows any program may have them; a Wayland compositor gives them to none, and then the
//! about page says so.

use crate::shell::{Shell, State};
use std::sync::Arc;
use tauri::{AppHandle, Wry};
use tauri_plugin_global_shortcut::{GlobalShortcutExt, Shortcut, ShortcutState};
use tincan_client::view::{Intent, ScreenAccessView, ShareView, Shortcuts};

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Mute,
    HangUp,
    Share,
}

impl Deed {
    /// What it asks for in a state; none where it has no meaning.
    fn intent(self, state: &State) -> Option<Intent> {
        let snapshot = state.snapshot.as_ref()?;
        let call = snapshot.call.as_ref()?;
        match (self, &call.share) {
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

/// Whether this desktop lets programs have such keys.
pub fn are_possible(shell: &Shell) -> bool {
    !shell.on_wayland()
}

/// Has the keys that the person has set.
pub async fn follow(shell: Arc<Shell>) {
    if !are_possible(&shell) {
        return;
    }
    if let Err(error) = shell.app().plugin(tauri_plugin_global_shortcut::Builder::new().build()) {
        tracing::warn!(%error, "there are no shortcuts in other programs");
        return;
    }
    let mut states = shell.follow();
    let mut had: Vec<(Shortcut, Deed)> = Vec::new();
    loop {
        let state = states.borrow_and_update().clone();
        if state.closing {
            return;
        }
        let wanted = state.settings().map_or(vec![], |settings| keys(&settings.shortcuts));
        if wanted != had {
            register(&shell, &wanted);
            had = wanted;
        }
        if states.changed().await.is_err() {
            return;
        }
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

fn register(shell: &Arc<Shell>, wanted: &[(Shortcut, Deed)]) {
    let keys = shell.app().global_shortcut();
    if let Err(error) = keys.unregister_all() {
        tracing::debug!(%error, "old shortcuts stay");
    }
    for (key, deed) in wanted.iter().copied() {
        let pressed = {
            let shell = Arc::downgrade(shell);
            move |_: &AppHandle<Wry>,
                  _: &Shortcut,
                  event: tauri_plugin_global_shortcut::ShortcutEvent| {
                let Some(shell) = shell.upgrade().filter(|_| event.state == ShortcutState::Pressed)
                else {
                    return;
                };
                if let Some(intent) = deed.intent(&shell.state()) {
                    shell.dispatch(intent);
                }
            }
        };
        if let Err(error) = keys.on_shortcut(key, pressed) {
            tracing::info!(%error, ?deed, "another program has this shortcut");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::states::{in_call, online, with};

    fn shortcuts(mute: &str, hang_up: &str, share: &str) -> Shortcuts {
        Shortcuts { enabled: true, mute: mute.into(), hang_up: hang_up.into(), share: share.into() }
    }

    fn deeds(shortcuts: &Shortcuts) -> Vec<Deed> {
        keys(shortcuts).into_iter().map(|(_, deed)| deed).collect()
    }

    #[test]
    fn keys_are_read_as_people_see_them() {
        let read = shortcuts("Control+Shift+M", "Control+Alt+KeyH", "Super+F12");
        assert_eq!(deeds(&read), [Deed::Mute, Deed::HangUp, Deed::Share]);
        assert_eq!(deeds(&Shortcuts { enabled: false, ..read }), []);
        assert_eq!(deeds(&shortcuts("", "nonsense+Q", "Control+S")), [Deed::Share]);
    }

    #[test]
    fn a_key_has_one_meaning() {
        let twice = shortcuts("Control+Shift+M", "Shift+Control+M", "");
        assert_eq!(deeds(&twice), [Deed::Mute]);
    }

    #[test]
    fn keys_mean_nothing_without_a_call() {
        for deed in [Deed::Mute, Deed::HangUp, Deed::Share] {
            assert_eq!(deed.intent(&online()), None);
        }
    }

    #[test]
    fn mute_turns_the_microphone_and_share_starts_and_stops() {
        let muted = in_call(|call| call.microphone.on = false);
        assert_eq!(Deed::Mute.intent(&muted), Some(Intent::SetMicrophone { on: true }));
        let asks = with(in_call(|_| ()), |snapshot| {
            snapshot.screens.access = ScreenAccessView::SystemDialog;
        });
        assert_eq!(Deed::Share.intent(&asks), Some(Intent::ShareScreen { target: None }));
        let sharing = in_call(|call| call.share = ShareView::Starting { target: None });
        assert_eq!(Deed::Share.intent(&sharing), Some(Intent::StopSharing));
    }
}
