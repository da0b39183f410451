//! Microphone and camera: what is taken here and what the others are told of it.

use super::{Engine, Turn};
use crate::command::Command;
use crate::state::Sharing;
use tincan_proto::ControlMessage;

/// How the person has them when a call begins.
pub(super) struct Switches {
    pub microphone: bool,
    pub camera: bool,
    pub paused: bool,
    pub camera_fails: bool,
    pub sharing: Sharing,
}

impl Engine {
    pub(super) fn microphone_switched(&mut self, t: &mut Turn, on: bool) {
        if let Some(call) = self.state.current.as_mut().filter(|call| call.microphone != on) {
            call.microphone = on;
            self.media_changed(t);
        }
    }

    /// The person is told what to do, and the others that it is not their own fault.
    pub(super) fn echo_noticed(&mut self, t: &mut Turn, strong: bool) {
        let Some(call) = self.state.current.as_mut().filter(|call| call.echoing != strong) else {
            return;
        };
        call.echoing = strong;
        for peer in self.joined_peers() {
            if self.link_mut(&peer).is_some_and(|link| link.control_open) {
                let message = ControlMessage::Echoing { strong };
                t.order(Command::SendControl { peer, message });
            }
        }
    }

    pub(super) fn camera_switched(&mut self, t: &mut Turn, on: bool) {
        let Some(call) = &mut self.state.current else { return };
        let before = (call.camera, call.paused, call.sharing.camera_shown);
        call.camera = on;
        call.paused = false;
        // Whoever switches it off does not want it in the screen's place either.
        call.sharing.camera_shown &= on;
        if before != (call.camera, call.paused, call.sharing.camera_shown) {
            self.media_changed(t);
        }
    }

    /// Holds the camera's picture back, or lets it out again. A camera that is off has none.
    pub(super) fn camera_paused(&mut self, t: &mut Turn, on: bool) {
        let Some(call) = &mut self.state.current else { return };
        let pausable = call.camera || call.sharing.camera_shown;
        if pausable && call.paused != on {
            call.paused = on;
            self.media_changed(t);
        }
    }

    /// The camera delivers no longer although it should, or does again. It is not closed for that.
    pub(super) fn camera_noticed(&mut self, t: &mut Turn, fails: bool) {
        let Some(call) = self.state.current.as_mut().filter(|call| call.camera_fails != fails)
        else {
            return;
        };
        let before = call.sent();
        call.camera_fails = fails;
        if call.sent() != before {
            self.tell_media(t);
        }
    }

    pub(super) fn media_changed(&mut self, t: &mut Turn) {
        let Some(call) = &self.state.current else { return };
        let (microphone, picture) = (call.microphone, call.picture());
        t.order(Command::Capture { microphone, picture });
        self.tell_media(t);
    }

    fn tell_media(&mut self, t: &mut Turn) {
        for peer in self.joined_peers() {
            if self.link_mut(&peer).is_some_and(|link| link.control_open) {
                self.say_media(t, &peer);
            }
        }
    }
}
