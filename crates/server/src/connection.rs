//! One actor per socket: signs in, passes messages on, keeps alive, and closes with a reason.
//! Decides nothing about calls.

use crate::accounts::{SignIn, SignInStep};
use crate::exchange::ConnectionId;
use crate::ice::IceDesk;
use crate::limits::{
    ACKNOWLEDGE_AFTER, DEAD_AFTER, LINGER, MESSAGE_BURST, MESSAGES_PER_SECOND, PING_EVERY,
    WRITE_TIME,
};
use crate::rate::TokenBucket;
use crate::switchboard::{Post, Report, outbox};
use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tincan_proto::signalling::{PROTOCOL_VERSION, Refusal};
use tincan_proto::{AccountName, ClientMessage, Envelope, ServerMessage};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tracing::{Instrument, debug, info_span};

/// Why an actor ends.
enum End {
    /// The far side has gone, or is to be left without a word.
    Gone(&'static str),
    /// The far side is told why.
    Refused(Refusal, &'static str),
    /// The exchange has told why, in the last message of the queue.
    Told,
}

/// Serves one socket until its end.
pub(crate) async fn serve(
    id: ConnectionId,
    socket: WebSocket,
    ice: IceDesk,
    reports: mpsc::Sender<Report>,
    sign_in_time: Duration,
    stop: watch::Receiver<bool>,
) {
    let span = info_span!("connection", id = id.0);
    let bucket = TokenBucket::new(MESSAGE_BURST, MESSAGES_PER_SECOND, Instant::now().into_std());
    let heard = Instant::now();
    let mut connection = Connection { id, socket, ice, reports, bucket, stop, heard, received: 0 };
    connection.run(sign_in_time).instrument(span).await;
}

struct Connection {
    id: ConnectionId,
    socket: WebSocket,
    ice: IceDesk,
    reports: mpsc::Sender<Report>,
    bucket: TokenBucket,
    stop: watch::Receiver<bool>,
    heard: Instant,
    /// The number up to which the app's messages have been taken in.
    received: u64,
}

impl Connection {
    async fn run(&mut self, sign_in_time: Duration) {
        let end = match self.sign_in(Instant::now() + sign_in_time).await {
            Ok((account, messages)) => {
                let end = self.exchange_messages(&account, messages).await;
                // without the exchange there is nobody to report to
                self.reports.send(Report::Ended { connection: self.id }).await.ok();
                end
            }
            Err(end) => end,
        };
        match end {
            End::Gone(why) => debug!(why, "ended"),
            End::Told => self.close().await,
            End::Refused(code, why) => {
                debug!(?code, why, "refused");
                let refused = ServerMessage::Refused { code, message: why.to_owned() };
                if self.send(&refused).await.is_ok() {
                    self.close().await;
                }
            }
        }
    }

    async fn sign_in(
        &mut self,
        deadline: Instant,
    ) -> Result<(AccountName, mpsc::Receiver<Post>), End> {
        let mut state = SignIn::Greeting;
        let proven = loop {
            let message = tokio::select! {
                text = next_text(&mut self.socket, &mut self.bucket, &mut self.heard) => parse(&text?)?,
                () = sleep_until(deadline) => {
                    return Err(End::Refused(Refusal::Unavailable, "signing in took too long"));
                }
                () = stopped(&mut self.stop) => return Err(STOPPING),
            };
            let next = state.step(message, &mut rand::rng());
            match next {
                SignInStep::Challenge(next, nonce) => {
                    state = next;
                    self.send(&ServerMessage::Challenge { nonce }).await?;
                }
                SignInStep::Proven(proven) => break proven,
                SignInStep::Refuse(code, why) => return Err(End::Refused(code, why)),
            }
        };
        let account = proven.name.clone();
        let (outbox, messages) = outbox();
        self.report(Report::KeyProved { connection: self.id, proven, outbox }).await?;
        Ok((account, messages))
    }

    async fn exchange_messages(
        &mut self,
        account: &AccountName,
        mut messages: mpsc::Receiver<Post>,
    ) -> End {
        let mut pings = interval(PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut acknowledge_at = None;
        loop {
            let dead = self.heard + DEAD_AFTER;
            let done = tokio::select! {
                post = messages.recv() => match post {
                    Some(Post::Say { seq, message }) => {
                        acknowledge_at = None;
                        self.say(account, seq, message).await
                    }
                    Some(Post::Acknowledge(seq)) => {
                        self.received = seq;
                        acknowledge_at.get_or_insert(Instant::now() + ACKNOWLEDGE_AFTER);
                        Ok(())
                    }
                    None => return End::Told,
                },
                text = next_text(&mut self.socket, &mut self.bucket, &mut self.heard) => {
                    match text.and_then(|text| parse::<Envelope<ClientMessage>>(&text)) {
                        Ok(envelope) => self.take(account, envelope).await,
                        Err(end) => Err(end),
                    }
                }
                () = until(acknowledge_at) => {
                    acknowledge_at = None;
                    self.send(&self.envelope(None, None)).await
                }
                _ = pings.tick() => self.write(Message::Ping(Default::default())).await,
                () = sleep_until(dead) => Err(End::Gone("nothing heard for too long")),
                () = stopped(&mut self.stop) => Err(STOPPING),
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    /// All goes to the exchange, which counts it; who has the relay's secret answers for it.
    async fn take(
        &mut self,
        account: &AccountName,
        envelope: Envelope<ClientMessage>,
    ) -> Result<(), End> {
        if matches!(envelope.message, Some(ClientMessage::ListIceServers)) {
            self.send_ice(account).await?;
        }
        self.report(Report::MessageReceived { connection: self.id, envelope }).await
    }

    /// Not delivered again if it is lost: whoever comes back is told anew.
    async fn send_ice(&mut self, account: &AccountName) -> Result<(), End> {
        let ice = self.ice.servers(account);
        self.send(&self.envelope(None, Some(ServerMessage::IceServers { ice }))).await
    }

    async fn report(&mut self, report: Report) -> Result<(), End> {
        self.reports.send(report).await.map_err(|_| STOPPING)
    }

    /// Welcomes and refusals travel bare, all else in an envelope. Whoever is welcome is told of
    /// the STUN and TURN servers, too.
    async fn say(
        &mut self,
        account: &AccountName,
        seq: Option<u64>,
        message: ServerMessage,
    ) -> Result<(), End> {
        match &message {
            ServerMessage::Welcome { received, .. } => {
                self.received = *received;
                self.send(&message).await?;
                self.send_ice(account).await
            }
            ServerMessage::Refused { .. } => self.send(&message).await,
            _ => self.send(&self.envelope(seq, Some(message))).await,
        }
    }

    fn envelope(
        &self,
        seq: Option<u64>,
        message: Option<ServerMessage>,
    ) -> Envelope<ServerMessage> {
        Envelope { seq, ack: self.received, message }
    }

    async fn send(&mut self, message: &impl Serialize) -> Result<(), End> {
        let text = serde_json::to_string(message).expect("messages have string keys only");
        self.write(Message::Text(text.into())).await
    }

    async fn write(&mut self, message: Message) -> Result<(), End> {
        match timeout(WRITE_TIME, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone("writing failed")),
            Err(_) => Err(End::Gone("reads too slowly")),
        }
    }

    /// Closes in order. A socket closed with bytes unread resets the connection, which can
    /// overtake the last message: so what still comes is read and dropped for a moment.
    async fn close(&mut self) {
        if self.write(Message::Close(None)).await.is_err() {
            return;
        }
        let drain = async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Close(_))) => break,
                    Some(Ok(_)) => {}
                    // a frame too large cannot be read past: give the far side its moment
                    Some(Err(_)) | None => std::future::pending().await,
                }
            }
        };
        timeout(LINGER, drain).await.ok();
    }
}

const STOPPING: End = End::Refused(Refusal::Unavailable, "the server is stopping");

/// The next text. Safe to drop while it waits.
async fn next_text(
    socket: &mut WebSocket,
    bucket: &mut TokenBucket,
    heard: &mut Instant,
) -> Result<Utf8Bytes, End> {
    loop {
        let frame = match socket.next().await {
            Some(Ok(frame)) => frame,
            None => return Err(End::Gone("closed")),
            Some(Err(err)) if is_protocol_error(&err) => {
                return Err(End::Refused(Refusal::Malformed, "a frame too large or not text"));
            }
            Some(Err(_)) => return Err(End::Gone("reading failed")),
        };
        *heard = Instant::now();
        if !bucket.take(heard.into_std()) {
            return Err(End::Refused(Refusal::TooMany, "too many messages"));
        }
        match frame {
            Message::Text(text) => return Ok(text),
            Message::Binary(_) => {
                return Err(End::Refused(Refusal::Malformed, "binary is not of the protocol"));
            }
            Message::Ping(_) | Message::Pong(_) => {}
            Message::Close(_) => return Err(End::Gone("closed")),
        }
    }
}

fn parse<M: DeserializeOwned>(text: &str) -> Result<M, End> {
    serde_json::from_str(text).map_err(|_| {
        if is_hello_of_another_version(text) {
            End::Refused(Refusal::UnsupportedVersion, "the server does not speak this version")
        } else {
            End::Refused(Refusal::Malformed, "not a message of the protocol")
        }
    })
}

/// The hello of another version may have other fields; its version is what matters.
fn is_hello_of_another_version(text: &str) -> bool {
    #[derive(Deserialize)]
    struct AnyHello {
        r#type: String,
        version: u32,
    }
    serde_json::from_str::<AnyHello>(text)
        .is_ok_and(|hello| hello.r#type == "hello" && hello.version != PROTOCOL_VERSION)
}

/// Whether the far side broke the rules, rather than the network.
fn is_protocol_error(err: &axum::Error) -> bool {
    use std::error::Error;
    let mut source: Option<&(dyn Error + 'static)> = Some(err);
    while let Some(err) = source {
        if err.is::<std::io::Error>() {
            return false;
        }
        source = err.source();
    }
    true
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Returns when the server stops.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // a sender that is gone means the same
    stop.wait_for(|&stopping| stopping).await.ok();
}
