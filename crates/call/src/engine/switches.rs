//! Microphone and camera: what is taken here and what the others are told of it.

use super::{Engine, Turn};
use crate::command::Command;
use crate::state::PeerKey;
use tincan_proto::ControlMessage;

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

    fn media_changed(&self, t: &mut Turn) {
        let (Some(ongoing), Some(call)) = (&self.ongoing, &self.state.current) else { return };
        let (microphone, camera) = (call.microphone, call.camera);
        t.order(Command::Capture { microphone, camera });
        for link in ongoing.links.values().filter(|link| link.control_open) {
            t.order(Command::SendControl {
                peer: PeerKey { call: call.id, participant: link.participant.clone() },
                message: ControlMessage::Media { microphone, camera },
            });
        }
    }
}
