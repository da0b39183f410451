//! Connections that break: ICE restarts and then new connections, with growing pauses, until it
//! heals or is lost.

use super::ending::Cause;
use super::link::{Interruption, Link, Phase};
use super::{Engine, Turn};
use crate::negotiation::{NegotiationInput, Role};
use crate::state::{EndReason, PeerKey, Stage};
use std::time::{Duration, Instant};
use tincan_proto::peer_message::DescriptionKind;
use tincan_proto::{ClientMessage, PeerMessage};

/// How long ICE may hear nothing before that is an interruption: shorter gaps heal by
/// themselves, and a restart in them would only make them longer.
const WAVERS_FOR: Duration = Duration::from_secs(2);
/// How long a path may be away while a restart looks for a better one or the new one: the offer,
/// its answer and the checks. Whoever offers has given the old path up.
const RESTARTS_WITHIN: Duration = Duration::from_secs(4);
/// Attempts at restoring a connection.
pub const ATTEMPTS: u32 = 5;
/// How long each attempt may take, the answer of a slow server and a hand-shake included.
const ATTEMPT_TIME: Duration = Duration::from_secs(10);
/// The pause after each attempt, to be multiplied with the jitter. In the last one the connection
/// may still heal by itself. With the attempts it takes 81 to 85 s until a connection is lost.
const BACKOFF: [Duration; ATTEMPTS as usize] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
];
/// When an interruption ends the call although attempts are left: while the server is away none
/// is used up. The attempt that is under way then may finish. Shorter than the server keeps a
/// participant's place.
pub(super) const LOST_AFTER: Duration = Duration::from_secs(85);
/// From this attempt on a new connection is made: restarting ICE has not helped three times.
const RENEWS_FROM: u32 = 4;
/// How long the polite side leaves the first word to the impolite one, so that their offers do
/// not collide when both have noticed.
const POLITE_WAITS: Duration = Duration::from_millis(500);

impl Engine {
    /// ICE hears nothing at the moment.
    pub(super) fn disconnected(&mut self, t: &mut Turn, peer: &PeerKey) {
        self.waver(t, peer, WAVERS_FOR);
    }

    /// ICE looks for a path anew: nothing to speak of unless it takes long, for instance because the
    /// answer does not come.
    pub(super) fn restarting(&mut self, t: &Turn, peer: &PeerKey) {
        if let Some(link) = self.link_mut(peer) {
            link.phase = Phase::Wavering { until: t.now + RESTARTS_WITHIN };
        }
    }

    /// A connection may come back by itself for a while.
    pub(super) fn waver(&mut self, t: &mut Turn, peer: &PeerKey, time: Duration) {
        if let Some(link) = self.link_mut(peer) {
            link.phase = Phase::Wavering { until: t.now + time };
            self.show_stage(peer, Stage::Wavering { device: peer.participant.device });
        }
    }

    /// A connection is broken: the first attempt begins.
    pub(super) fn interrupted(&mut self, t: &mut Turn, peer: &PeerKey) {
        self.send_media(t, peer, false);
        self.attempt(t, peer, 1, t.now);
    }

    /// Begins an attempt, or ends the call if there was the last one.
    fn attempt(&mut self, t: &mut Turn, peer: &PeerKey, attempt: u32, since: Instant) {
        let (jitter, online) = (self.jitter(), self.online);
        let Some(link) = self.link_mut(peer) else { return };
        let pause = BACKOFF.get(attempt.saturating_sub(1) as usize).filter(|_| !link.gone);
        let lost_at = since + LOST_AFTER;
        let pause = pause.filter(|_| t.now < lost_at);
        let Some(pause) = pause else {
            // Tried often enough, or nobody is there to answer an offer.
            let account = &peer.participant.account;
            return self.depart(t, account, EndReason::ConnectionLost, Cause::Own);
        };
        let ends_at = t.now + ATTEMPT_TIME;
        let next_at = (ends_at + pause.mul_f64(jitter)).min(lost_at.max(ends_at));
        let role = link.negotiation.role();
        let defers = role == Role::Polite && attempt == 1 && online;
        let speak_at = defers.then(|| t.now + POLITE_WAITS);
        let waits = !online;
        link.phase = Phase::Interrupted(Interruption { attempt, since, next_at, speak_at, waits });
        let device = peer.participant.device;
        let next_at = Some(next_at).filter(|_| attempt < ATTEMPTS && online);
        self.show_stage(peer, Stage::Interrupted { device, attempt, next_at });
        if waits || defers {
            return;
        }
        if attempt < RENEWS_FROM {
            self.negotiate(t, peer, NegotiationInput::Needed { ice_restart: true });
        } else {
            self.renew(t, peer);
        }
    }

    /// The other side offers: nothing is to be added for a while.
    pub(super) fn offered(&mut self, peer: &PeerKey, message: &PeerMessage) {
        let PeerMessage::Description(description) = message else { return };
        if description.kind == DescriptionKind::Offer
            && let Some(Link { phase: Phase::Interrupted(interruption), .. }) = self.link_mut(peer)
        {
            interruption.speak_at = None;
        }
    }

    /// The person does not wait for the next attempt. The last one is only made again.
    pub(super) fn reconnect_pressed(&mut self, t: &mut Turn) {
        for peer in self.joined_peers() {
            if let Some(Link { phase: Phase::Interrupted(i), .. }) = self.link_mut(&peer)
                && !i.waits
            {
                let (attempt, since) = ((i.attempt + 1).min(ATTEMPTS), i.since);
                self.attempt(t, &peer, attempt, since);
            }
        }
    }

    /// This machine's addresses have changed: what was found on the old ones may be gone.
    pub(super) fn addresses_changed(&mut self, t: &mut Turn) {
        let standbys = self.ongoing.iter().flat_map(|ongoing| &ongoing.standbys);
        let current = self.state.current.as_ref().map(|call| call.id);
        let rings = self.ring_links.iter().map(|(call, link)| link.key(*call));
        let beforehand = standbys.zip(current.iter().cycle()).map(|((_, l), call)| l.key(*call));
        let mut peers: Vec<PeerKey> = beforehand.chain(rings).collect();
        peers.extend(self.joined_peers());
        for peer in peers {
            let online = self.online;
            let Some(link) = self.link_mut(&peer) else { continue };
            link.negotiation.outdate();
            match link.phase {
                Phase::Interrupted(i) if online => self.attempt(t, &peer, i.attempt, i.since),
                Phase::Connecting { .. } | Phase::Connected | Phase::Wavering { .. } if online => {
                    self.negotiate(t, &peer, NegotiationInput::Needed { ice_restart: true });
                }
                Phase::Connecting { .. }
                | Phase::Connected
                | Phase::Wavering { .. }
                | Phase::Interrupted(_) => link.restart_owed = true,
            }
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
        for peer in self.joined_peers() {
            let Some(link) = self.link_mut(&peer) else { continue };
            let again = match link.phase {
                Phase::Connecting { .. } => link.negotiation.role() == Role::Impolite,
                Phase::Interrupted(i) => !i.waits,
                Phase::Connected | Phase::Wavering { .. } => false,
            };
            if again {
                self.negotiate(t, &peer, NegotiationInput::Needed { ice_restart: true });
            }
        }
    }

    /// The server is back: attempts that waited for it begin.
    pub(super) fn go_on_reconnecting(&mut self, t: &mut Turn) {
        for peer in self.joined_peers() {
            let Some(link) = self.link_mut(&peer) else { continue };
            let owed = std::mem::take(&mut link.restart_owed);
            match link.phase {
                Phase::Interrupted(i) if i.waits => self.attempt(t, &peer, i.attempt, i.since),
                Phase::Connecting { .. } | Phase::Connected | Phase::Wavering { .. } if owed => {
                    self.negotiate(t, &peer, NegotiationInput::Needed { ice_restart: true });
                }
                Phase::Connecting { .. }
                | Phase::Connected
                | Phase::Wavering { .. }
                | Phase::Interrupted(_) => {}
            }
        }
    }

    /// Does what is due for the connections.
    pub(super) fn pass_link_deadlines(&mut self, t: &mut Turn) {
        let due = |link: &Link| link.deadline().is_some_and(|at| at <= t.now);
        let mut peers: Vec<PeerKey> =
            self.ring_links.iter().filter(|(_, l)| due(l)).map(|(call, l)| l.key(*call)).collect();
        if let (Some(ongoing), Some(call)) = (&self.ongoing, &self.state.current) {
            let links = ongoing.links.values().chain(ongoing.standbys.values());
            peers.extend(links.filter(|link| due(link)).map(|link| link.key(call.id)));
        }
        for peer in peers {
            self.pass_phase(t, &peer);
            self.watch_dtls(t, &peer);
            self.upgrade_path(t, &peer);
        }
    }

    fn pass_phase(&mut self, t: &mut Turn, peer: &PeerKey) {
        let Some(link) = self.link_mut(peer) else { return };
        let passed = |at: Instant| at <= t.now;
        match &mut link.phase {
            Phase::Connecting { give_up_at, .. } if give_up_at.is_some_and(passed) => {
                let account = &peer.participant.account;
                self.depart(t, account, EndReason::ConnectionFailed, Cause::Own);
            }
            Phase::Connecting { nudge_at, .. } if nudge_at.is_some_and(passed) => {
                *nudge_at = None;
                self.nudge(t, peer);
            }
            Phase::Wavering { until } if passed(*until) => self.interrupted(t, peer),
            Phase::Interrupted(i) if i.waits && passed(i.since + LOST_AFTER) => {
                let account = &peer.participant.account;
                self.depart(t, account, EndReason::ConnectionLost, Cause::Own);
            }
            Phase::Interrupted(i) if !i.waits && passed(i.next_at) => {
                let (attempt, since) = (i.attempt + 1, i.since);
                self.attempt(t, peer, attempt, since);
            }
            Phase::Interrupted(i) if !i.waits && i.speak_at.is_some_and(passed) => {
                i.speak_at = None;
                self.negotiate(t, peer, NegotiationInput::Needed { ice_restart: true });
            }
            Phase::Connecting { .. }
            | Phase::Connected
            | Phase::Wavering { .. }
            | Phase::Interrupted(_) => {}
        }
    }
}
