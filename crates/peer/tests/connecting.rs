//! Two real connections on this machine, driven by the pure negotiation.

use std::time::Duration;
use tincan_call::{Negotiation, NegotiationCommand, NegotiationInput, PeerState, Role};
use tincan_peer_connection::{MediaSinks, Peer, PeerEvent, PeerOptions};
use tincan_proto::{ControlMessage, PeerMessage};
use tokio::sync::mpsc;

/// Long enough for a busy machine; only failures wait for it.
const PATIENCE: Duration = Duration::from_secs(30);

struct Side {
    peer: Peer,
    events: mpsc::UnboundedReceiver<PeerEvent>,
    negotiation: Negotiation,
    connected: u32,
    control_open: bool,
    heard: Vec<ControlMessage>,
}

impl Side {
    async fn new(role: Role) -> Self {
        let sinks = MediaSinks { audio: Box::new(|_| {}), video: Box::new(|_| {}) };
        let (peer, events) = Peer::open(PeerOptions::default(), sinks).await.expect("opened");
        let negotiation = Negotiation::new(role);
        Self { peer, events, negotiation, connected: 0, control_open: false, heard: vec![] }
    }

    /// Steps the negotiation; what it sends is returned.
    fn step(&mut self, input: NegotiationInput) -> Vec<PeerMessage> {
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

    fn take(&mut self, event: PeerEvent) -> Vec<PeerMessage> {
        match event {
            PeerEvent::Negotiation(input) => return self.step(input),
            PeerEvent::State(PeerState::Connected) => self.connected += 1,
            PeerEvent::State(PeerState::Failed) => panic!("the connection failed"),
            PeerEvent::ControlOpened => self.control_open = true,
            PeerEvent::Control(message) => self.heard.push(message),
            _ => {}
        }
        Vec::new()
    }
}

/// Carries messages both ways until `done`.
async fn run(a: &mut Side, b: &mut Side, done: impl Fn(&Side, &Side) -> bool) {
    let carrying = async {
        while !done(a, b) {
            let (to_b, to_a) = tokio::select! {
                Some(event) = a.events.recv() => (a.take(event), vec![]),
                Some(event) = b.events.recv() => (vec![], b.take(event)),
            };
            deliver(to_b, b, a);
            deliver(to_a, a, b);
        }
    };
    tokio::time::timeout(PATIENCE, carrying).await.expect("done in time");
}

fn deliver(messages: Vec<PeerMessage>, to: &mut Side, from: &mut Side) {
    for message in messages {
        let answers = to.step(NegotiationInput::Received(message));
        deliver(answers, from, to);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_offering_at_once_become_one_connection_with_a_control_channel() {
    let (mut a, mut b) = (Side::new(Role::Impolite).await, Side::new(Role::Polite).await);
    let wish = || NegotiationInput::Needed { ice_restart: false };
    let (to_b, to_a) = (a.step(wish()), b.step(wish()));
    assert!(to_a.is_empty() && to_b.is_empty(), "offers are made first");
    run(&mut a, &mut b, |a, b| {
        a.connected > 0 && b.connected > 0 && a.control_open && b.control_open
    })
    .await;

    let said = ControlMessage::Media { microphone: true, camera: false };
    a.peer.send_control(said);
    run(&mut a, &mut b, |_, b| b.heard.contains(&said)).await;
    let stats = a.peer.stats().await;
    let path = stats.path.expect("a selected pair");
    assert!(["host", "prflx"].contains(&path.local.as_str()), "{path:?}");

    a.peer.send_control(ControlMessage::Bye);
    a.peer.close().await;
    let last_words = async {
        while !b.heard.contains(&ControlMessage::Bye) {
            let event = b.events.recv().await.expect("still open");
            b.take(event);
        }
    };
    tokio::time::timeout(PATIENCE, last_words).await.expect("last words arrive");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ice_restart_keeps_the_connection() {
    let (mut a, mut b) = (Side::new(Role::Impolite).await, Side::new(Role::Polite).await);
    let first = a.step(NegotiationInput::Needed { ice_restart: false });
    assert!(first.is_empty());
    run(&mut a, &mut b, |a, b| a.control_open && b.control_open).await;
    let again = b.step(NegotiationInput::Needed { ice_restart: true });
    assert!(again.is_empty());
    let connected = (a.connected, b.connected);
    run(&mut a, &mut b, |a, b| a.connected > connected.0 || b.connected > connected.1).await;
    let said = ControlMessage::Media { microphone: false, camera: true };
    b.peer.send_control(said);
    run(&mut a, &mut b, |a, _| a.heard.contains(&said)).await;
}
