//! Devices that come and go: sign-in, sessions that go on or begin anew, duplicate sign-in,
//! absence from a call.

use super::{Change, ConnectionId, Exchange, Now, Step};
use crate::accounts::{Admission, Proven, admit};
use crate::limits::MAX_DEVICES;
use tincan_proto::delivery::Received;
use tincan_proto::ids::ECHO;
use tincan_proto::signalling::Refusal;
use tincan_proto::{ClientMessage, ParticipantId, ServerMessage};

impl Exchange {
    pub(super) fn sign_in(
        &mut self,
        now: Now,
        connection: ConnectionId,
        proven: Proven,
        step: &mut Step,
    ) {
        let Proven { name, device, key, register, resume, fresh } = proven;
        // Where there is an echo contact its account was made at start.
        if name.as_str() == ECHO && self.directory.key(&name).is_none() {
            return step.refuse(connection, Refusal::NameTaken, "the name is the server's own");
        }
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
        let resumed = resume.and_then(|resume| {
            let received = self.sessions.resume(&who, resume, step)?;
            Some((resume.session, received))
        });
        let (session, received) = resumed.unwrap_or((fresh, Received::default()));
        step.deliver(
            connection,
            ServerMessage::Welcome {
                now: now.unix,
                book: self.book(&who.account),
                session,
                resumed: resumed.is_some(),
                received: received.last(),
            },
        );
        if resumed.is_some() {
            self.sessions.end_absence(&who);
            self.sessions.repeat(&who, step);
        } else {
            self.sessions.begin(&who, fresh, step);
            self.await_word_of(now, &who);
        }
        self.ring_newcomer(&who, resumed.is_some(), step);
        step.touch(&who.account);
    }

    /// An app that does not go on with its session may have been started anew: it stays in its
    /// calls if it says so in time.
    fn await_word_of(&mut self, now: Now, who: &ParticipantId) {
        if self.calls.iter().any(|call| call.joined.contains_key(who)) {
            self.sessions.begin_absence(who.clone(), now.instant);
        } else {
            self.sessions.end_absence(who);
        }
    }

    /// Who speaks of a call that they are in has not been started anew.
    pub(super) fn notice_word_of(&mut self, who: &ParticipantId, message: &ClientMessage) {
        let (ClientMessage::Invite { call, .. }
        | ClientMessage::Accept { call }
        | ClientMessage::Signal { call, .. }) = message
        else {
            return;
        };
        if self.calls.get(call).is_some_and(|call| call.joined.contains_key(who)) {
            self.sessions.end_absence(who);
        }
    }

    pub(super) fn disconnect(&mut self, now: Now, connection: ConnectionId, step: &mut Step) {
        let Some(who) = self.sessions.close(connection, now.instant) else { return };
        step.touch(&who.account);
        if self.calls.iter().any(|call| call.joined.contains_key(&who)) {
            self.sessions.begin_absence(who.clone(), now.instant);
        }
        if self.calls.iter().any(|call| call.rings_at(&who)) {
            self.settle_busy(now, &who.account, step);
        }
    }

    /// Ends sessions that have not listened for too long. Their apps begin new ones and say
    /// again what they know.
    pub(super) fn end_overrun(&mut self, now: Now, step: &mut Step) {
        while let Some(who) = step.overrun.pop_first() {
            if let Some(connection) = self.sessions.connection(&who) {
                step.refuse(connection, Refusal::Unavailable, "too much was not acknowledged");
                self.disconnect(now, connection, step);
            }
            self.sessions.end(&who, step);
        }
    }
}
