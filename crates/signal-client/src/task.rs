//! The client's one task: attempt, session, wait, and again until it is stopped.

use crate::backoff::Backoff;
use crate::client::{SignalConfig, SignalEvent, is_kept};
use crate::link::Link;
use crate::url::ServerUrl;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tincan_proto::identity::sign_in_proof;
use tincan_proto::signalling::{ContactBook, PROTOCOL_VERSION, Refusal};
use tincan_proto::units::UnixMillis;
use tincan_proto::{ClientMessage, ServerMessage};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{sleep, timeout};
use tracing::debug;

/// Messages kept while offline. If it is full, later ones wait in the queue before it.
const KEPT_MESSAGES: usize = 32;
/// From an open socket to the welcome.
const SIGN_IN_TIME: Duration = Duration::from_secs(10);

pub(crate) struct Task {
    config: SignalConfig,
    url: ServerUrl,
    messages: mpsc::Receiver<ClientMessage>,
    events: mpsc::Sender<SignalEvent>,
    signed_in: watch::Sender<bool>,
    retry: Arc<Notify>,
    kept: VecDeque<ClientMessage>,
    backoff: Backoff,
}

/// Why an attempt or a session ended.
enum Loss {
    /// Trying again may help.
    Broken(String),
    Refused(Refusal, String),
    /// Nobody listens to events any more.
    Abandoned,
}

impl From<String> for Loss {
    fn from(reason: String) -> Self {
        Self::Broken(reason)
    }
}

impl Task {
    pub fn new(
        config: SignalConfig,
        url: ServerUrl,
        messages: mpsc::Receiver<ClientMessage>,
        events: mpsc::Sender<SignalEvent>,
        signed_in: watch::Sender<bool>,
        retry: Arc<Notify>,
    ) -> Self {
        let (kept, backoff) = (VecDeque::new(), Backoff::default());
        Self { config, url, messages, events, signed_in, retry, kept, backoff }
    }

    pub async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        let mut link = None;
        let events = self.events.clone();
        loop {
            let loss = tokio::select! {
                loss = self.connect_and_serve(&mut link) => loss,
                () = ended(&mut stopped, &events) => break,
            };
            self.signed_in.send_replace(false);
            link = None;
            let go_on = tokio::select! {
                go_on = self.bear(loss) => go_on,
                () = ended(&mut stopped, &events) => break,
            };
            if !go_on {
                return;
            }
        }
        let was_signed_in = self.signed_in.send_replace(false);
        if let Some(mut link) = link {
            while was_signed_in && let Ok(message) = self.messages.try_recv() {
                if link.send(&message).await.is_err() {
                    return;
                }
            }
            link.close().await;
        }
    }

    async fn connect_and_serve(&mut self, link: &mut Option<Link>) -> Loss {
        match self.try_connect_and_serve(link).await {
            Ok(never) => match never {},
            Err(loss) => loss,
        }
    }

    async fn try_connect_and_serve(
        &mut self,
        link: &mut Option<Link>,
    ) -> Result<std::convert::Infallible, Loss> {
        self.tell(SignalEvent::Connecting).await?;
        let link = link.insert(Link::open(&self.url).await?);
        let (now, book) = timeout(SIGN_IN_TIME, self.sign_in(link))
            .await
            .map_err(|_| "the server does not finish signing in".to_owned())??;
        self.config.register = false;
        self.backoff.reset();
        self.signed_in.send_replace(true);
        self.tell(SignalEvent::SignedIn { now, book }).await?;
        while let Some(message) = self.kept.front() {
            link.send(message).await?;
            self.kept.pop_front();
        }
        loop {
            tokio::select! {
                message = link.receive() => match message? {
                    ServerMessage::Refused { code, message } => {
                        return Err(Loss::Refused(code, message));
                    }
                    message => self.tell(SignalEvent::Message(message)).await?,
                },
                // the handle is gone when this ends, and with it the task
                Some(message) = self.messages.recv() => {
                    if let Err(reason) = link.send(&message).await {
                        self.keep(message);
                        return Err(reason.into());
                    }
                }
            }
        }
    }

    async fn sign_in(&self, link: &mut Link) -> Result<(UnixMillis, ContactBook), Loss> {
        let SignalConfig { name, device, key, register, .. } = &self.config;
        link.send(&ClientMessage::Hello {
            version: PROTOCOL_VERSION,
            name: name.clone(),
            device: *device,
            key: key.public(),
            register: *register,
        })
        .await?;
        let nonce = match link.receive().await? {
            ServerMessage::Challenge { nonce } => nonce,
            ServerMessage::Refused { code, message } => return Err(Loss::Refused(code, message)),
            _ => return Err("the server did not challenge".to_owned().into()),
        };
        let signature = sign_in_proof(key, &nonce, name, *device);
        link.send(&ClientMessage::Prove { signature }).await?;
        match link.receive().await? {
            ServerMessage::Welcome { now, book } => Ok((now, book)),
            ServerMessage::Refused { code, message } => Err(Loss::Refused(code, message)),
            _ => Err("the server did not welcome".to_owned().into()),
        }
    }

    /// Tells of a loss and waits until it is time to try again; false if nobody listens.
    async fn bear(&mut self, loss: Loss) -> bool {
        // what was handed over for the lost session: some of it still means something
        while self.kept.len() < KEPT_MESSAGES
            && let Ok(message) = self.messages.try_recv()
        {
            self.keep(message);
        }
        let (heals, reason) = match loss {
            Loss::Abandoned => return false,
            Loss::Broken(reason) => (true, reason),
            Loss::Refused(code, message) => {
                let refused = SignalEvent::Refused { code, message: message.clone() };
                if self.tell(refused).await.is_err() {
                    return false;
                }
                (heals(code), format!("the server refused: {message}"))
            }
        };
        let retry_in = heals.then(|| self.backoff.next_wait(rand::random()));
        debug!(reason, ?retry_in, "lost");
        // listening begins before the app can hear of the loss and answer it
        let retry = self.retry.clone();
        let mut retried = std::pin::pin!(retry.notified());
        retried.as_mut().enable();
        if self.tell(SignalEvent::Lost { retry_in, reason }).await.is_err() {
            return false;
        }
        let wait = async move {
            match retry_in {
                Some(wait) => sleep(wait).await,
                None => std::future::pending().await,
            }
        };
        let mut wait = std::pin::pin!(wait);
        loop {
            tokio::select! {
                () = &mut wait => return true,
                () = &mut retried => return true,
                Some(message) = self.messages.recv(), if self.kept.len() < KEPT_MESSAGES => {
                    self.keep(message);
                }
            }
        }
    }

    fn keep(&mut self, message: ClientMessage) {
        if is_kept(&message) && self.kept.len() < KEPT_MESSAGES {
            self.kept.push_back(message);
        }
    }

    async fn tell(&self, event: SignalEvent) -> Result<(), Loss> {
        self.events.send(event).await.map_err(|_| Loss::Abandoned)
    }
}

/// Whether the same sign-in may succeed later.
fn heals(code: Refusal) -> bool {
    match code {
        Refusal::TooMany | Refusal::Unavailable => true,
        Refusal::UnsupportedVersion
        | Refusal::NameTaken
        | Refusal::WrongKey
        | Refusal::UnknownAccount
        | Refusal::BadProof
        | Refusal::Malformed
        | Refusal::Replaced => false,
    }
}

/// Returns when the handle is dropped or shut down, or nobody listens to events any more.
async fn ended(stopped: &mut watch::Receiver<bool>, events: &mpsc::Sender<SignalEvent>) {
    tokio::select! {
        _ = stopped.wait_for(|&stopped| stopped) => {}
        () = events.closed() => {}
    }
}
