//! Connections made while it rings: the caller offers one to each ringing device, the device
//! answers, and neither sends media or opens anything until a person accepts. What goes wrong
//! with them is shown to nobody: after acceptance connecting goes on as if they had not been.

use super::link::{Link, Phase};
use super::{Engine, Turn};
use crate::command::Command;
use crate::negotiation::{NegotiationInput, Role};
use crate::state::PeerKey;
use tincan_proto::peer_message::{Generation, Numbered};
use tincan_proto::{AccountName, CallId, ParticipantId, PeerMessage};

/// Ringing devices of one account that are connected beforehand: the first ones to ring.
const PER_ACCOUNT: usize = 4;
/// Ringing devices of a call that are connected beforehand.
const IN_ALL: usize = 8;

impl Engine {
    /// A device of somebody called here rings: the caller begins to connect.
    pub(super) fn stand_by(&mut self, t: &mut Turn, device: ParticipantId, hides: bool) {
        let relay_only = hides || self.hide_address;
        let (Some(ongoing), Some(call)) = (&mut self.ongoing, &self.state.current) else { return };
        let account = &device.account;
        let of_account = ongoing.standbys.keys().filter(|other| other.account == *account).count();
        let wanted = call.outgoing
            && ongoing.others.contains(account)
            && !ongoing.departed.contains(account)
            && !ongoing.links.contains_key(account)
            && !ongoing.standbys.contains_key(&device)
            && of_account < PER_ACCOUNT
            && ongoing.standbys.len() < IN_ALL;
        if !wanted {
            return;
        }
        let link = Link::new(device.clone(), Generation::default(), Role::Impolite, relay_only);
        let peer = link.key(call.id);
        ongoing.standbys.insert(device, link);
        t.order(Command::OpenPeer { peer: peer.clone(), role: Role::Impolite, relay_only });
        self.negotiate(t, &peer, NegotiationInput::Needed { ice_restart: false });
    }

    /// The caller of a call that rings here sent a message. True if it was one.
    pub(super) fn caller_knocks(
        &mut self,
        t: &mut Turn,
        call: CallId,
        from: &ParticipantId,
        message: &Numbered,
    ) -> bool {
        let Some(ring) = self.state.incoming.iter().find(|ring| ring.id == call) else {
            return false;
        };
        let speaks = match message.message {
            PeerMessage::Description(_) | PeerMessage::Candidate(_) => true,
            PeerMessage::Renew => false,
        };
        if ring.from == *from && speaks && !self.ring_links.contains_key(&call) {
            let relay_only = self.hide_address || ring.hide_address;
            let link = Link::new(from.clone(), message.generation, Role::Polite, relay_only);
            let peer = link.key(call);
            self.ring_links.insert(call, link);
            t.order(Command::OpenPeer { peer, role: Role::Polite, relay_only });
        }
        true
    }

    /// A call does not ring here any more, or its caller's connection is not wanted.
    pub(super) fn drop_ring_link(&mut self, t: &mut Turn, call: CallId) {
        if let Some(link) = self.ring_links.remove(&call) {
            t.order(Command::ClosePeer { peer: link.key(call) });
        }
    }

    /// Closes the connections to the ringing devices of an account, or of all.
    pub(super) fn drop_standbys(&mut self, t: &mut Turn, of: Option<&AccountName>) {
        let (Some(ongoing), Some(call)) = (&mut self.ongoing, &self.state.current) else { return };
        ongoing.standbys.retain(|device, link| {
            let kept = of.is_some_and(|account| device.account != *account);
            if !kept {
                t.order(Command::ClosePeer { peer: link.key(call.id) });
            }
            kept
        });
    }

    /// True while nobody has accepted on the other side of this connection, or here.
    pub(super) fn is_standby(&self, peer: &PeerKey) -> bool {
        self.ring_links.contains_key(&peer.call)
            || self.ongoing.as_ref().is_some_and(|o| o.standbys.contains_key(&peer.participant))
    }

    /// Nobody waits for this connection: only whether it stands counts.
    pub(super) fn standby_state(&mut self, peer: &PeerKey, stands: bool) {
        if let Some(link) = self.link_mut(peer) {
            link.phase = match stands {
                true => Phase::Connected,
                false => Phase::Connecting { nudge_at: None, give_up_at: None },
            };
        }
    }
}
