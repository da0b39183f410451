//! The one entry point: time and input in, orders out.

use crate::command::Output;
use crate::input::Input;
use crate::state::CallState;
use std::time::Instant;

/// All calls of one device.
#[derive(Clone, Debug)]
pub struct Engine {
    state: CallState,
}

impl Engine {
    /// An engine without calls; ties are broken by `seed`.
    pub fn new(seed: u64) -> Self {
        let _ = seed;
        Self { state: CallState::default() }
    }

    /// What there is to show.
    pub fn state(&self) -> &CallState {
        &self.state
    }

    /// Takes one input at `now` and says what follows from it.
    pub fn step(&mut self, now: Instant, input: Input) -> Output {
        let _ = (now, input);
        Output::default()
    }
}
