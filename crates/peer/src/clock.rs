//! What the other side's clock shows: this connection asks and answers by itself, so that nobody
//! else's work delays the answers.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tincan_call::clock::{ClockOffset, ClockSync, Exchange};
use tincan_proto::ControlMessage;

/// The clock of the other side.
#[derive(Debug, Default)]
pub struct Clock {
    sync: Mutex<ClockSync>,
}

impl Clock {
    /// A question, and when the next one is due.
    pub fn ask(&self) -> (ControlMessage, Duration) {
        let asked = unix_micros();
        let pause = self.sync.lock().unwrap_or_else(PoisonError::into_inner).ask(asked);
        (ControlMessage::ClockQuestion { asked }, pause)
    }

    /// Takes a message that came just now. Gives back what is to be answered, or the message if it
    /// is not about clocks.
    pub fn take(&self, message: ControlMessage) -> Result<Option<ControlMessage>, ControlMessage> {
        match message {
            ControlMessage::ClockQuestion { asked } => {
                let heard = unix_micros();
                Ok(Some(ControlMessage::ClockAnswer { asked, heard, answered: heard }))
            }
            ControlMessage::ClockAnswer { asked, heard, answered } => {
                let exchange = Exchange { asked, heard, answered, came: unix_micros() };
                let mut sync = self.sync.lock().unwrap_or_else(PoisonError::into_inner);
                sync.answer(Instant::now(), exchange);
                Ok(None)
            }
            other => Err(other),
        }
    }

    /// How far it is ahead of this one.
    pub fn offset(&self) -> Option<ClockOffset> {
        self.sync.lock().unwrap_or_else(PoisonError::into_inner).offset(Instant::now())
    }
}

fn unix_micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
