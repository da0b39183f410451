//! Pictures that do not arrive although they are sent: what the watch says is carried out here.

use super::link::Phase;
use super::{Engine, Turn};
use crate::command::Command;
use crate::frame_watch::{Expected, Remedy};
use crate::negotiation::NegotiationInput;
use crate::state::PeerKey;
use tincan_proto::{ControlMessage, View};

impl Engine {
    /// Takes what has come of somebody's picture.
    pub(super) fn watch_frames(
        &mut self,
        t: &mut Turn,
        peer: &PeerKey,
        pictures: u64,
        packets: u64,
    ) {
        if self.is_standby(peer) {
            return;
        }
        let shown = self.shown(&peer.participant.account);
        let sent = shown.filter(|shown| shown.camera).map(|shown| shown.screen);
        let online = self.online;
        let Some(link) = self.link_mut(peer) else { return };
        let hidden = link.told.view == View::Hidden;
        let expected = match (sent, link.phase) {
            (None, _) => Expected::Nothing,
            // They know that nobody looks.
            (Some(_), _) if hidden => Expected::Later,
            (Some(false), Phase::Connected) => Expected::Pictures,
            (Some(true), Phase::Connected) => Expected::Screen,
            (Some(_), Phase::Connecting { .. } | Phase::Wavering { .. })
            | (Some(_), Phase::Interrupted(_)) => Expected::Later,
        };
        match link.watch.observe(t.now, expected, pictures, packets) {
            None => {}
            Some(Remedy::RequestKeyFrame) => {
                t.order(Command::RequestKeyFrame { peer: peer.clone() });
            }
            // Either gives up what stands, which nobody could be offered another for.
            Some(Remedy::Negotiate { .. }) if !online => link.restart_owed = true,
            Some(Remedy::Negotiate { packets: true }) => self.renew(t, peer),
            Some(Remedy::Negotiate { packets: false }) => {
                self.negotiate(t, peer, NegotiationInput::Needed { ice_restart: true });
            }
            Some(Remedy::Tell) => self.tell_picture(t, peer, true),
            Some(Remedy::Withdraw) => self.tell_picture(t, peer, false),
        }
    }

    fn tell_picture(&mut self, t: &mut Turn, peer: &PeerKey, missing: bool) {
        if let Some(shown) = self.shown(&peer.participant.account) {
            shown.picture_missing = missing;
        }
        let message = ControlMessage::PictureMissing { missing };
        t.order(Command::SendControl { peer: peer.clone(), message });
    }
}
