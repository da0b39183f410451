//! What lies between the `webrtc` crate and the network: its runtime, its sockets, and what
//! they do that the crate does not: prompt wake-ups, repeated DTLS flights, cookies known ahead,
//! nominations that nobody waits for, TURN over streams.

mod binding;
mod cookie;
mod detours;
mod flight_keeper;
mod flights;
mod framing;
mod naps;
mod nominations;
mod nominator;
mod runtime;
mod socket;
mod stream_relay;
mod stream_relays;
mod via;

pub use cookie::{Cookies, Provider};
pub use detours::Relays;
pub use naps::Naps;
pub use nominator::Nominator;
pub use runtime::TransportRuntime;
pub use stream_relays::StreamRelays;
