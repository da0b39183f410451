//! Connections that break: ICE restarts with growing pauses, until it heals or is lost.

use super::ending::Cause;
use super::ongoing::Phase;
use super::{Engine, Turn};
use crate::negotiation::{NegotiationInput, Role};
use crate::state::{EndReason, Stage};
use std::time::{Duration, Instant};
use tincan_proto::{AccountName, ClientMessage};

/// How long ICE may hear nothing before that is an interruption: shorter gaps heal by
/// themselves, and a restart in them would only make them longer.
const WAVERS_FOR: Duration = Duration::from_secs(2);
/// Attempts at restoring a connection.
pub const ATTEMPTS: u32 = 5;
/// How long each attempt has until the next begins; with jitter, the whole takes 31 to 39 s.
const BACKOFF: [Duration; ATTEMPTS as usize] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
];
/// The attempt from which the polite side tries as well: the impolite one goes first, so that
/// their offers do not collide when both have noticed.
const POLITE_FROM_ATTEMPT: u32 = 2;

impl Engine {
    /// ICE hears nothing at the moment.
    pub(super) fn waver(&mut self, t: &mut Turn, account: &AccountName) {
        if let Some(link) = self.ongoing.as_mut().and_then(|o| o.links.get_mut(account)) {
            link.phase = Phase::Wavering { until: t.now + WAVERS_FOR };
            let device = link.participant.device;
            self.show_stage(account, Stage::Wavering { device });
        }
    }

    /// A connection is broken: the first attempt begins.
    pub(super) fn interrupted(&mut self, t: &mut Turn, account: &AccountName) {
        self.attempt(t, account, 1);
    }

    /// Goes on to the next attempt at once; the last one keeps the time that it has.
    pub(super) fn reconnect_pressed(&mut self, t: &mut Turn) {
        let links = self.ongoing.iter().flat_map(|ongoing| &ongoing.links);
        let waiting: Vec<_> = links
            .filter_map(|(account, link)| match link.phase {
                Phase::Interrupted { attempt, .. } if attempt < ATTEMPTS => {
                    Some((account.clone(), attempt))
                }
                Phase::Connecting { .. }
                | Phase::Connected
                | Phase::Wavering { .. }
                | Phase::Interrupted { .. } => None,
            })
            .collect();
        for (account, attempt) in waiting {
            self.attempt(t, &account, attempt + 1);
        }
    }

    fn attempt(&mut self, t: &mut Turn, account: &AccountName, attempt: u32) {
        let jitter = self.jitter();
        let Some(link) = self.ongoing.as_mut().and_then(|o| o.links.get_mut(account)) else {
            return;
        };
        let pause = BACKOFF.get(attempt.saturating_sub(1) as usize).filter(|_| !link.gone);
        let Some(pause) = pause else {
            // Tried often enough, or nobody is there to answer an offer.
            return self.depart(t, account, EndReason::ConnectionLost, Cause::Own);
        };
        let next_at = t.now + pause.mul_f64(jitter);
        link.phase = Phase::Interrupted { attempt, next_at };
        let device = link.participant.device;
        let turn = match link.negotiation.role() {
            Role::Impolite => true,
            Role::Polite => attempt >= POLITE_FROM_ATTEMPT,
        };
        let next_at = Some(next_at).filter(|_| attempt < ATTEMPTS);
        self.show_stage(account, Stage::Interrupted { device, attempt, next_at });
        if turn {
            self.negotiate(t, account, NegotiationInput::Needed { ice_restart: true });
        }
    }

    /// The server is back and nothing is lost, but an acceptance without it was never said.
    pub(super) fn accept_again(&self, t: &mut Turn) {
        let (Some(ongoing), Some(call)) = (&self.ongoing, &self.state.current) else { return };
        if !ongoing.links.values().any(|link| link.heard) {
            self.say_accepted(t, call.id);
        }
    }

    /// The server is back and may know nothing of the call: what brought this device into it is
    /// said again, and so is what may not have arrived.
    pub(super) fn announce(&mut self, t: &mut Turn) {
        let (Some(ongoing), Some(call)) = (&self.ongoing, &self.state.current) else { return };
        if call.outgoing {
            let mut to = ongoing.others.clone();
            to.retain(|account| !ongoing.departed.contains(account));
            let (call, media, hide_address) = (call.id, call.media, self.hide_address);
            self.send(t, ClientMessage::Invite { call, to, media, hide_address });
        } else {
            self.say_accepted(t, call.id);
        }
        let broken = |phase: Phase, role: Role| match phase {
            Phase::Connecting { .. } => role == Role::Impolite,
            Phase::Connected | Phase::Wavering { .. } => false,
            Phase::Interrupted { .. } => true,
        };
        let accounts: Vec<AccountName> = ongoing
            .links
            .values()
            .filter(|link| broken(link.phase, link.negotiation.role()))
            .map(|link| link.participant.account.clone())
            .collect();
        for account in accounts {
            self.negotiate(t, &account, NegotiationInput::Needed { ice_restart: true });
        }
    }

    /// Does what is due for the connections.
    pub(super) fn pass_link_deadlines(&mut self, t: &mut Turn) {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= t.now);
        let links = self.ongoing.iter().flat_map(|ongoing| &ongoing.links);
        let accounts: Vec<AccountName> = links
            .filter(|(_, link)| due(link.phase.deadline()))
            .map(|(account, _)| account.clone())
            .collect();
        for account in accounts {
            let Some(link) = self.ongoing.as_mut().and_then(|o| o.links.get_mut(&account)) else {
                continue;
            };
            match link.phase {
                Phase::Connecting { give_up_at, .. } if give_up_at <= t.now => {
                    self.depart(t, &account, EndReason::ConnectionFailed, Cause::Own);
                }
                Phase::Connecting { give_up_at, .. } => {
                    link.phase = Phase::Connecting { nudge_at: None, give_up_at };
                    self.nudge(t, &account);
                }
                Phase::Connected => {}
                Phase::Wavering { .. } => self.interrupted(t, &account),
                Phase::Interrupted { attempt, .. } => self.attempt(t, &account, attempt + 1),
            }
        }
    }
}
