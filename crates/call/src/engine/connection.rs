//! One peer connection per participant: negotiation, states, the control channel.

use super::ending::Cause;
use super::ongoing::Phase;
use super::{Engine, Turn};
use crate::command::{Command, Event};
use crate::input::{PeerInput, PeerState};
use crate::negotiation::{NegotiationCommand, NegotiationInput, Role};
use crate::state::{EndReason, PeerKey, Stage};
use std::time::Duration;
use tincan_proto::peer_message::DescriptionKind;
use tincan_proto::{AccountName, CallId, ControlMessage, ParticipantId, PeerMessage};

/// How long a first connection may take: relays, a slow signalling path and lost DTLS flights
/// included, it takes under 10 s or never.
pub(super) const CONNECT_WITHIN: Duration = Duration::from_secs(20);
/// When the side that offers tries again while there is no connection: the offer, its answer or
/// candidates may have been lost with a connection to the server.
pub(super) const NUDGE_AFTER: Duration = Duration::from_secs(8);
/// When the side that waits for an offer makes one itself: the other one may not know of it.
pub(super) const SPEAK_UP_AFTER: Duration = Duration::from_secs(1);
/// Most messages kept of a device that the server has not named yet; more are dropped, and the
/// offer is sent again later.
const MAX_EARLY_MESSAGES: usize = 64;
/// Most such devices.
const MAX_EARLY_DEVICES: usize = 8;

impl Engine {
    /// A participant's message came by way of the server.
    pub(super) fn peer_message_opened(
        &mut self,
        t: &mut Turn,
        call: CallId,
        from: ParticipantId,
        message: PeerMessage,
    ) {
        if !self.is_current(call) {
            return;
        }
        let Some(ongoing) = &mut self.ongoing else { return };
        if let Some(link) = ongoing.link(&from) {
            link.heard = true;
            return self.negotiate(t, &from.account, NegotiationInput::Received(message));
        }
        let expected = ongoing.others.contains(&from.account)
            && !ongoing.departed.contains(&from.account)
            && !ongoing.links.contains_key(&from.account);
        if !expected {
            return;
        }
        let offers = match &message {
            PeerMessage::Description(description) => description.kind == DescriptionKind::Offer,
            PeerMessage::Candidate(_) => false,
        };
        let room = ongoing.early.len() < MAX_EARLY_DEVICES;
        match ongoing.early.iter_mut().find(|(device, _)| *device == from) {
            Some((_, messages)) if messages.len() < MAX_EARLY_MESSAGES => messages.push(message),
            None if room => ongoing.early.push((from.clone(), vec![message])),
            Some(_) | None => {}
        }
        let joined = self.state.current.as_ref().is_some_and(|current| !current.outgoing);
        if offers && joined {
            // Only who has accepted offers: a device that joined before this one did.
            self.welcome(t, from);
        }
    }

    /// A message is not what it says it is: whoever stands in between must hear nothing more.
    pub(super) fn peer_message_forged(&mut self, t: &mut Turn, call: CallId, from: &ParticipantId) {
        let ongoing = self
            .ongoing
            .as_mut()
            .filter(|_| self.state.current.as_ref().is_some_and(|current| current.id == call));
        if ongoing.is_some_and(|ongoing| ongoing.link(from).is_some()) {
            self.end(t, EndReason::Untrusted, Cause::Own);
        }
    }

    pub(super) fn peer_reported(&mut self, t: &mut Turn, peer: PeerKey, input: PeerInput) {
        if !self.is_current(peer.call) {
            return;
        }
        let account = &peer.participant.account;
        if self.ongoing.as_mut().and_then(|ongoing| ongoing.link(&peer.participant)).is_none() {
            return;
        }
        match input {
            PeerInput::Negotiation(input) => self.negotiate(t, account, input),
            PeerInput::State(state) => self.peer_state_changed(t, account, state),
            PeerInput::ControlOpened => self.control_opened(t, account),
            PeerInput::Control(ControlMessage::Media { microphone, camera }) => {
                let all = self.state.current.iter_mut().flat_map(|call| &mut call.participants);
                for shown in all.filter(|shown| shown.account == *account) {
                    shown.microphone = microphone;
                    shown.camera = camera;
                }
            }
            PeerInput::Control(ControlMessage::Bye) => {
                self.depart(t, account, EndReason::RemoteHungUp, Cause::Told);
            }
            PeerInput::Control(ControlMessage::Unknown) => {}
        }
    }

    /// Steps one negotiation and passes its orders on.
    pub(super) fn negotiate(
        &mut self,
        t: &mut Turn,
        account: &AccountName,
        input: NegotiationInput,
    ) {
        let (Some(ongoing), Some(call)) = (&mut self.ongoing, &self.state.current) else { return };
        let Some(link) = ongoing.links.get_mut(account) else { return };
        let peer = PeerKey { call: call.id, participant: link.participant.clone() };
        for command in link.negotiation.step(input) {
            t.order(match command {
                NegotiationCommand::Send(message) => Command::SendPeerMessage {
                    call: call.id,
                    to: peer.participant.clone(),
                    message,
                },
                NegotiationCommand::CreateOffer { .. }
                | NegotiationCommand::AcceptOffer { .. }
                | NegotiationCommand::AcceptAnswer { .. }
                | NegotiationCommand::AddCandidate(_) => {
                    Command::Negotiate { peer: peer.clone(), command }
                }
            });
        }
        if link.negotiation.failed() {
            self.depart(t, account, EndReason::ConnectionFailed, Cause::Own);
        }
    }

    fn peer_state_changed(&mut self, t: &mut Turn, account: &AccountName, state: PeerState) {
        let Some(link) = self.ongoing.as_mut().and_then(|o| o.links.get_mut(account)) else {
            return;
        };
        match (state, link.phase) {
            (PeerState::Connected, _) => {
                link.phase = Phase::Connected;
                let device = link.participant.device;
                self.show_stage(account, Stage::Connected { device });
                if let Some(call) = &mut self.state.current
                    && call.connected_at.is_none()
                {
                    call.connected_at = Some(t.now);
                    t.tell(Event::Connected(call.id));
                }
            }
            (PeerState::Disconnected, Phase::Connected) => self.waver(t, account),
            (PeerState::Failed, Phase::Connected | Phase::Wavering { .. }) => {
                self.interrupted(t, account);
            }
            (PeerState::Failed, Phase::Connecting { nudge_at: Some(_), give_up_at }) => {
                link.phase = Phase::Connecting { nudge_at: None, give_up_at };
                self.nudge(t, account);
            }
            // An ICE restart goes through `Connecting`, and what is broken already can only heal.
            (PeerState::Failed, Phase::Connecting { nudge_at: None, .. })
            | (PeerState::Connecting, _)
            | (PeerState::Disconnected | PeerState::Failed, Phase::Interrupted { .. })
            | (PeerState::Disconnected, Phase::Connecting { .. } | Phase::Wavering { .. }) => {}
        }
    }

    pub(super) fn show_stage(&mut self, account: &AccountName, stage: Stage) {
        let participants = self.state.current.iter_mut().flat_map(|call| &mut call.participants);
        for shown in participants.filter(|shown| shown.account == *account) {
            shown.stage = stage;
        }
    }

    fn control_opened(&mut self, t: &mut Turn, account: &AccountName) {
        let (Some(ongoing), Some(call)) = (&mut self.ongoing, &self.state.current) else { return };
        let Some(link) = ongoing.links.get_mut(account) else { return };
        link.control_open = true;
        t.order(Command::SendControl {
            peer: PeerKey { call: call.id, participant: link.participant.clone() },
            message: ControlMessage::Media { microphone: call.microphone, camera: call.camera },
        });
    }

    /// Gets a connection going that has not come about yet.
    pub(super) fn nudge(&mut self, t: &mut Turn, account: &AccountName) {
        let Some(link) = self.ongoing.as_ref().and_then(|o| o.links.get(account)) else { return };
        match link.negotiation.role() {
            Role::Impolite => {
                self.negotiate(t, account, NegotiationInput::Needed { ice_restart: true });
            }
            Role::Polite if !link.heard => {
                self.negotiate(t, account, NegotiationInput::Needed { ice_restart: false });
            }
            Role::Polite => {}
        }
    }
}
