//! The echo's one task: its session with the server, and the calls.

use crate::call::EchoCall;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tincan_call::{Input, PeerKey};
use tincan_peer_connection::PeerEvent;
use tincan_proto::signalling::DeclineReason;
use tincan_proto::units::UnixMillis;
use tincan_proto::{
    AccountName, CallId, ClientMessage, DeviceId, IceServer, IceServers, IdentityKey, Numbered,
    ParticipantId, PeerMessage, ServerMessage, SignedMessage,
};
use tincan_signal_client::{SignalClient, SignalConfig, SignalEvent};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Calls at once. One more hears that the echo is busy.
const MAX_CALLS: usize = 8;

/// The usual length of a phase: time to say a sentence and hear it.
pub const PHASE: Duration = Duration::from_secs(10);

/// Where to sign in, and with what.
#[derive(Clone, Debug)]
pub struct EchoConfig {
    /// The server, `host:port`, by an address that callers reach too: the echo's relays are
    /// named after it.
    pub server: String,
    /// The reserved name.
    pub name: AccountName,
    /// The server's own key.
    pub key: Arc<IdentityKey>,
    /// The one device of that account.
    pub device: DeviceId,
    /// How long one hears oneself over each path before the report; see [`PHASE`].
    pub phase: Duration,
}

/// The server's address cannot be read.
pub use tincan_signal_client::UrlError as EchoError;

/// A running echo. Dropping it stops it.
#[derive(Debug)]
pub struct Echo {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Echo {
    /// Begins to sign in. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`EchoError`] if the server's address is none.
    pub fn start(config: EchoConfig) -> Result<Self, EchoError> {
        let me = ParticipantId { account: config.name.clone(), device: config.device };
        let (client, events) = SignalClient::connect(SignalConfig {
            url: config.server,
            name: config.name,
            device: config.device,
            key: config.key.clone(),
            register: true,
        })?;
        let (reports, heard) = mpsc::unbounded_channel();
        let outside = Outside {
            client,
            me,
            key: config.key,
            ice: IceServers::default(),
            clock_offset: 0,
            phase: config.phase,
            reports,
        };
        let (stop, stopped) = oneshot::channel();
        let task = EchoTask { outside, calls: HashMap::new() };
        let task = tokio::spawn(task.run(events, heard, stopped));
        Ok(Self { stop: Some(stop), task })
    }

    /// Ends all calls, signs off and waits.
    pub async fn shutdown(mut self) {
        // Dropping it is the signal.
        self.stop = None;
        let _ = (&mut self.task).await;
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a connection says.
pub struct Report(pub PeerKey, pub PeerEvent);

/// What calls need from outside.
pub struct Outside {
    client: SignalClient,
    me: ParticipantId,
    key: Arc<IdentityKey>,
    ice: IceServers,
    /// The server's clock minus ours, in milliseconds.
    clock_offset: i64,
    /// How long a phase is.
    pub phase: Duration,
    reports: mpsc::UnboundedSender<Report>,
}

impl Outside {
    /// Says something to the server.
    pub fn send(&self, message: ClientMessage) {
        if let Err(error) = self.client.send(message) {
            tracing::debug!(%error, "the echo could not say something");
        }
    }

    /// Signs a message about a connection and sends it to its participant.
    pub fn signal(&self, peer: &PeerKey, message: PeerMessage) {
        let PeerKey { call, participant: to, generation } = peer.clone();
        let message = Numbered { generation, message };
        let message = SignedMessage::seal(&self.key, call, &self.me, &to, &message);
        self.send(ClientMessage::Signal { call, to, message });
    }

    /// As last handed out.
    pub fn ice_servers(&self) -> Vec<IceServer> {
        self.ice.servers.clone()
    }

    /// The same without relays.
    pub fn stun_servers(&self) -> Vec<IceServer> {
        let mut servers = self.ice_servers();
        for server in &mut servers {
            server.urls.retain(|url| url.starts_with("stun"));
        }
        servers.retain(|server| !server.urls.is_empty());
        servers
    }

    /// Whether there is a relay to go through.
    pub fn has_relay(&self) -> bool {
        let urls = self.ice.servers.iter().flat_map(|server| &server.urls);
        urls.into_iter().any(|url| url.starts_with("turn"))
    }

    /// The server's clock.
    pub fn server_now(&self) -> UnixMillis {
        UnixMillis(unix_now().0.saturating_add_signed(self.clock_offset))
    }

    /// Where connections report.
    pub fn reports(&self) -> mpsc::UnboundedSender<Report> {
        self.reports.clone()
    }
}

struct EchoTask {
    outside: Outside,
    calls: HashMap<CallId, EchoCall>,
}

impl EchoTask {
    async fn run(
        mut self,
        mut events: mpsc::Receiver<SignalEvent>,
        mut reports: mpsc::UnboundedReceiver<Report>,
        mut stopped: oneshot::Receiver<()>,
    ) {
        loop {
            let deadline = self.calls.values().map(EchoCall::deadline).min();
            tokio::select! {
                _ = &mut stopped => break,
                event = events.recv() => match event {
                    Some(event) => self.hear(event).await,
                    None => break,
                },
                Some(Report(key, event)) = reports.recv() => {
                    if let Some(call) = self.calls.get_mut(&key.call) {
                        call.hear_peer(&self.outside, key, event).await;
                    }
                }
                () = sleep_until(deadline) => {
                    let now = Instant::now();
                    for call in self.calls.values_mut().filter(|call| call.deadline() <= now) {
                        call.pass_deadlines(&self.outside, now).await;
                    }
                }
            }
            let over: Vec<CallId> =
                self.calls.iter().filter(|(_, call)| call.is_over()).map(|(id, _)| *id).collect();
            for id in over {
                if let Some(call) = self.calls.remove(&id) {
                    call.end(&self.outside).await;
                }
            }
        }
        for call in std::mem::take(&mut self.calls).into_values() {
            call.end(&self.outside).await;
        }
        self.outside.client.shutdown().await;
    }

    async fn hear(&mut self, event: SignalEvent) {
        match event {
            SignalEvent::SignedIn { now, resumed, .. } => {
                self.outside.clock_offset = now.0 as i64 - unix_now().0 as i64;
                tracing::info!("the echo contact is there");
                let me = self.outside.me.clone();
                self.step_all(&Input::SignedIn { me, resumed }).await;
            }
            SignalEvent::Lost { .. } => self.step_all(&Input::SignalLost).await,
            SignalEvent::Message(message) => self.hear_message(message).await,
            SignalEvent::Refused { code, message } => {
                tracing::warn!(?code, message, "the server refuses its echo");
            }
            // It invites nobody.
            SignalEvent::Connecting | SignalEvent::NotSent(_) => {}
        }
    }

    async fn hear_message(&mut self, message: ServerMessage) {
        match message {
            ServerMessage::IceServers { ice } => self.outside.ice = ice,
            ServerMessage::Signal { call: id, from, message } => {
                let Some(call) = self.calls.get_mut(&id) else { return };
                // The signature protects callers from the server, and the echo is the server.
                if let Ok(message) = message.read_unverified() {
                    let input = Input::PeerMessageOpened { call: id, from, message };
                    call.step(&self.outside, input).await;
                }
            }
            ServerMessage::Incoming { call: id, ref to, media, .. } => {
                if !self.calls.contains_key(&id) {
                    // Among several it would send everybody's voice to everybody.
                    let reason = if to.len() > 1 {
                        Some(DeclineReason::Declined)
                    } else if self.calls.len() >= MAX_CALLS {
                        Some(DeclineReason::Busy)
                    } else {
                        None
                    };
                    if let Some(reason) = reason {
                        return self.outside.send(ClientMessage::Decline { call: id, reason });
                    }
                    let mut call = EchoCall::ringing(id, media, Instant::now());
                    let me = self.outside.me.clone();
                    call.step(&self.outside, Input::SignedIn { me, resumed: true }).await;
                    self.calls.insert(id, call);
                }
                self.pass_on(id, message).await;
            }
            ServerMessage::Ringing { call, .. }
            | ServerMessage::Accepted { call, .. }
            | ServerMessage::Declined { call, .. }
            | ServerMessage::Unreachable { call, .. }
            | ServerMessage::RingStopped { call, .. }
            | ServerMessage::Left { call, .. } => self.pass_on(call, message).await,
            _ => {}
        }
    }

    async fn pass_on(&mut self, id: CallId, message: ServerMessage) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.hear(&self.outside, message).await;
        }
    }

    async fn step_all(&mut self, input: &Input) {
        for call in self.calls.values_mut() {
            call.step(&self.outside, input.clone()).await;
        }
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending::<()>().await,
    }
}

fn unix_now() -> UnixMillis {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    UnixMillis(now.as_millis() as u64)
}
