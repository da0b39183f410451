//! One call: who rings, who has joined, how it went for each account.

use super::Now;
use crate::limits::MAX_REMEMBERED_CALLS;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};
use tincan_proto::signalling::{
    CallMedia, CallOutcome, Direction, HistoryEntry, RingStop, Unreachable,
};
use tincan_proto::units::UnixMillis;
use tincan_proto::{AccountName, CallId, DeviceId, ParticipantId};

/// What one account's history is to show of an ended call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRow {
    /// Whose history.
    pub account: AccountName,
    /// The entry.
    pub entry: HistoryEntry,
}

#[derive(Debug)]
pub(super) struct Call {
    pub id: CallId,
    pub caller: ParticipantId,
    /// As invited, without doubles.
    pub to: Vec<AccountName>,
    pub callees: BTreeMap<AccountName, Callee>,
    pub media: CallMedia,
    pub started: UnixMillis,
    pub expires: UnixMillis,
    pub ring_deadline: Instant,
    /// Who is in it, and since when.
    pub joined: BTreeMap<ParticipantId, Instant>,
    /// When the first callee took it.
    pub answered: Option<Instant>,
    /// How long those talked who have left.
    talked: BTreeMap<AccountName, Duration>,
    /// Devices that hide their addresses.
    pub hides: BTreeSet<ParticipantId>,
}

/// How it stands with one invited account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Callee {
    Ringing {
        /// All devices that it was sent to.
        devices: BTreeMap<DeviceId, DeviceRing>,
        /// The devices of which the caller knows that they ring.
        told: BTreeSet<DeviceId>,
    },
    /// One device took the call.
    Answered,
    Over(RingEnd),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum DeviceRing {
    Rings,
    Busy,
}

/// A call as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRecord {
    call: CallId,
    caller: ParticipantId,
    to: Vec<AccountName>,
    callees: BTreeMap<AccountName, Callee>,
    media: CallMedia,
    started: UnixMillis,
    expires: UnixMillis,
    joined: Vec<(ParticipantId, UnixMillis)>,
    answered: Option<UnixMillis>,
    talked_ms: BTreeMap<AccountName, u64>,
    hides: BTreeSet<ParticipantId>,
}

impl CallRecord {
    /// The call's id.
    pub fn id(&self) -> CallId {
        self.call
    }
}

/// Why an account rings no longer, or never did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum RingEnd {
    Unreachable(Unreachable),
    Declined,
    Cancelled,
    CallerGone,
}

impl RingEnd {
    /// What a device is told that rings, or answers too late.
    pub fn stop(self) -> RingStop {
        match self {
            Self::Declined => RingStop::DeclinedElsewhere,
            Self::CallerGone => RingStop::CallerGone,
            Self::Unreachable(Unreachable::NoAnswer) => RingStop::NoAnswer,
            Self::Unreachable(
                Unreachable::Offline
                | Unreachable::Unknown
                | Unreachable::NotAContact
                | Unreachable::Busy,
            )
            | Self::Cancelled => RingStop::Cancelled,
        }
    }
}

/// A call as its caller asks for it.
pub(super) struct Invitation {
    pub id: CallId,
    pub caller: ParticipantId,
    pub to: Vec<AccountName>,
    pub media: CallMedia,
    pub started: UnixMillis,
    pub expires: UnixMillis,
    pub ring_deadline: Instant,
}

impl Call {
    pub fn new(invitation: Invitation, now: Instant) -> Self {
        let Invitation { id, caller, to, media, started, expires, ring_deadline } = invitation;
        Self {
            id,
            joined: BTreeMap::from([(caller.clone(), now)]),
            caller,
            to,
            callees: BTreeMap::new(),
            media,
            started,
            expires,
            ring_deadline,
            answered: None,
            talked: BTreeMap::new(),
            hides: BTreeSet::new(),
        }
    }

    /// The call as it is stored.
    pub fn record(&self, now: Now) -> CallRecord {
        CallRecord {
            call: self.id,
            caller: self.caller.clone(),
            to: self.to.clone(),
            callees: self.callees.clone(),
            media: self.media,
            started: self.started,
            expires: self.expires,
            joined: self.joined.iter().map(|(who, &at)| (who.clone(), unix(at, now))).collect(),
            answered: self.answered.map(|at| unix(at, now)),
            hides: self.hides.clone(),
            talked_ms: self.talked.iter().map(|(who, &time)| (who.clone(), ms(time))).collect(),
        }
    }

    /// The call as it was stored, by the clocks of a new server.
    pub fn restore(record: CallRecord, now: Now) -> Self {
        let left = Duration::from_millis(record.expires.0.saturating_sub(now.unix.0));
        Self {
            id: record.call,
            caller: record.caller,
            to: record.to,
            callees: record.callees,
            media: record.media,
            started: record.started,
            expires: record.expires,
            ring_deadline: now.instant + left,
            joined: record.joined.into_iter().map(|(who, at)| (who, instant(at, now))).collect(),
            answered: record.answered.map(|at| instant(at, now)),
            talked: record
                .talked_ms
                .into_iter()
                .map(|(who, ms)| (who, Duration::from_millis(ms)))
                .collect(),
            hides: record.hides,
        }
    }

    pub fn rings_for(&self, account: &AccountName) -> bool {
        matches!(self.callees.get(account), Some(Callee::Ringing { .. }))
    }

    pub fn is_ringing(&self) -> bool {
        self.callees.values().any(|callee| matches!(callee, Callee::Ringing { .. }))
    }

    pub fn is_over(&self) -> bool {
        self.joined.is_empty() || (self.joined.len() < 2 && !self.is_ringing())
    }

    pub fn rings_at(&self, who: &ParticipantId) -> bool {
        self.device_ring(who) == Some(DeviceRing::Rings)
    }

    pub fn device_ring(&self, who: &ParticipantId) -> Option<DeviceRing> {
        match self.callees.get(&who.account)? {
            Callee::Ringing { devices, .. } => devices.get(&who.device).copied(),
            Callee::Answered | Callee::Over(_) => None,
        }
    }

    /// In the call, or rung by it.
    pub fn concerns(&self, who: &ParticipantId) -> bool {
        self.joined.contains_key(who) || self.rings_at(who)
    }

    /// Who is told how callees answer: the caller, or who is left if the caller has left.
    pub fn listeners(&self) -> Vec<ParticipantId> {
        if self.joined.contains_key(&self.caller) {
            return vec![self.caller.clone()];
        }
        self.joined.keys().cloned().collect()
    }

    /// Ends the ring of one account and returns the devices that rang.
    pub fn stop_ring(&mut self, account: &AccountName, end: RingEnd) -> Vec<ParticipantId> {
        self.replace_ring(account, Callee::Over(end))
    }

    /// Lets a device of a ringing account in and returns the others that rang.
    pub fn join(&mut self, who: &ParticipantId, now: Instant) -> Vec<ParticipantId> {
        let mut rang = self.replace_ring(&who.account, Callee::Answered);
        rang.retain(|other| other != who);
        self.answered.get_or_insert(now);
        self.joined.insert(who.clone(), now);
        rang
    }

    fn replace_ring(&mut self, account: &AccountName, by: Callee) -> Vec<ParticipantId> {
        let Some(callee) = self.callees.get_mut(account) else { return Vec::new() };
        match std::mem::replace(callee, by) {
            Callee::Ringing { devices, .. } => devices
                .into_iter()
                .filter(|&(_, ring)| ring == DeviceRing::Rings)
                .map(|(device, _)| ParticipantId { account: account.clone(), device })
                .collect(),
            Callee::Answered | Callee::Over(_) => Vec::new(),
        }
    }

    /// The accounts that ring.
    pub fn ringing(&self) -> Vec<AccountName> {
        let rings = |callee: &Callee| matches!(callee, Callee::Ringing { .. });
        self.callees.iter().filter(|(_, c)| rings(c)).map(|(name, _)| name.clone()).collect()
    }

    /// Takes a participant out; false if they were not in it.
    pub fn leave(&mut self, who: &ParticipantId, now: Instant) -> bool {
        let Some(since) = self.joined.remove(who) else { return false };
        if let Some(answered) = self.answered {
            let talked = now.saturating_duration_since(since.max(answered));
            *self.talked.entry(who.account.clone()).or_default() += talked;
        }
        true
    }

    /// Every account that the call names.
    pub fn accounts(&self) -> impl Iterator<Item = &AccountName> {
        std::iter::once(&self.caller.account).chain(&self.to)
    }

    /// What the histories show, once everybody has left.
    pub fn history(&self) -> Vec<HistoryRow> {
        let mut rows = vec![self.row(&self.caller.account, self.outcome())];
        for (name, callee) in &self.callees {
            let outcome = match callee {
                // who does not know the caller is not to learn of the call either
                Callee::Over(RingEnd::Unreachable(
                    Unreachable::Unknown | Unreachable::NotAContact,
                )) => continue,
                Callee::Answered => CallOutcome::Answered,
                Callee::Over(RingEnd::Declined) => CallOutcome::Declined,
                Callee::Over(RingEnd::Unreachable(Unreachable::Busy)) => CallOutcome::Busy,
                Callee::Ringing { .. }
                | Callee::Over(
                    RingEnd::Cancelled
                    | RingEnd::CallerGone
                    | RingEnd::Unreachable(Unreachable::Offline | Unreachable::NoAnswer),
                ) => CallOutcome::Missed,
            };
            rows.push(self.row(name, outcome));
        }
        rows
    }

    /// How it went for the caller: the best of all callees.
    fn outcome(&self) -> CallOutcome {
        let any = |wanted: &dyn Fn(&Callee) -> bool| self.callees.values().any(wanted);
        if self.answered.is_some() {
            CallOutcome::Answered
        } else if any(&|c| matches!(c, Callee::Over(RingEnd::Declined))) {
            CallOutcome::Declined
        } else if any(&|c| matches!(c, Callee::Over(RingEnd::Unreachable(Unreachable::Busy)))) {
            CallOutcome::Busy
        } else if any(&|c| {
            matches!(
                c,
                Callee::Ringing { .. }
                    | Callee::Over(
                        RingEnd::Cancelled
                            | RingEnd::CallerGone
                            | RingEnd::Unreachable(Unreachable::NoAnswer)
                    )
            )
        }) {
            CallOutcome::Missed
        } else {
            CallOutcome::Unreachable
        }
    }

    fn row(&self, account: &AccountName, outcome: CallOutcome) -> HistoryRow {
        let talked = self.talked.get(account).copied().unwrap_or_default();
        let direction =
            if *account == self.caller.account { Direction::Outgoing } else { Direction::Incoming };
        HistoryRow {
            account: account.clone(),
            entry: HistoryEntry {
                call: self.id,
                with: self.accounts().filter(|&name| name != account).cloned().collect(),
                direction,
                media: self.media,
                started: self.started,
                talked_s: u32::try_from(talked.as_secs()).unwrap_or(u32::MAX),
                outcome,
            },
        }
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The wall clock at a moment that has passed.
fn unix(at: Instant, now: Now) -> UnixMillis {
    UnixMillis(now.unix.0.saturating_sub(ms(now.instant.saturating_duration_since(at))))
}

/// The moment at which the wall clock showed a time that has passed.
fn instant(at: UnixMillis, now: Now) -> Instant {
    let ago = Duration::from_millis(now.unix.0.saturating_sub(at.0));
    // a clock that began after that cannot tell how long ago it was
    now.instant.checked_sub(ago).unwrap_or(now.instant)
}

/// How the rings of the last calls ended, for answers that come too late.
#[derive(Debug, Default)]
pub(super) struct EndedRings {
    order: VecDeque<CallId>,
    ends: HashMap<CallId, BTreeMap<AccountName, RingStop>>,
}

impl EndedRings {
    pub fn remember(&mut self, call: &Call) {
        if self.ends.len() >= MAX_REMEMBERED_CALLS
            && let Some(oldest) = self.order.pop_front()
        {
            self.ends.remove(&oldest);
        }
        let stop = |callee: &Callee| match callee {
            Callee::Answered => RingStop::AnsweredElsewhere,
            Callee::Over(end) => end.stop(),
            Callee::Ringing { .. } => RingStop::Cancelled,
        };
        let stops = call.callees.iter().map(|(name, callee)| (name.clone(), stop(callee)));
        if self.ends.insert(call.id, stops.collect()).is_none() {
            self.order.push_back(call.id);
        }
    }

    /// Whether a call has ended not long ago.
    pub fn contains(&self, call: CallId) -> bool {
        self.ends.contains_key(&call)
    }

    /// Why a call does not ring at an account any more; calls never heard of count as cancelled.
    pub fn stop(&self, call: CallId, account: &AccountName) -> RingStop {
        let stop = self.ends.get(&call).and_then(|ends| ends.get(account));
        stop.copied().unwrap_or(RingStop::Cancelled)
    }
}
