//! Drives the engine: carries out its commands, feeds it what connections say.

use super::{Controller, Message};
use crate::controller::session::unix_now;
use crate::figures::Figures;
use crate::ports::{Happening, Tile};
use crate::view::{EchoView, NoticeKind};
use std::collections::HashMap;
use std::time::Instant;
use tincan_call::{
    CallState, Command, EndReason, Engine, Event, Input, NegotiationCommand, Output, PeerInput,
    PeerKey, PeerState,
};
use tincan_peer_connection::{IceState, Peer, PeerEvent, PeerOptions, PeerStats};
use tincan_proto::peer_message::{Generation, OpenError};
use tincan_proto::signalling::CallMedia;
use tincan_proto::units::UnixMillis;
use tincan_proto::{
    AccountName, CallId, ClientMessage, ControlMessage, IceServer, Numbered, ParticipantId,
    PeerMessage, ServerMessage, SignedMessage, View,
};

/// The engine and the connections that it asked for.
pub struct Calls {
    engine: Engine,
    deadline: Option<Instant>,
    pub(super) peers: HashMap<PeerKey, Connection>,
    /// Whose calls have rung here and have not ended.
    ringing: HashMap<CallId, (AccountName, CallMedia)>,
    /// Who is calling with the message in hand.
    knocking: Option<(CallId, AccountName, CallMedia)>,
    /// Wall clock of the moment when a call was first connected.
    connected_at: Option<(CallId, UnixMillis)>,
    /// What the echo contact said, in which call.
    pub echo: Option<(CallId, EchoView)>,
}

/// One connection as it is now, for diagnostics.
#[derive(Clone, Debug)]
pub struct ConnectionReport {
    /// To whom.
    pub participant: ParticipantId,
    /// ICE and DTLS are up.
    pub connected: bool,
    /// What it has carried so far.
    pub totals: PeerStats,
}

pub(super) struct Connection {
    pub(super) peer: Peer,
    pub(super) connected: bool,
    pub(super) figures: Figures,
}

impl Calls {
    pub fn new(seed: u64) -> Self {
        let (deadline, peers) = (None, HashMap::new());
        Self {
            engine: Engine::new(seed),
            deadline,
            peers,
            ringing: HashMap::new(),
            knocking: None,
            connected_at: None,
            echo: None,
        }
    }

    pub fn state(&self) -> &CallState {
        self.engine.state()
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// When this call was first connected.
    pub fn connected_at(&self, call: CallId) -> Option<UnixMillis> {
        self.connected_at.and_then(|(of, at)| (of == call).then_some(at))
    }

    /// What the echo contact said in this call.
    pub fn echo(&self, call: CallId) -> Option<&EchoView> {
        self.echo.as_ref().and_then(|(of, echo)| (*of == call).then_some(echo))
    }

    pub fn figures(&self, peer: &PeerKey) -> Option<&Figures> {
        self.peers.get(peer).map(|connection| &connection.figures)
    }

    /// The connection to somebody in the current call.
    pub fn peer_of(&self, participant: &ParticipantId) -> Option<&PeerKey> {
        let call = self.state().current.as_ref()?.id;
        self.peers.keys().find(|key| key.call == call && key.participant == *participant)
    }

    /// They send pictures, and they are to come all the time.
    fn expects_pictures(&self, peer: &PeerKey) -> bool {
        let participants = self.state().current.iter().flat_map(|call| &call.participants);
        let account = &peer.participant.account;
        let shown = participants.into_iter().find(|participant| participant.account == *account);
        shown.is_some_and(|shown| shown.camera && shown.view != View::Hidden)
    }

    pub fn peers(&self) -> Vec<PeerKey> {
        self.peers.keys().cloned().collect()
    }
}

impl Controller {
    /// Steps the engine with what the server said about calls.
    pub(super) async fn signalled(&mut self, message: ServerMessage) {
        if let ServerMessage::Incoming { call, from, media, .. } = &message {
            self.calls.knocking = Some((*call, from.account.clone(), *media));
        }
        let server_now = self.session.server_now();
        self.step(Input::Signalled { message, server_now }).await;
    }

    /// Steps the engine and does what it says.
    pub(super) async fn step(&mut self, input: Input) {
        let Output { commands, events, deadline } = self.calls.engine.step(Instant::now(), input);
        self.calls.deadline = deadline;
        for command in commands {
            self.obey(command).await;
        }
        self.follow_sounds();
        // After the commands: the history is asked for when the server knows of the end.
        for event in events {
            self.tell(event);
        }
        let CallState { current, incoming, .. } = self.calls.state();
        self.session.set_hurry(current.is_some() || !incoming.is_empty());
        self.follow_screens();
        self.changed = true;
    }

    fn tell(&mut self, event: Event) {
        match event {
            Event::RingStarted(call) => {
                let incoming = &self.calls.state().incoming;
                if let Some(incoming) = incoming.iter().find(|incoming| incoming.id == call) {
                    let from = incoming.from.account.clone();
                    self.calls.ringing.insert(call, (from.clone(), incoming.media));
                    self.disturb(&Happening::RingStarted { call, from });
                }
            }
            Event::RingStopped(call) => self.ui.happened(&Happening::RingStopped { call }),
            Event::Connected(call) => {
                self.calls.connected_at = Some((call, unix_now()));
                self.sound_connected();
            }
            Event::Ended(call, reason) => {
                tracing::info!(?call, ?reason, "a call ended");
                self.sound_ended(reason);
                if let Some((from, media)) = self.calls.ringing.remove(&call)
                    && is_missed(reason)
                {
                    self.disturb(&Happening::CallMissed { call, from, media });
                }
                self.ask_for_history();
            }
            Event::BusyDeclined(call) => {
                tracing::info!(?call, "a call came while busy");
                if let Some((knocked, from, media)) = self.calls.knocking.take()
                    && knocked == call
                {
                    self.notices.add(NoticeKind::MissedWhileBusy { from: from.clone() });
                    self.disturb(&Happening::CallMissed { call, from, media });
                }
                self.ask_for_history();
            }
        }
    }

    /// Tells what wants attention, unless the person does not want to be disturbed.
    fn disturb(&self, happening: &Happening) {
        if !self.preferences.settings.do_not_disturb {
            self.ui.happened(happening);
        }
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Send(message) => {
                self.session.send(message);
            }
            Command::SendPeerMessage { peer, message } => self.send_peer_message(&peer, message),
            Command::OpenPeer { peer, role, relay_only } => {
                tracing::debug!(%peer.participant, ?peer.generation, ?role, "a connection opens");
                self.open_peer(peer, relay_only).await;
            }
            Command::AdmitPeer { peer } => {
                let volume = self.preferences.volume(&peer.participant.account);
                if let Err(error) = self.media.admit_peer(&peer, volume) {
                    self.cannot_open(peer, &error).await;
                }
            }
            Command::SendMedia { peer, on } => {
                if let Some(connection) = self.calls.peers.get(&peer) {
                    connection.peer.set_sending(on);
                }
                if on {
                    self.media.begin_pictures();
                }
            }
            Command::FitPicture { peer, viewing } => self.media.fit_picture(&peer, viewing),
            Command::RequestKeyFrame { peer } => {
                if let Some(connection) = self.calls.peers.get(&peer) {
                    connection.peer.request_key_frame();
                }
            }
            Command::Negotiate { peer, command } => self.negotiate(&peer, command),
            Command::SendControl { peer, message } => {
                if let Some(connection) = self.calls.peers.get(&peer) {
                    connection.peer.send_control(message);
                }
            }
            Command::ClosePeer { peer } => self.close_peer(&peer),
            Command::Capture { microphone, picture } => {
                self.devices.call_microphone = microphone;
                self.devices.call_picture = picture;
                self.apply_devices();
            }
            Command::OpenScreen { share, target } => self.open_screen(share, target),
            Command::CloseScreen { share } => self.close_screen(share),
        }
    }

    fn negotiate(&mut self, peer: &PeerKey, command: NegotiationCommand) {
        match command {
            NegotiationCommand::Send(message) => {
                self.send_peer_message(peer, message);
            }
            other => match self.calls.peers.get(peer) {
                Some(connection) => connection.peer.negotiate(other),
                None => tracing::debug!("negotiation with a closed connection"),
            },
        }
    }

    fn send_peer_message(&self, peer: &PeerKey, message: PeerMessage) {
        let (Some(me), Ok(key)) = (self.session.me(), &self.key) else { return };
        let PeerKey { call, participant: to, generation } = peer.clone();
        let message = Numbered { generation, message };
        let message = SignedMessage::seal(key, call, &me, &to, &message);
        self.session.send(ClientMessage::Signal { call, to, message });
    }

    /// Checks who signed a message before the engine hears of it.
    pub(super) async fn open_peer_message(
        &mut self,
        call: CallId,
        from: ParticipantId,
        message: &SignedMessage,
    ) {
        let Some(me) = self.session.me() else { return };
        let opened = match self.people.key_of(&from.account) {
            Some(key) => message.open(key, call, &from, &me),
            None => Err(OpenError::Identity(tincan_proto::identity::IdentityError::BadSignature)),
        };
        match opened {
            Ok(message) => self.step(Input::PeerMessageOpened { call, from, message }).await,
            Err(OpenError::Malformed) => {
                tracing::warn!(%from, "a message of a participant cannot be read");
            }
            Err(OpenError::Identity(error)) => {
                tracing::warn!(%from, %error, "a message is not from whom it claims to be");
                self.step(Input::PeerMessageForged { call, from }).await;
            }
        }
    }

    async fn open_peer(&mut self, peer: PeerKey, relay_only: bool) {
        let (sinks, complete) = self.media.prepare_peer(&peer).split();
        let ice_servers = self.ice_servers();
        // Only where a first connection did not come about over UDP.
        let tcp = peer.generation > Generation::default();
        let options =
            PeerOptions { ice_servers, relay_only, tcp, sending: false, ..PeerOptions::default() };
        match Peer::open(options, sinks).await {
            Ok((connection, mut events)) => {
                complete(Box::new(connection.key_frame_requester()));
                self.media.connect_peer(&peer, connection.media());
                let messages = self.messages.clone();
                let key = peer.clone();
                tokio::spawn(async move {
                    while let Some(event) = events.recv().await {
                        if messages.send(Message::Peer(key.clone(), event)).is_err() {
                            return;
                        }
                    }
                });
                let figures = Figures::default();
                let connection = Connection { peer: connection, connected: false, figures };
                self.calls.peers.insert(peer, connection);
            }
            Err(error) => {
                self.media.remove_peer(&peer);
                self.cannot_open(peer, &error.to_string()).await;
            }
        }
    }

    /// The person's own servers and those of the signalling server.
    fn ice_servers(&self) -> Vec<IceServer> {
        let own = self.preferences.settings.ice_servers.iter();
        own.chain(&self.session.ice.servers).cloned().collect()
    }

    /// Open connections get the credentials that the server has just handed out.
    pub(super) fn pass_ice_servers_on(&self) {
        for connection in self.calls.peers.values() {
            connection.peer.renew_ice_servers(self.ice_servers());
        }
    }

    async fn cannot_open(&mut self, peer: PeerKey, error: &str) {
        tracing::error!(error, "no connection could be set up");
        let input = Input::Peer { peer, input: PeerInput::State(PeerState::Failed) };
        Box::pin(self.step(input)).await;
    }

    fn close_peer(&mut self, peer: &PeerKey) {
        self.media.remove_peer(peer);
        if let Some(connection) = self.calls.peers.remove(peer) {
            // Last words take a moment; nothing here waits for them.
            tokio::spawn(connection.peer.close());
        }
    }

    /// Closes what is left, and waits.
    pub(super) async fn close_peers(&mut self) {
        let left: Vec<PeerKey> = self.calls.peers.keys().cloned().collect();
        for peer in left {
            self.media.remove_peer(&peer);
            if let Some(connection) = self.calls.peers.remove(&peer) {
                connection.peer.close().await;
            }
        }
    }

    pub(super) async fn hear_peer(&mut self, peer: PeerKey, event: PeerEvent) {
        if !self.calls.peers.contains_key(&peer) {
            return;
        }
        let input = match event {
            PeerEvent::Negotiation(input) => PeerInput::Negotiation(input),
            PeerEvent::State(state) => {
                let connected = state == PeerState::Connected;
                if connected {
                    self.media.send_key_frame();
                }
                if let Some(connection) = self.calls.peers.get_mut(&peer) {
                    connection.connected = connected;
                }
                PeerInput::State(state)
            }
            PeerEvent::ControlOpened => PeerInput::ControlOpened,
            PeerEvent::Control(ControlMessage::Health(health)) => {
                if let Some(connection) = self.calls.peers.get_mut(&peer) {
                    connection.figures.hear(Instant::now(), health);
                }
                return;
            }
            PeerEvent::Control(message) => {
                self.note_echo(&peer, message);
                PeerInput::Control(message)
            }
            PeerEvent::KeyFrameWanted => return self.media.send_key_frame(),
            PeerEvent::VideoStarted => {
                self.changed = true;
                return;
            }
            PeerEvent::Path { relayed } => PeerInput::Path { relayed },
            PeerEvent::Ice(state) => {
                tracing::debug!(?state, %peer.participant, "ICE");
                match state {
                    IceState::Connected | IceState::Completed => PeerInput::IceConnected,
                    IceState::New
                    | IceState::Checking
                    | IceState::Disconnected
                    | IceState::Failed
                    | IceState::Closed => return,
                }
            }
        };
        self.step(Input::Peer { peer, input }).await;
    }

    /// Every connection that there is, also while it rings.
    pub(super) async fn connections(&self) -> Vec<ConnectionReport> {
        let mut reports = Vec::new();
        for (key, connection) in &self.calls.peers {
            reports.push(ConnectionReport {
                participant: key.participant.clone(),
                connected: connection.connected,
                totals: connection.peer.stats().await,
            });
        }
        reports
    }

    /// A window draws a tile so from now on.
    pub(super) async fn draw(&mut self, tile: &str, view: View) {
        if tile == Tile::Own.to_string() {
            return self.media.draw_own(view);
        }
        let mut peers = self.calls.peers.keys().map(|peer| &peer.participant);
        let theirs = peers.find(|who| Tile::Remote((*who).clone()).to_string() == tile).cloned();
        if let Some(participant) = theirs {
            self.step_unseen(Input::Drawn { participant, view }).await;
        }
    }

    /// Takes as much of the others' pictures as the person wants.
    pub(super) async fn limit_incoming(&mut self) {
        let most = self.preferences.settings.picture_quality.most_incoming();
        let kbps = most.map(|most| most.bps() / 1000);
        self.step_unseen(Input::IncomingLimited { kbps }).await;
    }

    /// Steps the engine with what shows nothing new by itself.
    async fn step_unseen(&mut self, input: Input) {
        let (changed, before) = (self.changed, self.calls.state().clone());
        self.step(input).await;
        self.changed = changed || before != *self.calls.state();
    }

    /// Tells the engine what has come of everybody's picture.
    pub(super) async fn count_pictures(&mut self) {
        for peer in self.calls.peers() {
            let expected = self.calls.expects_pictures(&peer);
            self.media.expect_pictures(&peer, expected);
            let video = self.media.stats(&peer).video.assembled;
            let input = PeerInput::Received { pictures: video.frames, packets: video.packets };
            self.step_unseen(Input::Peer { peer, input }).await;
        }
    }

    pub(super) fn not_saved(&mut self, error: &std::io::Error) {
        tracing::error!(%error, "the profile cannot be written");
        self.notices.add(NoticeKind::NotSaved { detail: error.to_string() });
    }
}

/// The caller would have liked to be answered, and nobody of this account did anything.
const fn is_missed(reason: EndReason) -> bool {
    match reason {
        EndReason::Missed | EndReason::RemoteCancelled => true,
        EndReason::HungUp
        | EndReason::RemoteHungUp
        | EndReason::Cancelled
        | EndReason::Declined
        | EndReason::RemoteDeclined
        | EndReason::RemoteBusy
        | EndReason::NoAnswer
        | EndReason::RemoteOffline
        | EndReason::UnknownAccount
        | EndReason::NotAContact
        | EndReason::AnsweredElsewhere
        | EndReason::DeclinedElsewhere
        | EndReason::ConnectionLost
        | EndReason::ConnectionFailed
        | EndReason::Untrusted
        | EndReason::RemoteUntrusted
        | EndReason::ServerUnreachable
        | EndReason::Internal => false,
    }
}
