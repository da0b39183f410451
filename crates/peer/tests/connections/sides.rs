//! Two connections and the messages between them.

use crate::proxy::Proxy;
use std::time::Duration;
use tincan_call::{Negotiation, NegotiationCommand, NegotiationInput, PeerState, Role};
use tincan_media::encoded::RtpPayload;
use tincan_peer_connection::{MediaSinks, Peer, PeerEvent, PeerOptions};
use tincan_proto::{ControlMessage, PeerMessage};
use tokio::sync::mpsc;

/// Long enough for a busy machine; only failures wait for it.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// One connection and what it has said so far.
pub struct Side {
    pub peer: Peer,
    pub connected: u32,
    pub control_open: bool,
    pub relayed: Option<bool>,
    pub heard: Vec<ControlMessage>,
    /// What it says whenever the control channel opens.
    pub says: Option<ControlMessage>,
    events: mpsc::UnboundedReceiver<PeerEvent>,
    negotiation: Negotiation,
}

impl Side {
    pub async fn new(role: Role) -> Self {
        Self::with(role, PeerOptions::default()).await
    }

    pub async fn with(role: Role, options: PeerOptions) -> Self {
        Self::hearing(role, options, |_| {}).await
    }

    /// With somebody who takes its sound.
    pub async fn hearing(
        role: Role,
        options: PeerOptions,
        audio: impl FnMut(RtpPayload) + Send + 'static,
    ) -> Self {
        let sinks = MediaSinks {
            audio: Box::new(audio),
            video: Box::new(|_| {}),
            clocks: Box::new(|_| {}),
        };
        let (peer, events) = Peer::open(options, sinks).await.expect("opened");
        Self {
            peer,
            connected: 0,
            control_open: false,
            relayed: None,
            heard: vec![],
            says: None,
            events,
            negotiation: Negotiation::new(role),
        }
    }

    /// Steps the negotiation; what it sends is returned.
    pub fn step(&mut self, input: NegotiationInput) -> Vec<PeerMessage> {
        let mut sent = Vec::new();
        for command in self.negotiation.step(input) {
            match command {
                NegotiationCommand::Send(message) => sent.push(message),
                other => self.peer.negotiate(other),
            }
        }
        assert!(!self.negotiation.failed());
        sent
    }

    /// The next event, taken in; what the negotiation sends is returned.
    pub async fn next(&mut self) -> Vec<PeerMessage> {
        let event = self.events.recv().await.expect("still open");
        match event {
            PeerEvent::Negotiation(input) => return self.step(input),
            PeerEvent::State(PeerState::Connected) => self.connected += 1,
            PeerEvent::State(PeerState::Failed) => panic!("the connection failed"),
            PeerEvent::ControlOpened => {
                self.control_open = true;
                self.says.iter().for_each(|said| self.peer.send_control(*said));
            }
            PeerEvent::Control(message) => self.heard.push(message),
            PeerEvent::Path { relayed } => self.relayed = Some(relayed),
            PeerEvent::State(_)
            | PeerEvent::Ice(_)
            | PeerEvent::KeyFrameWanted
            | PeerEvent::VideoStarted => {}
        }
        Vec::new()
    }
}

/// Carries messages both ways until `done`.
pub async fn run(a: &mut Side, b: &mut Side, done: impl Fn(&Side, &Side) -> bool) {
    run_through(None, a, b, done).await;
}

/// The same with all packets going through a proxy.
pub async fn run_through(
    proxy: Option<&mut Proxy>,
    a: &mut Side,
    b: &mut Side,
    done: impl Fn(&Side, &Side) -> bool,
) {
    match proxy {
        Some(proxy) => {
            run_with(|from_a, message| proxy.redirect(from_a, message), a, b, done).await
        }
        None => run_with(|_, message| Some(message), a, b, done).await,
    }
}

/// The same with messages changed or left out on their way; true: it is from A.
pub async fn run_with(
    mut pass: impl FnMut(bool, PeerMessage) -> Option<PeerMessage>,
    a: &mut Side,
    b: &mut Side,
    done: impl Fn(&Side, &Side) -> bool,
) {
    let carrying = async {
        while !done(a, b) {
            let (from_a, messages) = tokio::select! {
                messages = a.next() => (true, messages),
                messages = b.next() => (false, messages),
            };
            let mut waiting: Vec<(bool, PeerMessage)> =
                messages.into_iter().map(|message| (from_a, message)).collect();
            while let Some((from_a, message)) = waiting.pop() {
                let Some(message) = pass(from_a, message) else { continue };
                let to = if from_a { &mut *b } else { &mut *a };
                let answers = to.step(NegotiationInput::Received(message));
                waiting.extend(answers.into_iter().map(|answer| (!from_a, answer)));
            }
        }
    };
    tokio::time::timeout(PATIENCE, carrying).await.expect("done in time");
}
