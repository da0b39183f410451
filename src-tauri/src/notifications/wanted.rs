//! Which notifications are to be shown, what they say, and what their buttons do.

use crate::shell::State;
use tincan_client::view::Intent;
use tincan_proto::signalling::CallMedia;
use tincan_proto::{AccountName, CallId};

/// A notification by what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A call rings.
    Ringing {
        /// Which.
        call: CallId,
        /// Who calls.
        from: AccountName,
        /// As it is offered.
        media: CallMedia,
    },
    /// Nobody answered a call.
    Missed {
        /// Which.
        call: CallId,
        /// Who called.
        from: AccountName,
        /// As it was offered.
        media: CallMedia,
    },
}

/// What a person can do with a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Button {
    /// Take the call as it is offered.
    Accept,
    /// Decline it.
    Decline,
    /// Call the person who was missed.
    CallBack,
    /// Look at the app: what a click beside the buttons does.
    Open,
}

impl Button {
    /// Its name between the app and the desktop.
    pub fn key(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Decline => "decline",
            Self::CallBack => "call-back",
            // The name that the specification gives to a click on the notification itself.
            Self::Open => "default",
        }
    }

    /// What it says.
    pub fn label(self) -> &'static str {
        match self {
            Self::Accept => "Accept",
            Self::Decline => "Decline",
            Self::CallBack => "Call back",
            Self::Open => "Open",
        }
    }

    /// Whether the person wants to see the app then.
    pub fn opens_app(self) -> bool {
        match self {
            Self::Accept | Self::CallBack | Self::Open => true,
            Self::Decline => false,
        }
    }
}

impl Note {
    /// The line in bold.
    pub fn title(&self) -> String {
        match self {
            Self::Ringing { from, .. } => format!("{from} is calling"),
            Self::Missed { from, .. } => format!("Missed call from {from}"),
        }
    }

    /// The line below.
    pub fn body(&self) -> &'static str {
        match self {
            Self::Ringing { media: CallMedia::Video, .. }
            | Self::Missed { media: CallMedia::Video, .. } => "Video call",
            Self::Ringing { media: CallMedia::Audio, .. }
            | Self::Missed { media: CallMedia::Audio, .. } => "Audio call",
        }
    }

    /// Its buttons, the click beside them last.
    pub fn buttons(&self) -> &'static [Button] {
        match self {
            Self::Ringing { .. } => &[Button::Accept, Button::Decline, Button::Open],
            Self::Missed { .. } => &[Button::CallBack, Button::Open],
        }
    }

    /// The button with this name.
    pub fn button(&self, key: &str) -> Option<Button> {
        self.buttons().iter().copied().find(|button| button.key() == key)
    }

    /// What a button asks of the controller.
    pub fn intent(&self, button: Button) -> Option<Intent> {
        match (self, button) {
            (Self::Ringing { call, media, .. }, Button::Accept) => {
                Some(Intent::Accept { call: *call, media: *media })
            }
            (Self::Ringing { call, .. }, Button::Decline) => Some(Intent::Decline { call: *call }),
            (Self::Missed { from, media, .. }, Button::CallBack) => {
                Some(Intent::Call { to: vec![from.clone()], media: *media })
            }
            (Self::Ringing { .. }, Button::CallBack | Button::Open)
            | (Self::Missed { .. }, Button::Accept | Button::Decline | Button::Open) => None,
        }
    }
}

/// What is to be shown now: nothing when the person wants none, or no disturbance.
pub fn wanted(state: &State) -> Vec<Note> {
    let Some(snapshot) = state.snapshot.as_ref().filter(|_| !state.closing) else { return vec![] };
    if !snapshot.settings.notifications || snapshot.settings.do_not_disturb {
        return vec![];
    }
    let ringing = snapshot.incoming.iter().map(|incoming| Note::Ringing {
        call: incoming.call,
        from: incoming.from.clone(),
        media: incoming.media,
    });
    let missed = state.missed.iter().map(|missed| Note::Missed {
        call: missed.call,
        from: missed.from.clone(),
        media: missed.media,
    });
    ringing.chain(missed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::MissedCall;
    use crate::states::{call_id, name, online, ringing, with};

    #[test]
    fn a_ringing_call_can_be_accepted_as_it_was_offered_or_declined() {
        for (media, body) in [(CallMedia::Audio, "Audio call"), (CallMedia::Video, "Video call")] {
            let notes = wanted(&ringing("bob", media));
            let [note] = &notes[..] else { panic!("{notes:?}") };
            assert_eq!((note.title().as_str(), note.body()), ("bob is calling", body));
            let does = |key| note.intent(note.button(key).expect("a button"));
            assert_eq!(does("accept"), Some(Intent::Accept { call: call_id(), media }));
            assert_eq!(does("decline"), Some(Intent::Decline { call: call_id() }));
            assert_eq!(does("default"), None);
            assert_eq!(note.button("call-back"), None);
        }
    }

    #[test]
    fn a_missed_call_stays_until_the_person_has_looked_and_can_be_returned() {
        let mut state = online();
        let media = CallMedia::Video;
        state.missed = vec![MissedCall { call: call_id(), from: name("bob"), media }];
        let notes = wanted(&state);
        let [note] = &notes[..] else { panic!("{notes:?}") };
        assert_eq!((note.title().as_str(), note.body()), ("Missed call from bob", "Video call"));
        let call = note.intent(note.button("call-back").expect("a button"));
        let back = Intent::Call { to: vec![name("bob")], media };
        assert_eq!(call, Some(back));
        state.missed.clear();
        assert_eq!(wanted(&state), []);
    }

    #[test]
    fn nothing_is_shown_to_whom_wants_no_notifications_or_no_disturbance() {
        let state = ringing("bob", CallMedia::Audio);
        assert_eq!(wanted(&state).len(), 1);
        let quiet = with(state.clone(), |snapshot| snapshot.settings.do_not_disturb = true);
        assert_eq!(wanted(&quiet), []);
        assert_eq!(wanted(&with(state, |snapshot| snapshot.settings.notifications = false)), []);
    }

    #[test]
    fn all_go_when_the_app_ends() {
        let state = State { closing: true, ..ringing("bob", CallMedia::Audio) };
        assert_eq!(wanted(&state), []);
    }
}
