//! How a participant leaves a call, how a call ends, and who is told.

use super::{Engine, Turn};
use crate::command::{Command, Event};
use crate::state::{EndReason, EndedCall, Picture};
use std::time::Duration;
use tincan_proto::signalling::LeaveReason;
use tincan_proto::{AccountName, ClientMessage, ControlMessage};

/// Who decided that somebody leaves or that a call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// This device.
    Own,
    /// The server or the other side.
    Told,
}

impl Engine {
    /// Hangs up, or gives up calling.
    pub(super) fn hang_up(&mut self, t: &mut Turn) {
        let Some(ongoing) = &self.ongoing else { return };
        let reason = if ongoing.joined { EndReason::HungUp } else { EndReason::Cancelled };
        self.end(t, reason, Cause::Own);
    }

    /// Takes a participant out of the current call, which ends with its last one.
    pub(super) fn depart(
        &mut self,
        t: &mut Turn,
        account: &AccountName,
        reason: EndReason,
        cause: Cause,
    ) {
        let (Some(ongoing), Some(call)) = (&mut self.ongoing, &mut self.state.current) else {
            return;
        };
        if !call.participants.iter().any(|p| p.account == *account) {
            return;
        }
        // Whoever waits to be called by somebody else waits for nobody once alone.
        let others_left = call.participants.iter().any(|p| {
            p.account != *account && (call.outgoing || ongoing.links.contains_key(&p.account))
        });
        if !others_left {
            return self.end(t, reason, cause);
        }
        if let Some(link) = ongoing.links.remove(account) {
            t.order(Command::ClosePeer { peer: link.key(call.id) });
        }
        call.participants.retain(|p| p.account != *account);
        ongoing.departed.push(account.clone());
        ongoing.early.retain(|(from, _)| from.account != *account);
        self.drop_standbys(t, Some(account));
    }

    /// Ends the current call.
    pub(super) fn end(&mut self, t: &mut Turn, reason: EndReason, cause: Cause) {
        if cause == Cause::Told && self.turn_to_rival(t) {
            return;
        }
        self.drop_standbys(t, None);
        self.close_screens(t);
        let (Some(ongoing), Some(call)) = (self.ongoing.take(), self.state.current.take()) else {
            return;
        };
        if reason == EndReason::HungUp {
            for link in ongoing.links.values().filter(|link| link.control_open) {
                let peer = link.key(call.id);
                t.order(Command::SendControl { peer, message: ControlMessage::Bye });
            }
        }
        if ongoing.joined {
            // Even if the others are known to be gone: the server may not know it.
            let reason = leave_reason(reason);
            self.send_or_owe(t, ClientMessage::Leave { call: call.id, reason });
        } else if cause == Cause::Own {
            self.send_or_owe(t, ClientMessage::Cancel { call: call.id });
        }
        for link in ongoing.links.into_values() {
            t.order(Command::ClosePeer { peer: link.key(call.id) });
        }
        t.order(Command::Capture { microphone: false, picture: Picture::Nothing });
        self.remember_finished(call.id);
        let talked = |since| t.now.saturating_duration_since(since);
        self.state.ended = Some(EndedCall {
            id: call.id,
            with: ongoing.others,
            media: call.media,
            reason,
            talked: call.connected_at.map_or(Duration::ZERO, talked),
        });
        t.tell(Event::Ended(call.id, reason));
    }
}

fn leave_reason(reason: EndReason) -> LeaveReason {
    match reason {
        EndReason::Untrusted => LeaveReason::Untrusted,
        EndReason::ConnectionLost | EndReason::ConnectionFailed => LeaveReason::ConnectionLost,
        EndReason::HungUp
        | EndReason::RemoteHungUp
        | EndReason::Cancelled
        | EndReason::RemoteCancelled
        | EndReason::Declined
        | EndReason::RemoteDeclined
        | EndReason::RemoteBusy
        | EndReason::NoAnswer
        | EndReason::Missed
        | EndReason::RemoteOffline
        | EndReason::UnknownAccount
        | EndReason::NotAContact
        | EndReason::AnsweredElsewhere
        | EndReason::DeclinedElsewhere
        | EndReason::RemoteUntrusted
        | EndReason::ServerUnreachable
        | EndReason::Internal => LeaveReason::HungUp,
    }
}
