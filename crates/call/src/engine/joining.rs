//! Who is in the call: devices that accept, and participants that leave.

use super::connection::{CONNECT_WITHIN, NUDGE_AFTER, SPEAK_UP_AFTER};
use super::ending::Cause;
use super::ongoing::{Link, Phase};
use super::{Engine, Turn};
use crate::command::Command;
use crate::negotiation::{Negotiation, NegotiationInput, Role};
use crate::state::{EndReason, PeerKey, Stage};
use tincan_proto::signalling::LeaveReason;
use tincan_proto::{CallId, ClientMessage, ParticipantId};

impl Engine {
    /// A device has taken the call.
    pub(super) fn accepted(&mut self, t: &mut Turn, call: CallId, by: ParticipantId) {
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
        self.welcome(t, by);
    }

    /// Opens a connection to a device that has joined, unless another device of the same
    /// account was first.
    pub(super) fn welcome(&mut self, t: &mut Turn, by: ParticipantId) {
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
            call.participants.push(crate::state::Participant {
                account: by.account.clone(),
                stage: Stage::Invited,
                microphone: true,
                camera: call.media == tincan_proto::signalling::CallMedia::Video,
            });
        }
        // The caller gives way to nobody; among the others the smaller id does.
        let role = if !call.outgoing && *me < by { Role::Polite } else { Role::Impolite };
        self.open_link(t, by, role);
    }

    /// Opens a connection to `participant`; the impolite side begins to negotiate.
    pub(super) fn open_link(&mut self, t: &mut Turn, participant: ParticipantId, role: Role) {
        let (Some(ongoing), Some(call)) = (&mut self.ongoing, &mut self.state.current) else {
            return;
        };
        ongoing.joined = true;
        ongoing.rival = None;
        ongoing.unreachable_at = None;
        let account = participant.account.clone();
        for shown in call.participants.iter_mut().filter(|p| p.account == account) {
            shown.stage = Stage::Connecting { device: participant.device };
        }
        let nudge_after = match role {
            Role::Impolite => Some(NUDGE_AFTER),
            Role::Polite if participant == ongoing.caller => None,
            Role::Polite => Some(SPEAK_UP_AFTER),
        };
        let phase = Phase::Connecting {
            nudge_at: nudge_after.map(|after| t.now + after),
            give_up_at: t.now + CONNECT_WITHIN,
        };
        let link = Link {
            participant: participant.clone(),
            negotiation: Negotiation::new(role),
            phase,
            control_open: false,
            heard: false,
            gone: false,
        };
        ongoing.links.insert(account.clone(), link);
        let mut early = Vec::new();
        ongoing.early.retain_mut(|(from, messages)| {
            if *from == participant {
                early.append(messages);
            }
            from.account != account
        });
        t.order(Command::OpenPeer { peer: PeerKey { call: call.id, participant }, role });
        if role == Role::Impolite {
            self.negotiate(t, &account, NegotiationInput::Needed { ice_restart: false });
        }
        for message in early {
            self.negotiate(t, &account, NegotiationInput::Received(message));
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
            // The server gave up a call that this device placed while it was away.
            if !ongoing.joined {
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
