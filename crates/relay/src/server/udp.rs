//! Datagrams: of clients, and of peers.

use super::shell::{Shell, now};
use crate::frame::{Frame, HEADROOM, MAX_PACKET};
use crate::relay::{AllocationId, Client, ListenerId};
use socket2::SockRef;
use std::cell::Cell;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::rc::Rc;
use tokio::net::UdpSocket;
use tokio::task::yield_now;

/// Datagrams of one socket in a row: others have their turn then.
const BATCH: usize = 32;

/// Serves clients until the socket fails.
pub async fn serve_clients(shell: Rc<Shell>, listener: ListenerId, socket: Rc<UdpSocket>) {
    serve(&shell, &socket, |shell, now, address, frame| {
        shell.client_sent(now, Client { listener, address }, frame);
    })
    .await;
}

/// Serves the peers of one allocation until the task is stopped.
pub async fn serve_peers(
    shell: Rc<Shell>,
    allocation: Rc<Cell<Option<AllocationId>>>,
    socket: Rc<UdpSocket>,
) {
    serve(&shell, &socket, |shell, now, peer, frame| {
        if let Some(id) = allocation.get() {
            shell.peer_sent(now.instant, id, peer, frame);
        }
    })
    .await;
}

/// Sends a datagram, or drops it, as a network may, if the socket is full.
///
/// Asks the system, not the runtime: for the runtime a new socket is not writable before it
/// has waited for events once more, and a client's first packet comes before that.
pub fn send(socket: &UdpSocket, packet: &[u8], to: SocketAddr) {
    SockRef::from(socket).send_to(packet, &to.into()).ok();
}

async fn serve(
    shell: &Rc<Shell>,
    socket: &UdpSocket,
    take: impl Fn(&Rc<Shell>, crate::relay::Now, SocketAddr, &mut Frame<'_>),
) {
    while socket.readable().await.is_ok() {
        let now = now();
        let mut more = true;
        for _ in 0..BATCH {
            let mut buffer = shell.buffer.borrow_mut();
            match socket.try_recv_from(&mut buffer[HEADROOM..HEADROOM + MAX_PACKET]) {
                Ok((length, from)) => {
                    // without scope and flow, which would make one address several
                    let from = SocketAddr::new(from.ip(), from.port());
                    take(shell, now, from, &mut Frame::new(&mut buffer, length));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    more = false;
                    break;
                }
                // of an earlier datagram that could not be delivered
                Err(_) => {}
            }
        }
        if more {
            yield_now().await;
        }
    }
}
