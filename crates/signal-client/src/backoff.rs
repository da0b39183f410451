//! How long to wait before connecting again. Pure; the jitter is an argument.

use std::time::Duration;

/// Waits in seconds; the last one repeats. The first is short, since most losses are: a
/// changed network, a server that starts anew.
const WAITS_S: [f64; 5] = [1.0, 2.0, 4.0, 8.0, 16.0];
/// How far jitter moves a wait, as a share of it: enough to spread all clients of a server
/// that has just come back.
const JITTER: f64 = 0.25;

/// Counts attempts since the last success.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff {
    attempts: usize,
}

impl Backoff {
    /// The next wait; `jitter` from 0 to 1 chooses where in its range of 3/4 to 5/4 it lies.
    pub fn next_wait(&mut self, jitter: f64) -> Duration {
        let wait = WAITS_S[self.attempts.min(WAITS_S.len() - 1)];
        self.attempts = self.attempts.saturating_add(1);
        let jitter = if jitter.is_nan() { 0.5 } else { jitter.clamp(0.0, 1.0) };
        Duration::from_secs_f64(wait * (1.0 - JITTER + 2.0 * JITTER * jitter))
    }

    /// Begins anew after a success.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_sixteen_seconds_and_begin_anew_after_a_success() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..7).map(|_| backoff.next_wait(0.5).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 16, 16]);
        backoff.reset();
        assert_eq!(backoff.next_wait(0.5).as_secs(), 1);
    }

    #[test]
    fn jitter_stays_within_a_quarter() {
        for (jitter, ms) in [(0.0, 750), (1.0, 1250), (-5.0, 750), (9.0, 1250), (f64::NAN, 1000)] {
            assert_eq!(Backoff::default().next_wait(jitter), Duration::from_millis(ms), "{jitter}");
        }
    }
}
