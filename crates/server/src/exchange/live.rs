//! What a restart of the server must not lose: sessions and calls. Every change of them is
//! returned, to be stored before anything that depends on it is said.

use super::call::Call;
use super::sessions::Session;
use super::{Exchange, Now};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use tincan_proto::delivery::{Received, Unacknowledged};
use tincan_proto::{AccountName, CallId, ParticipantId, ServerMessage, SessionId};

pub use super::call::CallRecord;

/// A change of a session or a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiveChange {
    /// A device has begun a session; nothing is left of the one before.
    SessionBegun {
        /// The device.
        who: ParticipantId,
        /// The session.
        session: SessionId,
    },
    /// A session is over.
    SessionEnded {
        /// The device.
        who: ParticipantId,
    },
    /// A message from a device was taken in.
    Received {
        /// The device.
        who: ParticipantId,
        /// The message's number.
        seq: u64,
    },
    /// Something was said to a device.
    Said {
        /// The device.
        who: ParticipantId,
        /// The message's number.
        seq: u64,
        /// The message.
        message: ServerMessage,
    },
    /// A device has received all up to a number.
    Acknowledged {
        /// The device.
        who: ParticipantId,
        /// The number.
        seq: u64,
    },
    /// A call is as the record says.
    CallChanged(Box<CallRecord>),
    /// A call is over.
    CallEnded(CallId),
}

/// A session as it was stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// The device.
    pub who: ParticipantId,
    /// The session.
    pub session: SessionId,
    /// The number of the last message from the device.
    pub received: u64,
    /// The number of the last message that the device has acknowledged.
    pub acknowledged: u64,
    /// What it has not acknowledged, with its numbers, in order.
    pub outbox: Vec<(u64, ServerMessage)>,
}

impl SessionRecord {
    /// The session, unless something is missing, as after a write that failed.
    fn session(self) -> Option<Session> {
        let mut outbox = Unacknowledged::after(self.acknowledged);
        for (seq, message) in self.outbox {
            if outbox.push(message) != seq {
                return None;
            }
        }
        Some(Session { id: self.session, received: Received::up_to(self.received), outbox })
    }
}

/// Everything that was stored of sessions and calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// One for each device.
    pub sessions: Vec<SessionRecord>,
    /// Those that are not over.
    pub calls: Vec<CallRecord>,
}

/// The calls that ring or are held.
#[derive(Debug, Default)]
pub(super) struct Calls {
    calls: BTreeMap<CallId, Call>,
    /// Those that may have changed in this step.
    touched: BTreeSet<CallId>,
}

impl Calls {
    pub fn get(&self, id: &CallId) -> Option<&Call> {
        self.calls.get(id)
    }

    pub fn get_mut(&mut self, id: &CallId) -> Option<&mut Call> {
        let call = self.calls.get_mut(id)?;
        self.touched.insert(*id);
        Some(call)
    }

    pub fn insert(&mut self, call: Call) {
        self.touched.insert(call.id);
        self.calls.insert(call.id, call);
    }

    pub fn remove(&mut self, id: &CallId) -> Option<Call> {
        self.touched.insert(*id);
        self.calls.remove(id)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Call> {
        self.calls.values()
    }

    /// The calls that ring at an account.
    pub fn ringing_at(&self, account: &AccountName) -> Vec<CallId> {
        self.iter().filter(|call| call.rings_for(account)).map(|call| call.id).collect()
    }

    /// What this step has changed.
    pub fn changes(&mut self, now: Now) -> impl Iterator<Item = LiveChange> {
        std::mem::take(&mut self.touched).into_iter().map(move |id| match self.calls.get(&id) {
            Some(call) => LiveChange::CallChanged(Box::new(call.record(now))),
            None => LiveChange::CallEnded(id),
        })
    }
}

impl Exchange {
    /// Takes up what an earlier server left. Whoever was in a call or rang has the usual time to
    /// come back; what is over by now ends with the next step.
    pub fn restore(&mut self, live: Live, now: Now) {
        for record in live.sessions {
            let who = record.who.clone();
            if let Some(session) = record.session() {
                self.sessions.restore(who, session, now.instant);
            }
        }
        for record in live.calls {
            let call = Call::restore(record, now);
            for who in call.joined.keys() {
                self.sessions.begin_absence(who.clone(), now.instant);
            }
            let accounts: Vec<_> = call.accounts().cloned().collect();
            self.calls.insert(call);
            for account in accounts {
                self.restore_presence(account);
            }
        }
    }
}
