//! Ways out for what is sent again.

use super::socket::Inbox;
use super::stream_relays::StreamRelays;
use std::net::SocketAddr;
use std::sync::Weak;
use webrtc::runtime::AsyncUdpSocket;

/// A way out, which keeps nothing open.
#[derive(Clone, Debug)]
pub enum Via {
    /// A datagram of this socket.
    Socket(Weak<dyn AsyncUdpSocket>, SocketAddr),
    /// A stream of whoever has this inbox.
    Stream(Weak<Inbox>, SocketAddr),
}

impl Via {
    /// Sends a copy. One that does not get out is as good as one that is lost.
    pub async fn send(&self, streams: &StreamRelays, datagram: &[u8]) {
        match self {
            Self::Socket(socket, destination) => {
                let Some(socket) = socket.upgrade() else { return };
                let _ = socket.send_to(datagram, *destination).await;
            }
            Self::Stream(inbox, destination) => {
                let Some(inbox) = inbox.upgrade() else { return };
                streams.send(*destination, &inbox, datagram);
            }
        }
    }
}
