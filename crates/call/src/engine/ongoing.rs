//! What the engine knows of the current call beyond what is shown of it.

use crate::negotiation::Negotiation;
use crate::state::{Call, IncomingCall};
use std::collections::BTreeMap;
use std::time::Instant;
use tincan_proto::{AccountName, ParticipantId, PeerMessage};

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
    /// Those who are out of it again.
    pub departed: Vec<AccountName>,
    /// Messages from devices of which the server has not said yet that they have accepted.
    pub early: Vec<(ParticipantId, Vec<PeerMessage>)>,
}

/// One of the others who has accepted.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub participant: ParticipantId,
    pub negotiation: Negotiation,
    pub phase: Phase,
    pub control_open: bool,
    /// They have sent a negotiation message.
    pub heard: bool,
    /// The server has not heard of them for a while, but the connection stands.
    pub gone: bool,
}

/// How a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Connecting {
        nudge_at: Option<Instant>,
        give_up_at: Instant,
    },
    Connected,
    /// ICE hears nothing, but it may be a moment only.
    Wavering {
        until: Instant,
    },
    Interrupted {
        attempt: u32,
        next_at: Instant,
    },
}

impl Phase {
    pub(super) fn deadline(self) -> Option<Instant> {
        match self {
            Self::Connecting { nudge_at, give_up_at } => {
                Some(nudge_at.map_or(give_up_at, |nudge_at| nudge_at.min(give_up_at)))
            }
            Self::Connected => None,
            Self::Wavering { until } => Some(until),
            Self::Interrupted { next_at, .. } => Some(next_at),
        }
    }
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
            departed: Vec::new(),
            early: Vec::new(),
        }
    }

    pub(super) fn link(&mut self, participant: &ParticipantId) -> Option<&mut Link> {
        self.links.get_mut(&participant.account).filter(|link| link.participant == *participant)
    }

    pub(super) fn deadline(&self, call: &Call) -> Option<Instant> {
        let waits = call.participants.iter().any(|p| !self.links.contains_key(&p.account));
        let links = self.links.values().filter_map(|link| link.phase.deadline());
        [self.answer_by, self.unreachable_at, waits.then_some(self.waiting_until)]
            .into_iter()
            .flatten()
            .chain(links)
            .min()
    }
}
