//! A bare WebSocket, for what the client would never send.

use crate::apps::{PATIENCE, random_key};
use futures_util::{SinkExt, StreamExt};
use std::sync::Arc;
use tincan_proto::identity::sign_in_proof;
use tincan_proto::signalling::{PROTOCOL_VERSION, Refusal, SIGNALLING_PATH};
use tincan_proto::{ClientMessage, DeviceId, Envelope, IdentityKey, ServerMessage};
use tincan_server::Server;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

pub struct Raw {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Raw {
    pub async fn open(server: &Server) -> Self {
        let url = format!("ws://{}{SIGNALLING_PATH}", server.local_addr());
        let (socket, _) = connect_async(url).await.expect("the server listens");
        Self { socket }
    }

    /// Registers `account`.
    pub async fn sign_in(server: &Server, account: &str) -> Self {
        let mut raw = Self::open(server).await;
        let key = random_key();
        let nonce = raw.greet(account, &key).await;
        let name = account.parse().expect("valid");
        let signature = sign_in_proof(&key, &nonce, &name, DeviceId::from(1));
        raw.send(&ClientMessage::Prove { signature }).await;
        match raw.receive().await {
            Some(ServerMessage::Welcome { .. }) => raw,
            other => panic!("not welcomed: {other:?}"),
        }
    }

    /// Says hello and returns the challenge.
    pub async fn greet(&mut self, account: &str, key: &Arc<IdentityKey>) -> String {
        self.send(&ClientMessage::Hello {
            version: PROTOCOL_VERSION,
            name: account.parse().expect("valid"),
            device: DeviceId::from(1),
            key: key.public(),
            register: true,
            resume: None,
        })
        .await;
        match self.receive().await {
            Some(ServerMessage::Challenge { nonce }) => nonce,
            other => panic!("not challenged: {other:?}"),
        }
    }

    pub async fn send(&mut self, message: &ClientMessage) {
        let text = serde_json::to_string(message).expect("string keys");
        self.write(Message::Text(text.into())).await;
    }

    pub async fn write(&mut self, message: Message) {
        // the server may have closed already, which the reading side will tell
        timeout(PATIENCE, self.socket.send(message)).await.expect("in time").ok();
    }

    /// The next message, or none when the connection is closed.
    pub async fn receive(&mut self) -> Option<ServerMessage> {
        loop {
            match timeout(PATIENCE, self.socket.next()).await.expect("in time")? {
                Ok(Message::Text(text)) => {
                    if let Ok(bare) = serde_json::from_str(&text) {
                        return Some(bare);
                    }
                    let envelope: Envelope<ServerMessage> =
                        serde_json::from_str(&text).expect("of the protocol");
                    if envelope.message.is_some() {
                        return envelope.message;
                    }
                }
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Waits for the refusal and that the server closes after it.
    pub async fn refusal(mut self) -> Refusal {
        loop {
            match self.receive().await {
                Some(ServerMessage::Refused { code, .. }) => {
                    assert_eq!(self.receive().await, None, "a refusal is the last message");
                    return code;
                }
                Some(_) => {}
                None => panic!("closed without a refusal"),
            }
        }
    }
}
