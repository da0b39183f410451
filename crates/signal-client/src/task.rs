//! The client's one task: attempt, session, wait, and again until it is stopped.

use crate::backoff::Backoff;
use crate::client::{SignalConfig, SignalEvent};
use crate::delivery::{Delivery, Welcomed};
use crate::keep_alive::Pace;
use crate::link::{Frame, Link};
use crate::url::ServerUrl;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tincan_proto::delivery::Miscounted;
use tincan_proto::identity::sign_in_proof;
use tincan_proto::signalling::{ContactBook, PROTOCOL_VERSION, Refusal};
use tincan_proto::units::UnixMillis;
use tincan_proto::{ClientMessage, ServerMessage};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::{debug, info};

/// From an open socket to the welcome.
const SIGN_IN_TIME: Duration = Duration::from_secs(5);
/// How long an acknowledgement waits for a message that it can travel with.
const ACKNOWLEDGE_AFTER: Duration = Duration::from_millis(50);

/// The task's ends of what it shares with the handle.
pub(crate) struct Ends {
    pub messages: mpsc::Receiver<ClientMessage>,
    pub events: mpsc::Sender<SignalEvent>,
    pub signed_in: watch::Sender<bool>,
    pub retry: Arc<Notify>,
    pub hurry: watch::Receiver<bool>,
    pub network: watch::Receiver<u64>,
}

pub(crate) struct Task {
    config: SignalConfig,
    url: ServerUrl,
    ends: Ends,
    delivery: Delivery,
    backoff: Backoff,
}

/// Why an attempt or a session ended.
enum Loss {
    /// Trying again may help.
    Broken(String),
    /// The network has changed: trying again helps at once.
    Moved(String),
    Refused(Refusal, String),
    /// Nobody listens to events any more.
    Abandoned,
}

impl From<String> for Loss {
    fn from(reason: String) -> Self {
        Self::Broken(reason)
    }
}

impl From<Miscounted> for Loss {
    fn from(miscounted: Miscounted) -> Self {
        Self::Broken(miscounted.to_string())
    }
}

impl Task {
    pub fn new(config: SignalConfig, url: ServerUrl, ends: Ends) -> Self {
        let (delivery, backoff) = (Delivery::default(), Backoff::default());
        Self { config, url, ends, delivery, backoff }
    }

    pub async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        let mut link = None;
        let events = self.ends.events.clone();
        loop {
            let loss = tokio::select! {
                loss = self.connect_and_serve(&mut link) => loss,
                () = ended(&mut stopped, &events) => break,
            };
            self.ends.signed_in.send_replace(false);
            link = None;
            let go_on = tokio::select! {
                go_on = self.bear(loss) => go_on,
                () = ended(&mut stopped, &events) => break,
            };
            if !go_on {
                return;
            }
        }
        let was_signed_in = self.ends.signed_in.send_replace(false);
        if let Some(mut link) = link {
            if was_signed_in && self.say_last_words(&mut link).await.is_err() {
                return;
            }
            link.close().await;
        }
    }

    async fn connect_and_serve(&mut self, link: &mut Option<Link>) -> Loss {
        let ended = match self.connect(link).await {
            Ok(link) => self.serve(link).await,
            Err(loss) => Err(loss),
        };
        match ended {
            Ok(never) => match never {},
            Err(loss) => loss,
        }
    }

    /// Opens a connection and signs in on it.
    async fn connect<'a>(&mut self, slot: &'a mut Option<Link>) -> Result<&'a mut Link, Loss> {
        self.ends.network.mark_unchanged();
        self.tell(SignalEvent::Connecting).await?;
        let mut network = self.ends.network.clone();
        let link = tokio::select! {
            link = Link::open(&self.url) => slot.insert(link?),
            () = changed(&mut network) => return Err(Loss::Moved(MOVED.to_owned())),
        };
        let (now, book, welcomed) = tokio::select! {
            welcome = timeout(SIGN_IN_TIME, self.sign_in(link)) => {
                welcome.map_err(|_| "the server does not finish signing in".to_owned())??
            }
            () = changed(&mut network) => return Err(Loss::Moved(MOVED.to_owned())),
        };
        let stale = self.delivery.begin(Instant::now().into_std(), welcomed)?;
        self.config.register = false;
        self.backoff.reset();
        self.ends.signed_in.send_replace(true);
        let resumed = welcomed.resumed;
        self.tell(SignalEvent::SignedIn { now, book, resumed }).await?;
        for message in stale {
            self.tell(SignalEvent::NotSent(message)).await?;
        }
        Ok(link)
    }

    async fn serve(&mut self, link: &mut Link) -> Result<Infallible, Loss> {
        let mut acknowledge_at = None;
        loop {
            while let Some(envelope) = self.delivery.next_to_write() {
                acknowledge_at = None;
                link.send(&envelope).await?;
            }
            let pace = if *self.ends.hurry.borrow() { Pace::HURRIED } else { Pace::CALM };
            let ask_at = link.ask_at(pace);
            tokio::select! {
                frame = link.receive() => match frame {
                    Ok(Frame::Envelope(envelope)) => {
                        if envelope.seq.is_some() {
                            let at = Instant::now() + ACKNOWLEDGE_AFTER;
                            acknowledge_at.get_or_insert(at);
                        }
                        if let Some(message) = self.delivery.receive(*envelope)? {
                            self.hear(message).await?;
                        }
                    }
                    Ok(Frame::Refused { code, message }) => {
                        return Err(Loss::Refused(code, message));
                    }
                    Ok(Frame::LifeSign) => {}
                    Err(reason) if link.is_probed() => return Err(Loss::Moved(reason)),
                    Err(reason) => return Err(reason.into()),
                },
                // the handle is gone when this ends, and with it the task
                Some(message) = self.ends.messages.recv(), if self.delivery.has_room() => {
                    self.delivery.push(Instant::now().into_std(), message);
                }
                () = until(acknowledge_at) => {
                    acknowledge_at = None;
                    link.send(&self.delivery.acknowledgement()).await?;
                }
                () = until(ask_at) => link.ask(pace).await?,
                () = changed(&mut self.ends.hurry) => {}
                () = changed(&mut self.ends.network) => {
                    info!("the network has changed: does the server answer?");
                    link.probe().await?;
                }
            }
        }
    }

    async fn hear(&self, message: ServerMessage) -> Result<(), Loss> {
        match message {
            ServerMessage::Refused { code, message } => Err(Loss::Refused(code, message)),
            message => self.tell(SignalEvent::Message(message)).await,
        }
    }

    async fn sign_in(&self, link: &mut Link) -> Result<(UnixMillis, ContactBook, Welcomed), Loss> {
        let SignalConfig { name, device, key, register, .. } = &self.config;
        link.send(&ClientMessage::Hello {
            version: PROTOCOL_VERSION,
            name: name.clone(),
            device: *device,
            key: key.public(),
            register: *register,
            resume: self.delivery.resume(),
        })
        .await?;
        let nonce = match link.receive_bare().await? {
            ServerMessage::Challenge { nonce } => nonce,
            ServerMessage::Refused { code, message } => return Err(Loss::Refused(code, message)),
            _ => return Err("the server did not challenge".to_owned().into()),
        };
        let signature = sign_in_proof(key, &nonce, name, *device);
        link.send(&ClientMessage::Prove { signature }).await?;
        match link.receive_bare().await? {
            ServerMessage::Welcome { now, book, session, resumed, received } => {
                Ok((now, book, Welcomed { session, resumed, received }))
            }
            ServerMessage::Refused { code, message } => Err(Loss::Refused(code, message)),
            _ => Err("the server did not welcome".to_owned().into()),
        }
    }

    /// Writes whatever was handed over, in an orderly end.
    async fn say_last_words(&mut self, link: &mut Link) -> Result<(), String> {
        loop {
            while let Some(envelope) = self.delivery.next_to_write() {
                link.send(&envelope).await?;
            }
            match self.ends.messages.try_recv() {
                Ok(message) => self.delivery.push(Instant::now().into_std(), message),
                Err(_) => return Ok(()),
            }
        }
    }

    /// Tells of a loss and waits until it is time to try again; false if nobody listens.
    async fn bear(&mut self, loss: Loss) -> bool {
        let (retry_in, reason) = match loss {
            Loss::Abandoned => return false,
            Loss::Broken(reason) => (Some(self.backoff.next_wait(rand::random())), reason),
            Loss::Moved(reason) => (Some(Duration::ZERO), reason),
            Loss::Refused(code, message) => {
                let refused = SignalEvent::Refused { code, message: message.clone() };
                if self.tell(refused).await.is_err() {
                    return false;
                }
                let wait = heals(code).then(|| self.backoff.next_wait(rand::random()));
                (wait, format!("the server refused: {message}"))
            }
        };
        debug!(reason, ?retry_in, "lost");
        // listening begins before the app can hear of the loss and answer it
        let retry = self.ends.retry.clone();
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
                // what was refused for good is not healed by another network
                () = changed(&mut self.ends.network), if retry_in.is_some() => return true,
                Some(message) = self.ends.messages.recv(), if self.delivery.has_room() => {
                    self.delivery.push(Instant::now().into_std(), message);
                }
            }
        }
    }

    async fn tell(&self, event: SignalEvent) -> Result<(), Loss> {
        self.ends.events.send(event).await.map_err(|_| Loss::Abandoned)
    }
}

const MOVED: &str = "the network has changed";

/// Returns when the handle has set it anew; never once the handle is gone.
async fn changed<T>(watched: &mut watch::Receiver<T>) {
    if watched.changed().await.is_err() {
        std::future::pending().await
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
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
