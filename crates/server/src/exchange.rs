//! The exchange: presence, ringing and routing. Pure: the time and one input come in, what is
//! to be delivered, stored and awaited is returned. Knows no sockets, clock or database.

mod call;
mod conversation;
mod directory;
mod live;
mod presence;
mod ringing;
mod sessions;
mod sign_in;

pub use call::HistoryRow;
pub use directory::{Change, Directory};
pub use live::{CallRecord, Live, LiveChange, SessionRecord};
pub use sessions::ConnectionId;

use crate::accounts::Proven;
use crate::echo::echo_name;
use crate::limits::Timings;
use call::EndedRings;
use live::Calls;
use ringing::Wish;
use sessions::Sessions;
use std::collections::{BTreeSet, HashMap};
use std::time::Instant;
use tincan_proto::delivery::Miscounted;
use tincan_proto::signalling::{Failure, MAX_HISTORY, Presence, Refusal};
use tincan_proto::units::UnixMillis;
use tincan_proto::{
    AccountName, CallId, ClientMessage, Envelope, ParticipantId, PublicIdentity, ServerMessage,
};

/// The time of an input, by both clocks: one that never jumps and one that people read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Deadlines are counted by this.
    pub instant: Instant,
    /// Shown to people and apps.
    pub unix: UnixMillis,
}

/// What has happened.
#[derive(Debug)]
pub enum Input {
    /// Somebody has proved their key.
    KeyProved {
        /// On which connection.
        connection: ConnectionId,
        /// Who.
        proven: Proven,
    },
    /// A signed-in connection has sent a message.
    MessageReceived {
        /// Which connection.
        connection: ConnectionId,
        /// The message.
        envelope: Envelope<ClientMessage>,
    },
    /// A connection has ended.
    ConnectionEnded {
        /// Which one.
        connection: ConnectionId,
    },
    /// A deadline may have passed.
    TimePassed,
}

/// A message for one connection. One that is [`ServerMessage::Refused`] is its last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// To which connection.
    pub to: ConnectionId,
    /// The message's number, if it is one that is delivered for sure.
    pub seq: Option<u64>,
    /// The message.
    pub message: ServerMessage,
}

/// Past calls that somebody asked for: to be read from the store and delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Who asks.
    pub connection: ConnectionId,
    /// Whose history.
    pub account: AccountName,
    /// Only calls that began before this.
    pub before: Option<UnixMillis>,
    /// At most so many.
    pub limit: u32,
}

/// What is to be done after an input, in this order: store, deliver, wait.
#[must_use]
#[derive(Debug, Default)]
pub struct Step {
    /// Changes of the directory: to be stored before anything is delivered.
    pub changes: Vec<Change>,
    /// Changes of sessions and calls: to be stored, together with all else, before anything is
    /// delivered or acknowledged.
    pub live: Vec<LiveChange>,
    /// History rows to be stored.
    pub history: Vec<HistoryRow>,
    /// The number up to which a connection's messages have been taken in, to be acknowledged.
    pub received: Option<(ConnectionId, u64)>,
    /// Messages, in order.
    pub deliveries: Vec<Delivery>,
    /// A history to be read.
    pub query: Option<HistoryQuery>,
    /// When to come back with [`Input::TimePassed`] at the latest.
    pub deadline: Option<Instant>,
    touched: BTreeSet<AccountName>,
    /// Devices whose session has no room for what is to be said.
    overrun: BTreeSet<ParticipantId>,
}

impl Step {
    fn deliver(&mut self, to: ConnectionId, message: ServerMessage) {
        self.deliveries.push(Delivery { to, seq: None, message });
    }

    fn deliver_numbered(&mut self, to: ConnectionId, seq: u64, message: ServerMessage) {
        self.deliveries.push(Delivery { to, seq: Some(seq), message });
    }

    fn refuse(&mut self, to: ConnectionId, code: Refusal, message: &str) {
        self.deliver(to, ServerMessage::Refused { code, message: message.to_owned() });
    }

    /// The presence of this account may have changed.
    fn touch(&mut self, account: &AccountName) {
        self.touched.insert(account.clone());
    }
}

/// The whole state of the server but for sockets and files.
#[derive(Debug)]
pub struct Exchange {
    timings: Timings,
    directory: Directory,
    /// The key of the echo contact, if this server offers one.
    echo: Option<PublicIdentity>,
    sessions: Sessions,
    calls: Calls,
    ended: EndedRings,
    /// What contacts were told last; who is not in it is offline.
    presence: HashMap<AccountName, Presence>,
}

impl Exchange {
    /// An exchange without connections or calls.
    pub fn new(directory: Directory, timings: Timings) -> Self {
        Self {
            timings,
            directory,
            echo: None,
            sessions: Sessions::default(),
            calls: Calls::default(),
            ended: EndedRings::default(),
            presence: HashMap::new(),
        }
    }

    /// Offers the echo contact with this key to everybody. An older account of that name with
    /// another key keeps it, and there is no echo then.
    #[must_use]
    pub fn with_echo(mut self, key: PublicIdentity) -> Self {
        self.echo = Some(key);
        self.mark_echo();
        self
    }

    /// Takes one input and returns what follows from it.
    pub fn step(&mut self, now: Now, input: Input) -> Step {
        let mut step = Step::default();
        self.pass_deadlines(now, &mut step);
        match input {
            Input::KeyProved { connection, proven } => {
                self.sign_in(now, connection, proven, &mut step);
            }
            Input::MessageReceived { connection, envelope } => {
                self.receive(now, connection, envelope, &mut step);
            }
            Input::ConnectionEnded { connection } => {
                self.disconnect(now, connection, &mut step);
            }
            Input::TimePassed => {}
        }
        self.end_overrun(now, &mut step);
        self.announce_presence(&mut step);
        step.live.extend(self.calls.changes(now));
        step.deadline = self.deadline();
        step
    }

    /// Takes the directory as it was read back after a change could not be stored.
    pub fn restore_directory(&mut self, directory: Directory) {
        self.directory = directory;
        self.mark_echo();
    }

    fn mark_echo(&mut self) {
        let name = echo_name();
        let bound = self.directory.key(&name);
        let is_ours = self.echo.is_some_and(|key| bound.is_none_or(|bound| *bound == key));
        self.directory.set_echo(is_ours.then_some(name));
    }

    /// The calls that ring or are held.
    pub fn live_calls(&self) -> impl Iterator<Item = CallId> {
        self.calls.iter().map(|call| call.id)
    }

    /// The presence of an account, as its contacts see it.
    pub fn presence(&self, account: &AccountName) -> Presence {
        self.presence.get(account).copied().unwrap_or(Presence::Offline)
    }

    fn receive(
        &mut self,
        now: Now,
        connection: ConnectionId,
        envelope: Envelope<ClientMessage>,
        step: &mut Step,
    ) {
        // a connection that was replaced may have messages on their way
        let Some(who) = self.sessions.who(connection).cloned() else { return };
        match self.count(connection, &who, envelope, step) {
            Ok(Some(message)) => self.take(now, connection, who, message, step),
            Ok(None) => {}
            Err(Miscounted) => {
                step.refuse(connection, Refusal::Malformed, "messages are counted wrongly");
                self.disconnect(now, connection, step);
            }
        }
    }

    /// Takes note of an envelope's numbers and returns its message, unless it was taken before.
    fn count(
        &mut self,
        connection: ConnectionId,
        who: &ParticipantId,
        envelope: Envelope<ClientMessage>,
        step: &mut Step,
    ) -> Result<Option<ClientMessage>, Miscounted> {
        self.sessions.acknowledge(who, envelope.ack, step)?;
        match (envelope.seq, envelope.message) {
            (Some(seq), Some(message)) => {
                let is_new = self.sessions.receive(who, seq, step)?;
                step.received = Some((connection, seq));
                Ok(is_new.then_some(message))
            }
            (None, None) => Ok(None),
            (Some(_), None) | (None, Some(_)) => Err(Miscounted),
        }
    }

    fn take(
        &mut self,
        now: Now,
        connection: ConnectionId,
        who: ParticipantId,
        message: ClientMessage,
        step: &mut Step,
    ) {
        self.notice_word_of(&who, &message);
        match message {
            ClientMessage::Hello { .. } | ClientMessage::Prove { .. } => {
                step.refuse(connection, Refusal::Malformed, "signed in already");
                self.disconnect(now, connection, step);
            }
            ClientMessage::AddContact { name } => {
                let changes = self.directory.add(&who.account, &name);
                self.change_contacts(connection, &who, &name, changes, step);
            }
            ClientMessage::AnswerRequest { name, accept } => {
                let changes = self.directory.answer(&who.account, &name, accept);
                self.change_contacts(connection, &who, &name, changes, step);
            }
            ClientMessage::RemoveContact { name } => {
                let changes = self.directory.remove(&who.account, &name);
                self.change_contacts(connection, &who, &name, changes, step);
            }
            ClientMessage::Invite { call, to, media, hide_address } => {
                let wish = Wish { call, to, media, hide_address };
                if let Err((code, why)) = self.invite(now, &who, wish, step) {
                    self.fail(&who, code, why, step);
                }
            }
            ClientMessage::RingingHere { call, hide_address } => {
                self.ringing_here(&who, call, hide_address, step);
            }
            ClientMessage::Accept { call } => self.accept(now, &who, call, step),
            ClientMessage::Decline { call, reason } => self.decline(now, &who, call, reason, step),
            ClientMessage::Cancel { call } => self.cancel(now, &who, call, step),
            ClientMessage::Leave { call, reason } => self.hang_up(now, &who, call, reason, step),
            ClientMessage::Signal { call, to, message } => {
                if let Err((code, why)) = self.signal(&who, call, &to, message, step) {
                    self.fail(&who, code, why, step);
                }
            }
            ClientMessage::ListHistory { before, limit } => {
                let limit = limit.min(MAX_HISTORY);
                step.query = Some(HistoryQuery { connection, account: who.account, before, limit });
            }
            // Nothing to decide: whoever holds the relay's secret answers.
            ClientMessage::ListIceServers => {}
        }
    }

    fn fail(&mut self, who: &ParticipantId, code: Failure, message: &str, step: &mut Step) {
        self.sessions.tell(who, ServerMessage::Failed { code, message: message.to_owned() }, step);
    }

    /// Carries out a change of contacts and tells both sides how their books look now.
    fn change_contacts(
        &mut self,
        connection: ConnectionId,
        who: &ParticipantId,
        other: &AccountName,
        changes: Result<Vec<Change>, Failure>,
        step: &mut Step,
    ) {
        let changes = match changes {
            Ok(changes) => changes,
            Err(code) => return self.fail(who, code, "the contact was not changed", step),
        };
        for change in &changes {
            self.directory.apply(change);
        }
        if changes.is_empty() {
            let book = self.book(&who.account);
            return step.deliver(connection, ServerMessage::Book { book });
        }
        for account in [&who.account, other] {
            let book = self.book(account);
            self.sessions.tell_account(account, &ServerMessage::Book { book }, step);
        }
        step.changes.extend(changes);
    }
}
