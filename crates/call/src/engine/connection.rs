//! One peer connection per participant: negotiation, states, the control channel.

use super::ending::Cause;
use super::link::{Link, Phase, SentMedia, UPGRADE_AFTER};
use super::{Engine, Turn};
use crate::command::{Command, Event};
use crate::input::{PeerInput, PeerState};
use crate::negotiation::{NegotiationCommand, NegotiationInput, Role};
use crate::state::{EndReason, Participant, PeerKey, Picture, Stage};
use std::time::Duration;
use tincan_proto::peer_message::{DescriptionKind, Numbered};
use tincan_proto::{AccountName, CallId, ControlMessage, ParticipantId, PeerMessage, Viewing};

/// How long a first connection may take: relays, a slow signalling path, lost DTLS flights and
/// two connections made anew included, it takes under 15 s or never.
pub(super) const CONNECT_WITHIN: Duration = Duration::from_secs(25);
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
/// Most devices remembered that sent a forged message before they were in the call.
const MAX_DISTRUSTED: usize = 16;

impl Engine {
    /// A participant's message came by way of the server.
    pub(super) fn peer_message_opened(
        &mut self,
        t: &mut Turn,
        call: CallId,
        from: ParticipantId,
        message: Numbered,
    ) {
        if self.caller_knocks(t, call, &from, &message) {
            return self.heard_from(t, call, &from, message);
        }
        if !self.is_current(call) {
            return;
        }
        let Some(ongoing) = &mut self.ongoing else { return };
        if ongoing.link(&from).is_some() {
            return self.heard_from(t, call, &from, message);
        }
        let expected = ongoing.others.contains(&from.account)
            && !ongoing.departed.contains(&from.account)
            && !ongoing.links.contains_key(&from.account);
        if !expected {
            return;
        }
        let offers = match &message.message {
            PeerMessage::Description(description) => description.kind == DescriptionKind::Offer,
            PeerMessage::Candidate(_) | PeerMessage::Renew => false,
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
            self.welcome(t, from, false);
        }
    }

    /// Takes a message for a connection that there is.
    pub(super) fn heard_from(
        &mut self,
        t: &mut Turn,
        call: CallId,
        from: &ParticipantId,
        message: Numbered,
    ) {
        let Some(link) = self.link_to(call, from) else { return };
        link.heard = true;
        let (mut peer, role) = (link.key(call), link.negotiation.role());
        let Numbered { generation, message } = message;
        if generation < peer.generation {
            let candidate = matches!(message, PeerMessage::Candidate(_));
            if role == Role::Impolite && !candidate {
                // They do not know of the new connection yet.
                self.negotiate(t, &peer, NegotiationInput::Unheard);
            }
            return;
        }
        if generation > peer.generation {
            if role == Role::Impolite {
                return;
            }
            peer = self.reopen(t, &peer, generation);
        }
        match (message, role) {
            (PeerMessage::Renew, Role::Impolite) => self.renew(t, &peer),
            (PeerMessage::Renew, Role::Polite) => {}
            (message @ (PeerMessage::Description(_) | PeerMessage::Candidate(_)), _) => {
                self.offered(&peer, &message);
                self.negotiate(t, &peer, NegotiationInput::Received(message));
            }
        }
    }

    /// A message is not what it says it is: whoever stands in between must hear nothing more.
    /// While it rings nobody is told, but accepting ends the call.
    pub(super) fn peer_message_forged(&mut self, t: &mut Turn, call: CallId, from: ParticipantId) {
        let account = &from.account;
        let rings = self.state.incoming.iter().any(|ring| ring.id == call && ring.from == from);
        let current = self.is_current(call);
        let ongoing = self.ongoing.as_ref().filter(|_| current);
        let joined = ongoing
            .is_some_and(|o| o.links.get(account).is_some_and(|link| link.participant == from));
        if joined {
            return self.end(t, EndReason::Untrusted, Cause::Own);
        }
        let awaited = ongoing.is_some_and(|o| o.standbys.contains_key(&from));
        if !(rings || awaited) {
            return;
        }
        if self.distrusted.len() >= MAX_DISTRUSTED {
            self.distrusted.remove(0);
        }
        self.distrusted.push((call, from.clone()));
        if rings {
            return self.drop_ring_link(t, call);
        }
        if let Some(link) = self.ongoing.as_mut().and_then(|o| o.standbys.remove(&from)) {
            t.order(Command::ClosePeer { peer: link.key(call) });
        }
    }

    /// What a peer connection says. Of one that was dropped or replaced nothing counts.
    pub(super) fn peer_reported(&mut self, t: &mut Turn, peer: &PeerKey, input: PeerInput) {
        if self.link_mut(peer).is_none() {
            return;
        }
        match input {
            PeerInput::Negotiation(input) => self.negotiate(t, peer, input),
            PeerInput::State(state) => self.peer_state_changed(t, peer, state),
            PeerInput::IceConnected => self.ice_connected(t, peer),
            PeerInput::Path { relayed } => self.path_known(t, peer, relayed),
            PeerInput::Received { pictures, packets } => {
                self.watch_frames(t, peer, pictures, packets);
            }
            PeerInput::ControlOpened => self.control_opened(t, peer),
            PeerInput::Control(message) => self.control_heard(t, peer, message),
        }
    }

    fn control_heard(&mut self, t: &mut Turn, peer: &PeerKey, message: ControlMessage) {
        let standby = self.is_standby(peer);
        match message {
            ControlMessage::Media { microphone, camera, screen, paused } => {
                if let Some(link) = self.link_mut(peer) {
                    link.media = Some(SentMedia { microphone, camera, screen, paused });
                }
                self.show_media(peer);
            }
            ControlMessage::Viewing(viewing) => {
                t.order(Command::FitPicture { peer: peer.clone(), viewing });
            }
            ControlMessage::PictureMissing { missing } if !standby => {
                if let Some(shown) = self.shown(&peer.participant.account) {
                    shown.own_picture_missing = missing;
                }
            }
            ControlMessage::Bye if !standby => {
                let account = &peer.participant.account;
                self.depart(t, account, EndReason::RemoteHungUp, Cause::Told);
            }
            ControlMessage::Echoing { strong } if !standby => {
                if let Some(shown) = self.shown(&peer.participant.account) {
                    shown.echoing = strong;
                }
            }
            // What the echo contact says is shown, but nothing follows from it.
            ControlMessage::PictureMissing { .. }
            | ControlMessage::Echoing { .. }
            | ControlMessage::Bye
            | ControlMessage::EchoPhase { .. }
            | ControlMessage::EchoReport { .. }
            | ControlMessage::Health(_)
            // Connections answer these themselves.
            | ControlMessage::ClockQuestion { .. }
            | ControlMessage::ClockAnswer { .. }
            | ControlMessage::Rebuilds
            | ControlMessage::Unknown => {}
        }
    }

    /// Steps one negotiation and passes its orders on.
    pub(super) fn negotiate(&mut self, t: &mut Turn, peer: &PeerKey, input: NegotiationInput) {
        let Some(link) = self.link_mut(peer) else { return };
        let failed = link.negotiation.failed();
        for command in link.negotiation.step(input) {
            let peer = peer.clone();
            t.order(match command {
                NegotiationCommand::Send(message) => Command::SendPeerMessage { peer, message },
                NegotiationCommand::CreateOffer { .. }
                | NegotiationCommand::AcceptOffer { .. }
                | NegotiationCommand::AcceptAnswer { .. }
                | NegotiationCommand::AddCandidate(_) => Command::Negotiate { peer, command },
            });
        }
        if !failed && link.negotiation.failed() {
            self.make_anew(t, peer);
            let stuck = self.link_mut(peer).is_some_and(|link| link.failed);
            if stuck && !self.is_standby(peer) {
                let account = &peer.participant.account;
                self.depart(t, account, EndReason::ConnectionFailed, Cause::Own);
            }
        }
    }

    fn peer_state_changed(&mut self, t: &mut Turn, peer: &PeerKey, state: PeerState) {
        let standby = self.is_standby(peer);
        let Some(link) = self.link_mut(peer) else { return };
        match (state, link.phase) {
            (PeerState::Connected, _) => {
                link.ice_since = None;
                link.renewals = 0;
                link.failed = false;
                if standby {
                    return self.standby_state(peer, true);
                }
                self.connected(t, peer);
            }
            (PeerState::Disconnected | PeerState::Failed, _) if standby => {
                self.standby_state(peer, false);
                if state == PeerState::Failed {
                    self.make_anew(t, peer);
                }
            }
            (PeerState::Connecting, _) if standby => self.standby_state(peer, false),
            (PeerState::Disconnected, Phase::Connected) => self.disconnected(t, peer),
            (PeerState::Failed, Phase::Connected | Phase::Wavering { .. }) => {
                self.interrupted(t, peer);
            }
            (PeerState::Failed, Phase::Connecting { .. }) => self.make_anew(t, peer),
            // An ICE restart goes through `Connecting`.
            (PeerState::Connecting, Phase::Connected) => self.restarting(t, peer),
            // What is broken already can only heal.
            (PeerState::Connecting, _)
            | (PeerState::Disconnected | PeerState::Failed, Phase::Interrupted(_))
            | (PeerState::Disconnected, Phase::Connecting { .. } | Phase::Wavering { .. }) => {}
        }
    }

    /// The connection to somebody in the call stands.
    pub(super) fn connected(&mut self, t: &mut Turn, peer: &PeerKey) {
        let Some(link) = self.link_mut(peer) else { return };
        link.phase = Phase::Connected;
        self.show_stage(peer, Stage::Connected { device: peer.participant.device });
        self.send_media(t, peer, true);
        if let Some(call) = &mut self.state.current
            && call.connected_at.is_none()
        {
            call.connected_at = Some(t.now);
            t.tell(Event::Connected(call.id));
        }
    }

    /// Lets media out to somebody in the call, or holds it back: nothing is sent to who may not
    /// know that they are connected.
    pub(super) fn send_media(&mut self, t: &mut Turn, peer: &PeerKey, on: bool) {
        if let Some(link) = self.link_mut(peer)
            && std::mem::replace(&mut link.sending, on) != on
        {
            t.order(Command::SendMedia { peer: peer.clone(), on });
        }
    }

    fn path_known(&mut self, t: &mut Turn, peer: &PeerKey, relayed: bool) {
        let Some(link) = self.link_mut(peer) else { return };
        link.relayed = relayed;
        // The crate never gives a selected pair up for a better one: a restart lets it choose anew.
        let once = relayed && !link.relay_only && !std::mem::replace(&mut link.upgraded, true);
        link.upgrade_at =
            (once && link.negotiation.role() == Role::Impolite).then(|| t.now + UPGRADE_AFTER);
        self.show_path(peer, relayed);
    }

    /// Gives a relayed connection its second chance.
    pub(super) fn upgrade_path(&mut self, t: &mut Turn, peer: &PeerKey) {
        let online = self.online;
        let Some(link) = self.link_mut(peer) else { return };
        if link.upgrade_at.is_none_or(|at| at > t.now) {
            return;
        }
        // A restart gives up the path that stands, so not while its offer has no way.
        link.upgrade_at = (!online).then(|| t.now + UPGRADE_AFTER);
        if !online {
            return;
        }
        if link.relayed && link.phase == Phase::Connected {
            self.negotiate(t, peer, NegotiationInput::Needed { ice_restart: true });
        }
    }

    fn control_opened(&mut self, t: &mut Turn, peer: &PeerKey) {
        let Some(link) = self.link_mut(peer) else { return };
        link.control_open = true;
        link.told = Viewing::default();
        if self.is_standby(peer) {
            return;
        }
        self.say_media(t, peer);
        // A connection that was replaced may have taken the word along.
        if self.shown(&peer.participant.account).is_some_and(|shown| shown.picture_missing) {
            let message = ControlMessage::PictureMissing { missing: true };
            t.order(Command::SendControl { peer: peer.clone(), message });
        }
    }

    /// Says on the control channel what is sent from here.
    pub(super) fn say_media(&mut self, t: &mut Turn, peer: &PeerKey) {
        let Some(call) = &self.state.current else { return };
        let (microphone, picture) = (call.microphone, call.sent());
        let (camera, screen, paused) = match picture {
            Picture::Nothing => (false, false, false),
            Picture::Paused => (false, false, true),
            Picture::Camera => (true, false, false),
            Picture::Screen(_) => (true, true, false),
        };
        let message = ControlMessage::Media { microphone, camera, screen, paused };
        t.order(Command::SendControl { peer: peer.clone(), message });
    }

    /// Gets a connection going that has not come about yet.
    pub(super) fn nudge(&mut self, t: &mut Turn, peer: &PeerKey) {
        let Some(link) = self.link_mut(peer) else { return };
        match link.negotiation.role() {
            Role::Impolite => {
                self.negotiate(t, peer, NegotiationInput::Needed { ice_restart: true });
            }
            Role::Polite if !link.heard => {
                self.negotiate(t, peer, NegotiationInput::Needed { ice_restart: false });
            }
            Role::Polite => {}
        }
    }

    /// The connection of this name: none once it was closed or replaced.
    pub(super) fn link_mut(&mut self, peer: &PeerKey) -> Option<&mut Link> {
        self.link_to(peer.call, &peer.participant).filter(|link| link.generation == peer.generation)
    }

    /// The connection to a device.
    pub(super) fn link_to(&mut self, call: CallId, who: &ParticipantId) -> Option<&mut Link> {
        if self.is_current(call) {
            return self.ongoing.as_mut()?.link(who);
        }
        self.ring_links.get_mut(&call).filter(|link| link.participant == *who)
    }

    /// The names of the connections to those in the call.
    pub(super) fn joined_peers(&self) -> Vec<PeerKey> {
        let (Some(ongoing), Some(call)) = (&self.ongoing, &self.state.current) else {
            return Vec::new();
        };
        ongoing.links.values().map(|link| link.key(call.id)).collect()
    }

    pub(super) fn shown(&mut self, account: &AccountName) -> Option<&mut Participant> {
        let participants = self.state.current.iter_mut().flat_map(|call| &mut call.participants);
        participants.into_iter().find(|shown| shown.account == *account)
    }

    pub(super) fn show_stage(&mut self, peer: &PeerKey, stage: Stage) {
        if let Some(shown) = self.shown(&peer.participant.account) {
            shown.stage = stage;
        }
    }

    pub(super) fn show_path(&mut self, peer: &PeerKey, relayed: bool) {
        if !self.is_standby(peer)
            && let Some(shown) = self.shown(&peer.participant.account)
        {
            shown.relayed = relayed;
        }
    }

    /// Shows what somebody in the call has said of their sound and picture.
    pub(super) fn show_media(&mut self, peer: &PeerKey) {
        if self.is_standby(peer) {
            return;
        }
        let Some(sent) = self.link_mut(peer).and_then(|link| link.media) else { return };
        if let Some(shown) = self.shown(&peer.participant.account) {
            shown.microphone = sent.microphone;
            shown.camera = sent.camera;
            shown.screen = sent.camera && sent.screen;
            shown.paused = !sent.camera && sent.paused;
        }
    }
}
