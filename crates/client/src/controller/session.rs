//! Signing in, staying signed in, and what to say when that fails.

use super::{Controller, Message};
use crate::ports::LocalServerPlace;
use crate::profile::Account;
use crate::view::{
    IntentError, IntentErrorCode, NoticeKind, ServerView, SessionProblem, SessionView,
};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tincan_call::Input;
use tincan_proto::signalling::{Failure, Refusal};
use tincan_proto::units::UnixMillis;
use tincan_proto::{
    AccountName, ClientMessage, DeviceId, IceServers, ParticipantId, ServerMessage,
};
use tincan_signal_client::{SignalClient, SignalConfig, SignalEvent};
use tokio::sync::mpsc;

/// How long before their end credentials are asked for anew.
const ICE_RENEWED_BEFORE: Duration = Duration::from_secs(5 * 60);
/// How long an answer may take until they are asked for again.
const ICE_ASKED_AGAIN: Duration = Duration::from_secs(60);

/// The session with the server.
pub struct Session {
    account: Option<Account>,
    server_override: Option<String>,
    place: LocalServerPlace,
    /// The place is that of this machine's own server.
    local: bool,
    client: Option<SignalClient>,
    events: Option<mpsc::Receiver<SignalEvent>>,
    state: State,
    /// The server's clock minus ours, in milliseconds.
    clock_offset: i64,
    /// STUN and TURN servers as last handed out.
    pub ice: IceServers,
    ice_asked: Option<Instant>,
}

enum State {
    SignedOut { name: Option<String>, problem: Option<SessionProblem> },
    SigningIn,
    Online,
    Offline { problem: SessionProblem, retry_at: Option<UnixMillis> },
}

impl Session {
    pub fn new(account: Option<Account>, server_override: Option<String>) -> Self {
        Self {
            account,
            server_override,
            place: LocalServerPlace { address: String::new(), hosted_here: false },
            local: true,
            client: None,
            events: None,
            state: State::SignedOut { name: None, problem: None },
            clock_offset: 0,
            ice: IceServers::default(),
            ice_asked: None,
        }
    }

    /// The next event; never, while there is no connection to wait for.
    pub async fn next_event(&mut self) -> SignalEvent {
        if let Some(events) = &mut self.events {
            if let Some(event) = events.recv().await {
                return event;
            }
            self.events = None;
        }
        std::future::pending().await
    }

    pub fn is_online(&self) -> bool {
        matches!(self.state, State::Online)
    }

    pub fn me(&self) -> Option<ParticipantId> {
        let account = self.account.as_ref()?;
        Some(ParticipantId { account: account.name.clone(), device: account.device })
    }

    pub fn server_now(&self) -> UnixMillis {
        UnixMillis(unix_now().0.saturating_add_signed(self.clock_offset))
    }

    pub fn send(&self, message: ClientMessage) -> bool {
        match &self.client {
            Some(client) => client
                .send(message)
                .inspect_err(|error| tracing::info!(%error, "a message was not sent"))
                .is_ok(),
            None => false,
        }
    }

    /// A call rings or is held: a dead connection is to be noticed soon.
    pub fn set_hurry(&self, hurry: bool) {
        if let Some(client) = &self.client {
            client.set_hurry(hurry);
        }
    }

    /// The connection to the server may be dead without a sign.
    pub fn network_changed(&self) {
        if let Some(client) = &self.client {
            client.network_changed();
        }
    }

    /// Tries the server again at once, if it is away.
    pub fn retry_now(&self) {
        if let Some(client) = &self.client {
            client.retry_now();
        }
    }

    /// Asks for STUN and TURN servers anew before the credentials end, so that a long call finds
    /// good ones when it needs another connection.
    pub fn renew_ice_servers(&mut self) {
        let ends_soon = self.ice.expires.is_some_and(|expires| {
            expires.0 <= self.server_now().0.saturating_add(ICE_RENEWED_BEFORE.as_millis() as u64)
        });
        let asked = self.ice_asked.is_some_and(|at| at.elapsed() < ICE_ASKED_AGAIN);
        if ends_soon && !asked && self.is_online() {
            self.ice_asked = Some(Instant::now());
            self.send(ClientMessage::ListIceServers);
        }
    }

    pub async fn close(&mut self) {
        self.events = None;
        if let Some(client) = self.client.take() {
            client.shutdown().await;
        }
    }

    pub fn view(&self) -> SessionView {
        let server = ServerView { address: self.place.address.clone(), local: self.local };
        match (&self.state, &self.account) {
            (State::SigningIn, Some(account)) => {
                SessionView::SigningIn { name: account.name.clone(), server }
            }
            (State::Online, Some(account)) => {
                SessionView::Online { name: account.name.clone(), device: account.device, server }
            }
            (State::Offline { problem, retry_at }, Some(account)) => SessionView::Offline {
                name: account.name.clone(),
                server,
                problem: problem.clone(),
                retry_at: *retry_at,
            },
            (State::SignedOut { name, problem }, _) => {
                SessionView::SignedOut { server, name: name.clone(), problem: problem.clone() }
            }
            (State::SigningIn | State::Online | State::Offline { .. }, None) => {
                SessionView::SignedOut { server, name: None, problem: None }
            }
        }
    }
}

impl Controller {
    /// Signs in as the account that is known, or as the name given at the start; at the server
    /// given at the start, if there is one, wherever the account was before.
    pub(super) fn start_session(&mut self, name: Option<String>) {
        let server = self.session.server_override.clone();
        match (&mut self.session.account, name) {
            (Some(account), _) => {
                account.server = server.or(account.server.take());
                self.find_server();
            }
            (None, Some(name)) => {
                if let Err(error) = self.sign_in(&name, server) {
                    tracing::warn!(error = error.message, "cannot sign in as asked");
                }
            }
            (None, None) => {}
        }
    }

    pub(super) fn sign_in(
        &mut self,
        name: &str,
        server: Option<String>,
    ) -> Result<(), IntentError> {
        let parsed: AccountName = match name.parse() {
            Ok(parsed) => parsed,
            Err(error) => {
                self.stay_signed_out(Some(name.to_owned()), SessionProblem::BadName);
                return Err(super::refuse(IntentErrorCode::BadName, error.to_string()));
            }
        };
        let server = server.filter(|address| !address.trim().is_empty());
        let device = match &self.session.account {
            Some(account) => account.device,
            None => DeviceId::random(&mut rand::rng()),
        };
        self.session.account = Some(Account { name: parsed, device, server, registered: false });
        self.find_server();
        Ok(())
    }

    pub(super) async fn sign_out(&mut self) {
        self.step(Input::SignedOut).await;
        self.close_peers().await;
        self.session.close().await;
        let name = self.session.account.take().map(|account| account.name.to_string());
        self.session.state = State::SignedOut { name, problem: None };
        self.people.clear();
        if let Err(error) = self.profile.keep_account(None) {
            self.not_saved(&error);
        }
        self.changed = true;
    }

    pub(super) fn retry_connection(&mut self) {
        match &self.session.client {
            Some(client) => client.retry_now(),
            None => self.find_server(),
        }
    }

    /// Asks for the server's place; the answer comes as a message.
    fn find_server(&mut self) {
        let Some(account) = &self.session.account else { return };
        let address = account.server.clone().or_else(|| self.session.server_override.clone());
        self.session.state = State::SigningIn;
        self.session.local = address.is_none();
        self.changed = true;
        match address {
            Some(address) => {
                self.connect_to(Ok(LocalServerPlace { address, hosted_here: false }));
            }
            None => self.ensure_local_server(),
        }
    }

    fn ensure_local_server(&self) {
        let (server, messages) = (self.local_server.clone(), self.messages.clone());
        tokio::spawn(async move {
            let _ = messages.send(Message::ServerPlaced(server.ensure().await));
        });
    }

    pub(super) fn connect_to(&mut self, place: Result<LocalServerPlace, String>) {
        self.changed = true;
        let place = match place {
            Ok(place) => place,
            Err(detail) => return self.lose_session(SessionProblem::Unreachable { detail }, None),
        };
        let moved = self.session.place.address != place.address;
        self.session.place = place;
        if self.session.client.is_some() && !moved {
            // Another app may have hosted it until now: the connection is being retried.
            if let (Some(client), true) = (&self.session.client, self.session.place.hosted_here) {
                client.retry_now();
            }
            return;
        }
        let Some(account) = &self.session.account else { return };
        let key = match &self.key {
            Ok(key) => key.clone(),
            Err(detail) => {
                let problem = SessionProblem::KeyStore { detail: detail.clone() };
                let name = account.name.to_string();
                return self.stay_signed_out(Some(name), problem);
            }
        };
        let config = SignalConfig {
            url: self.session.place.address.clone(),
            name: account.name.clone(),
            device: account.device,
            key,
            register: !account.registered,
        };
        match SignalClient::connect(config) {
            Ok((client, events)) => {
                self.session.client = Some(client);
                self.session.events = Some(events);
            }
            Err(error) => {
                tracing::info!(%error, "the server's address cannot be read");
                let name = account.name.to_string();
                self.stay_signed_out(Some(name), SessionProblem::BadAddress);
            }
        }
    }

    pub(super) async fn hear_server(&mut self, event: SignalEvent) {
        match event {
            SignalEvent::Connecting => {}
            SignalEvent::SignedIn { now, book, resumed } => {
                self.session.clock_offset = now.0 as i64 - unix_now().0 as i64;
                self.session.state = State::Online;
                self.keep_account();
                if let Some(me) = self.session.me() {
                    self.step(Input::SignedIn { me, resumed }).await;
                }
                self.take_book(book);
                self.ask_for_history();
                self.greet_contacts();
            }
            SignalEvent::NotSent(message) => {
                // the engine has given up waiting for its answer by now
                tracing::info!(?message, "the server came back too late for it");
            }
            SignalEvent::Message(message) => self.hear_message(message).await,
            SignalEvent::Refused { code, message } => self.refused(code, &message).await,
            SignalEvent::Lost { retry_in, reason } => {
                if self.session.is_online() {
                    self.step(Input::SignalLost).await;
                }
                self.people.everyone_offline();
                self.lose_session(SessionProblem::Unreachable { detail: reason }, retry_in);
                if self.uses_local_server() {
                    self.ensure_local_server();
                }
            }
        }
        self.changed = true;
    }

    async fn hear_message(&mut self, message: ServerMessage) {
        match message {
            ServerMessage::Book { book } => self.take_book(book),
            ServerMessage::PresenceChanged { name, presence } => {
                self.people.set_presence(&name, presence);
            }
            ServerMessage::History { entries } => self.people.set_history(entries),
            ServerMessage::IceServers { ice } => {
                self.session.ice = ice;
                self.pass_ice_servers_on();
            }
            ServerMessage::Failed { code, message } => {
                tracing::info!(?code, message, "the server could not do what was asked");
                // A message that crossed the end of its call is nobody's concern.
                let greeting = code == Failure::UnknownAccount && self.people.greeting_failed();
                if code != Failure::UnknownCall && !greeting {
                    self.notices.add(NoticeKind::Failed { code });
                }
                let message = ServerMessage::Failed { code, message };
                self.signalled(message).await;
            }
            ServerMessage::Signal { call, from, message } => {
                self.open_peer_message(call, from, &message).await;
            }
            other => self.signalled(other).await,
        }
    }

    async fn refused(&mut self, code: Refusal, message: &str) {
        tracing::info!(?code, message, "the server refuses");
        let registering = self.session.account.as_ref().is_some_and(|account| !account.registered);
        match code {
            Refusal::TooMany | Refusal::Unavailable => {}
            // The server was set up anew: the name is free there and ours is as good as any.
            Refusal::UnknownAccount if !registering => {
                if let Some(account) = &mut self.session.account {
                    account.registered = false;
                }
                self.session.close().await;
                self.find_server();
            }
            Refusal::NameTaken
            | Refusal::WrongKey
            | Refusal::UnknownAccount
            | Refusal::UnsupportedVersion
            | Refusal::BadProof
            | Refusal::Malformed
            | Refusal::Replaced => {
                self.step(Input::SignedOut).await;
                self.close_peers().await;
                self.session.close().await;
                let name = self.session.account.as_ref().map(|account| account.name.to_string());
                self.stay_signed_out(name, SessionProblem::Refused { code });
            }
        }
    }

    fn lose_session(&mut self, problem: SessionProblem, retry_in: Option<Duration>) {
        let retry_at = retry_in.map(|wait| UnixMillis(unix_now().0 + wait.as_millis() as u64));
        let known = self.session.account.as_ref().is_some_and(|account| account.registered);
        if matches!(self.session.state, State::SignedOut { .. }) {
            return;
        }
        if known {
            self.session.state = State::Offline { problem, retry_at };
        } else {
            // Never signed in yet: let the person change what they typed; it is retried too.
            let name = self.session.account.as_ref().map(|account| account.name.to_string());
            self.session.state = State::SignedOut { name, problem: Some(problem) };
        }
    }

    fn stay_signed_out(&mut self, name: Option<String>, problem: SessionProblem) {
        self.session.account = None;
        self.session.state = State::SignedOut { name, problem: Some(problem) };
        self.changed = true;
    }

    fn uses_local_server(&self) -> bool {
        let own = self.session.account.as_ref().is_some_and(|account| account.server.is_none());
        own && self.session.server_override.is_none()
    }

    fn keep_account(&mut self) {
        let Some(account) = &mut self.session.account else { return };
        account.registered = true;
        let kept = self.profile.keep_account(Some(account));
        if let Err(error) = kept {
            self.not_saved(&error);
        }
    }
}

/// The wall clock.
pub fn unix_now() -> UnixMillis {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(now.as_millis() as u64)
}
