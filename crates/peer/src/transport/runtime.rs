//! The async runtime as a connection's driver sees it: tokio, with [`Naps`] for sleeps and
//! [`TransportSocket`]s for sockets.

use super::cookie::Cookies;
use super::detours::Relays;
use super::flight_keeper::FlightKeeper;
use super::naps::Naps;
use super::nominator::Nominator;
use super::socket::{Shared, TransportSocket};
use super::stream_relays::StreamRelays;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, Runtime,
    default_runtime,
};

tokio::task_local! {
    /// Set in the driver's task: only its sleeps are ours, not those of whoever else waits.
    static DRIVER: ();
}

/// See the module.
#[derive(Debug)]
pub struct TransportRuntime {
    tokio: Arc<dyn Runtime>,
    shared: Arc<Shared>,
}

impl TransportRuntime {
    /// Wraps the runtime that `webrtc` was built with, for one connection.
    pub fn new(
        naps: Arc<Naps>,
        relays: Arc<Relays>,
        streams: StreamRelays,
        cookies: Arc<Cookies>,
        nominator: Arc<Nominator>,
    ) -> Option<Self> {
        let streams = Arc::new(streams);
        let flights = FlightKeeper::start(streams.clone());
        nominator.start(streams.clone(), flights.clone());
        let shared = Arc::new(Shared { naps, flights, streams, relays, cookies, nominator });
        Some(Self { tokio: default_runtime()?, shared })
    }
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl Runtime for TransportRuntime {
    fn spawn(&self, future: Boxed<'static, ()>) -> Box<dyn JoinHandle> {
        self.tokio.spawn(Box::pin(DRIVER.scope((), future)))
    }

    fn spawn_reactor(&self, pool_size: usize, future: Boxed<'static, ()>) -> Box<dyn JoinHandle> {
        self.tokio.spawn_reactor(pool_size, Box::pin(DRIVER.scope((), future)))
    }

    fn wrap_udp_socket(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let inner = self.tokio.wrap_udp_socket(socket)?;
        Ok(Arc::new(TransportSocket::new(inner, self.shared.clone())))
    }

    fn wrap_tcp_listener(
        &self,
        listener: std::net::TcpListener,
    ) -> io::Result<Arc<dyn AsyncTcpListener>> {
        self.tokio.wrap_tcp_listener(listener)
    }

    fn connect_tcp<'a>(
        &'a self,
        remote: SocketAddr,
    ) -> Boxed<'a, io::Result<Arc<dyn AsyncTcpStream>>> {
        self.tokio.connect_tcp(remote)
    }

    fn resolve_host<'a>(&'a self, host: &'a str) -> Boxed<'a, io::Result<Vec<SocketAddr>>> {
        match self.shared.streams.resolve(host) {
            Some(addresses) => Box::pin(std::future::ready(Ok(addresses))),
            None => self.tokio.resolve_host(host),
        }
    }

    fn now(&self) -> Instant {
        self.tokio.now()
    }

    fn sleep(&self, duration: Duration) -> Boxed<'static, ()> {
        if DRIVER.try_with(|()| ()).is_err() {
            return self.tokio.sleep(duration);
        }
        let naps = self.shared.naps.clone();
        let nap = naps.begin(duration);
        let sleep = if nap.is_zero() { self.tokio.yield_now() } else { self.tokio.sleep(nap) };
        Box::pin(async move {
            sleep.await;
            naps.end();
        })
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        self.tokio.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        self.tokio.block_on(future);
    }

    fn yield_now(&self) -> Boxed<'static, ()> {
        self.tokio.yield_now()
    }

    fn name(&self) -> &'static str {
        self.tokio.name()
    }
}
