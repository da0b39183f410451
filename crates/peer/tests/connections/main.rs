//! Real connections on this machine, driven by the pure negotiation.

mod connecting;
mod hidden;
mod loss;
mod nomination;
mod proxy;
mod relays;
mod shuffled;
mod sides;
mod sound;
mod upstream;
