//! A relay on real sockets.

mod abuse;
mod client;
mod relaying;
mod streams;
mod stun;
