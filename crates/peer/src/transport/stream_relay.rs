//! One stream to a TURN server: opened when something is first sent, for the socket that sends
//! it.

use super::framing::{stream_length, unpadded_length};
use super::socket::Inbox;
use bytes::{Bytes, BytesMut};
use rustls::pki_types::ServerName;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tincan_connectivity::tls::tls_client_config;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Messages that wait for the stream; more are dropped, as a full link drops datagrams.
const OUTBOX: usize = 256;
/// Longest time that connecting may take, TLS included.
const CONNECT_TIME: Duration = Duration::from_secs(8);
/// Longest message: a datagram with TURN's framing.
const MAX_MESSAGE: usize = 64 * 1024 + 64;

/// Where a stream goes.
#[derive(Clone, Debug)]
pub struct Target {
    /// Name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// TLS is spoken.
    pub tls: bool,
    /// What its certificate must be; see [`tincan_proto::IceServer`].
    pub certificate_sha256: Option<String>,
    /// How long to wait for a relay to answer over UDP.
    pub wait: Duration,
}

/// A stream that is opened when needed, and anew when ICE has begun anew on other sockets.
#[derive(Debug)]
pub struct StreamRelay {
    target: Target,
    udp_answered: Arc<AtomicBool>,
    opened: Mutex<Option<Opened>>,
}

#[derive(Debug)]
struct Opened {
    owner: Weak<Inbox>,
    outbox: mpsc::Sender<Bytes>,
}

impl StreamRelay {
    /// Nothing is opened yet.
    pub fn new(target: Target, udp_answered: Arc<AtomicBool>) -> Self {
        Self { target, udp_answered, opened: Mutex::new(None) }
    }

    /// Sends a message. The first sender owns the stream as long as it is there; what others send
    /// is dropped: one allocation a server is enough.
    pub fn send(&self, address: SocketAddr, from: &Arc<Inbox>, message: &[u8]) {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if opened.as_ref().is_some_and(|opened| opened.owner.strong_count() == 0) {
            // An ICE restart gives the sockets up, and what UDP did then tells nothing of now.
            self.udp_answered.store(false, Ordering::Relaxed);
            *opened = None;
        }
        let Opened { owner, outbox } = opened.get_or_insert_with(|| self.open(address, from));
        if std::ptr::eq(owner.as_ptr(), Arc::as_ptr(from)) {
            // A full outbox is a full link.
            let _ = outbox.try_send(Bytes::copy_from_slice(message));
        }
    }

    fn open(&self, address: SocketAddr, from: &Arc<Inbox>) -> Opened {
        let (outbox, messages) = mpsc::channel(OUTBOX);
        let (target, answered) = (self.target.clone(), self.udp_answered.clone());
        let inbox = Arc::downgrade(from);
        tokio::spawn(async move {
            if let Err(error) = carry(&target, &answered, address, &inbox, messages).await {
                tracing::debug!(%error, tls = target.tls, "no stream to the relay");
            }
        });
        Opened { owner: Arc::downgrade(from), outbox }
    }
}

/// Opens the stream and carries messages until one end is gone.
async fn carry(
    target: &Target,
    udp_answered: &AtomicBool,
    address: SocketAddr,
    inbox: &Weak<Inbox>,
    messages: mpsc::Receiver<Bytes>,
) -> io::Result<()> {
    let place = (target.host.as_str(), target.port);
    let wait = tokio::time::sleep(target.wait);
    let connected = async {
        let stream = TcpStream::connect(place).await?;
        stream.set_nodelay(true)?;
        Ok::<_, io::Error>(stream)
    };
    if !target.tls {
        let stream = timeout(CONNECT_TIME, connected).await??;
        wait.await;
        if udp_answered.load(Ordering::Relaxed) {
            return Ok(());
        }
        return exchange(stream, address, inbox, messages).await;
    }
    wait.await;
    if udp_answered.load(Ordering::Relaxed) {
        return Ok(());
    }
    let config = tls_client_config(target.certificate_sha256.as_deref())
        .map_err(|error| io::Error::other(error.to_string()))?;
    let name = ServerName::try_from(target.host.clone()).map_err(io::Error::other)?;
    let connector = TlsConnector::from(Arc::new(config));
    let secured = async { connector.connect(name, connected.await?).await };
    let stream = timeout(CONNECT_TIME, secured).await??;
    exchange(stream, address, inbox, messages).await
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite,
    address: SocketAddr,
    inbox: &Weak<Inbox>,
    mut messages: mpsc::Receiver<Bytes>,
) -> io::Result<()> {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let write = async {
        let mut buffer = BytesMut::new();
        while let Some(message) = messages.recv().await {
            append(&mut buffer, &message);
            while let Ok(message) = messages.try_recv() {
                append(&mut buffer, &message);
            }
            writer.write_all_buf(&mut buffer).await?;
            writer.flush().await?;
        }
        Ok(())
    };
    let read = async {
        let mut buffer = BytesMut::with_capacity(MAX_MESSAGE);
        loop {
            while let Some(message) = next_message(&mut buffer)? {
                let Some(inbox) = inbox.upgrade() else { return Ok(()) };
                inbox.push(address, message);
            }
            if reader.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        }
    };
    tokio::select! {
        done = write => done,
        done = read => done,
    }
}

/// Adds a message as a stream wants it (RFC 8656, section 12.5).
fn append(buffer: &mut BytesMut, message: &[u8]) {
    buffer.extend_from_slice(message);
    let length = stream_length(message).unwrap_or(message.len());
    buffer.extend(std::iter::repeat_n(0, length.saturating_sub(message.len())));
}

/// Takes the first message out of what has come so far.
fn next_message(buffer: &mut BytesMut) -> io::Result<Option<Bytes>> {
    let Some(length) = stream_length(buffer) else { return Ok(None) };
    if length > MAX_MESSAGE {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a message is too long"));
    }
    if buffer.len() < length {
        return Ok(None);
    }
    let mut message = buffer.split_to(length).freeze();
    message.truncate(unpadded_length(&message));
    Ok(Some(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_a_stream_that_cuts_them_anywhere() {
        let channel_data = [0x40, 1, 0, 5, 1, 2, 3, 4, 5];
        let mut stun = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        stun.extend([9; 12]);
        let mut stream = BytesMut::new();
        append(&mut stream, &channel_data);
        append(&mut stream, &stun);
        append(&mut stream, &channel_data);
        assert_eq!(stream.len(), 12 + 20 + 12);
        let (mut buffer, mut messages) = (BytesMut::new(), Vec::new());
        for byte in stream {
            buffer.extend_from_slice(&[byte]);
            while let Some(message) = next_message(&mut buffer).expect("well formed") {
                messages.push(message);
            }
        }
        assert_eq!(messages, [&channel_data[..], &stun, &channel_data]);
    }
}
