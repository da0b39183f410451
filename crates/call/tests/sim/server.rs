//! A model of the server as far as calls go: who rings, who has joined, who is told what, what
//! is kept for a device that is away for a moment.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tincan_proto::signalling::{
    CallMedia, DeclineReason, Failure, LeaveReason, RING_TIME, RingStop, Unreachable,
};
use tincan_proto::units::UnixMillis;
use tincan_proto::{AccountName, CallId, ClientMessage, Numbered, ParticipantId, ServerMessage};

/// How long an unanswered call outlives the connection of its caller.
const CALLER_GRACE: Duration = Duration::from_secs(5);
/// How long a participant may be away.
const PARTICIPANT_GRACE: Duration = Duration::from_secs(100);

/// From a device.
#[derive(Clone, Debug)]
pub enum Up {
    Say(ClientMessage),
    Peer { call: CallId, to: ParticipantId, message: Numbered },
}

/// To a device.
#[derive(Clone, Debug)]
pub enum Down {
    Say(ServerMessage),
    Peer { call: CallId, from: ParticipantId, message: Numbered },
}

struct Call {
    caller: ParticipantId,
    to: Vec<AccountName>,
    media: CallMedia,
    expires: Duration,
    /// Per account that rings: its devices, and whether each still rings or is busy.
    rings: BTreeMap<AccountName, BTreeMap<ParticipantId, bool>>,
    over: BTreeMap<AccountName, RingStop>,
    told: BTreeSet<ParticipantId>,
    joined: BTreeSet<ParticipantId>,
    answered: bool,
}

pub struct Server {
    /// Messages for a participant that is away are kept until it is back.
    pub keeps: bool,
    /// A device that joins is told who has joined before.
    pub introduces: bool,
    online: BTreeSet<ParticipantId>,
    away: BTreeMap<ParticipantId, (Duration, Vec<Down>)>,
    calls: BTreeMap<CallId, Call>,
    /// Who has ever accepted what.
    pub accepts: BTreeSet<(CallId, ParticipantId)>,
    ended: BTreeMap<CallId, BTreeMap<AccountName, RingStop>>,
    out: Vec<(ParticipantId, Down)>,
}

impl Server {
    pub fn new(keeps: bool, introduces: bool) -> Self {
        Self {
            keeps,
            introduces,
            online: BTreeSet::new(),
            away: BTreeMap::new(),
            calls: BTreeMap::new(),
            accepts: BTreeSet::new(),
            ended: BTreeMap::new(),
            out: Vec::new(),
        }
    }

    pub fn unix(now: Duration) -> UnixMillis {
        UnixMillis(1_000_000 + now.as_millis() as u64)
    }

    /// What is to be delivered.
    pub fn deliveries(&mut self) -> Vec<(ParticipantId, Down)> {
        std::mem::take(&mut self.out)
    }

    /// Calls that are not over yet.
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    pub fn connected(&mut self, who: &ParticipantId) {
        self.online.insert(who.clone());
        if let Some((_, kept)) = self.away.remove(who) {
            self.out.extend(kept.into_iter().map(|message| (who.clone(), message)));
        }
        let mut rings = Vec::new();
        for (id, call) in &mut self.calls {
            if let Some(devices) = call.rings.get_mut(&who.account)
                && *devices.entry(who.clone()).or_insert(true)
            {
                rings.push(incoming(*id, call));
            }
        }
        rings.into_iter().for_each(|ring| self.tell(who, ring));
    }

    pub fn disconnected(&mut self, now: Duration, who: &ParticipantId) {
        self.online.remove(who);
        if self.calls.values().any(|call| call.joined.contains(who)) {
            self.away.insert(who.clone(), (now, Vec::new()));
        }
        self.settle_busy(&who.account);
    }

    pub fn received(&mut self, now: Duration, who: &ParticipantId, message: Up) {
        match message {
            Up::Say(ClientMessage::Invite { call, to, media, hide_address: _ }) => {
                self.invite(now, who, call, to, media);
            }
            Up::Say(ClientMessage::RingingHere { call, hide_address: _ }) => {
                self.ringing_here(who, call)
            }
            Up::Say(ClientMessage::Accept { call }) => self.accept(who, call),
            Up::Say(ClientMessage::Decline { call, reason }) => self.decline(who, call, reason),
            Up::Say(ClientMessage::Cancel { call }) => self.cancel(who, call),
            Up::Say(ClientMessage::Leave { call, reason }) => {
                let unanswered =
                    self.calls.get(&call).is_some_and(|c| c.caller == *who && !c.answered);
                if unanswered {
                    self.cancel(who, call);
                } else {
                    self.leave(who, call, reason);
                }
            }
            Up::Say(other) => panic!("not about calls: {other:?}"),
            Up::Peer { call, to, message } => {
                let both = self.calls.get(&call).is_some_and(|c| {
                    let concerns = |p: &ParticipantId| {
                        let rings = c.rings.get(&p.account).and_then(|devices| devices.get(p));
                        c.joined.contains(p) || rings == Some(&true)
                    };
                    let joined = c.joined.contains(who) || c.joined.contains(&to);
                    joined && concerns(who) && concerns(&to)
                });
                let message = Down::Peer { call, from: who.clone(), message };
                if !both || !self.deliver(&to, message) {
                    self.fail(who, Failure::UnknownCall);
                }
            }
        }
    }

    /// Does what is due.
    pub fn time_passed(&mut self, now: Duration) {
        for id in self.calls.keys().copied().collect::<Vec<_>>() {
            let Some(call) = self.calls.get(&id) else { continue };
            if call.expires <= now {
                for account in call.rings.keys().cloned().collect::<Vec<_>>() {
                    self.give_up(id, &account, Unreachable::NoAnswer, RingStop::NoAnswer);
                }
            }
            let alone = |call: &Call| call.joined.len() == 1 && call.joined.contains(&call.caller);
            let lonely = self.calls.get(&id).filter(|call| alone(call)).is_some_and(|call| {
                let away = self.away.get(&call.caller);
                away.is_some_and(|(since, _)| *since + CALLER_GRACE <= now)
            });
            if lonely && let Some(who) = self.calls.get(&id).map(|call| call.caller.clone()) {
                self.stop_all(id, RingStop::CallerGone);
                let reason = LeaveReason::Gone;
                self.tell(&who.clone(), ServerMessage::Left { call: id, who, reason });
            }
            self.end_if_over(id);
        }
        let gone = self.away.iter().filter(|(_, (since, _))| *since + PARTICIPANT_GRACE <= now);
        for who in gone.map(|(who, _)| who.clone()).collect::<Vec<_>>() {
            self.away.remove(&who);
            for id in self.calls.keys().copied().collect::<Vec<_>>() {
                self.leave(&who, id, LeaveReason::Gone);
            }
        }
    }

    fn invite(
        &mut self,
        now: Duration,
        who: &ParticipantId,
        id: CallId,
        to: Vec<AccountName>,
        media: CallMedia,
    ) {
        if self.calls.contains_key(&id) {
            return self.fail(who, Failure::OutOfBounds);
        }
        let mut call = Call {
            caller: who.clone(),
            to: to.clone(),
            media,
            expires: now + RING_TIME,
            rings: BTreeMap::new(),
            over: BTreeMap::new(),
            told: BTreeSet::new(),
            joined: BTreeSet::from([who.clone()]),
            answered: false,
        };
        for account in to {
            let devices: Vec<_> =
                self.online.iter().filter(|d| d.account == account).cloned().collect();
            if devices.is_empty() {
                let reason = Unreachable::Offline;
                self.tell(who, ServerMessage::Unreachable { call: id, account, reason });
                continue;
            }
            for device in &devices {
                self.tell(device, incoming(id, &call));
            }
            call.rings.insert(account, devices.into_iter().map(|d| (d, true)).collect());
        }
        self.calls.insert(id, call);
        self.end_if_over(id);
    }

    fn ringing_here(&mut self, who: &ParticipantId, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else { return self.too_late(who, id) };
        if call.joined.contains(who) {
            return;
        }
        if !call.rings.contains_key(&who.account) {
            return self.too_late(who, id);
        }
        if call.told.insert(who.clone()) {
            let (device, hide_address) = (who.clone(), false);
            self.tell_listeners(id, &ServerMessage::Ringing { call: id, device, hide_address });
        }
    }

    fn accept(&mut self, who: &ParticipantId, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else { return self.too_late(who, id) };
        if call.joined.contains(who) {
            return;
        }
        let rings = call.rings.get(&who.account).is_some_and(|devices| devices.contains_key(who));
        if !rings {
            return self.too_late(who, id);
        }
        let others: Vec<_> = call.joined.iter().cloned().collect();
        let caller = call.caller.clone();
        call.joined.insert(who.clone());
        call.answered = true;
        self.accepts.insert((id, who.clone()));
        for other in &others {
            self.tell(
                other,
                ServerMessage::Accepted { call: id, by: who.clone(), hide_address: false },
            );
            if self.introduces && *other != caller {
                self.tell(
                    who,
                    ServerMessage::Accepted { call: id, by: other.clone(), hide_address: false },
                );
            }
        }
        self.stop(id, &who.account, RingStop::AnsweredElsewhere, Some(who));
    }

    fn decline(&mut self, who: &ParticipantId, id: CallId, reason: DeclineReason) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(ring) = call.rings.get_mut(&who.account).and_then(|d| d.get_mut(who)) else {
            return;
        };
        match reason {
            DeclineReason::Busy => {
                *ring = false;
                self.settle_busy(&who.account);
            }
            DeclineReason::Declined => {
                self.stop(id, &who.account, RingStop::DeclinedElsewhere, Some(who));
                let account = who.account.clone();
                self.tell_listeners(id, &ServerMessage::Declined { call: id, account });
                self.end_if_over(id);
            }
        }
    }

    fn settle_busy(&mut self, account: &AccountName) {
        let online = &self.online;
        let is_busy = |call: &Call| {
            call.rings.get(account).is_some_and(|devices| {
                devices.values().any(|rings| !rings)
                    && !devices.iter().any(|(d, rings)| *rings && online.contains(d))
            })
        };
        let busy: Vec<_> =
            self.calls.iter().filter(|(_, call)| is_busy(call)).map(|(id, _)| *id).collect();
        for id in busy {
            self.give_up(id, account, Unreachable::Busy, RingStop::Cancelled);
            self.end_if_over(id);
        }
    }

    fn cancel(&mut self, who: &ParticipantId, id: CallId) {
        let theirs = |call: &&Call| call.caller == *who && call.joined.contains(who);
        if self.calls.get(&id).filter(theirs).is_some() {
            self.stop_all(id, RingStop::Cancelled);
            self.leave(who, id, LeaveReason::HungUp);
        }
    }

    fn leave(&mut self, who: &ParticipantId, id: CallId, reason: LeaveReason) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        if !call.joined.remove(who) {
            return;
        }
        for other in call.joined.clone() {
            self.tell(&other, ServerMessage::Left { call: id, who: who.clone(), reason });
        }
        self.end_if_over(id);
    }

    fn end_if_over(&mut self, id: CallId) {
        let over = |call: &Call| {
            call.joined.is_empty() || (call.joined.len() < 2 && call.rings.is_empty())
        };
        if self.calls.get(&id).is_some_and(over) {
            self.stop_all(id, RingStop::Cancelled);
            if let Some(call) = self.calls.remove(&id) {
                self.ended.insert(id, call.over);
            }
        }
    }

    fn give_up(&mut self, id: CallId, account: &AccountName, reason: Unreachable, stop: RingStop) {
        self.stop(id, account, stop, None);
        let account = account.clone();
        self.tell_listeners(id, &ServerMessage::Unreachable { call: id, account, reason });
    }

    fn stop_all(&mut self, id: CallId, reason: RingStop) {
        let Some(call) = self.calls.get(&id) else { return };
        for account in call.rings.keys().cloned().collect::<Vec<_>>() {
            self.stop(id, &account, reason, None);
        }
    }

    fn stop(
        &mut self,
        id: CallId,
        account: &AccountName,
        reason: RingStop,
        but: Option<&ParticipantId>,
    ) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.over.insert(account.clone(), reason);
        for (device, rings) in call.rings.remove(account).into_iter().flatten() {
            if rings && but != Some(&device) {
                self.tell(&device, ServerMessage::RingStopped { call: id, reason });
            }
        }
    }

    fn too_late(&mut self, who: &ParticipantId, id: CallId) {
        let over = self.calls.get(&id).map(|call| &call.over).or(self.ended.get(&id));
        let reason = over.and_then(|over| over.get(&who.account).copied());
        let reason = reason.unwrap_or(RingStop::Cancelled);
        self.tell(who, ServerMessage::RingStopped { call: id, reason });
    }

    fn tell_listeners(&mut self, id: CallId, message: &ServerMessage) {
        let Some(call) = self.calls.get(&id) else { return };
        let listeners: Vec<_> = match call.joined.contains(&call.caller) {
            true => vec![call.caller.clone()],
            false => call.joined.iter().cloned().collect(),
        };
        listeners.iter().for_each(|who| self.tell(who, message.clone()));
    }

    fn fail(&mut self, who: &ParticipantId, code: Failure) {
        self.tell(who, ServerMessage::Failed { code, message: String::new() });
    }

    fn tell(&mut self, who: &ParticipantId, message: ServerMessage) {
        self.deliver(who, Down::Say(message));
    }

    fn deliver(&mut self, who: &ParticipantId, message: Down) -> bool {
        if self.online.contains(who) {
            self.out.push((who.clone(), message));
            return true;
        }
        match self.away.get_mut(who) {
            Some((_, kept)) if self.keeps => {
                kept.push(message);
                true
            }
            Some(_) | None => false,
        }
    }
}

fn incoming(id: CallId, call: &Call) -> ServerMessage {
    ServerMessage::Incoming {
        call: id,
        from: call.caller.clone(),
        to: call.to.clone(),
        media: call.media,
        expires: Server::unix(call.expires),
        hide_address: false,
    }
}
