//! The handle that the app holds, and what it hears from it.

use crate::task::{Ends, Task};
use crate::url::{ServerUrl, UrlError};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tincan_proto::signalling::{ContactBook, Refusal};
use tincan_proto::units::UnixMillis;
use tincan_proto::{AccountName, ClientMessage, DeviceId, IdentityKey, ServerMessage};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;

/// Messages that may wait besides those of [`crate::delivery::MAX_PENDING`]. If there are so
/// many, sending fails with [`SendError::Full`].
const OUTBOX_MESSAGES: usize = 128;
/// Events that may wait for the app. If it is full, the socket is not read until there is room.
const EVENTS: usize = 256;

/// Where to sign in, and as whom.
#[derive(Clone, Debug)]
pub struct SignalConfig {
    /// The server: `ws://host:port` or `host:port`.
    pub url: String,
    /// The account.
    pub name: AccountName,
    /// This installation.
    pub device: DeviceId,
    /// The account's key.
    pub key: Arc<IdentityKey>,
    /// Whether to claim the name if it is new; counts until the first success.
    pub register: bool,
}

/// What happens on the connection.
#[derive(Clone, Debug, PartialEq)]
pub enum SignalEvent {
    /// An attempt to connect begins.
    Connecting,
    /// Signed in.
    SignedIn {
        /// The server's clock.
        now: UnixMillis,
        /// Contacts and requests.
        book: ContactBook,
        /// Whether the session of this client goes on: nothing that either side said is lost or
        /// repeated. If not, it is the first one or the server may have forgotten what was said.
        resumed: bool,
    },
    /// Signed in again, but too late to still say this: an invitation of more than
    /// [`crate::delivery::INVITE_GOOD_FOR`] ago, which counts as failed.
    NotSent(ClientMessage),
    /// A message of the session; never a challenge, welcome or refusal.
    Message(ServerMessage),
    /// The server does not want us, or no longer. [`SignalEvent::Lost`] follows.
    Refused {
        /// Why.
        code: Refusal,
        /// The same in English, for logs.
        message: String,
    },
    /// Not connected, or no longer.
    Lost {
        /// When it is tried again; none if that cannot help, until [`SignalClient::retry_now`].
        retry_in: Option<Duration>,
        /// Why, in English.
        reason: String,
    },
}

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Not signed in, and the message is a question that is better asked after that.
    #[error("not connected to the server")]
    Offline,
    /// Too many messages wait already.
    #[error("too many messages are waiting")]
    Full,
    /// The client has ended.
    #[error("the connection was shut down")]
    Stopped,
}

/// A connection to a server, for as long as this is held. Dropping it closes the connection.
pub struct SignalClient {
    outbox: mpsc::Sender<ClientMessage>,
    signed_in: watch::Receiver<bool>,
    retry: Arc<Notify>,
    hurry: watch::Sender<bool>,
    /// Counts the changes of the network.
    network: watch::Sender<u64>,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl SignalClient {
    /// Begins to connect. All else, a server that cannot be reached too, comes as an event. Must
    /// be called within a tokio runtime.
    ///
    /// # Errors
    /// [`UrlError`] if the server's address is none.
    pub fn connect(config: SignalConfig) -> Result<(Self, mpsc::Receiver<SignalEvent>), UrlError> {
        let url: ServerUrl = config.url.parse()?;
        let (outbox, messages) = mpsc::channel(OUTBOX_MESSAGES);
        let (events, heard) = mpsc::channel(EVENTS);
        let (told_signed_in, signed_in) = watch::channel(false);
        let (stop, stopped) = watch::channel(false);
        let retry = Arc::new(Notify::new());
        let (hurry, hurried) = watch::channel(false);
        let (network, changes) = watch::channel(0);
        let ends = Ends {
            messages,
            events,
            signed_in: told_signed_in,
            retry: retry.clone(),
            hurry: hurried,
            network: changes,
        };
        let task = Some(tokio::spawn(Task::new(config, url, ends).run(stopped)));
        Ok((Self { outbox, signed_in, retry, hurry, network, stop, task }, heard))
    }

    /// Hands a message over. It is delivered once and in its order, however often the connection
    /// is lost meanwhile, for as long as this is held; but for an invitation that is too old by
    /// then (see [`SignalEvent::NotSent`]).
    ///
    /// # Errors
    /// [`SendError`] says why it was not taken. Questions (history, servers) are not taken while
    /// offline, and their answer may be lost: they are asked anew after each sign-in.
    pub fn send(&self, message: ClientMessage) -> Result<(), SendError> {
        if is_question(&message) && !*self.signed_in.borrow() {
            return Err(SendError::Offline);
        }
        self.outbox.try_send(message).map_err(|err| match err {
            mpsc::error::TrySendError::Full(_) => SendError::Full,
            mpsc::error::TrySendError::Closed(_) => SendError::Stopped,
        })
    }

    /// Whether the server would take a message now.
    pub fn is_signed_in(&self) -> bool {
        *self.signed_in.borrow()
    }

    /// Ends a wait between two attempts, or the rest after a refusal. Does nothing while
    /// connecting or connected.
    pub fn retry_now(&self) {
        self.retry.notify_waiters();
    }

    /// Whether a call rings or is held: a dead connection is then noticed within three seconds
    /// instead of half a minute.
    pub fn set_hurry(&self, hurry: bool) {
        self.hurry.send_if_modified(|before| std::mem::replace(before, hurry) != hurry);
    }

    /// The machine's network has changed: a connection that does not answer within a second is
    /// made anew at once, and so is one that is just being made or waited for.
    pub fn network_changed(&self) {
        self.network.send_modify(|changes| *changes = changes.wrapping_add(1));
    }

    /// Sends what was handed over, closes the connection and waits for its end.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        if let Some(task) = self.task.take() {
            task.await.ok();
        }
    }
}

impl Drop for SignalClient {
    fn drop(&mut self) {
        // the task says goodbye and ends by itself
        self.stop.send_replace(true);
    }
}

impl fmt::Debug for SignalClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignalClient").field("signed_in", &self.is_signed_in()).finish()
    }
}

/// Whether a message only asks for something that changes meanwhile.
fn is_question(message: &ClientMessage) -> bool {
    match message {
        ClientMessage::ListHistory { .. } | ClientMessage::ListIceServers => true,
        ClientMessage::Hello { .. }
        | ClientMessage::Prove { .. }
        | ClientMessage::AddContact { .. }
        | ClientMessage::AnswerRequest { .. }
        | ClientMessage::RemoveContact { .. }
        | ClientMessage::Invite { .. }
        | ClientMessage::RingingHere { .. }
        | ClientMessage::Accept { .. }
        | ClientMessage::Decline { .. }
        | ClientMessage::Cancel { .. }
        | ClientMessage::Leave { .. }
        | ClientMessage::Signal { .. } => false,
    }
}
