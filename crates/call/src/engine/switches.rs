//! Microphone and camera: what is taken here and what the others are told of it.

use super::{Engine, Turn};
use crate::command::Command;

impl Engine {
    pub(super) fn microphone_switched(&mut self, t: &mut Turn, on: bool) {
        if let Some(call) = self.state.current.as_mut().filter(|call| call.microphone != on) {
            call.microphone = on;
            self.media_changed(t);
        }
    }

    pub(super) fn camera_switched(&mut self, t: &mut Turn, on: bool) {
        if let Some(call) = self.state.current.as_mut().filter(|call| call.camera != on) {
            call.camera = on;
            self.media_changed(t);
        }
    }

    fn media_changed(&mut self, t: &mut Turn) {
        let Some(call) = &self.state.current else { return };
        let (microphone, camera) = (call.microphone, call.camera);
        t.order(Command::Capture { microphone, camera });
        for peer in self.joined_peers() {
            if self.link_mut(&peer).is_some_and(|link| link.control_open) {
                self.say_media(t, &peer);
            }
        }
    }
}
