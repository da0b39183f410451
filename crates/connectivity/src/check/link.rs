//! STUN messages over a datagram socket or a stream.

use super::binding::socket_towards;
use crate::findings::RelayProblem;
use crate::server_url::Transport;
use crate::tls::tls_client_config;
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long a name may take to resolve.
const RESOLVING: Duration = Duration::from_secs(2);
/// How long a stream may take to connect, and TLS to be agreed upon.
const CONNECTING: Duration = Duration::from_millis(2_000);
/// Larger messages are not for us.
const MAX_MESSAGE: usize = 2_048;
/// RFC 8489, section 5.
const HEADER: usize = 20;

/// A way to one relay.
pub enum Link {
    Datagrams(UdpSocket),
    Stream(Box<Stream>),
}

/// A stream with what has been read of the next message.
pub struct Stream {
    io: Box<dyn Io>,
    read: Vec<u8>,
}

pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

impl Link {
    /// Connects; `pin` is the hash of the certificate that TLS must show.
    pub async fn connect(
        transport: Transport,
        host: &str,
        port: u16,
        pin: Option<&str>,
    ) -> Result<Self, RelayProblem> {
        let server = resolve(host, port, |_| true).await.ok_or(RelayProblem::NoSuchHost)?;
        if transport == Transport::Udp {
            let socket = socket_towards(server).await.map_err(no_connection)?;
            socket.connect(server).await.map_err(no_connection)?;
            return Ok(Self::Datagrams(socket));
        }
        let stream = timeout(CONNECTING, TcpStream::connect(server))
            .await
            .map_err(|_| RelayProblem::NoAnswer)?
            .map_err(no_connection)?;
        // Without it every small packet would wait for the one before.
        stream.set_nodelay(true).map_err(no_connection)?;
        let io: Box<dyn Io> = match transport {
            Transport::Udp | Transport::Tcp => Box::new(stream),
            Transport::Tls => Box::new(secure(stream, host, pin).await?),
        };
        Ok(Self::Stream(Box::new(Stream { io, read: vec![] })))
    }

    /// Whether what is sent arrives or the link breaks.
    pub fn is_reliable(&self) -> bool {
        matches!(self, Self::Stream(_))
    }

    /// Sends one message.
    pub async fn send(&mut self, message: &[u8]) -> Result<(), RelayProblem> {
        match self {
            Self::Datagrams(socket) => socket.send(message).await.map(drop),
            Self::Stream(stream) => {
                async {
                    stream.io.write_all(message).await?;
                    stream.io.flush().await
                }
                .await
            }
        }
        .map_err(no_connection)
    }

    /// Receives one message. Nothing is lost when this is given up while waiting.
    pub async fn receive(&mut self) -> Result<Vec<u8>, RelayProblem> {
        match self {
            Self::Datagrams(socket) => {
                let mut datagram = vec![0; MAX_MESSAGE];
                let len = socket.recv(&mut datagram).await.map_err(no_connection)?;
                datagram.truncate(len);
                Ok(datagram)
            }
            Self::Stream(stream) => stream.receive().await,
        }
    }
}

impl Stream {
    async fn receive(&mut self) -> Result<Vec<u8>, RelayProblem> {
        loop {
            if let Some(length) = self.read.get(2..4) {
                // No channel is ever bound, so that all are STUN messages.
                let length = HEADER + usize::from(u16::from_be_bytes([length[0], length[1]]));
                if length > MAX_MESSAGE {
                    return Err(RelayProblem::NoConnection("it does not speak TURN".to_owned()));
                }
                if self.read.len() >= length {
                    let rest = self.read.split_off(length);
                    return Ok(std::mem::replace(&mut self.read, rest));
                }
            }
            if self.io.read_buf(&mut self.read).await.map_err(no_connection)? == 0 {
                return Err(RelayProblem::NoConnection("closed by the relay".to_owned()));
            }
        }
    }
}

/// Returns the first address of a host that is `wanted`.
pub async fn resolve(
    host: &str,
    port: u16,
    wanted: impl Fn(&SocketAddr) -> bool,
) -> Option<SocketAddr> {
    let mut addresses = timeout(RESOLVING, lookup_host((host, port))).await.ok()?.ok()?;
    addresses.find(wanted)
}

async fn secure(
    stream: TcpStream,
    host: &str,
    pin: Option<&str>,
) -> Result<impl Io + 'static, RelayProblem> {
    let failed = |why: &dyn std::fmt::Display| RelayProblem::Tls(why.to_string());
    let config = tls_client_config(pin).map_err(|error| failed(&error))?;
    let name = ServerName::try_from(host.to_owned()).map_err(|error| failed(&error))?;
    timeout(CONNECTING, TlsConnector::from(Arc::new(config)).connect(name, stream))
        .await
        .map_err(|_| RelayProblem::NoAnswer)?
        .map_err(|error| failed(&error))
}

fn no_connection(error: std::io::Error) -> RelayProblem {
    RelayProblem::NoConnection(error.to_string())
}
