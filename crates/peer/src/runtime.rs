//! The async runtime as a connection's driver sees it: tokio, with naps cut short.
//!
//! `webrtc` 0.21.1 sends what an event produced only when its driver next wakes, which by
//! default is the ICE check interval: 200 ms for the first DTLS flight, as much again for each
//! relayed one. While a connection is young its driver therefore never sleeps longer than
//! [`HURRIED_NAP`], after which it looks for something to send.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, Runtime,
    default_runtime,
};

/// Longest sleep of a hurried driver. Five milliseconds cost 1.6 % of a core for the few
/// seconds that they last.
const HURRIED_NAP: Duration = Duration::from_millis(5);

/// Until when a driver hurries; shared with the connection.
#[derive(Debug)]
pub struct Hurry {
    born: Instant,
    until_ms: AtomicU64,
}

impl Hurry {
    /// Not in a hurry.
    pub fn new() -> Arc<Self> {
        Arc::new(Self { born: Instant::now(), until_ms: AtomicU64::new(0) })
    }

    /// Hurries for at least `time` from now.
    pub fn for_at_least(&self, time: Duration) {
        let until = (self.born.elapsed() + time).as_millis() as u64;
        self.until_ms.fetch_max(until, Ordering::Relaxed);
    }

    fn nap(&self, asked: Duration) -> Duration {
        let hurried =
            (self.born.elapsed().as_millis() as u64) < self.until_ms.load(Ordering::Relaxed);
        if hurried { asked.min(HURRIED_NAP) } else { asked }
    }
}

/// Tokio with naps cut short; see the module.
#[derive(Debug)]
pub struct PromptRuntime {
    tokio: Arc<dyn Runtime>,
    hurry: Arc<Hurry>,
}

impl PromptRuntime {
    /// Wraps the runtime that `webrtc` was built with.
    pub fn new(hurry: Arc<Hurry>) -> Option<Self> {
        Some(Self { tokio: default_runtime()?, hurry })
    }
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl Runtime for PromptRuntime {
    fn spawn(&self, future: Boxed<'static, ()>) -> Box<dyn JoinHandle> {
        self.tokio.spawn(future)
    }

    fn spawn_reactor(&self, pool_size: usize, future: Boxed<'static, ()>) -> Box<dyn JoinHandle> {
        self.tokio.spawn_reactor(pool_size, future)
    }

    fn wrap_udp_socket(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        self.tokio.wrap_udp_socket(socket)
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
        self.tokio.resolve_host(host)
    }

    fn now(&self) -> Instant {
        self.tokio.now()
    }

    fn sleep(&self, duration: Duration) -> Boxed<'static, ()> {
        self.tokio.sleep(self.hurry.nap(duration))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn naps_are_cut_short_only_while_hurried() {
        let hurry = Hurry::new();
        let long = Duration::from_secs(2);
        assert_eq!(hurry.nap(long), long);
        hurry.for_at_least(Duration::from_secs(60));
        assert_eq!(hurry.nap(long), HURRIED_NAP);
        assert_eq!(hurry.nap(Duration::from_millis(1)), Duration::from_millis(1));
    }
}
