//! When a voice's sound is played, by its sender's clock: what its pictures keep step with.

use crate::rtp::sender_report::{SenderReport, SenderReports};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// RTP clock of sound, in Hz (RFC 7587).
const CLOCK: u32 = 48_000;
/// Sound that was played longer ago says nothing: the sender pauses, or is mute.
const FRESH: Duration = Duration::from_millis(500);

/// Written by the voice, read by the pictures. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct SoundClock {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    reports: SenderReports,
    /// The timestamp of what is played at a moment, and whose it is.
    playing: Option<(u32, u32, Instant)>,
}

impl SoundClock {
    /// Takes the sender's word on its clock.
    pub fn report(&self, report: SenderReport) {
        self.with(|state| state.reports.note(report));
    }

    /// The sound of this stream with this timestamp is played at `at`.
    pub fn play(&self, ssrc: u32, timestamp: u32, at: Instant) {
        self.with(|state| state.playing = Some((ssrc, timestamp, at)));
    }

    /// When the sound of this stream with this timestamp was taken, by its sender's wall clock.
    pub fn taken(&self, ssrc: u32, timestamp: u32) -> Option<Duration> {
        self.with(|state| state.reports.of(ssrc)?.wall_at(timestamp, CLOCK))
    }

    /// When the sound of a moment of the sender's wall clock is played; none while no sound is.
    pub fn played_at(&self, now: Instant, wall: Duration) -> Option<Instant> {
        self.with(|state| {
            let (ssrc, timestamp, at) = state.playing?;
            let report = state.reports.of(ssrc)?;
            if now.saturating_duration_since(at) > FRESH {
                return None;
            }
            let playing = report.wall_at(timestamp, CLOCK)?;
            match wall.checked_sub(playing) {
                Some(later) => at.checked_add(later),
                None => at.checked_sub(playing - wall),
            }
        })
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut State) -> T) -> T {
        use_it(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_before_or_behind_what_is_heard_is_found_and_old_sound_says_nothing() {
        let (clock, now) = (SoundClock::default(), Instant::now() + Duration::from_secs(60));
        let wall = Duration::from_secs(1000);
        clock.play(7, 48_000, now);
        assert_eq!(clock.played_at(now, wall), None, "nothing is known of the sender's clock");
        clock.report(SenderReport { ssrc: 7, timestamp: 0, wall });
        let second = Duration::from_secs(1);
        assert_eq!(clock.played_at(now, wall + second), Some(now));
        assert_eq!(clock.played_at(now, wall), Some(now - second));
        assert_eq!(clock.played_at(now, wall + 2 * second), Some(now + second));
        assert_eq!(clock.played_at(now + second, wall + second), None, "it has paused");
        assert_eq!(clock.taken(7, 24_000), Some(wall + second / 2));
        clock.report(SenderReport { ssrc: 9, timestamp: 0, wall: Duration::ZERO });
        assert_eq!(clock.played_at(now, wall + second), Some(now), "of the pictures");
        clock.play(8, 48_000, now);
        assert_eq!(clock.played_at(now, wall), None, "another stream");
    }
}
