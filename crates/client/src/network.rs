//! Notices that this machine's addresses have changed, or that it has slept: what was connected
//! by way of them may be gone.

use futures_util::StreamExt;
use if_watch::tokio::IfWatcher;
use if_watch::{IfEvent, IpNet};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// How long addresses must have stayed as they are: a change comes as several events.
const SETTLES_AFTER: Duration = Duration::from_millis(200);
/// How far the clocks may part between two readings: more is sleep.
const SLEPT: Duration = Duration::from_secs(3);
/// Where both clocks run on in sleep: how far apart two readings may be that are taken every second,
/// by a machine that is busy and no more.
const STALLED: Duration = Duration::from_secs(30);

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

/// What the clocks show at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Clocks {
    /// Stands still in sleep, on most systems.
    steady: Instant,
    /// Runs on in sleep; since a moment that is the same for two readings.
    awake: Duration,
}

impl Clocks {
    /// Reads them.
    pub fn now() -> Self {
        Self { steady: Instant::now(), awake: running_on() }
    }
}

/// The time with sleep, which nobody sets.
#[cfg(target_os = "linux")]
fn running_on() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// The time of day. Setting it on is rare enough to be taken for sleep.
#[cfg(not(target_os = "linux"))]
fn running_on() -> Duration {
    std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
}

/// Compares the clock that stands still in sleep with the one that does not. A machine that is
/// merely too busy to read them has not slept: its paths stand.
#[derive(Clone, Copy, Debug)]
pub struct SleepWatch(Clocks);

impl SleepWatch {
    /// Begins with these readings.
    pub fn new(clocks: Clocks) -> Self {
        Self(clocks)
    }

    /// Takes the next readings. True if the machine slept between them.
    pub fn slept(&mut self, clocks: Clocks) -> bool {
        let before = std::mem::replace(&mut self.0, clocks);
        let passed = clocks.steady.saturating_duration_since(before.steady);
        let shown = clocks.awake.saturating_sub(before.awake);
        shown > passed + SLEPT || passed > STALLED
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
    fn sleep_shows_in_the_clocks_and_a_busy_machine_does_not() {
        let (start, s) = (Clocks::now(), Duration::from_secs);
        let at = |steady: u64, awake: u64| Clocks {
            steady: start.steady + s(steady),
            awake: start.awake + s(awake),
        };
        let mut watch = SleepWatch::new(start);
        assert!(!watch.slept(at(1, 1)));
        assert!(watch.slept(at(2, 3600)), "the steady clock stood still");
        assert!(!watch.slept(at(3, 3601)));
        assert!(!watch.slept(at(15, 3613)), "busy");
        assert!(watch.slept(at(7200, 10798)), "both ran on");
        assert!(!watch.slept(at(7201, 0)), "somebody set the clock back");
    }
}
