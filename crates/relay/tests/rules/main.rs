//! What a relay decides, on a fake clock and without sockets.

mod desk;
mod lifetimes;
mod vectors;
