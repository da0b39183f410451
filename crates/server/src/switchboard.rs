//! Owns the exchange: one loop that feeds it what happens and carries out what it returns.

use crate::accounts::Proven;
use crate::exchange::{ConnectionId, Delivery, Exchange, HistoryQuery, Input, Now, Step};
use crate::limits::{MAX_HISTORY_READS, OUTBOX_MESSAGES};
use crate::store::Store;
use std::collections::HashMap;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tincan_proto::signalling::{Failure, Refusal};
use tincan_proto::units::UnixMillis;
use tincan_proto::{ClientMessage, Envelope, ServerMessage};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::{debug, error, warn};

/// Where a connection's messages wait for its socket; full means that the connection is closed.
pub(crate) type Outbox = mpsc::Sender<Post>;

/// What a connection is to send.
#[derive(Debug)]
pub(crate) enum Post {
    Say {
        /// None for what is not delivered again.
        seq: Option<u64>,
        message: ServerMessage,
    },
    /// All messages up to this number have been taken in and stored.
    Acknowledge(u64),
}

impl From<ServerMessage> for Post {
    fn from(message: ServerMessage) -> Self {
        Self::Say { seq: None, message }
    }
}

/// The two ends of a connection's queue of outgoing messages.
pub(crate) fn outbox() -> (Outbox, mpsc::Receiver<Post>) {
    mpsc::channel(OUTBOX_MESSAGES)
}

/// What connections report.
#[derive(Debug)]
pub(crate) enum Report {
    KeyProved { connection: ConnectionId, proven: Proven, outbox: Outbox },
    MessageReceived { connection: ConnectionId, envelope: Envelope<ClientMessage> },
    Ended { connection: ConnectionId },
}

pub(crate) struct Switchboard {
    exchange: Exchange,
    store: Store,
    outboxes: HashMap<ConnectionId, Outbox>,
    reads: JoinSet<()>,
    deadline: Option<Instant>,
}

impl Switchboard {
    pub fn new(exchange: Exchange, store: Store) -> Self {
        Self { exchange, store, outboxes: HashMap::new(), reads: JoinSet::new(), deadline: None }
    }

    /// Runs until nobody is left who could report anything.
    pub async fn run(mut self, mut reports: mpsc::Receiver<Report>) {
        // what was restored may be over, or has deadlines
        self.obey(Input::TimePassed).await;
        loop {
            let deadline = self.deadline.map(tokio::time::Instant::from_std);
            let input = tokio::select! {
                report = reports.recv() => match report {
                    Some(report) => self.take(report),
                    None => break,
                },
                () = sleep_until(deadline) => Input::TimePassed,
            };
            self.obey(input).await;
            while self.reads.try_join_next().is_some() {}
        }
        self.outboxes.clear();
        while self.reads.join_next().await.is_some() {}
        self.store.close().await;
    }

    fn take(&mut self, report: Report) -> Input {
        match report {
            Report::KeyProved { connection, proven, outbox } => {
                self.outboxes.insert(connection, outbox);
                Input::KeyProved { connection, proven }
            }
            Report::MessageReceived { connection, envelope } => {
                Input::MessageReceived { connection, envelope }
            }
            Report::Ended { connection } => {
                self.outboxes.remove(&connection);
                Input::ConnectionEnded { connection }
            }
        }
    }

    async fn obey(&mut self, input: Input) {
        let from = match &input {
            Input::KeyProved { connection, .. } | Input::MessageReceived { connection, .. } => {
                Some(*connection)
            }
            Input::ConnectionEnded { .. } | Input::TimePassed => None,
        };
        let step = self.exchange.step(now(), input);
        self.carry_out(step, from).await;
    }

    async fn carry_out(&mut self, mut step: Step, from: Option<ConnectionId>) {
        let mut broken = Vec::new();
        if !self.store(&step).await {
            // what is not acknowledged will be said again if this server is gone by then
            step.received = None;
            if !step.changes.is_empty() {
                broken = self.take_back(&mut step, from).await;
            }
        }
        if let Some((connection, seq)) = step.received
            && let Some(outbox) = self.outboxes.get(&connection)
        {
            // a full queue is noticed by the next delivery
            outbox.try_send(Post::Acknowledge(seq)).ok();
        }
        self.deadline = step.deadline;
        broken.extend(self.deliver(step.deliveries));
        if let Some(query) = step.query {
            self.read_history(query);
        }
        // a queue that was full or whose socket is gone: the connection has ended
        while let Some(connection) = broken.pop() {
            self.outboxes.remove(&connection);
            let step = self.exchange.step(now(), Input::ConnectionEnded { connection });
            self.store(&step).await;
            self.deadline = step.deadline;
            broken.extend(self.deliver(step.deliveries));
        }
    }

    /// Stores what a step has changed; false if that failed.
    async fn store(&self, step: &Step) -> bool {
        let Step { changes, live, history, .. } = step;
        if changes.is_empty() && live.is_empty() && history.is_empty() {
            return true;
        }
        match self.store.write(changes, live, history).await {
            Ok(()) => true,
            Err(err) => {
                error!(%err, "nothing was stored");
                false
            }
        }
    }

    /// A change of the directory could not be stored: nobody is told of it, and whoever wanted
    /// it learns why. Returns the connections that cannot go on.
    async fn take_back(
        &mut self,
        step: &mut Step,
        from: Option<ConnectionId>,
    ) -> Vec<ConnectionId> {
        let mut unwelcome = Vec::new();
        step.deliveries.retain(|delivery| match delivery.message {
            ServerMessage::Welcome { .. } => {
                unwelcome.push(delivery.to);
                false
            }
            ServerMessage::Book { .. } => false,
            _ => true,
        });
        step.deliveries.retain(|delivery| !unwelcome.contains(&delivery.to));
        let message = "the server could not store it".to_owned();
        if let Some(to) = from {
            let message = if unwelcome.contains(&to) {
                ServerMessage::Refused { code: Refusal::Unavailable, message }
            } else {
                ServerMessage::Failed { code: Failure::Storage, message }
            };
            step.deliveries.push(Delivery { to, seq: None, message });
        }
        match self.store.directory().await {
            Ok(directory) => self.exchange.restore_directory(directory),
            Err(err) => error!(%err, "the directory in memory is not the stored one"),
        }
        unwelcome
    }

    /// Puts messages into their queues and returns the connections whose queue took none.
    fn deliver(&mut self, deliveries: Vec<Delivery>) -> Vec<ConnectionId> {
        let mut broken = Vec::new();
        for Delivery { to, seq, message } in deliveries {
            let is_last = matches!(message, ServerMessage::Refused { .. });
            let Some(outbox) = self.outboxes.get(&to) else { continue };
            if let Err(err) = outbox.try_send(Post::Say { seq, message }) {
                match err {
                    mpsc::error::TrySendError::Full(_) => {
                        warn!(connection = to.0, "reads too slowly: closed");
                    }
                    mpsc::error::TrySendError::Closed(_) => {
                        debug!(connection = to.0, "has gone");
                    }
                }
                self.outboxes.remove(&to);
                broken.push(to);
            } else if is_last {
                self.outboxes.remove(&to);
            }
        }
        broken
    }

    fn read_history(&mut self, query: HistoryQuery) {
        let Some(outbox) = self.outboxes.get(&query.connection).cloned() else { return };
        let full = self.reads.len() >= MAX_HISTORY_READS;
        let store = self.store.clone();
        let read = async move {
            let message = if full {
                let message = "too many histories are being read".to_owned();
                ServerMessage::Failed { code: Failure::TooMany, message }
            } else {
                match store.history(&query).await {
                    Ok(entries) => ServerMessage::History { entries },
                    Err(err) => {
                        error!(%err, "no history was read");
                        let message = "the server could not read it".to_owned();
                        ServerMessage::Failed { code: Failure::Storage, message }
                    }
                }
            };
            // a full queue is noticed by the next delivery
            outbox.try_send(message.into()).ok();
        };
        self.reads.spawn(read);
    }
}

async fn sleep_until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// The time by both clocks.
pub(crate) fn now() -> Now {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let unix = u64::try_from(unix.as_millis()).unwrap_or(u64::MAX);
    Now { instant: Instant::now(), unix: UnixMillis(unix) }
}
