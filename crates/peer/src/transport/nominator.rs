//! Sends due nominations again: the clock and the sockets beside [`Nominations`].

use super::flight_keeper::{FlightKeeper, passed};
use super::nominations::{Arriving, Nominations, Path};
use super::stream_relays::StreamRelays;
use super::via::Via;
use rtc_crypto::CryptoError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;
use tokio::sync::Notify;

/// The nominations of one connection and the task that repeats them. The task ends with it.
#[derive(Debug)]
pub struct Nominator {
    nominations: Mutex<Nominations<Via>>,
    changed: Arc<Notify>,
}

impl Nominator {
    /// None yet; `early` as in [`Nominations::new`].
    ///
    /// # Errors
    /// If the crate was built without cryptography.
    pub fn new(early: bool) -> Result<Arc<Self>, CryptoError> {
        let nominations = Nominations::new(rtc_crypto::default_provider()?, early);
        Ok(Arc::new(Self { nominations: Mutex::new(nominations), changed: Arc::default() }))
    }

    /// Starts the task. Must run on tokio. What is said in DTLS goes with each nomination: the far
    /// side hears it only when nominated.
    pub fn start(self: &Arc<Self>, streams: Arc<StreamRelays>, flights: Arc<FlightKeeper>) {
        tokio::spawn(repeat(Arc::downgrade(self), self.changed.clone(), streams, flights));
    }

    /// As [`Nominations::describe_local`].
    pub fn describe_local(&self, sdp: &str) {
        self.lock().describe_local(sdp);
    }

    /// As [`Nominations::describe_remote`].
    pub fn describe_remote(&self, sdp: &str, careful: bool) {
        self.lock().describe_remote(sdp, careful);
    }

    /// As [`Nominations::hides_round_trip`].
    pub fn hides_round_trip(&self) -> bool {
        self.lock().hides_round_trip()
    }

    /// As [`Nominations::sent`].
    pub fn sent(&self, path: Path, via: impl FnOnce() -> Via, datagram: &[u8]) -> Option<Vec<u8>> {
        let success = self.lock().sent(Instant::now(), path, via, datagram);
        if success.is_some() {
            self.changed.notify_one();
        }
        success
    }

    /// As [`Nominations::arriving`].
    pub fn arriving(
        &self,
        path: Path,
        announced: impl FnOnce() -> bool,
        datagram: &[u8],
    ) -> Arriving {
        self.lock().arriving(path, announced, datagram)
    }

    fn lock(&self) -> MutexGuard<'_, Nominations<Via>> {
        // Nothing in there is half done when something panics.
        self.nominations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Nominator {
    fn drop(&mut self) {
        self.changed.notify_one();
    }
}

async fn repeat(
    nominator: Weak<Nominator>,
    changed: Arc<Notify>,
    streams: Arc<StreamRelays>,
    flights: Arc<FlightKeeper>,
) {
    loop {
        let (deadline, due) = match nominator.upgrade() {
            Some(nominator) => {
                let mut nominations = nominator.lock();
                let due = nominations.due(Instant::now());
                (nominations.deadline(), due)
            }
            None => return,
        };
        if let Some((via, datagram)) = due {
            via.send(&streams, &datagram).await;
            for (via, datagram) in flights.last() {
                via.send(&streams, &datagram).await;
            }
        }
        passed(deadline, &changed).await;
    }
}
