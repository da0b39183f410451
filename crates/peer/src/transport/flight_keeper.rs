//! Sends due flights again: the clock and the sockets beside [`Flights`].

use super::flights::Flights;
use super::framing::Dtls;
use super::stream_relays::StreamRelays;
use super::via::Via;
use bytes::Bytes;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;
use tokio::sync::Notify;

/// The flights of one connection and the task that repeats them. The task ends with it.
#[derive(Debug)]
pub struct FlightKeeper {
    flights: Mutex<Flights<Via>>,
    streams: Arc<StreamRelays>,
    changed: Arc<Notify>,
}

impl FlightKeeper {
    /// Starts the task. Must run on tokio.
    pub fn start(streams: Arc<StreamRelays>) -> Arc<Self> {
        let changed = Arc::new(Notify::new());
        let keeper = Arc::new(Self { flights: Mutex::new(Flights::new()), streams, changed });
        tokio::spawn(repeat(Arc::downgrade(&keeper), keeper.changed.clone()));
        keeper
    }

    /// A record was sent, in this datagram.
    pub fn sent(&self, via: &Via, kind: Dtls, datagram: &[u8]) {
        if self.lock().sent(Instant::now(), via, kind, datagram) {
            self.changed.notify_one();
        }
    }

    /// A record came.
    pub fn heard(&self, kind: Dtls, content: &[u8]) {
        if self.lock().heard(Instant::now(), kind, content) {
            self.changed.notify_one();
        }
    }

    /// As [`Flights::last`].
    pub fn last(&self) -> Vec<(Via, Bytes)> {
        self.lock().last()
    }

    fn lock(&self) -> MutexGuard<'_, Flights<Via>> {
        // Nothing in there is half done when something panics.
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for FlightKeeper {
    fn drop(&mut self) {
        self.changed.notify_one();
    }
}

async fn repeat(keeper: Weak<FlightKeeper>, changed: Arc<Notify>) {
    loop {
        let (deadline, due, streams) = match keeper.upgrade() {
            Some(keeper) => {
                let mut flights = keeper.lock();
                let due = flights.due(Instant::now());
                (flights.deadline(), due, keeper.streams.clone())
            }
            None => return,
        };
        for (via, datagram) in due {
            via.send(&streams, &datagram).await;
        }
        passed(deadline, &changed).await;
    }
}

/// Waits until a moment has come, if there is one, or it is another.
pub(super) async fn passed(deadline: Option<Instant>, changed: &Notify) {
    match deadline {
        Some(at) => tokio::select! {
            () = tokio::time::sleep_until(at.into()) => {}
            () = changed.notified() => {}
        },
        None => changed.notified().await,
    }
}
