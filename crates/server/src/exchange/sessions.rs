//! Which device is reached by which connection, what its session has said and heard, and who
//! of a call is away for a moment.

use super::{LiveChange, Step};
use crate::limits::{MAX_UNACKNOWLEDGED, MAX_UNACKNOWLEDGED_BYTES};
use std::collections::{BTreeMap, HashMap};
use std::time::Instant;
use tincan_proto::delivery::{Miscounted, Received, Unacknowledged};
use tincan_proto::signalling::Resume;
use tincan_proto::{AccountName, DeviceId, ParticipantId, ServerMessage, SessionId};

/// One socket, from its opening to its end. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

#[derive(Debug, Default)]
pub(super) struct Sessions {
    sessions: BTreeMap<ParticipantId, Session>,
    connections: HashMap<ConnectionId, ParticipantId>,
    devices: BTreeMap<ParticipantId, ConnectionId>,
    /// Sessions without a connection, and since when.
    cut: BTreeMap<ParticipantId, Instant>,
    /// Devices of calls that have not been heard of, and since when.
    absent: BTreeMap<ParticipantId, Instant>,
}

/// What one run of an app and this server have said to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Session {
    pub id: SessionId,
    pub received: Received,
    pub outbox: Unacknowledged<ServerMessage>,
}

impl Session {
    pub fn new(id: SessionId) -> Self {
        Self { id, received: Received::default(), outbox: Unacknowledged::default() }
    }

    fn has_room(&self) -> bool {
        let bytes = self.outbox.iter().map(|(_, message)| weight(message)).sum::<usize>();
        self.outbox.len() < MAX_UNACKNOWLEDGED && bytes < MAX_UNACKNOWLEDGED_BYTES
    }
}

/// Only negotiation messages can be large.
fn weight(message: &ServerMessage) -> usize {
    match message {
        ServerMessage::Signal { message, .. } => message.body.len(),
        _ => 0,
    }
}

impl Sessions {
    /// Signs a device in and returns the connection that it had before.
    pub fn open(&mut self, connection: ConnectionId, who: ParticipantId) -> Option<ConnectionId> {
        let replaced = self.devices.insert(who.clone(), connection);
        if let Some(old) = replaced {
            self.connections.remove(&old);
        }
        self.cut.remove(&who);
        self.connections.insert(connection, who);
        replaced
    }

    /// Goes on with a session, if it is the one that the device means and both count alike.
    /// Returns how many of its messages have arrived.
    pub fn resume(
        &mut self,
        who: &ParticipantId,
        resume: Resume,
        step: &mut Step,
    ) -> Option<Received> {
        let session = self.sessions.get_mut(who).filter(|s| s.id == resume.session)?;
        acknowledge(who, session, resume.received, step).ok()?;
        Some(session.received)
    }

    /// Begins a session; what was said in the one before is forgotten.
    pub fn begin(&mut self, who: &ParticipantId, id: SessionId, step: &mut Step) {
        step.live.push(LiveChange::SessionBegun { who: who.clone(), session: id });
        self.sessions.insert(who.clone(), Session::new(id));
    }

    /// Brings back a session that has outlasted the server.
    pub fn restore(&mut self, who: ParticipantId, session: Session, now: Instant) {
        self.cut.insert(who.clone(), now);
        self.sessions.insert(who, session);
    }

    /// Ends a session. Whoever is connected with it is to be disconnected first.
    pub fn end(&mut self, who: &ParticipantId, step: &mut Step) {
        self.cut.remove(who);
        if self.sessions.remove(who).is_some() {
            step.live.push(LiveChange::SessionEnded { who: who.clone() });
        }
    }

    /// Forgets a connection and returns whose it was.
    pub fn close(&mut self, connection: ConnectionId, now: Instant) -> Option<ParticipantId> {
        let who = self.connections.remove(&connection)?;
        self.devices.remove(&who);
        if self.sessions.contains_key(&who) {
            self.cut.insert(who.clone(), now);
        }
        Some(who)
    }

    /// Takes note of a message from a device. False if it was received before.
    pub fn receive(
        &mut self,
        who: &ParticipantId,
        seq: u64,
        step: &mut Step,
    ) -> Result<bool, Miscounted> {
        let session = self.sessions.get_mut(who).ok_or(Miscounted)?;
        let is_new = session.received.take(seq)?;
        if is_new {
            step.live.push(LiveChange::Received { who: who.clone(), seq });
        }
        Ok(is_new)
    }

    /// Takes note of what a device has received.
    pub fn acknowledge(
        &mut self,
        who: &ParticipantId,
        ack: u64,
        step: &mut Step,
    ) -> Result<(), Miscounted> {
        let session = self.sessions.get_mut(who).ok_or(Miscounted)?;
        acknowledge(who, session, ack, step)
    }

    /// Says again what a device has not acknowledged.
    pub fn repeat(&self, who: &ParticipantId, step: &mut Step) {
        let (Some(session), Some(&connection)) = (self.sessions.get(who), self.devices.get(who))
        else {
            return;
        };
        for (seq, message) in session.outbox.iter() {
            step.deliver_numbered(connection, seq, message.clone());
        }
    }

    /// The sessions without a connection, and since when.
    pub fn cut(&self) -> impl Iterator<Item = (&ParticipantId, Instant)> {
        self.cut.iter().map(|(who, &since)| (who, since))
    }

    /// Begins to wait for a device that is in a call; an absence goes on.
    pub fn begin_absence(&mut self, who: ParticipantId, since: Instant) {
        self.absent.entry(who).or_insert(since);
    }

    pub fn end_absence(&mut self, who: &ParticipantId) {
        self.absent.remove(who);
    }

    /// The devices of calls that have not been heard of, and since when.
    pub fn absences(&self) -> impl Iterator<Item = (&ParticipantId, Instant)> {
        self.absent.iter().map(|(who, &since)| (who, since))
    }

    /// Since when a device of a call has not been heard of.
    pub fn absent_since(&self, who: &ParticipantId) -> Option<Instant> {
        self.absent.get(who).copied()
    }

    pub fn who(&self, connection: ConnectionId) -> Option<&ParticipantId> {
        self.connections.get(&connection)
    }

    pub fn connection(&self, who: &ParticipantId) -> Option<ConnectionId> {
        self.devices.get(who).copied()
    }

    pub fn is_connected(&self, who: &ParticipantId) -> bool {
        self.devices.contains_key(who)
    }

    /// The connected devices of an account.
    pub fn devices<'a>(
        &'a self,
        account: &'a AccountName,
    ) -> impl Iterator<Item = (DeviceId, ConnectionId)> + 'a {
        let first = ParticipantId { account: account.clone(), device: DeviceId::from(0) };
        self.devices
            .range(first..)
            .take_while(move |(who, _)| who.account == *account)
            .map(|(who, &connection)| (who.device, connection))
    }

    /// Tells a device, now or when it is back. False if it has no session, or one that has not
    /// listened for too long and therefore ends.
    pub fn tell(&mut self, who: &ParticipantId, message: ServerMessage, step: &mut Step) -> bool {
        let Some(session) = self.sessions.get_mut(who) else { return false };
        if !session.has_room() {
            step.overrun.insert(who.clone());
            return false;
        }
        let seq = session.outbox.push(message.clone());
        step.live.push(LiveChange::Said { who: who.clone(), seq, message: message.clone() });
        if let Some(&connection) = self.devices.get(who) {
            step.deliver_numbered(connection, seq, message);
        }
        true
    }

    /// Tells all connected devices of an account what their next welcome would tell them too.
    pub fn tell_account(&self, account: &AccountName, message: &ServerMessage, step: &mut Step) {
        for (_, connection) in self.devices(account) {
            step.deliver(connection, message.clone());
        }
    }
}

fn acknowledge(
    who: &ParticipantId,
    session: &mut Session,
    ack: u64,
    step: &mut Step,
) -> Result<(), Miscounted> {
    if session.outbox.acknowledge(ack)?.len() > 0 {
        step.live.push(LiveChange::Acknowledged { who: who.clone(), seq: ack });
    }
    Ok(())
}
