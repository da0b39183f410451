//! A socket as the crate sees it: the system's, with an eye on what passes through and a side
//! door for streams.

use super::cookie::{Cookies, Leaving};
use super::detours::{Checks, Relays};
use super::flight_keeper::FlightKeeper;
use super::framing::{Kind, look};
use super::naps::Naps;
use super::nominations::Arriving;
use super::nominator::Nominator;
use super::stream_relays::StreamRelays;
use super::via::Via;
use bytes::Bytes;
use futures_util::task::AtomicWaker;
use std::collections::VecDeque;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Instant;
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

/// Messages from a stream that wait to be read; the oldest make room, as in a full socket.
const INBOX: usize = 512;

/// What all sockets of a connection share.
#[derive(Debug)]
pub struct Shared {
    /// The driver's sleeps.
    pub naps: Arc<Naps>,
    /// DTLS flights to repeat.
    pub flights: Arc<FlightKeeper>,
    /// Streams to TURN servers.
    pub streams: Arc<StreamRelays>,
    /// Relays that were asked for addresses.
    pub relays: Arc<Relays>,
    /// DTLS cookies known ahead.
    pub cookies: Arc<Cookies>,
    /// Nominations to repeat, and checks that are answered here.
    pub nominator: Arc<Nominator>,
}

/// Messages that came through streams for one socket.
#[derive(Debug, Default)]
pub struct Inbox {
    messages: Mutex<VecDeque<(SocketAddr, Bytes)>>,
    /// What has been looked at already, or made here, and is to be read first.
    held: Mutex<VecDeque<(SocketAddr, Bytes)>>,
    reader: AtomicWaker,
}

impl Inbox {
    /// Adds a message and wakes the reader.
    pub fn push(&self, from: SocketAddr, message: Bytes) {
        {
            let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
            if messages.len() >= INBOX {
                messages.pop_front();
            }
            messages.push_back((from, message));
        }
        self.reader.wake();
    }

    /// Keeps a message that is to be read as it is, and wakes the reader.
    fn hold(&self, from: SocketAddr, message: Bytes) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).push_back((from, message));
        self.reader.wake();
    }

    fn held(&self) -> Option<(SocketAddr, Bytes)> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    fn pop(&self) -> Option<(SocketAddr, Bytes)> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// See the module.
#[derive(Debug)]
pub struct TransportSocket {
    inner: Arc<dyn AsyncUdpSocket>,
    local: Option<SocketAddr>,
    inbox: Arc<Inbox>,
    checks: Checks,
    shared: Arc<Shared>,
}

impl TransportSocket {
    /// Wraps a socket.
    pub fn new(inner: Arc<dyn AsyncUdpSocket>, shared: Arc<Shared>) -> Self {
        let local = inner.local_addr().ok();
        Self { inner, local, inbox: Arc::default(), checks: Checks::default(), shared }
    }

    fn next_of_inbox(&self) -> Option<(SocketAddr, Bytes)> {
        if let Some(held) = self.inbox.held() {
            return Some(held);
        }
        loop {
            let (from, message) = self.inbox.pop()?;
            match self.arriving(&message, from) {
                Arriving::Drop => {}
                Arriving::Read => return Some((from, message)),
                Arriving::After(first) => {
                    self.inbox.hold(from, message);
                    return Some((from, first.into()));
                }
            }
        }
    }

    /// What is to be done with a message from the network.
    fn arriving(&self, message: &[u8], from: SocketAddr) -> Arriving {
        if let Some(first) = self.shared.cookies.arriving(message) {
            return Arriving::After(first);
        }
        let (Kind::Check | Kind::Checked, Some(local)) = (look(message).kind, self.local) else {
            return Arriving::Read;
        };
        let announced = || self.shared.relays.is_announced(from);
        self.shared.nominator.arriving((local, from), announced, message)
    }

    fn note_sent(&self, to: SocketAddr, via: impl FnOnce() -> Via, datagram: &[u8]) {
        let seen = look(datagram);
        match seen.kind {
            Kind::Dtls(dtls) => self.shared.flights.sent(&via(), dtls, datagram),
            Kind::Media if seen.relayed => self.shared.naps.relayed(),
            Kind::Allocate => self.shared.relays.add(to.ip()),
            Kind::Check => {
                let answer = self
                    .local
                    .and_then(|local| self.shared.nominator.sent((local, to), via, datagram));
                if let Some(answer) = answer {
                    self.inbox.hold(to, answer.into());
                }
            }
            Kind::Media | Kind::Checked | Kind::Allocated | Kind::Other => {}
        }
    }

    fn note_heard(&self, datagram: &[u8]) {
        let seen = look(datagram);
        match seen.kind {
            Kind::Dtls(dtls) => self.shared.flights.heard(dtls, seen.content),
            Kind::Media if seen.relayed => self.shared.naps.relayed(),
            Kind::Media
            | Kind::Check
            | Kind::Checked
            | Kind::Allocate
            | Kind::Allocated
            | Kind::Other => {}
        }
    }

    /// Whether a message of the system's socket is one check that is to be dropped.
    fn drops(&self, message: &[u8], from: SocketAddr) -> bool {
        let seen = look(message);
        seen.kind == Kind::Check
            && !seen.relayed
            && self.checks.hold_back(Instant::now(), from, &self.shared.relays)
    }
}

/// The datagrams of a buffer that the system cuts into such of `size` bytes, or put together
/// from them.
fn datagrams(buffer: &[u8], size: usize) -> impl Iterator<Item = &[u8]> {
    buffer.chunks(if size == 0 { buffer.len().max(1) } else { size })
}

impl AsyncUdpSocket for TransportSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        let to = transmit.destination;
        let all = || datagrams(transmit.contents, transmit.segment_size.unwrap_or(0));
        match self.shared.cookies.leaving(transmit.contents) {
            Leaving::Send => {}
            Leaving::Keep => return Poll::Ready(Ok(transmit.contents.len())),
            Leaving::Answered(answer) => {
                self.inbox.push(to, answer.into());
                return Poll::Ready(Ok(transmit.contents.len()));
            }
        }
        if self.shared.streams.contains(to) {
            for datagram in all() {
                self.shared.streams.send(to, &self.inbox, datagram);
                self.note_sent(to, || Via::Stream(Arc::downgrade(&self.inbox), to), datagram);
            }
            return Poll::Ready(Ok(transmit.contents.len()));
        }
        let sent = ready!(self.inner.poll_send(cx, transmit));
        if sent.is_ok() {
            for datagram in all() {
                self.note_sent(to, || Via::Socket(Arc::downgrade(&self.inner), to), datagram);
            }
        }
        Poll::Ready(sent)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        // Before looking: what comes in between wakes the reader.
        self.inbox.reader.register(cx.waker());
        if let (Some((from, message)), Some(buf), Some(meta)) =
            (self.next_of_inbox(), bufs.first_mut(), meta.first_mut())
        {
            let len = message.len().min(buf.len());
            buf[..len].copy_from_slice(&message[..len]);
            *meta = RecvMeta::default();
            (meta.addr, meta.len, meta.stride) = (from, len, len);
            self.note_heard(&message);
            return Poll::Ready(Ok(1));
        }
        let received = loop {
            let received = ready!(self.inner.poll_recv(cx, bufs, meta));
            let (Ok(1), Some(buf), Some(meta)) = (&received, bufs.first_mut(), meta.first_mut())
            else {
                break received;
            };
            let message = &buf[..meta.len];
            if self.drops(message, meta.addr) {
                continue;
            }
            // Several of one length come as one; the next that comes alone will do.
            let alone = meta.stride == 0 || meta.stride >= meta.len;
            match if alone { self.arriving(message, meta.addr) } else { Arriving::Read } {
                Arriving::Drop => continue,
                Arriving::Read => {}
                Arriving::After(first) => {
                    self.inbox.hold(meta.addr, Bytes::copy_from_slice(message));
                    buf[..first.len()].copy_from_slice(&first);
                    (meta.len, meta.stride) = (first.len(), first.len());
                }
            }
            break received;
        };
        if let Ok(messages) = received {
            for (buf, meta) in bufs.iter().zip(meta.iter()).take(messages) {
                for datagram in datagrams(&buf[..meta.len], meta.stride) {
                    if look(datagram).kind == Kind::Allocated {
                        self.shared.streams.udp_answered();
                    }
                    self.note_heard(datagram);
                }
            }
        }
        Poll::Ready(received)
    }

    fn max_gso_segments(&self) -> usize {
        self.inner.max_gso_segments()
    }

    fn max_gro_segments(&self) -> usize {
        self.inner.max_gro_segments()
    }
}
