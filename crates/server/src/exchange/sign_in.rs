//! Devices that come and go: sign-in, duplicate sign-in, absence from a call.

use super::{Change, ConnectionId, Exchange, Now, Step};
use crate::accounts::{Admission, Proven, admit};
use crate::limits::MAX_DEVICES;
use tincan_proto::signalling::Refusal;
use tincan_proto::{ParticipantId, ServerMessage};

impl Exchange {
    pub(super) fn sign_in(
        &mut self,
        now: Now,
        connection: ConnectionId,
        proven: Proven,
        step: &mut Step,
    ) {
        let Proven { name, device, key, register } = proven;
        match admit(self.directory.key(&name), &key, register) {
            Err(code) => return step.refuse(connection, code, "not with this name and key"),
            Ok(Admission::Known) => {}
            Ok(Admission::New) if self.directory.is_full() => {
                return step.refuse(connection, Refusal::TooMany, "no more accounts here");
            }
            Ok(Admission::New) => {
                let created = Change::AccountCreated { name: name.clone(), key, created: now.unix };
                self.directory.apply(&created);
                step.changes.push(created);
            }
        }
        let who = ParticipantId { account: name, device };
        let is_new = !self.sessions.is_connected(&who);
        if is_new && self.sessions.devices(&who.account).count() >= MAX_DEVICES {
            return step.refuse(connection, Refusal::TooMany, "too many devices are connected");
        }
        if let Some(old) = self.sessions.open(connection, who.clone()) {
            step.refuse(old, Refusal::Replaced, "this device has signed in anew");
        }
        let book = self.book(&who.account);
        step.deliver(connection, ServerMessage::Welcome { now: now.unix, book });
        for message in self.sessions.end_absence(&who) {
            step.deliver(connection, message);
        }
        self.ring_newcomer(&who, step);
        step.touch(&who.account);
    }

    pub(super) fn disconnect(&mut self, now: Now, connection: ConnectionId, step: &mut Step) {
        let Some(who) = self.sessions.close(connection) else { return };
        step.touch(&who.account);
        if self.calls.values().any(|call| call.concerns(&who)) {
            self.sessions.begin_absence(who.clone(), now.instant);
            self.settle_busy(now, &who.account, step);
        }
    }
}
