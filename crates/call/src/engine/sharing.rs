//! Sharing a screen: it takes the place of the camera on the one picture track, and gives it back.

use super::{Engine, Turn};
use crate::command::Command;
use crate::state::{ShareId, Sharing};

impl Engine {
    /// Begins another share. The one that runs goes on until the other one delivers.
    pub(super) fn share_pressed(&mut self, t: &mut Turn, target: Option<String>) {
        let Some(call) = &mut self.state.current else { return };
        self.shares = self.shares.wrapping_add(1);
        let share = ShareId(self.shares);
        if let Some(given_up) = call.sharing.opening.replace(share) {
            t.order(Command::CloseScreen { share: given_up });
        }
        t.order(Command::OpenScreen { share, target });
    }

    pub(super) fn stop_sharing(&mut self, t: &mut Turn) {
        if self.close_screens(t) {
            self.media_changed(t);
        }
    }

    pub(super) fn share_camera_switched(&mut self, t: &mut Turn, on: bool) {
        let Some(call) = &mut self.state.current else { return };
        if call.sharing.running.is_some() && call.sharing.camera_shown != on {
            call.sharing.camera_shown = on;
            // Whoever shows it wants to be seen, and whoever takes it away has not paused a thing.
            call.paused &= !on && call.camera;
            self.media_changed(t);
        }
    }

    pub(super) fn share_started(&mut self, t: &mut Turn, share: ShareId) {
        let Some(call) = &mut self.state.current else { return };
        if call.sharing.opening != Some(share) {
            return;
        }
        let began = Sharing { opening: None, running: Some(share), camera_shown: false };
        let before = std::mem::replace(&mut call.sharing, began).running;
        call.paused &= call.camera;
        self.media_changed(t);
        if let Some(share) = before {
            t.order(Command::CloseScreen { share });
        }
    }

    pub(super) fn share_ended(&mut self, t: &mut Turn, share: ShareId) {
        let Some(call) = &mut self.state.current else { return };
        if call.sharing.opening == Some(share) {
            call.sharing.opening = None;
        }
        if call.sharing.running == Some(share) {
            call.sharing.running = None;
            call.sharing.camera_shown = false;
            call.paused &= call.camera;
            self.media_changed(t);
        }
    }

    /// Ends what is shared and what begins to be. True if the picture may be another one now.
    pub(super) fn close_screens(&mut self, t: &mut Turn) -> bool {
        let Some(call) = &mut self.state.current else { return false };
        let Sharing { opening, running, camera_shown: _ } = std::mem::take(&mut call.sharing);
        call.paused &= call.camera;
        for share in opening.into_iter().chain(running) {
            t.order(Command::CloseScreen { share });
        }
        running.is_some()
    }
}
