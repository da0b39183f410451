//! Who is in the call: devices that accept, and participants that leave.

use super::connection::{CONNECT_WITHIN, NUDGE_AFTER, SPEAK_UP_AFTER};
use super::ending::Cause;
use super::link::{Link, Phase};
use super::{Engine, Turn};
use crate::command::Command;
use crate::negotiation::{NegotiationInput, Role};
use crate::state::{EndReason, Participant, Stage};
use tincan_proto::peer_message::Generation;
use tincan_proto::signalling::LeaveReason;
use tincan_proto::{CallId, ClientMessage, ParticipantId};

impl Engine {
    /// A device has taken the call.
    pub(super) fn accepted(&mut self, t: &mut Turn, call: CallId, by: ParticipantId, hides: bool) {
        if !self.heard_about(call) {
            if self.finished.contains(&call) {
                // The answer crossed our farewell.
                let reason = LeaveReason::HungUp;
                self.send_or_owe(t, ClientMessage::Leave { call, reason });
            }
            return;
        }
        if let Some(ongoing) = &mut self.ongoing {
            ongoing.departed.retain(|account| *account != by.account);
            if let Some(link) = ongoing.link(&by) {
                link.gone = false;
            }
        }
        self.welcome(t, by, hides);
    }

    /// Opens a connection to a device that has joined, unless another device of the same
    /// account was first.
    pub(super) fn welcome(&mut self, t: &mut Turn, by: ParticipantId, hides: bool) {
        let (Some(me), Some(ongoing), Some(call)) =
            (&self.me, &self.ongoing, &mut self.state.current)
        else {
            return;
        };
        let named = ongoing.others.contains(&by.account);
        if !named || ongoing.links.contains_key(&by.account) {
            return;
        }
        if !call.participants.iter().any(|p| p.account == by.account) {
            // They answered after this device had given up on them.
            call.participants.push(Participant::invited(by.account.clone(), call.media));
        }
        // The caller gives way to nobody; among the others the smaller id does.
        let role = if !call.outgoing && *me < by { Role::Polite } else { Role::Impolite };
        if let Some(link) = self.ongoing.as_mut().and_then(|o| o.standbys.remove(&by)) {
            self.admit(t, link);
        } else {
            self.open_link(t, by, role, hides);
        }
    }

    /// Opens a connection to `participant`; the impolite side begins to negotiate.
    pub(super) fn open_link(
        &mut self,
        t: &mut Turn,
        participant: ParticipantId,
        role: Role,
        hides: bool,
    ) {
        let Some(call) = self.state.current.as_ref().map(|call| call.id) else { return };
        let relay_only = hides || self.hide_address;
        let link = Link::new(participant, Generation::default(), role, relay_only);
        let peer = link.key(call);
        t.order(Command::OpenPeer { peer: peer.clone(), role, relay_only });
        self.admit(t, link);
        if role == Role::Impolite {
            self.negotiate(t, &peer, NegotiationInput::Needed { ice_restart: false });
        }
        let participant = peer.participant;
        let mut early = Vec::new();
        if let Some(ongoing) = &mut self.ongoing {
            ongoing.early.retain_mut(|(from, messages)| {
                if *from == participant {
                    early.append(messages);
                }
                from.account != participant.account
            });
        }
        for message in early {
            self.heard_from(t, call, &participant, message);
        }
    }

    /// A device takes part: its connection, made beforehand or just now, is the participant's.
    pub(super) fn admit(&mut self, t: &mut Turn, mut link: Link) {
        let (Some(ongoing), Some(call)) = (&mut self.ongoing, &self.state.current) else {
            return;
        };
        ongoing.joined = true;
        ongoing.rival = None;
        ongoing.unreachable_at = None;
        let peer = link.key(call.id);
        let participant = &peer.participant;
        if self.distrusted.contains(&(call.id, participant.clone())) {
            ongoing.links.insert(participant.account.clone(), link);
            return self.end(t, EndReason::Untrusted, Cause::Own);
        }
        let nudge_after = match link.negotiation.role() {
            Role::Impolite => Some(NUDGE_AFTER),
            Role::Polite if *participant == ongoing.caller => None,
            Role::Polite => Some(SPEAK_UP_AFTER),
        };
        let stands = link.phase == Phase::Connected;
        let (control_open, relayed) = (link.control_open, link.relayed);
        let failed = std::mem::take(&mut link.failed);
        link.renewals = 0;
        link.phase = Phase::Connecting {
            nudge_at: nudge_after.map(|after| t.now + after),
            give_up_at: Some(t.now + CONNECT_WITHIN),
        };
        ongoing.links.insert(participant.account.clone(), link);
        self.drop_standbys(t, Some(&participant.account));
        self.show_stage(&peer, Stage::Connecting { device: participant.device });
        t.order(Command::AdmitPeer { peer: peer.clone() });
        self.show_media(&peer);
        self.show_path(&peer, relayed);
        if control_open {
            self.say_media(t, &peer);
        }
        if stands {
            self.connected(t, &peer);
        } else if failed {
            self.make_anew(t, &peer);
        }
    }

    /// The server says that a participant has left.
    pub(super) fn left(
        &mut self,
        t: &mut Turn,
        call: CallId,
        who: &ParticipantId,
        reason: LeaveReason,
    ) {
        if !self.heard_about(call) {
            return;
        }
        let Some(ongoing) = &mut self.ongoing else { return };
        if self.me.as_ref() == Some(who) {
            if ongoing.joined {
                // The server has given this device up, which goes on as long as a connection
                // stands. One that breaks cannot be restored: no message has a way.
                ongoing.links.values_mut().for_each(|link| link.gone = true);
            } else {
                // It gave up a call that this device placed while it was away.
                self.end(t, EndReason::ServerUnreachable, Cause::Told);
            }
            return;
        }
        let link = ongoing.links.get_mut(&who.account);
        if link.as_ref().is_some_and(|link| link.participant != *who) {
            return;
        }
        let reason = match reason {
            LeaveReason::HungUp => EndReason::RemoteHungUp,
            LeaveReason::ConnectionLost => EndReason::ConnectionLost,
            LeaveReason::Untrusted => EndReason::RemoteUntrusted,
            LeaveReason::Gone => match link {
                Some(link) if matches!(link.phase, Phase::Connected | Phase::Wavering { .. }) => {
                    // Sound and picture need no server.
                    link.gone = true;
                    return;
                }
                Some(_) | None => EndReason::ConnectionLost,
            },
        };
        self.depart(t, &who.account, reason, Cause::Told);
    }
}
