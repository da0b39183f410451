//! Generations: a connection that cannot be repaired is dropped and another one made in the same
//! call. The impolite side begins it, the polite one asks for it.

use super::link::{DTLS_WITHIN, Phase};
use super::{Engine, Turn};
use crate::command::Command;
use crate::negotiation::{NegotiationInput, Role};
use crate::state::PeerKey;
use std::time::Duration;
use tincan_proto::PeerMessage;
use tincan_proto::peer_message::Generation;

/// New connections tried before one has stood: a machine that cannot open any would go on for
/// ever.
const MAX_RENEWALS: u32 = 3;
/// How long a connection that the other side has given up may take to come back before that is
/// an interruption.
const REPLACED_WITHIN: Duration = Duration::from_secs(4);

impl Engine {
    /// A connection that has not come about is made anew, if that is worth trying.
    pub(super) fn make_anew(&mut self, t: &mut Turn, peer: &PeerKey) {
        let Some(link) = self.link_mut(peer) else { return };
        link.ice_since = None;
        if link.renewals >= MAX_RENEWALS {
            link.failed = true;
            return;
        }
        link.renewals += 1;
        self.renew(t, peer);
    }

    /// Drops a connection and offers another, or asks the other side to.
    pub(super) fn renew(&mut self, t: &mut Turn, peer: &PeerKey) {
        let Some(link) = self.link_mut(peer) else { return };
        match link.negotiation.role() {
            Role::Impolite => {
                let generation = link.generation.next();
                let next = self.reopen(t, peer, generation);
                self.negotiate(t, &next, NegotiationInput::Needed { ice_restart: false });
            }
            Role::Polite => {
                let (peer, message) = (peer.clone(), PeerMessage::Renew);
                t.order(Command::SendPeerMessage { peer, message });
            }
        }
    }

    /// Puts a connection of `generation` in the place of `peer`, and returns its name.
    pub(super) fn reopen(
        &mut self,
        t: &mut Turn,
        peer: &PeerKey,
        generation: Generation,
    ) -> PeerKey {
        let next = PeerKey { generation, ..peer.clone() };
        let standby = self.is_standby(peer);
        let Some(link) = self.link_mut(peer) else { return next };
        link.renew(generation);
        let (role, relay_only) = (link.negotiation.role(), link.relay_only);
        let wavers = matches!(link.phase, Phase::Connected | Phase::Wavering { .. });
        t.order(Command::ClosePeer { peer: peer.clone() });
        t.order(Command::OpenPeer { peer: next.clone(), role, relay_only });
        if standby {
            self.standby_state(&next, false);
            return next;
        }
        t.order(Command::AdmitPeer { peer: next.clone() });
        if wavers {
            self.waver(t, &next, REPLACED_WITHIN);
        }
        self.show_path(&next, false);
        // What they have said of our picture was of the connection before.
        if let Some(shown) = self.shown(&next.participant.account) {
            shown.own_picture_missing = false;
        }
        next
    }

    /// ICE has a path: DTLS has its time from now on.
    pub(super) fn ice_connected(&mut self, t: &mut Turn, peer: &PeerKey) {
        if let Some(link) = self.link_mut(peer)
            && !link.control_open
            && !matches!(link.phase, Phase::Connected)
        {
            link.ice_since.get_or_insert(t.now);
        }
    }

    /// DTLS has hung for too long.
    pub(super) fn watch_dtls(&mut self, t: &mut Turn, peer: &PeerKey) {
        let now = t.now;
        let hangs = |since| now >= since + DTLS_WITHIN;
        if self.link_mut(peer).and_then(|link| link.ice_since).is_some_and(hangs) {
            self.make_anew(t, peer);
            // The polite side asks again if nothing comes of it: its connection is still this one.
            if let Some(link) = self.link_mut(peer).filter(|link| !link.failed) {
                link.ice_since = Some(now);
            }
        }
    }
}
