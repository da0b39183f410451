//! From an invitation to its answers: every device of every callee rings, the first answer
//! counts, and the exchange alone says when it is over.

use super::call::{Call, Callee, DeviceRing, Invitation, RingEnd};
use super::{Exchange, Now, Step};
use crate::limits::MAX_CALLS;
use std::collections::{BTreeMap, BTreeSet};
use tincan_proto::signalling::{
    CallMedia, DeclineReason, Failure, LeaveReason, MAX_INVITED, RingStop, Unreachable,
};
use tincan_proto::units::UnixMillis;
use tincan_proto::{AccountName, CallId, DeviceId, ParticipantId, ServerMessage};

/// Why a request failed, and the same in words.
pub(super) type Failed = (Failure, &'static str);

/// A call as somebody wishes to place it.
pub(super) struct Wish {
    pub call: CallId,
    pub to: Vec<AccountName>,
    pub media: CallMedia,
    pub hide_address: bool,
}

impl Exchange {
    pub(super) fn invite(
        &mut self,
        now: Now,
        caller: &ParticipantId,
        wish: Wish,
        step: &mut Step,
    ) -> Result<(), Failed> {
        let Wish { call: id, to: invited, media, hide_address } = wish;
        if invited.is_empty() || invited.len() > MAX_INVITED {
            return Err((Failure::OutOfBounds, "a call invites one to eight people"));
        }
        if let Some(call) = self.calls.get(&id) {
            let again = call.caller == *caller;
            return again.then_some(()).ok_or((Failure::OutOfBounds, "the call's id is taken"));
        }
        if self.ended.contains(id) {
            // said again after it has ended
            let (who, reason) = (caller.clone(), LeaveReason::Gone);
            self.sessions.tell(caller, ServerMessage::Left { call: id, who, reason }, step);
            return Ok(());
        }
        if invited.contains(&caller.account) {
            return Err((Failure::Oneself, "one cannot call oneself"));
        }
        let begun = self.calls.iter().filter(|call| call.caller.account == caller.account);
        if begun.count() >= MAX_CALLS {
            return Err((Failure::TooMany, "too many calls at once"));
        }
        let mut to = Vec::new();
        for name in invited {
            if !to.contains(&name) {
                to.push(name);
            }
        }
        let ring_ms = u64::try_from(self.timings.ring.as_millis()).unwrap_or(u64::MAX);
        let invitation = Invitation {
            id,
            caller: caller.clone(),
            to,
            media,
            started: now.unix,
            expires: UnixMillis(now.unix.0.saturating_add(ring_ms)),
            ring_deadline: now.instant + self.timings.ring,
        };
        let mut call = Call::new(invitation, now.instant);
        if hide_address {
            call.hides.insert(caller.clone());
        }
        for account in call.to.clone() {
            let callee = match self.reach(&caller.account, &account) {
                Err(reason) => {
                    let message =
                        ServerMessage::Unreachable { call: id, account: account.clone(), reason };
                    self.sessions.tell(caller, message, step);
                    Callee::Over(RingEnd::Unreachable(reason))
                }
                Ok(()) => {
                    let mut devices = BTreeMap::new();
                    let connected = self.sessions.devices(&account);
                    for device in connected.map(|(device, _)| device).collect::<Vec<_>>() {
                        devices.insert(device, DeviceRing::Rings);
                        let who = ParticipantId { account: account.clone(), device };
                        self.sessions.tell(&who, incoming(&call), step);
                    }
                    Callee::Ringing { devices, told: BTreeSet::new() }
                }
            };
            call.callees.insert(account, callee);
        }
        self.calls.insert(call);
        self.end_if_over(now, id, step);
        Ok(())
    }

    fn reach(&self, caller: &AccountName, callee: &AccountName) -> Result<(), Unreachable> {
        if self.directory.key(callee).is_none() {
            Err(Unreachable::Unknown)
        } else if !self.directory.are_contacts(caller, callee) {
            Err(Unreachable::NotAContact)
        } else if self.sessions.devices(callee).next().is_none() {
            Err(Unreachable::Offline)
        } else {
            Ok(())
        }
    }

    /// A device that signs in while its account is rung, rings too. One whose session goes on
    /// has been told of what rang there already.
    pub(super) fn ring_newcomer(&mut self, who: &ParticipantId, resumed: bool, step: &mut Step) {
        for id in self.calls.ringing_at(&who.account) {
            let Some(call) = self.calls.get_mut(&id) else { continue };
            let Some(Callee::Ringing { devices, .. }) = call.callees.get_mut(&who.account) else {
                continue;
            };
            let is_new = !devices.contains_key(&who.device);
            let ring = *devices.entry(who.device).or_insert(DeviceRing::Rings);
            if ring == DeviceRing::Rings && (is_new || !resumed) {
                self.sessions.tell(who, incoming(call), step);
            }
        }
    }

    pub(super) fn ringing_here(
        &mut self,
        who: &ParticipantId,
        id: CallId,
        hide_address: bool,
        step: &mut Step,
    ) {
        if self.calls.get(&id).is_some_and(|call| call.joined.contains_key(who)) {
            return;
        }
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.rings_at(who)) else {
            return self.tell_stopped(who, id, step);
        };
        if hide_address {
            call.hides.insert(who.clone());
        }
        if let Some(Callee::Ringing { told, .. }) = call.callees.get_mut(&who.account)
            && told.insert(who.device)
        {
            let ringing = ServerMessage::Ringing { call: id, device: who.clone(), hide_address };
            for listener in call.listeners() {
                self.sessions.tell(&listener, ringing.clone(), step);
            }
        }
    }

    pub(super) fn accept(&mut self, now: Now, who: &ParticipantId, id: CallId, step: &mut Step) {
        let Some(call) = self.calls.get_mut(&id) else { return self.tell_stopped(who, id, step) };
        if call.joined.contains_key(who) {
            return;
        }
        // a device that had said it was busy may still change its mind
        if call.device_ring(who).is_none() {
            return self.tell_stopped(who, id, step);
        }
        let others: Vec<_> = call.joined.keys().cloned().collect();
        let rang = call.join(who, now.instant);
        let hide_address = call.hides.contains(who);
        for other in &others {
            let accepted = ServerMessage::Accepted { call: id, by: who.clone(), hide_address };
            self.sessions.tell(other, accepted, step);
            step.touch(&other.account);
        }
        step.touch(&who.account);
        self.tell_stop(id, &rang, RingStop::AnsweredElsewhere, step);
    }

    pub(super) fn decline(
        &mut self,
        now: Now,
        who: &ParticipantId,
        id: CallId,
        reason: DeclineReason,
        step: &mut Step,
    ) {
        // what does not ring here needs no declining: it has been answered or has ended
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(Callee::Ringing { devices, .. }) = call.callees.get_mut(&who.account) else {
            return;
        };
        let Some(ring) = devices.get_mut(&who.device) else { return };
        match reason {
            DeclineReason::Busy => {
                *ring = DeviceRing::Busy;
                self.settle_busy(now, &who.account, step);
            }
            DeclineReason::Declined => {
                let mut rang = call.stop_ring(&who.account, RingEnd::Declined);
                rang.retain(|other| other != who);
                let declined = ServerMessage::Declined { call: id, account: who.account.clone() };
                for listener in call.listeners() {
                    self.sessions.tell(&listener, declined.clone(), step);
                }
                self.tell_stop(id, &rang, RingStop::DeclinedElsewhere, step);
                self.end_if_over(now, id, step);
            }
        }
    }

    /// Ends the rings of an account all of whose connected devices have said that they are busy.
    pub(super) fn settle_busy(&mut self, now: Now, account: &AccountName, step: &mut Step) {
        let is_busy = |call: &&Call| {
            let Some(Callee::Ringing { devices, .. }) = call.callees.get(account) else {
                return false;
            };
            let rings = |(device, ring): (&DeviceId, &DeviceRing)| {
                let who = ParticipantId { account: account.clone(), device: *device };
                *ring == DeviceRing::Rings && self.sessions.is_connected(&who)
            };
            devices.values().any(|&ring| ring == DeviceRing::Busy) && !devices.iter().any(rings)
        };
        let busy: Vec<_> = self.calls.iter().filter(is_busy).map(|call| call.id).collect();
        for id in busy {
            self.give_up_on(id, account, Unreachable::Busy, step);
            self.end_if_over(now, id, step);
        }
    }

    pub(super) fn cancel(&mut self, now: Now, who: &ParticipantId, id: CallId, step: &mut Step) {
        let is_theirs = |call: &&Call| call.caller == *who && call.joined.contains_key(who);
        let Some(call) = self.calls.get(&id).filter(is_theirs) else { return };
        let was_glare = call.answered.is_none() && self.is_glare(call);
        self.stop_all(id, RingEnd::Cancelled, step);
        if was_glare {
            self.end(now, id, false, step);
        } else {
            // if an answer crossed the cancel on its way, the caller has hung up
            self.leave(now, who, id, LeaveReason::HungUp, step);
        }
    }

    /// Both called each other and this call is given up for the other one, which either still
    /// rings the other way or has been answered.
    fn is_glare(&self, call: &Call) -> bool {
        let [callee] = call.to.as_slice() else { return false };
        let caller = &call.caller.account;
        self.calls.iter().filter(|other| other.id != call.id).any(|other| {
            let is_joined =
                |name: &AccountName| other.joined.keys().any(|who| who.account == *name);
            let rings_back = other.caller.account == *callee
                && matches!(other.callees.get(caller), Some(Callee::Ringing { .. }));
            rings_back || (is_joined(caller) && is_joined(callee))
        })
    }

    /// Ends the rings whose time is over.
    pub(super) fn expire_rings(&mut self, now: Now, step: &mut Step) {
        let is_due = |call: &&Call| call.ring_deadline <= now.instant && call.is_ringing();
        let due: Vec<_> = self.calls.iter().filter(is_due).map(|call| call.id).collect();
        for id in due {
            for account in self.calls.get(&id).map(Call::ringing).unwrap_or_default() {
                self.give_up_on(id, &account, Unreachable::NoAnswer, step);
            }
            self.end_if_over(now, id, step);
        }
    }

    /// Stops the ring at one account and tells the caller why.
    fn give_up_on(
        &mut self,
        id: CallId,
        account: &AccountName,
        reason: Unreachable,
        step: &mut Step,
    ) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let end = RingEnd::Unreachable(reason);
        let rang = call.stop_ring(account, end);
        let message = ServerMessage::Unreachable { call: id, account: account.clone(), reason };
        for listener in call.listeners() {
            self.sessions.tell(&listener, message.clone(), step);
        }
        self.tell_stop(id, &rang, end.stop(), step);
    }

    /// Stops every ring of a call.
    pub(super) fn stop_all(&mut self, id: CallId, end: RingEnd, step: &mut Step) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let mut rang = Vec::new();
        for account in call.ringing() {
            rang.extend(call.stop_ring(&account, end));
        }
        self.tell_stop(id, &rang, end.stop(), step);
    }

    fn tell_stop(
        &mut self,
        call: CallId,
        rang: &[ParticipantId],
        reason: RingStop,
        step: &mut Step,
    ) {
        for who in rang {
            self.sessions.tell(who, ServerMessage::RingStopped { call, reason }, step);
        }
    }

    /// Answers a device that still rings for a call that does not ring there.
    fn tell_stopped(&mut self, who: &ParticipantId, call: CallId, step: &mut Step) {
        let callee = self.calls.get(&call).and_then(|call| call.callees.get(&who.account));
        let reason = match callee {
            Some(Callee::Answered) => RingStop::AnsweredElsewhere,
            Some(Callee::Over(end)) => end.stop(),
            // it rings at the account, but this device has said that it is busy
            Some(Callee::Ringing { .. }) => return,
            None => self.ended.stop(call, &who.account),
        };
        self.tell_stop(call, std::slice::from_ref(who), reason, step);
    }
}

fn incoming(call: &Call) -> ServerMessage {
    ServerMessage::Incoming {
        call: call.id,
        from: call.caller.clone(),
        to: call.to.clone(),
        media: call.media,
        expires: call.expires,
        hide_address: call.hides.contains(&call.caller),
    }
}
