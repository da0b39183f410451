//! One WebSocket of protocol messages, with the bounds and times of the client.

use crate::url::ServerUrl;
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tincan_proto::signalling::MAX_MESSAGE_BYTES;
use tincan_proto::{ClientMessage, ServerMessage};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

/// How long connecting may take, the name's resolution included.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// How long one message may take to be written.
const WRITE_TIME: Duration = Duration::from_secs(10);
/// The server pings every 15 s; after two that did not come the connection is dead.
const DEAD_AFTER: Duration = Duration::from_secs(40);
/// How long closing waits for the server's farewell.
const CLOSE_TIME: Duration = Duration::from_secs(1);
/// What the server may add to a message that it passes on.
const FORWARDING_BYTES: usize = 1024;

/// An open connection. Everything that goes wrong with it is a text for people who read logs.
pub(crate) struct Link {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    heard: Instant,
}

impl Link {
    pub async fn open(url: &ServerUrl) -> Result<Self, String> {
        let bound = Some(MAX_MESSAGE_BYTES + FORWARDING_BYTES);
        let config = WebSocketConfig::default().max_message_size(bound).max_frame_size(bound);
        let connect = connect_async_with_config(url.signalling(), Some(config), true);
        match timeout(CONNECT_TIME, connect).await {
            Ok(Ok((socket, _))) => Ok(Self { socket, heard: Instant::now() }),
            Ok(Err(err)) => Err(format!("{url} cannot be reached: {err}")),
            Err(_) => Err(format!("{url} does not answer")),
        }
    }

    pub async fn send(&mut self, message: &ClientMessage) -> Result<(), String> {
        let text = serde_json::to_string(message).expect("messages have string keys only");
        match timeout(WRITE_TIME, self.socket.send(Message::Text(text.into()))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(err)) => Err(lost(&err)),
            Err(_) => Err("the server takes no messages".to_owned()),
        }
    }

    /// The next message. Safe to drop while it waits. Pings are answered on the way.
    pub async fn receive(&mut self) -> Result<ServerMessage, String> {
        loop {
            let frame = match timeout_at(self.heard + DEAD_AFTER, self.socket.next()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(err))) => return Err(lost(&err)),
                Ok(None) => return Err("the server closed the connection".to_owned()),
                Err(_) => return Err("the server has gone silent".to_owned()),
            };
            self.heard = Instant::now();
            match frame {
                Message::Text(text) => {
                    return serde_json::from_str(&text)
                        .map_err(|_| "the server says what this version does not know".to_owned());
                }
                Message::Ping(_) | Message::Pong(_) => {}
                Message::Binary(_) => return Err("the server sent a binary message".to_owned()),
                Message::Close(_) | Message::Frame(_) => {
                    return Err("the server closed the connection".to_owned());
                }
            }
        }
    }

    pub async fn close(&mut self) {
        let farewell = async {
            self.socket.close(None).await.ok();
            while let Some(Ok(_)) = self.socket.next().await {}
        };
        timeout(CLOSE_TIME, farewell).await.ok();
    }
}

fn lost(err: &tungstenite::Error) -> String {
    format!("the connection was lost: {err}")
}
