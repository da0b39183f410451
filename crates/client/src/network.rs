//! Notices that this machine's addresses have changed, or that it has slept: what was connected
//! by way of them may be gone.

use futures_util::StreamExt;
use if_watch::tokio::IfWatcher;
use if_watch::{IfEvent, IpNet};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// How long addresses must have stayed as they are: a change comes as several events.
const SETTLES_AFTER: Duration = Duration::from_millis(200);
/// How far the clocks may part in one reading: more is sleep, or somebody set the clock, which
/// is rare enough to be taken for it.
const SLEPT: Duration = Duration::from_secs(3);

/// Tells of changes until it is dropped.
#[derive(Debug)]
pub struct NetworkWatch {
    changes: mpsc::Receiver<()>,
    task: JoinHandle<()>,
}

impl NetworkWatch {
    /// Begins to watch. Must run on tokio. Where the system cannot be asked, nothing is ever
    /// told.
    pub fn start() -> Self {
        // One waiting change says as much as several.
        let (told, changes) = mpsc::channel(1);
        Self { changes, task: tokio::spawn(watch(told)) }
    }

    /// The next change; never, if they cannot be noticed.
    pub async fn changed(&mut self) {
        if self.changes.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for NetworkWatch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn watch(told: mpsc::Sender<()>) {
    let mut events = match IfWatcher::new() {
        Ok(events) => events,
        Err(error) => return tracing::warn!(%error, "changes of addresses go unnoticed"),
    };
    let mut addresses = Addresses::default();
    loop {
        let next = tokio::time::timeout(SETTLES_AFTER, events.next());
        match next.await {
            Ok(Some(Ok(event))) => addresses.note(event),
            Ok(Some(Err(error))) => tracing::debug!(%error, "addresses cannot be read"),
            Ok(None) => return,
            Err(_) => {
                if addresses.settle() {
                    tracing::info!("the addresses of this machine have changed");
                    let _ = told.try_send(());
                }
                // Until something happens there is nothing to settle.
                match events.next().await {
                    Some(Ok(event)) => addresses.note(event),
                    Some(Err(error)) => tracing::debug!(%error, "addresses cannot be read"),
                    None => return,
                }
            }
        }
    }
}

/// The addresses that others may reach this machine by.
#[derive(Debug, Default)]
struct Addresses {
    now: BTreeSet<IpAddr>,
    settled: Option<BTreeSet<IpAddr>>,
}

impl Addresses {
    fn note(&mut self, event: IfEvent) {
        match event {
            IfEvent::Up(net) if counts(&net) => self.now.insert(net.addr()),
            IfEvent::Down(net) => self.now.remove(&net.addr()),
            IfEvent::Up(_) => false,
        };
    }

    /// Nothing has happened for a while. True if the addresses are others than the last time;
    /// the first time there is nothing to compare with.
    fn settle(&mut self) -> bool {
        let before = self.settled.replace(self.now.clone());
        before.is_some_and(|before| before != self.now)
    }
}

/// Loopback and link-local addresses come and go without a path depending on them.
fn counts(net: &IpNet) -> bool {
    match net.addr() {
        IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local(),
        IpAddr::V6(v6) => !v6.is_loopback() && !v6.is_unicast_link_local(),
    }
}

/// Compares the clock that stands still in sleep with the one that does not.
#[derive(Clone, Copy, Debug)]
pub struct SleepWatch {
    steady: Instant,
    wall: SystemTime,
}

impl SleepWatch {
    /// Begins with these readings.
    pub fn new(steady: Instant, wall: SystemTime) -> Self {
        Self { steady, wall }
    }

    /// Takes the next readings. True if the machine slept between them.
    pub fn slept(&mut self, steady: Instant, wall: SystemTime) -> bool {
        let before = std::mem::replace(self, Self { steady, wall });
        let passed = steady.saturating_duration_since(before.steady);
        let shown = wall.duration_since(before.wall).unwrap_or_default();
        // Where the steady clock runs on in sleep, the readings themselves are far apart.
        shown > passed + SLEPT || passed > SLEPT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> IpNet {
        text.parse().expect("a network")
    }

    #[test]
    fn a_change_is_told_once_it_has_settled_and_only_if_there_is_one() {
        let mut addresses = Addresses::default();
        addresses.note(IfEvent::Up(net("192.0.2.5/24")));
        assert!(!addresses.settle(), "this is how it was");
        addresses.note(IfEvent::Down(net("192.0.2.5/24")));
        addresses.note(IfEvent::Up(net("192.0.2.5/24")));
        assert!(!addresses.settle(), "a lease that was renewed");
        addresses.note(IfEvent::Up(net("2001:db8::7/64")));
        assert!(addresses.settle());
        addresses.note(IfEvent::Down(net("192.0.2.5/24")));
        assert!(addresses.settle());
        for noise in ["127.0.0.2/8", "::1/128", "fe80::1/64", "169.254.7.7/16"] {
            addresses.note(IfEvent::Up(net(noise)));
            assert!(!addresses.settle(), "{noise}");
        }
    }

    #[test]
    fn sleep_shows_in_the_clocks() {
        let (steady, wall) = (Instant::now(), SystemTime::now());
        let mut watch = SleepWatch::new(steady, wall);
        let s = Duration::from_secs;
        assert!(!watch.slept(steady + s(1), wall + s(1)));
        assert!(watch.slept(steady + s(2), wall + s(3600)), "the steady clock stood still");
        assert!(!watch.slept(steady + s(3), wall + s(3601)));
        assert!(watch.slept(steady + s(7200), wall + s(7200)), "both ran on");
        assert!(!watch.slept(steady + s(7201), wall), "somebody set the clock back");
    }
}
