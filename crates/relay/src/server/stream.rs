//! Streams: TCP, and TLS over it. One task reads and writes one stream, so that a slow one waits
//! for itself alone.

use super::outbox::Outbox;
use super::shell::{Shell, now};
use crate::frame::{BUFFER, Frame, HEADROOM, TAILROOM};
use crate::relay::{Client, ListenerId, Transport};
use crate::stun::channel::message_length;
use bytes::{Buf, BytesMut};
use socket2::SockRef;
use std::cell::RefCell;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tracing::debug;

/// Streams at once; each may hold some hundred kilobytes.
const MAX_STREAMS: usize = 2048;
/// Streams at once from one address: an office behind a NAT.
const MAX_STREAMS_OF_ONE: usize = 128;
/// From accepting a connection to the end of TLS's handshake.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// How long a stream may be silent that has no allocation.
const IDLE_TIME: Duration = Duration::from_secs(30);
/// Longest message of a client without an allocation: requests are short.
const MAX_FIRST_MESSAGE: usize = 2048;
/// What the system may hold for one client: it is late already when it leaves there.
const SEND_BUFFER: usize = 128 * 1024;
/// How long accepting waits after it failed, as it does when there are too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How many streams there are, by the addresses that they come from.
#[derive(Debug, Default)]
pub struct Crowd(RefCell<HashMap<IpAddr, usize>>);

/// One place in the crowd.
struct Place {
    shell: Rc<Shell>,
    ip: IpAddr,
    transport: Transport,
}

impl Place {
    fn take(shell: &Rc<Shell>, ip: IpAddr, transport: Transport) -> Option<Self> {
        let mut crowd = shell.crowd.0.borrow_mut();
        let of_one = crowd.get(&ip).copied().unwrap_or(0);
        if of_one >= MAX_STREAMS_OF_ONE || crowd.values().sum::<usize>() >= MAX_STREAMS {
            return None;
        }
        crowd.insert(ip, of_one + 1);
        shell.count_streams(transport, |count| count + 1);
        Some(Self { shell: shell.clone(), ip, transport })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shell.count_streams(self.transport, |count| count - 1);
        let mut crowd = self.shell.crowd.0.borrow_mut();
        if let Some(count) = crowd.get_mut(&self.ip) {
            *count -= 1;
            if *count == 0 {
                crowd.remove(&self.ip);
            }
        }
    }
}

/// Accepts connections.
pub async fn accept(
    shell: Rc<Shell>,
    listener: ListenerId,
    socket: TcpListener,
    tls: Option<TlsAcceptor>,
) {
    let transport = if tls.is_some() { Transport::Tls } else { Transport::Tcp };
    loop {
        let (stream, from) = match socket.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                debug!(%error, "no connection was accepted");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let client = Client { listener, address: SocketAddr::new(from.ip(), from.port()) };
        let Some(place) = Place::take(&shell, from.ip(), transport) else {
            shell.refused_stream();
            continue;
        };
        let serve = serve(shell.clone(), client, stream, tls.clone());
        tokio::task::spawn_local(async move {
            serve.await;
            drop(place);
        });
    }
}

async fn serve(shell: Rc<Shell>, client: Client, stream: TcpStream, tls: Option<TlsAcceptor>) {
    stream.set_nodelay(true).ok();
    SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER).ok();
    match tls {
        None => {
            let (reader, writer) = stream.into_split();
            exchange(&shell, client, reader, writer).await;
        }
        Some(tls) => match timeout(HANDSHAKE_TIME, tls.accept(stream)).await {
            Ok(Ok(stream)) => {
                let (reader, writer) = tokio::io::split(stream);
                exchange(&shell, client, reader, writer).await;
            }
            Ok(Err(error)) => debug!(%error, "no TLS handshake"),
            Err(_) => debug!("the TLS handshake took too long"),
        },
    }
}

/// A stream as long as it is served.
struct Registered {
    shell: Rc<Shell>,
    client: Client,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.shell.stream_ended(self.client);
    }
}

async fn exchange(
    shell: &Rc<Shell>,
    client: Client,
    reader: impl AsyncRead + Unpin,
    writer: impl AsyncWrite + Unpin,
) {
    let outbox = Rc::new(Outbox::default());
    shell.stream_began(client, outbox.clone());
    let _registered = Registered { shell: shell.clone(), client };
    tokio::select! {
        () = read(shell, client, reader) => {}
        () = outbox.write_to(writer) => {}
    }
}

async fn read(shell: &Rc<Shell>, client: Client, mut reader: impl AsyncRead + Unpin) {
    let mut stream = BytesMut::new();
    loop {
        loop {
            match message_length(&stream) {
                Ok(Some(length)) if stream.len() >= length => {
                    take(shell, client, &stream[..length]);
                    stream.advance(length);
                }
                Ok(Some(length)) if length > MAX_FIRST_MESSAGE && !shell.knows(client) => return,
                Ok(_) => break,
                Err(_) => return,
            }
        }
        match timeout(IDLE_TIME, reader.read_buf(&mut stream)).await {
            Ok(Ok(read)) if read > 0 => {}
            Ok(_) => return,
            Err(_) if shell.knows(client) => {}
            Err(_) => return,
        }
    }
}

fn take(shell: &Rc<Shell>, client: Client, message: &[u8]) {
    let mut buffer = shell.buffer.borrow_mut();
    debug_assert!(HEADROOM + message.len() + TAILROOM <= BUFFER);
    buffer[HEADROOM..HEADROOM + message.len()].copy_from_slice(message);
    shell.client_sent(now(), client, &mut Frame::new(&mut buffer, message.len()));
}
