//! One WebSocket of protocol messages, with the bounds and times of the client.

use crate::keep_alive::{Due, KeepAlive, Pace};
use crate::url::ServerUrl;
use futures_util::{SinkExt, StreamExt};
use serde::Serialize;
use std::time::Duration;
use tincan_proto::signalling::{MAX_MESSAGE_BYTES, Refusal};
use tincan_proto::{Envelope, ServerMessage};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

/// How long connecting may take, the name's resolution included. A network that loses one in
/// three packets manages; one that is gone is tried anew.
const CONNECT_TIME: Duration = Duration::from_secs(4);
/// How long one message may take to be written.
const WRITE_TIME: Duration = Duration::from_secs(5);
/// How long closing waits for the server's farewell.
const CLOSE_TIME: Duration = Duration::from_secs(1);
/// What the server may add to a message that it passes on.
const FORWARDING_BYTES: usize = 1024;

/// What the server sends once it has welcomed.
pub(crate) enum Frame {
    Envelope(Box<Envelope<ServerMessage>>),
    Refused {
        code: Refusal,
        message: String,
    },
    /// A ping or a pong.
    LifeSign,
}

/// An open connection. Everything that goes wrong with it is a text for people who read logs.
pub(crate) struct Link {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    keep_alive: KeepAlive,
    pings: u64,
    /// The ping that alone counts as a sign of life once answered: what was on its way when the
    /// network changed says nothing of the new one.
    probe: Option<u64>,
}

impl Link {
    pub async fn open(url: &ServerUrl) -> Result<Self, String> {
        let bound = Some(MAX_MESSAGE_BYTES + FORWARDING_BYTES);
        let config = WebSocketConfig::default().max_message_size(bound).max_frame_size(bound);
        let connect = connect_async_with_config(url.signalling(), Some(config), true);
        match timeout(CONNECT_TIME, connect).await {
            Ok(Ok((socket, _))) => {
                Ok(Self { socket, keep_alive: KeepAlive::new(now()), pings: 0, probe: None })
            }
            Ok(Err(err)) => Err(format!("{url} cannot be reached: {err}")),
            Err(_) => Err(format!("{url} does not answer")),
        }
    }

    /// Sends a message of the protocol, bare or in its envelope.
    pub async fn send(&mut self, message: &impl Serialize) -> Result<(), String> {
        let text = serde_json::to_string(message).expect("messages have string keys only");
        self.write(Message::Text(text.into())).await
    }

    /// Asks the server whether it lives; it is given up if the answer takes too long.
    pub async fn ask(&mut self, pace: Pace) -> Result<(), String> {
        self.keep_alive.asked(now(), pace);
        self.pings += 1;
        self.write(Message::Ping(self.pings.to_be_bytes().to_vec().into())).await
    }

    /// Asks the server whether it lives on a network that has changed.
    pub async fn probe(&mut self) -> Result<(), String> {
        self.probe = Some(self.pings + 1);
        self.ask(Pace::PROBE).await
    }

    /// Whether the answer to a probe is open.
    pub fn is_probed(&self) -> bool {
        self.probe.is_some()
    }

    /// When the server is to be asked, if nothing arrives; none while it is being asked.
    pub fn ask_at(&self, pace: Pace) -> Option<Instant> {
        match self.keep_alive.due(pace) {
            Due::Ask(at) => Some(at.into()),
            Due::GiveUp(_) => None,
        }
    }

    /// The next message before the welcome.
    pub async fn receive_bare(&mut self) -> Result<ServerMessage, String> {
        loop {
            if let Some(text) = self.receive_text().await? {
                return serde_json::from_str(&text).map_err(|_| STRANGE.to_owned());
            }
        }
    }

    /// The next frame after the welcome. Safe to drop while it waits. Pings are answered on the
    /// way.
    pub async fn receive(&mut self) -> Result<Frame, String> {
        let Some(text) = self.receive_text().await? else { return Ok(Frame::LifeSign) };
        if let Ok(envelope) = serde_json::from_str(&text) {
            return Ok(Frame::Envelope(Box::new(envelope)));
        }
        match serde_json::from_str(&text) {
            Ok(ServerMessage::Refused { code, message }) => Ok(Frame::Refused { code, message }),
            Ok(_) | Err(_) => Err(STRANGE.to_owned()),
        }
    }

    pub async fn close(&mut self) {
        let farewell = async {
            self.socket.close(None).await.ok();
            while let Some(Ok(_)) = self.socket.next().await {}
        };
        timeout(CLOSE_TIME, farewell).await.ok();
    }

    /// The text of the next frame; none if it was a ping or a pong.
    async fn receive_text(&mut self) -> Result<Option<tungstenite::Utf8Bytes>, String> {
        let next = self.socket.next();
        let frame = match self.keep_alive.due(Pace::CALM) {
            Due::GiveUp(at) => timeout_at(at.into(), next)
                .await
                .map_err(|_| "the server has gone silent".to_owned())?,
            Due::Ask(_) => next.await,
        };
        let frame = match frame {
            Some(Ok(frame)) => frame,
            Some(Err(err)) => return Err(lost(&err)),
            None => return Err("the server closed the connection".to_owned()),
        };
        let answers = |probe: u64| match &frame {
            Message::Pong(payload) => payload[..] == probe.to_be_bytes(),
            _ => false,
        };
        if self.probe.is_none_or(answers) {
            self.probe = None;
            self.keep_alive.heard(now());
        }
        match frame {
            Message::Text(text) => Ok(Some(text)),
            Message::Ping(_) | Message::Pong(_) => Ok(None),
            Message::Binary(_) => Err("the server sent a binary message".to_owned()),
            Message::Close(_) | Message::Frame(_) => {
                Err("the server closed the connection".to_owned())
            }
        }
    }

    async fn write(&mut self, message: Message) -> Result<(), String> {
        match timeout(WRITE_TIME, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(err)) => Err(lost(&err)),
            Err(_) => Err("the server takes no messages".to_owned()),
        }
    }
}

const STRANGE: &str = "the server says what this version does not know";

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

fn lost(err: &tungstenite::Error) -> String {
    format!("the connection was lost: {err}")
}
