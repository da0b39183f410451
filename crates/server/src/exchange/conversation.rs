//! A call that people are in: negotiation messages, leaving, being gone, its end.

use super::call::{Call, RingEnd};
use super::ringing::Failed;
use super::{Exchange, Now, Step};
use crate::limits::Timings;
use std::time::Instant;
use tincan_proto::peer_message::{MAX_BODY_BYTES, SignedMessage};
use tincan_proto::signalling::{Failure, LeaveReason};
use tincan_proto::{CallId, ParticipantId, ServerMessage};

impl Exchange {
    pub(super) fn signal(
        &mut self,
        from: &ParticipantId,
        id: CallId,
        to: &ParticipantId,
        message: SignedMessage,
        step: &mut Step,
    ) -> Result<(), Failed> {
        if message.body.len() > MAX_BODY_BYTES {
            return Err((Failure::OutOfBounds, "the message is too large"));
        }
        // Who rings is connected to those in the call before accepting, but not to others who ring.
        let may = |call: &&Call| {
            let joined = call.joined.contains_key(from) || call.joined.contains_key(to);
            from != to && joined && call.concerns(from) && call.concerns(to)
        };
        self.calls
            .get(&id)
            .filter(may)
            .ok_or((Failure::UnknownCall, "no call in which both are"))?;
        let message = ServerMessage::Signal { call: id, from: from.clone(), message };
        if self.sessions.tell(to, message, step) {
            Ok(())
        } else {
            Err((Failure::UnknownCall, "the other device is not connected"))
        }
    }

    /// Leaving a call that nobody has answered is to give it up.
    pub(super) fn hang_up(
        &mut self,
        now: Now,
        who: &ParticipantId,
        id: CallId,
        reason: LeaveReason,
        step: &mut Step,
    ) {
        let is_unanswered = |call: &Call| call.caller == *who && call.answered.is_none();
        if self.calls.get(&id).is_some_and(is_unanswered) {
            self.cancel(now, who, id, step);
        } else {
            self.leave(now, who, id, reason, step);
        }
    }

    /// Takes a participant out of a call. Of a call that they are not in they know already.
    pub(super) fn leave(
        &mut self,
        now: Now,
        who: &ParticipantId,
        id: CallId,
        reason: LeaveReason,
        step: &mut Step,
    ) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        if !call.leave(who, now.instant) {
            return;
        }
        step.touch(&who.account);
        let left = ServerMessage::Left { call: id, who: who.clone(), reason };
        for other in call.joined.keys() {
            self.sessions.tell(other, left.clone(), step);
        }
        self.end_if_over(now, id, step);
    }

    pub(super) fn end_if_over(&mut self, now: Now, id: CallId, step: &mut Step) {
        if self.calls.get(&id).is_some_and(Call::is_over) {
            self.stop_all(id, RingEnd::Cancelled, step);
            self.end(now, id, true, step);
        }
    }

    /// Forgets a call and, unless it gave way to another one, writes it into the histories.
    pub(super) fn end(&mut self, now: Now, id: CallId, in_history: bool, step: &mut Step) {
        let Some(mut call) = self.calls.remove(&id) else { return };
        for who in call.joined.keys().cloned().collect::<Vec<_>>() {
            call.leave(&who, now.instant);
        }
        call.accounts().for_each(|account| step.touch(account));
        self.ended.remember(&call);
        if in_history {
            step.history.extend(call.history());
        }
    }

    /// Does what is due by `now`.
    pub(super) fn pass_deadlines(&mut self, now: Now, step: &mut Step) {
        self.expire_rings(now, step);
        self.expire_absences(now, step);
        // after that, since somebody's leaving may leave behind a caller that is away itself
        self.give_up_on_callers(now, step);
        self.expire_sessions(now, step);
    }

    fn expire_absences(&mut self, now: Now, step: &mut Step) {
        let due = |(_, since): &(&ParticipantId, Instant)| {
            *since + self.timings.participant_grace <= now.instant
        };
        let gone = self.sessions.absences().filter(due);
        for who in gone.map(|(who, _)| who.clone()).collect::<Vec<_>>() {
            self.sessions.end_absence(&who);
            self.leave_all(now, &who, step);
        }
    }

    fn expire_sessions(&mut self, now: Now, step: &mut Step) {
        let due =
            |(_, since): &(&ParticipantId, Instant)| self.session_deadline(*since) <= now.instant;
        let over = self.sessions.cut().filter(due);
        for who in over.map(|(who, _)| who.clone()).collect::<Vec<_>>() {
            self.sessions.end(&who, step);
        }
    }

    fn give_up_on_callers(&mut self, now: Now, step: &mut Step) {
        let is_due =
            |call: &&Call| self.caller_deadline(call).is_some_and(|due| due <= now.instant);
        let due: Vec<_> = self.calls.iter().filter(is_due).map(|call| call.id).collect();
        for id in due {
            self.stop_all(id, RingEnd::CallerGone, step);
            if let Some(caller) = self.calls.get(&id).map(|call| call.caller.clone()) {
                // should it come back, it is not to wait for an answer
                let (who, reason) = (caller.clone(), LeaveReason::Gone);
                self.sessions.tell(&caller, ServerMessage::Left { call: id, who, reason }, step);
            }
            self.end_if_over(now, id, step);
        }
    }

    fn leave_all(&mut self, now: Now, who: &ParticipantId, step: &mut Step) {
        let is_in = |call: &&Call| call.joined.contains_key(who);
        let calls: Vec<_> = self.calls.iter().filter(is_in).map(|call| call.id).collect();
        for id in calls {
            let reason = LeaveReason::Gone;
            self.leave(now, who, id, reason, step);
            // should it come back, it is not to think that it is still in the call
            let left = ServerMessage::Left { call: id, who: who.clone(), reason };
            self.sessions.tell(who, left, step);
        }
    }

    /// A session without a connection outlasts the device's calls by any ring, since an end
    /// that it never hears of would let it wait or ring until the expiry that it knows.
    fn session_deadline(&self, since: Instant) -> Instant {
        let Timings { ring, participant_grace, .. } = self.timings;
        since + participant_grace + ring
    }

    /// When a call ends that nobody has answered and whose caller is away.
    fn caller_deadline(&self, call: &Call) -> Option<Instant> {
        let is_alone = call.joined.len() == 1 && call.joined.contains_key(&call.caller);
        let since = self.sessions.absent_since(&call.caller).filter(|_| is_alone)?;
        Some(since + self.timings.caller_grace)
    }

    /// The next moment at which something is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let rings = self.calls.iter().filter(|c| c.is_ringing()).map(|c| c.ring_deadline);
        let callers = self.calls.iter().filter_map(|call| self.caller_deadline(call));
        let absences = self.sessions.absences();
        let absences = absences.map(|(_, since)| since + self.timings.participant_grace);
        let sessions = self.sessions.cut().map(|(_, since)| self.session_deadline(since));
        rings.chain(callers).chain(absences).chain(sessions).min()
    }
}
