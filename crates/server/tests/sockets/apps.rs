//! Servers on free ports, and apps that wait for what they expect.

use rand::RngCore;
use std::sync::Arc;
use std::time::Duration;
use tincan_proto::signalling::{ContactBook, Refusal};
use tincan_proto::{
    AccountName, CallId, ClientMessage, DeviceId, IdentityKey, ParticipantId, ServerMessage,
};
use tincan_server::{Database, Server, ServerConfig, Timings};
use tincan_signal_client::{SignalClient, SignalConfig, SignalEvent};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Far longer than anything takes, for machines that are busy.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub fn name(text: &str) -> AccountName {
    text.parse().expect("valid name")
}

pub fn config() -> ServerConfig {
    ServerConfig::new(([127, 0, 0, 1], 0).into(), Database::Memory)
}

pub async fn start() -> Server {
    Server::start(config()).await.expect("a free port")
}

pub async fn start_with(timings: Timings) -> Server {
    Server::start(ServerConfig { timings, ..config() }).await.expect("a free port")
}

pub fn random_call() -> CallId {
    CallId::random(&mut rand::rng())
}

pub struct App {
    pub me: ParticipantId,
    pub key: Arc<IdentityKey>,
    pub client: SignalClient,
    pub events: mpsc::Receiver<SignalEvent>,
}

pub fn random_key() -> Arc<IdentityKey> {
    Arc::new(IdentityKey::generate(&mut rand::rng()))
}

impl App {
    pub fn connect(url: &str, account: &str, key: Arc<IdentityKey>, register: bool) -> Self {
        let mut bytes = [0; 16];
        rand::rng().fill_bytes(&mut bytes);
        let device = DeviceId::from(u128::from_be_bytes(bytes));
        Self::connect_as(url, ParticipantId { account: name(account), device }, key, register)
    }

    pub fn connect_as(url: &str, me: ParticipantId, key: Arc<IdentityKey>, register: bool) -> Self {
        let config = SignalConfig {
            url: url.to_owned(),
            name: me.account.clone(),
            device: me.device,
            key: key.clone(),
            register,
        };
        let (client, events) = SignalClient::connect(config).expect("a good address");
        Self { me, key, client, events }
    }

    /// A new account, signed in.
    pub async fn register(server: &Server, account: &str) -> Self {
        let url = server.local_addr().to_string();
        let mut app = Self::connect(&url, account, random_key(), true);
        app.signed_in().await;
        app
    }

    /// Another device of the same account, signed in.
    pub async fn other_device(&self, server: &Server) -> Self {
        let url = server.local_addr().to_string();
        let mut app = Self::connect(&url, self.me.account.as_str(), self.key.clone(), false);
        app.signed_in().await;
        app
    }

    pub fn send(&self, message: ClientMessage) {
        self.client.send(message).expect("signed in");
    }

    /// The next event that is `wanted`; others are dropped.
    pub async fn event<T>(&mut self, mut wanted: impl FnMut(&SignalEvent) -> Option<T>) -> T {
        let mut seen = Vec::new();
        let found = timeout(PATIENCE, async {
            loop {
                let event = self.events.recv().await.expect("the client goes on");
                if let Some(found) = wanted(&event) {
                    return found;
                }
                seen.push(event);
            }
        });
        match found.await {
            Ok(found) => found,
            Err(_) => panic!("{} waited in vain; seen: {seen:#?}", self.me.account),
        }
    }

    /// The next message that is `wanted`.
    pub async fn message<T>(&mut self, mut wanted: impl FnMut(&ServerMessage) -> Option<T>) -> T {
        self.event(|event| match event {
            SignalEvent::Message(message) => wanted(message),
            _ => None,
        })
        .await
    }

    /// Waits for exactly this message.
    pub async fn expect(&mut self, expected: ServerMessage) {
        self.message(|message| (*message == expected).then_some(())).await;
    }

    pub async fn signed_in(&mut self) -> ContactBook {
        self.event(|event| match event {
            SignalEvent::SignedIn { book, .. } => Some(book.clone()),
            _ => None,
        })
        .await
    }

    /// The refusal that ends the attempt, and whether it is tried again.
    pub async fn refused(&mut self) -> (Refusal, bool) {
        let code = self
            .event(|event| match event {
                SignalEvent::Refused { code, .. } => Some(*code),
                _ => None,
            })
            .await;
        let retries = self
            .event(|event| match event {
                SignalEvent::Lost { retry_in, .. } => Some(retry_in.is_some()),
                _ => None,
            })
            .await;
        (code, retries)
    }
}

/// Makes two accounts contacts.
pub async fn befriend(a: &mut App, b: &mut App) {
    a.send(ClientMessage::AddContact { name: b.me.account.clone() });
    b.message(|m| match m {
        ServerMessage::Book { book } => (!book.requests.is_empty()).then_some(()),
        _ => None,
    })
    .await;
    b.send(ClientMessage::AnswerRequest { name: a.me.account.clone(), accept: true });
    let names = [b.me.account.clone(), a.me.account.clone()];
    for (app, other) in [a, b].into_iter().zip(names) {
        app.message(|m| match m {
            ServerMessage::Book { book } => {
                book.contacts.iter().any(|c| c.name == other).then_some(())
            }
            _ => None,
        })
        .await;
    }
}
