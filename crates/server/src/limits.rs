//! Every bound of the server, with its why. Times that tests shorten are in [`Timings`].

use std::time::Duration;
use tincan_proto::signalling::RING_TIME;

/// Most accounts: keeps the directory, which lives in memory, under some 100 MB.
pub const MAX_ACCOUNTS: usize = 100_000;
/// Most WebSockets at once, signed in or not: each may hold some hundred kilobytes.
pub const MAX_CONNECTIONS: usize = 4096;
/// Most devices of one account that are connected at once: one invitation rings them all.
pub const MAX_DEVICES: usize = 16;
/// Most contacts of an account: a whole book stays well under one message.
pub const MAX_CONTACTS: usize = 500;
/// Most open requests of an account in each direction.
pub const MAX_REQUESTS: usize = 100;
/// Most calls at once that one account has begun; both people calling each other needs two.
pub const MAX_CALLS: usize = 8;
/// History entries kept of each account; older ones are deleted.
pub const HISTORY_KEPT: u32 = 1000;
/// Ended calls whose way of ending is remembered for answers that come too late.
pub const MAX_REMEMBERED_CALLS: usize = 1024;

/// Messages that may wait for one socket. If it is full the reader is too slow to be of use:
/// the connection is closed.
pub const OUTBOX_MESSAGES: usize = 512;
/// Messages from all sockets that may wait for the exchange. If it is full the sockets wait,
/// and with them their senders.
pub const INBOX_MESSAGES: usize = 1024;
/// Messages that a device has not acknowledged, connected or not. If there are so many its
/// session ends: the device is disconnected, begins a new one, and says again what it knows.
pub const MAX_UNACKNOWLEDGED: usize = 256;
/// Bytes of negotiation among them, with the same end: four full sets of descriptions and
/// candidates.
pub const MAX_UNACKNOWLEDGED_BYTES: usize = 512 * 1024;
/// History answers that are being read at once; more are refused.
pub const MAX_HISTORY_READS: usize = 64;

/// Messages a second that one connection may send for long.
pub const MESSAGES_PER_SECOND: f64 = 50.0;
/// Messages that one connection may send at once: all that a client keeps while it is offline
/// (128 that wait for their acknowledgement and 128 behind them).
pub const MESSAGE_BURST: f64 = 300.0;
/// How long an acknowledgement waits for a message that it can travel with.
pub const ACKNOWLEDGE_AFTER: Duration = Duration::from_millis(50);

/// Between two WebSocket pings: under the 30 s after which some home routers forget a flow.
pub const PING_EVERY: Duration = Duration::from_secs(15);
/// A connection that says nothing at all for so long is dead: two pings were not answered.
pub const DEAD_AFTER: Duration = Duration::from_secs(40);
/// How long one frame may take to be written.
pub const WRITE_TIME: Duration = Duration::from_secs(10);
/// How long a refused connection stays open, so that its refusal is not lost to a TCP reset.
pub const LINGER: Duration = Duration::from_secs(1);
/// How long stopping waits for connections to end by themselves.
pub const SHUTDOWN_TIME: Duration = Duration::from_secs(5);

/// The times that rule ringing and signing in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timings {
    /// How long an invitation rings.
    pub ring: Duration,
    /// How long a call rings on without its caller's connection: as long as the caller's app
    /// waits for the server before it gives the call up.
    pub caller_grace: Duration,
    /// How long a participant stays in a call without a connection. Media needs no server, so
    /// an outage of signalling alone should not end a call that works; and a network that is
    /// gone for a minute takes signalling with it, which is then needed to restore the call. So
    /// it is longer than apps try to do that (five attempts in at most 81 s).
    pub participant_grace: Duration,
    /// From opening a socket to being signed in.
    pub sign_in: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            ring: RING_TIME,
            caller_grace: Duration::from_secs(10),
            participant_grace: Duration::from_secs(90),
            sign_in: Duration::from_secs(10),
        }
    }
}
