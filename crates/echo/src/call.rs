//! One call with the echo: an engine of its own, so that several calls go on side by side, and
//! the connections that it asks for. First by a direct path if there is one; after a while it
//! asks for a new connection and takes relayed candidates alone for that one.

use crate::reflect::{PictureReflector, Reflected, SoundReflector};
use crate::task::{Outside, Report};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tincan_call::{
    Command, Engine, Event, Input, NegotiationCommand, Output, PeerInput, PeerKey, PeerState,
};
use tincan_media::encoded::RtpPayload;
use tincan_peer_connection::{IceState, MediaSender, MediaSinks, Peer, PeerEvent, PeerOptions};
use tincan_proto::signalling::CallMedia;
use tincan_proto::{CallId, ControlMessage, PeerMessage, ServerMessage};

/// How long it rings: long enough to be seen ringing.
const ANSWERS_AFTER: Duration = Duration::from_secs(1);
/// A connection that is to be replaced has so long to deliver its report, which goes another way
/// than the word that replaces it.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Nobody talks to themselves for longer; what was forgotten is not to occupy the echo for ever.
const LONGEST_CALL: Duration = Duration::from_secs(5 * 60);
/// Key frames are asked for at most this often.
const REQUEST_INTERVAL: Duration = Duration::from_millis(500);

/// A call from its first ring to its end.
pub struct EchoCall {
    id: CallId,
    media: CallMedia,
    engine: Engine,
    deadline: Option<Instant>,
    accept_at: Option<Instant>,
    report_at: Option<Instant>,
    move_at: Option<Instant>,
    /// Connections from now on go through the relay.
    through_relay: bool,
    end_at: Instant,
    peers: HashMap<PeerKey, Connection>,
    over: bool,
}

struct Connection {
    peer: Peer,
    relayed: Option<bool>,
    control_open: bool,
}

impl EchoCall {
    /// A call that begins to ring here.
    pub fn ringing(id: CallId, media: CallMedia, now: Instant) -> Self {
        Self {
            id,
            media,
            engine: Engine::new(rand::random()),
            deadline: None,
            accept_at: Some(now + ANSWERS_AFTER),
            report_at: None,
            move_at: None,
            through_relay: false,
            end_at: now + LONGEST_CALL,
            peers: HashMap::new(),
            over: false,
        }
    }

    /// Whether it can be forgotten.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// When it has something to do by itself.
    pub fn deadline(&self) -> Instant {
        let own = [self.accept_at, self.report_at, self.move_at, Some(self.end_at)];
        let wakes = own.into_iter().chain([self.deadline]);
        wakes.flatten().min().unwrap_or(self.end_at)
    }

    /// Does what is due.
    pub async fn pass_deadlines(&mut self, outside: &Outside, now: Instant) {
        if self.deadline.is_some_and(|at| at <= now) {
            self.step(outside, Input::DeadlineReached).await;
        }
        if self.accept_at.is_some_and(|at| at <= now) {
            self.accept_at = None;
            let accept = Input::AcceptPressed { call: self.id, media: self.media };
            self.step(outside, accept).await;
        }
        if self.report_at.is_some_and(|at| at <= now) {
            self.report_at = None;
            self.report().await;
            self.move_at = Some(now + LAST_WORDS);
        }
        if self.move_at.is_some_and(|at| at <= now) {
            self.move_at = None;
            self.move_to_relay(outside);
        }
        if self.end_at <= now {
            self.step(outside, Input::HangUpPressed).await;
            self.over = true;
        }
    }

    /// Takes what the server said about this call.
    pub async fn hear(&mut self, outside: &Outside, message: ServerMessage) {
        let server_now = outside.server_now();
        self.step(outside, Input::Signalled { message, server_now }).await;
    }

    /// Steps the engine and does what it says.
    pub async fn step(&mut self, outside: &Outside, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let Output { commands, events, deadline } = self.engine.step(Instant::now(), input);
            self.deadline = deadline;
            for command in commands {
                if let Some(failed) = self.obey(outside, command).await {
                    inputs.push(failed);
                }
            }
            for event in events {
                match event {
                    Event::Ended(_, reason) => {
                        tracing::debug!(?reason, "a call with the echo ended");
                        self.over = true;
                    }
                    Event::RingStarted(_)
                    | Event::RingStopped(_)
                    | Event::Connected(_)
                    | Event::BusyDeclined(_) => {}
                }
            }
        }
    }

    /// Takes what a connection says.
    pub async fn hear_peer(&mut self, outside: &Outside, key: PeerKey, event: PeerEvent) {
        let Some(connection) = self.peers.get_mut(&key) else { return };
        let input = match event {
            PeerEvent::Negotiation(input) => PeerInput::Negotiation(input),
            PeerEvent::State(state) => {
                if state == PeerState::Connected {
                    connection.peer.request_key_frame();
                }
                PeerInput::State(state)
            }
            PeerEvent::ControlOpened => {
                connection.control_open = true;
                connection.tell_phase();
                PeerInput::ControlOpened
            }
            PeerEvent::Control(message) => PeerInput::Control(message),
            PeerEvent::Path { relayed } => {
                let is_new = connection.relayed.replace(relayed).is_none();
                connection.tell_phase();
                if is_new {
                    self.report_at = Some(Instant::now() + outside.phase);
                }
                PeerInput::Path { relayed }
            }
            // Their own picture comes from their own encoder.
            PeerEvent::KeyFrameWanted => return connection.peer.request_key_frame(),
            PeerEvent::Ice(IceState::Connected | IceState::Completed) => PeerInput::IceConnected,
            PeerEvent::Ice(_) | PeerEvent::VideoStarted => return,
        };
        self.step(outside, Input::Peer { peer: key, input }).await;
    }

    /// Says good-bye and closes everything.
    pub async fn end(mut self, outside: &Outside) {
        self.step(outside, Input::SignedOut).await;
        for connection in self.peers.into_values() {
            connection.peer.close().await;
        }
    }

    /// Carries out one command; returns what went wrong as an input.
    async fn obey(&mut self, outside: &Outside, command: Command) -> Option<Input> {
        match command {
            Command::Send(message) => outside.send(message),
            Command::SendPeerMessage { peer, message } => outside.signal(&peer, message),
            Command::OpenPeer { peer, role: _, relay_only } => {
                let relay_only = relay_only || self.through_relay;
                return self.open_peer(outside, peer, relay_only).await;
            }
            Command::SendMedia { peer, on } => {
                if let Some(connection) = self.peers.get(&peer) {
                    connection.peer.set_sending(on);
                    // What goes back begins with a key frame, which only the caller can make.
                    connection.peer.request_key_frame();
                }
            }
            Command::RequestKeyFrame { peer } => {
                if let Some(connection) = self.peers.get(&peer) {
                    connection.peer.request_key_frame();
                }
            }
            Command::Negotiate { peer, command: NegotiationCommand::Send(message) } => {
                outside.signal(&peer, message);
            }
            Command::Negotiate { peer, command } => {
                if let Some(connection) = self.peers.get(&peer) {
                    connection.peer.negotiate(command);
                }
            }
            Command::SendControl { peer, message } => {
                if let Some(connection) = self.peers.get(&peer) {
                    connection.peer.send_control(message);
                }
            }
            Command::ClosePeer { peer } => {
                if let Some(connection) = self.peers.remove(&peer) {
                    // Last words take a moment; nothing here waits for them.
                    tokio::spawn(connection.peer.close());
                }
            }
            // There is no device, and nobody to hear anything before it is admitted.
            Command::Capture { .. }
            | Command::OpenScreen { .. }
            | Command::CloseScreen { .. }
            | Command::AdmitPeer { .. } => {}
            // What goes back is what they send, as large as they do.
            Command::FitPicture { .. } => {}
        }
        None
    }

    async fn open_peer(
        &mut self,
        outside: &Outside,
        key: PeerKey,
        relay_only: bool,
    ) -> Option<Input> {
        let back = Arc::new(OnceLock::new());
        // Without relays of its own it takes none by chance: a relayed pair can win the race, and
        // is never replaced. A caller who needs one brings it.
        let ice_servers = if relay_only { outside.ice_servers() } else { outside.stun_servers() };
        let options = PeerOptions { ice_servers, relay_only, sending: false, ..Default::default() };
        match Peer::open(options, reflecting(&back)).await {
            Ok((peer, mut events)) => {
                let requester = Box::new(peer.key_frame_requester());
                // Set once: no packet came before.
                let _ = back.set(Back { media: peer.media(), request_key_frame: requester });
                let reports = outside.reports();
                let named = key.clone();
                tokio::spawn(async move {
                    while let Some(event) = events.recv().await {
                        if reports.send(Report(named.clone(), event)).is_err() {
                            return;
                        }
                    }
                });
                let connection = Connection { peer, relayed: None, control_open: false };
                self.peers.insert(key, connection);
                None
            }
            Err(error) => {
                tracing::warn!(%error, "the echo could not set up a connection");
                Some(Input::Peer { peer: key, input: PeerInput::State(PeerState::Failed) })
            }
        }
    }

    /// Asks the caller for a new connection, once, which goes through the relay. What went through
    /// it from the beginning need not.
    fn move_to_relay(&mut self, outside: &Outside) {
        let is_direct = self.peers.values().any(|connection| connection.relayed == Some(false));
        if self.through_relay || !is_direct || !outside.has_relay() {
            return;
        }
        self.through_relay = true;
        for peer in self.peers.keys() {
            outside.signal(peer, PeerMessage::Renew);
        }
    }

    /// Tells the caller how the path was.
    async fn report(&self) {
        for connection in self.peers.values() {
            let stats = connection.peer.stats().await;
            let round_trip = stats.path.and_then(|path| path.round_trip);
            connection.peer.send_control(ControlMessage::EchoReport {
                relayed: connection.relayed.unwrap_or(false),
                round_trip_ms: round_trip.map(|time| time.as_millis() as u32),
                loss_percent: (stats.remote_fraction_lost * 100.0).round() as u8,
            });
        }
    }
}

impl Connection {
    fn tell_phase(&self) {
        if let (true, Some(relayed)) = (self.control_open, self.relayed) {
            self.peer.send_control(ControlMessage::EchoPhase { relayed });
        }
    }
}

/// The way back.
struct Back {
    media: MediaSender,
    request_key_frame: Box<dyn Fn() + Send + Sync>,
}

/// Sinks that send what comes the way back, once that is known.
fn reflecting(back: &Arc<OnceLock<Back>>) -> MediaSinks {
    let mut sound = SoundReflector::default();
    let mut pictures = PictureReflector::default();
    let mut requested: Option<Instant> = None;
    MediaSinks {
        clocks: Box::new(|_| {}),
        audio: Box::new({
            let back = back.clone();
            move |packet: RtpPayload| {
                let Some(back) = back.get() else { return };
                for packet in sound.reflect(&packet) {
                    back.media.send_audio(&packet);
                }
            }
        }),
        video: Box::new({
            let back = back.clone();
            move |packet: RtpPayload| {
                let Some(back) = back.get() else { return };
                let now = Instant::now();
                for reflected in pictures.reflect(packet, now) {
                    let is_needed = match reflected {
                        Reflected::Picture(picture) => !back.media.send_video(&picture),
                        Reflected::KeyFrameNeeded => true,
                    };
                    if is_needed {
                        pictures.require_key_frame();
                    }
                    let is_due = requested.is_none_or(|at| now >= at + REQUEST_INTERVAL);
                    if is_needed && is_due {
                        requested = Some(now);
                        (back.request_key_frame)();
                    }
                }
            }
        }),
    }
}
