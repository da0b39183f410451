//! Glare: two people call each other at the same time. The call with the smaller id survives,
//! by the same rule on both sides, and nobody sees more than one call.

use super::switches::Switches;
use super::{Engine, Turn};
use crate::state::{Call, IncomingCall, Stage};
use tincan_proto::ClientMessage;

impl Engine {
    /// True if `ring` comes from the one that this device is calling, and each calls only the
    /// other.
    pub(super) fn is_glare(&self, ring: &IncomingCall) -> bool {
        let Some(call) = self.state.current.as_ref().filter(|call| call.outgoing) else {
            return false;
        };
        let [callee] = call.participants.as_slice() else { return false };
        let sole = self.ongoing.as_ref().is_some_and(|ongoing| ongoing.others.len() == 1);
        let waits = match callee.stage {
            Stage::Invited | Stage::Ringing => true,
            Stage::Connecting { .. }
            | Stage::Connected { .. }
            | Stage::Wavering { .. }
            | Stage::Interrupted { .. } => false,
        };
        sole && waits && callee.account == ring.from.account && ring.to.len() == 1
    }

    /// Decides between the own call and `ring`.
    pub(super) fn settle_glare(&mut self, t: &mut Turn, ring: IncomingCall) {
        let (Some(ongoing), Some(call)) = (&mut self.ongoing, &self.state.current) else { return };
        if call.id < ring.id {
            // The other side cancels theirs as soon as it hears of ours.
            ongoing.rival = Some(ring);
            return;
        }
        let mine = call.id;
        self.send_or_owe(t, ClientMessage::Cancel { call: mine });
        self.take_over(t, ring);
    }

    /// The own call came to nothing: if theirs still rings, that one is taken. True if so.
    pub(super) fn turn_to_rival(&mut self, t: &mut Turn) -> bool {
        let Some(ongoing) = self.ongoing.as_mut().filter(|ongoing| !ongoing.joined) else {
            return false;
        };
        let Some(ring) = ongoing.rival.take().filter(|ring| ring.expires > t.now) else {
            return false;
        };
        self.take_over(t, ring);
        true
    }

    /// Puts `ring` in the place of the own call, accepted and with the switches as they are.
    fn take_over(&mut self, t: &mut Turn, ring: IncomingCall) {
        self.drop_standbys(t, None);
        let Some(call) = self.state.current.take() else { return };
        self.remember_finished(call.id);
        let Call { microphone, camera, paused, camera_fails, sharing, .. } = call;
        self.join(t, ring, Switches { microphone, camera, paused, camera_fails, sharing });
    }
}
