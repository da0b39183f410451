//! Packets of a voice in any rhythm into blocks in an even one.

mod buffer;
mod delay;
mod playout;
mod statistics;
mod stretch;

pub use buffer::{AudioJitterBuffer, Pulled};
pub use playout::{Played, Playout};
pub use statistics::JitterStatistics;

#[cfg(test)]
mod tests;
