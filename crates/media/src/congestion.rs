//! What the network carries: how much may be sent, and when each packet goes. Pure: what became of
//! packets comes in with the time, rates and packets come out.

mod backlog;
pub mod budget;
mod bursts;
pub mod estimator;
mod losses;
pub mod pace;
pub mod pacer;
mod protection;
mod queue;
mod rates;
mod reports;
#[cfg(test)]
mod simulation;

pub use budget::{SendBudget, VoiceForm};
pub use estimator::{Estimator, Limits};
pub use pacer::{Pacer, Priority};
pub use protection::Protection;

use std::time::{Duration, Instant};

/// What the far side reported of a packet (transport-wide feedback,
/// draft-holmer-rmcat-transport-wide-cc-extensions-01).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    /// When it left here.
    pub departed: Instant,
    /// When it arrived, by the far side's clock; none: it has not.
    pub arrived: Option<Duration>,
    /// With all headers above UDP, in bytes.
    pub bytes: usize,
}
