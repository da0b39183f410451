//! Packets of a voice in any rhythm into blocks in an even one.

mod buffer;
mod delay;
mod playout;

pub use buffer::{AudioJitterBuffer, JitterStatistics, Pulled};
pub use playout::{Played, Playout};

#[cfg(test)]
mod tests;
