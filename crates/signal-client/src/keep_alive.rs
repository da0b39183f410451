//! When a silent connection is asked whether it lives, and when it is given up. Pure; the time
//! is an argument.

use std::time::{Duration, Instant};

/// How closely a connection is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How long it may be silent before it is asked.
    pub ask_after: Duration,
    /// How long the answer may take.
    pub answer_within: Duration,
}

impl Pace {
    /// Between calls: the server asks every 15 s by itself, so this side has to only if the
    /// server's questions do not arrive.
    pub const CALM: Self =
        Self { ask_after: Duration::from_secs(20), answer_within: Duration::from_secs(5) };
    /// While a call rings or is held: a dead connection is noticed within 3 s.
    pub const HURRIED: Self =
        Self { ask_after: Duration::from_secs(1), answer_within: Duration::from_secs(2) };
    /// When the network has changed: a connection that lives answers at once.
    pub const PROBE: Self =
        Self { ask_after: Duration::ZERO, answer_within: Duration::from_secs(1) };
}

/// What is to be done about a connection, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Ask it.
    Ask(Instant),
    /// Give it up.
    GiveUp(Instant),
}

/// What is known of a connection's life.
#[derive(Clone, Copy, Debug)]
pub struct KeepAlive {
    heard: Instant,
    answer_by: Option<Instant>,
}

impl KeepAlive {
    /// A connection that has just been made.
    pub fn new(now: Instant) -> Self {
        Self { heard: now, answer_by: None }
    }

    /// Something has arrived.
    pub fn heard(&mut self, now: Instant) {
        *self = Self::new(now);
    }

    /// It was asked. A question that is open already keeps its deadline if that is earlier.
    pub fn asked(&mut self, now: Instant, pace: Pace) {
        let by = now + pace.answer_within;
        self.answer_by = Some(self.answer_by.map_or(by, |before| before.min(by)));
    }

    /// What comes next if nothing arrives.
    pub fn due(&self, pace: Pace) -> Due {
        match self.answer_by {
            Some(by) => Due::GiveUp(by),
            None => Due::Ask(self.heard + pace.ask_after),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_questioned_and_then_given_up() {
        let start = Instant::now();
        let mut keep_alive = KeepAlive::new(start);
        let Due::Ask(ask) = keep_alive.due(Pace::HURRIED) else { panic!("asked first") };
        keep_alive.asked(ask, Pace::HURRIED);
        let end = keep_alive.due(Pace::HURRIED);
        assert_eq!(end, Due::GiveUp(start + Duration::from_secs(3)), "within 3 s in all");
        keep_alive.heard(ask);
        assert_eq!(keep_alive.due(Pace::HURRIED), Due::Ask(ask + Pace::HURRIED.ask_after));
    }

    #[test]
    fn a_probe_shortens_a_question_that_is_open_but_never_lengthens_it() {
        let start = Instant::now();
        let mut keep_alive = KeepAlive::new(start);
        keep_alive.asked(start, Pace::CALM);
        keep_alive.asked(start, Pace::PROBE);
        let by = start + Pace::PROBE.answer_within;
        assert_eq!(keep_alive.due(Pace::CALM), Due::GiveUp(by));
        keep_alive.asked(start, Pace::CALM);
        assert_eq!(keep_alive.due(Pace::CALM), Due::GiveUp(by));
    }

    #[test]
    fn hurrying_on_a_connection_that_was_quiet_asks_before_it_gives_up() {
        let start = Instant::now();
        let keep_alive = KeepAlive::new(start);
        assert_eq!(keep_alive.due(Pace::HURRIED), Due::Ask(start + Pace::HURRIED.ask_after));
    }
}
