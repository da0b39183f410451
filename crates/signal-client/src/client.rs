//! The handle that the app holds, and what it hears from it.

use crate::task::Task;
use crate::url::{ServerUrl, UrlError};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tincan_proto::signalling::{ContactBook, Refusal};
use tincan_proto::units::UnixMillis;
use tincan_proto::{AccountName, ClientMessage, DeviceId, IdentityKey, ServerMessage};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;

/// Messages that may wait for the socket. If it is full, sending fails with [`SendError::Full`].
const OUTBOX_MESSAGES: usize = 256;
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
    },
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
    /// Not signed in, and the message is none that is kept until then.
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
        let task = Task::new(config, url, messages, events, told_signed_in, retry.clone());
        let task = Some(tokio::spawn(task.run(stopped)));
        Ok((Self { outbox, signed_in, retry, stop, task }, heard))
    }

    /// Hands a message over for sending. Answers to a ring and goodbyes (accept, decline,
    /// cancel, leave) are kept while offline and sent after the next sign-in.
    ///
    /// # Errors
    /// [`SendError`] says why it was not taken. A message that was taken may still be lost
    /// together with the connection.
    pub fn send(&self, message: ClientMessage) -> Result<(), SendError> {
        if !is_kept(&message) && !*self.signed_in.borrow() {
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

/// Whether a message still means something after a reconnect.
pub(crate) fn is_kept(message: &ClientMessage) -> bool {
    match message {
        ClientMessage::Accept { .. }
        | ClientMessage::Decline { .. }
        | ClientMessage::Cancel { .. }
        | ClientMessage::Leave { .. } => true,
        ClientMessage::Hello { .. }
        | ClientMessage::Prove { .. }
        | ClientMessage::AddContact { .. }
        | ClientMessage::AnswerRequest { .. }
        | ClientMessage::RemoveContact { .. }
        | ClientMessage::Invite { .. }
        | ClientMessage::RingingHere { .. }
        | ClientMessage::Signal { .. }
        | ClientMessage::ListHistory { .. }
        | ClientMessage::ListIceServers => false,
    }
}
