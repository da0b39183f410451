//! What arrives at a client, with the moment when the kernel got it: how busy the machine is with
//! reading it makes no difference.

use crate::namespace::Namespace;
use crate::sys::{self, PacketSocket};
use anyhow::{Context, Result};

/// All packets that arrive at one interface, from now on.
#[derive(Debug)]
pub struct Arrivals {
    socket: PacketSocket,
    buffer: Vec<u8>,
}

/// A packet that arrived.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Nanoseconds since the epoch.
    pub at: i64,
    /// The whole packet; what a datagram carried is at its end.
    pub packet: Vec<u8>,
}

impl Arrivals {
    /// Begins to listen at an interface of a namespace.
    pub fn at(namespace: &Namespace, interface: &str) -> Result<Self> {
        let open = || PacketSocket::open(interface).context("while opening a raw socket");
        Ok(Self { socket: namespace.enter(open)?, buffer: vec![0; sys::LARGEST_PACKET] })
    }

    /// What has arrived since the last look.
    pub fn drain(&mut self) -> Result<Vec<Arrival>> {
        let mut arrived = Vec::new();
        while let Some((length, at)) =
            self.socket.receive(&mut self.buffer).context("while reading what arrived")?
        {
            arrived.push(Arrival { at, packet: self.buffer[..length].to_vec() });
        }
        Ok(arrived)
    }
}
