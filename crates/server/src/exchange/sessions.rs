//! Which device is reached by which connection, and what waits for a device of a call that
//! has lost its connection for a moment.

use super::Step;
use crate::limits::{MAX_KEPT_BYTES, MAX_KEPT_MESSAGES};
use std::collections::{BTreeMap, HashMap};
use std::time::Instant;
use tincan_proto::{AccountName, DeviceId, ParticipantId, ServerMessage};

/// One socket, from its opening to its end. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

#[derive(Debug, Default)]
pub(super) struct Sessions {
    connections: HashMap<ConnectionId, ParticipantId>,
    devices: BTreeMap<ParticipantId, ConnectionId>,
    absent: BTreeMap<ParticipantId, Absence>,
}

#[derive(Debug)]
struct Absence {
    since: Instant,
    /// Its calls go on without it.
    is_gone: bool,
    kept: Vec<ServerMessage>,
    kept_bytes: usize,
}

impl Sessions {
    /// Signs a device in and returns the connection that it had before.
    pub fn open(&mut self, connection: ConnectionId, who: ParticipantId) -> Option<ConnectionId> {
        let replaced = self.devices.insert(who.clone(), connection);
        if let Some(old) = replaced {
            self.connections.remove(&old);
        }
        self.connections.insert(connection, who);
        replaced
    }

    /// Forgets a connection and returns whose it was.
    pub fn close(&mut self, connection: ConnectionId) -> Option<ParticipantId> {
        let who = self.connections.remove(&connection)?;
        self.devices.remove(&who);
        Some(who)
    }

    /// Begins to keep messages for a device that is in a call.
    pub fn begin_absence(&mut self, who: ParticipantId, since: Instant) {
        self.absent.insert(who, Absence { since, is_gone: false, kept: Vec::new(), kept_bytes: 0 });
    }

    /// Ends an absence and returns what was kept.
    pub fn end_absence(&mut self, who: &ParticipantId) -> Vec<ServerMessage> {
        self.absent.remove(who).map(|absence| absence.kept).unwrap_or_default()
    }

    /// The devices of calls that have no connection: since when, and whether they count as gone.
    pub fn absences(&self) -> impl Iterator<Item = (&ParticipantId, Instant, bool)> {
        self.absent.iter().map(|(who, absence)| (who, absence.since, absence.is_gone))
    }

    pub fn count_as_gone(&mut self, who: &ParticipantId) {
        if let Some(absence) = self.absent.get_mut(who) {
            absence.is_gone = true;
        }
    }

    /// Since when a device of a call has had no connection.
    pub fn absent_since(&self, who: &ParticipantId) -> Option<Instant> {
        self.absent.get(who).map(|absence| absence.since)
    }

    pub fn who(&self, connection: ConnectionId) -> Option<&ParticipantId> {
        self.connections.get(&connection)
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

    /// Tells a device, or keeps the message if it is absent from a call. False if neither.
    pub fn tell(&mut self, who: &ParticipantId, message: ServerMessage, step: &mut Step) -> bool {
        if let Some(&connection) = self.devices.get(who) {
            step.deliver(connection, message);
            return true;
        }
        let Some(absence) = self.absent.get_mut(who) else { return false };
        let bytes = match &message {
            ServerMessage::Signal { message, .. } => message.body.len(),
            _ => 0,
        };
        if absence.kept.len() >= MAX_KEPT_MESSAGES || absence.kept_bytes + bytes > MAX_KEPT_BYTES {
            return false;
        }
        absence.kept_bytes += bytes;
        absence.kept.push(message);
        true
    }

    /// Tells all connected devices of an account.
    pub fn tell_account(&self, account: &AccountName, message: &ServerMessage, step: &mut Step) {
        for (_, connection) in self.devices(account) {
            step.deliver(connection, message.clone());
        }
    }
}
