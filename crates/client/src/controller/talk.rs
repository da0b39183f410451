//! What a held key does to the microphone, and what the others are told of its echo.

use super::Controller;
use crate::view::TalkMode;
use tincan_call::Input;

/// The key, and how the microphone was before it was held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeldKey {
    before: Option<bool>,
}

impl HeldKey {
    /// The key is held or let go while the microphone is `on`; returns how it is to be from now on.
    fn hold(&mut self, held: bool, on: bool) -> Option<bool> {
        match (held, self.before) {
            (true, None) => {
                self.before = Some(on);
                Some(!on)
            }
            // Keys repeat while they are held.
            (true, Some(_)) => None,
            (false, _) => self.before.take(),
        }
    }

    /// The microphone was switched otherwise: letting go changes nothing any more.
    pub fn switched(&mut self) {
        self.before = None;
    }
}

impl Controller {
    pub(super) async fn hold_microphone(&mut self, held: bool) {
        let Some(on) = self.calls.state().current.as_ref().map(|call| call.microphone) else {
            return self.talk.switched();
        };
        if let Some(on) = self.talk.hold(held, on) {
            self.step(Input::MicrophoneSwitched { on }).await;
        }
    }

    /// Tells the engine when the others begin or cease to hear themselves by way of here.
    pub(super) async fn watch_echo(&mut self) {
        let strong = self.media.echoing();
        let told = self.calls.state().current.as_ref().map(|call| call.echoing);
        if told.is_some_and(|told| told != strong) {
            self.step(Input::EchoNoticed { strong }).await;
        }
    }

    /// A call is about to begin. Known before it does, the microphone is not open for a moment.
    pub(super) async fn choose_talk(&mut self) {
        self.talk.switched();
        let by_key = self.preferences.settings.talk == TalkMode::WhileHeld;
        self.step(Input::TalkChosen { by_key }).await;
    }

    /// The person wants to talk in another way.
    pub(super) async fn change_talk(&mut self) {
        self.choose_talk().await;
        match self.preferences.settings.talk {
            TalkMode::Open => {}
            TalkMode::WhileHeld => self.step(Input::MicrophoneSwitched { on: false }).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_key_turns_the_microphone_round_and_back() {
        for on in [false, true] {
            let mut key = HeldKey::default();
            assert_eq!(key.hold(true, on), Some(!on));
            assert_eq!(key.hold(true, !on), None, "keys repeat");
            assert_eq!(key.hold(false, !on), Some(on));
            assert_eq!(key.hold(false, on), None, "it was not held");
        }
    }

    #[test]
    fn a_click_while_it_is_held_is_the_last_word() {
        let mut key = HeldKey::default();
        key.hold(true, false);
        key.switched();
        assert_eq!(key.hold(false, true), None);
    }
}
