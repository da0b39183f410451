//! How long a connection's driver sleeps.
//!
//! `webrtc` 0.21.1 sends what an event produced only in its driver's next round, which by
//! default comes with the next ICE check: 200 ms for the first DTLS flight, as much again for
//! each relayed one, and on a relayed path every packet waits for the next. Here a round that
//! an event caused is followed by further rounds at once, for as many as it takes until what
//! the event led to is sent.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Rounds after an event while connecting: one sends what was produced, and on a relayed path
/// one more takes it out of the TURN client.
const FOLLOWING_CONNECTING: u8 = 2;
/// Rounds after an event on a relayed path: media waits in the TURN client alone.
const FOLLOWING_RELAYED: u8 = 1;
/// Longest sleep while connecting: a remote candidate does not wake the driver. Five
/// milliseconds cost 1.6 % of a core for the few seconds that they last.
const HURRIED_NAP: Duration = Duration::from_millis(5);
/// For so long after a relayed packet the path counts as relayed.
const RELAYED_FOR: Duration = Duration::from_secs(2);

/// The sleeps of one connection's driver; shared with its sockets.
#[derive(Debug)]
pub struct Naps {
    born: Instant,
    hurried_until_ms: AtomicU64,
    relayed_until_ms: AtomicU64,
    following: AtomicU8,
    /// The last sleep ended by itself; otherwise an event cut it short.
    slept: AtomicBool,
}

impl Naps {
    /// Sleeps as asked.
    pub fn new() -> Self {
        Self {
            born: Instant::now(),
            hurried_until_ms: AtomicU64::new(0),
            relayed_until_ms: AtomicU64::new(0),
            following: AtomicU8::new(0),
            slept: AtomicBool::new(true),
        }
    }

    /// Hurries for at least `time` from now.
    pub fn hurry(&self, time: Duration) {
        self.hurried_until_ms.fetch_max(self.ms() + time.as_millis() as u64, Ordering::Relaxed);
    }

    /// A relayed media packet was sent or received.
    pub fn relayed(&self) {
        self.relayed_until_ms.store(self.ms() + RELAYED_FOR.as_millis() as u64, Ordering::Relaxed);
    }

    /// The sleep that begins instead of the one that the driver asks for. Zero: another round
    /// at once.
    pub fn begin(&self, asked: Duration) -> Duration {
        let event = !self.slept.swap(false, Ordering::Relaxed);
        let now = self.ms();
        let hurried = now < self.hurried_until_ms.load(Ordering::Relaxed);
        let relayed = now < self.relayed_until_ms.load(Ordering::Relaxed);
        let mut following = self.following.load(Ordering::Relaxed);
        if event {
            following = match (hurried, relayed) {
                (true, _) => FOLLOWING_CONNECTING,
                (false, true) => FOLLOWING_RELAYED,
                (false, false) => 0,
            };
        }
        let again = following > 0;
        self.following.store(following.saturating_sub(1), Ordering::Relaxed);
        if again {
            Duration::ZERO
        } else if hurried {
            asked.min(HURRIED_NAP)
        } else {
            asked
        }
    }

    /// The sleep ended by itself.
    pub fn end(&self) {
        self.slept.store(true, Ordering::Relaxed);
    }

    fn ms(&self) -> u64 {
        self.born.elapsed().as_millis() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(2);

    #[test]
    fn a_calm_direct_connection_sleeps_as_asked() {
        let naps = Naps::new();
        assert_eq!(naps.begin(LONG), LONG);
        assert_eq!(naps.begin(LONG), LONG, "an event changes nothing");
    }

    #[test]
    fn while_connecting_two_rounds_follow_an_event() {
        let naps = Naps::new();
        naps.hurry(Duration::from_secs(60));
        assert_eq!(naps.begin(LONG), HURRIED_NAP, "nothing has happened yet");
        // cut short by an event
        for _ in 0..2 {
            assert_eq!(naps.begin(LONG), Duration::ZERO);
            naps.end();
        }
        assert_eq!(naps.begin(LONG), HURRIED_NAP);
        naps.end();
        assert_eq!(naps.begin(Duration::from_millis(1)), Duration::from_millis(1));
    }

    #[test]
    fn on_a_relayed_path_one_round_follows_an_event() {
        let naps = Naps::new();
        naps.relayed();
        assert_eq!(naps.begin(LONG), LONG);
        assert_eq!(naps.begin(LONG), Duration::ZERO);
        naps.end();
        assert_eq!(naps.begin(LONG), LONG);
    }
}
