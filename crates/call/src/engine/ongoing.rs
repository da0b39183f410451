//! What the engine knows of the current call beyond what is shown of it.

use super::link::Link;
use crate::drawing::Drawing;
use crate::state::{Call, IncomingCall};
use std::collections::BTreeMap;
use std::time::Instant;
use tincan_proto::peer_message::Numbered;
use tincan_proto::{AccountName, ParticipantId};

/// The current call's inner side.
#[derive(Clone, Debug)]
pub(super) struct Ongoing {
    /// Who placed it.
    pub caller: ParticipantId,
    /// Everybody that the call names, without this account.
    pub others: Vec<AccountName>,
    /// Until when the server has to say anything about an invitation; none once it has.
    pub answer_by: Option<Instant>,
    /// Until when the server has to be back while nobody has accepted.
    pub unreachable_at: Option<Instant>,
    /// Until when whoever has not accepted may still do so.
    pub waiting_until: Instant,
    /// Somebody has accepted, or this device has.
    pub joined: bool,
    /// The call by which the one that is called here called at the same time, while it is ignored.
    pub rival: Option<IncomingCall>,
    /// Those who have accepted; the participant is shown in `Call::participants` as well.
    pub links: BTreeMap<AccountName, Link>,
    /// Devices that ring, connected beforehand.
    pub standbys: BTreeMap<ParticipantId, Link>,
    /// How large their pictures are drawn here.
    pub drawings: BTreeMap<ParticipantId, Drawing>,
    /// Those who are out of it again.
    pub departed: Vec<AccountName>,
    /// Messages from devices of which the server has not said yet that they have accepted.
    pub early: Vec<(ParticipantId, Vec<Numbered>)>,
}

impl Ongoing {
    /// A call that nobody has accepted yet.
    pub(super) fn new(
        caller: ParticipantId,
        others: Vec<AccountName>,
        waiting_until: Instant,
    ) -> Self {
        Self {
            caller,
            others,
            answer_by: None,
            unreachable_at: None,
            waiting_until,
            joined: false,
            rival: None,
            links: BTreeMap::new(),
            standbys: BTreeMap::new(),
            drawings: BTreeMap::new(),
            departed: Vec::new(),
            early: Vec::new(),
        }
    }

    /// The connection to a device, whether it has accepted or rings.
    pub(super) fn link(&mut self, participant: &ParticipantId) -> Option<&mut Link> {
        match self.links.get_mut(&participant.account) {
            Some(link) if link.participant == *participant => Some(link),
            Some(_) | None => self.standbys.get_mut(participant),
        }
    }

    pub(super) fn deadline(&self, call: &Call) -> Option<Instant> {
        let waits = call.participants.iter().any(|p| !self.links.contains_key(&p.account));
        let links = self.links.values().chain(self.standbys.values());
        [self.answer_by, self.unreachable_at, waits.then_some(self.waiting_until)]
            .into_iter()
            .flatten()
            .chain(links.filter_map(Link::deadline))
            .chain(self.drawings.values().filter_map(Drawing::deadline))
            .min()
    }
}
