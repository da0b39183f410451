//! Real connections on this machine, driven by the pure negotiation.

mod connecting;
mod loss;
mod proxy;
mod sides;
mod upstream;
