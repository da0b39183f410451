//! When pictures of a source go: by the rate that is wanted, and as fresh as they may be. Pure; the time
//! is an argument.

use std::time::{Duration, Instant};

/// A picture that came too soon goes this long after the next one was due, if none has come: a camera's
/// would have, and a screen's last change is to be seen soon.
const NONE_CAME: Duration = Duration::from_millis(40);
/// Pictures come a little early or late: a quarter of the time between two is on time.
const ON_TIME: u32 = 4;

/// Why a picture waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    /// It came too soon after another: a fresher one will come in time, unless the source stands still.
    NotDue { due: Instant },
    /// Nothing may be sent: the newest goes as soon as something may.
    NotAllowed,
}

/// The state of one source.
#[derive(Debug)]
pub struct Cadence<F> {
    /// When the next picture is due.
    due: Option<Instant>,
    /// The newest picture that could not go yet.
    held: Option<(F, Held)>,
}

impl<F> Default for Cadence<F> {
    fn default() -> Self {
        Self { due: None, held: None }
    }
}

impl<F> Cadence<F> {
    /// Gives a picture back if it goes now; else it waits in the place of any older one. There is to be
    /// so much time `between` two.
    pub fn offer(&mut self, now: Instant, frame: F, allowed: bool, between: Duration) -> Option<F> {
        let held = match (allowed, self.is_due(now, between)) {
            (true, true) => {
                // A source that has paused does not catch up.
                let due = self.due.filter(|due| now <= *due + between).unwrap_or(now);
                (self.due, self.held) = (Some(due + between), None);
                return Some(frame);
            }
            (true, false) => Held::NotDue { due: self.due.unwrap_or(now) },
            (false, _) => Held::NotAllowed,
        };
        self.held = Some((frame, held));
        None
    }

    /// The picture that waits, to be offered again since no other has come.
    pub fn again(&mut self, now: Instant) -> Option<F> {
        let still = |held: Held| match held {
            Held::NotDue { due } => now >= due + NONE_CAME,
            Held::NotAllowed => true,
        };
        self.held.take_if(|(_, held)| still(*held)).map(|(frame, _)| frame)
    }

    /// The picture that waits, whatever for.
    pub fn take_held(&mut self) -> Option<F> {
        self.held.take().map(|(frame, _)| frame)
    }

    /// The next picture is due when it comes.
    pub fn restart(&mut self) {
        self.due = None;
    }

    fn is_due(&self, now: Instant, between: Duration) -> bool {
        self.due.is_none_or(|due| now + between / ON_TIME >= due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    /// The encoder's thread waits for a picture for as long.
    const PATIENCE: Duration = Duration::from_millis(25);

    /// The ages in milliseconds of the pictures that go within a second, of a camera of 30 a second.
    fn ages(fps: u32) -> Vec<u128> {
        let start = Instant::now();
        let mut cadence = Cadence::default();
        let (mut came, mut ages) = (start, Vec::new());
        for millis in 0..1000u32 {
            let now = start + MS * millis;
            let between = Duration::from_secs(1) / fps;
            let fresh = millis % 100 == 0 || millis % 100 == 33 || millis % 100 == 67;
            let offered = match fresh {
                true => Some(now),
                false if now - came >= PATIENCE => {
                    came = now;
                    cadence.again(now)
                }
                false => None,
            };
            came = if fresh { now } else { came };
            let gone = offered.and_then(|frame| cadence.offer(now, frame, true, between));
            ages.extend(gone.map(|taken: Instant| (now - taken).as_millis()));
        }
        ages
    }

    #[test]
    fn pictures_go_fresh_at_rates_below_the_camera_s() {
        assert_eq!(ages(15), vec![0; 15]);
        let film = ages(24);
        assert!(film.iter().all(|age| *age == 0), "{film:?}");
        assert!((22..=25).contains(&film.len()), "{}", film.len());
        assert_eq!(ages(30), vec![0; 30]);
    }

    #[test]
    fn the_last_picture_of_a_source_that_stands_still_goes_after_all() {
        let (mut cadence, start) = (Cadence::default(), Instant::now());
        let between = MS * 66;
        assert_eq!(cadence.offer(start, 1, true, between), Some(1));
        assert_eq!(cadence.offer(start + MS * 33, 2, true, between), None, "too soon");
        assert_eq!(cadence.again(start + MS * 70), None, "another may come");
        assert_eq!(cadence.again(start + MS * 107), Some(2));
        assert_eq!(cadence.offer(start + MS * 107, 2, true, between), Some(2));
    }

    #[test]
    fn what_may_not_go_yet_goes_as_soon_as_it_may() {
        let (mut cadence, start) = (Cadence::default(), Instant::now());
        assert_eq!(cadence.offer(start, 1, false, MS * 66), None);
        assert_eq!(cadence.again(start + PATIENCE), Some(1));
        assert_eq!(cadence.offer(start + PATIENCE, 1, true, MS * 66), Some(1));
        assert_eq!(cadence.again(start + MS * 300), None, "it is gone");
    }
}
