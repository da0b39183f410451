//! One relayed address: whom it belongs to, and which peers it lets through.

use super::Client;
use super::users::UserId;
use crate::stun::TransactionId;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// An allocation. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AllocationId(pub(super) u64);

/// RFC 8656, section 9.
const PERMISSION_LIFETIME: Duration = Duration::from_secs(300);
/// RFC 8656, section 12.
const CHANNEL_LIFETIME: Duration = Duration::from_secs(600);
/// How long number and peer of an expired channel stay together, so that late packets do not go
/// to another peer (RFC 8656, section 12).
const CHANNEL_REST: Duration = Duration::from_secs(300);
/// Permissions of one allocation: more addresses than a call's candidates have.
const MAX_PERMISSIONS: usize = 64;
/// Channels of one allocation.
const MAX_CHANNELS: usize = 64;

/// Why a peer may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The address is open to relays.
    Network,
    /// It is open, and relayed addresses have it, too.
    NetworkAndRelays,
    /// It is denied, but relayed addresses have it: those alone are reached.
    RelaysOnly,
}

#[derive(Clone, Copy, Debug)]
struct Permission {
    ip: IpAddr,
    reach: Reach,
    expires: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Channel {
    number: u16,
    peer: SocketAddr,
    expires: Instant,
}

/// The table of permissions or channels is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Number or peer are bound otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindError {
    Conflict,
    Full,
}

#[derive(Debug)]
pub struct Allocation<S> {
    pub client: Client,
    pub user: UserId,
    pub socket: S,
    /// Where the socket is bound.
    pub bound: SocketAddr,
    /// What the client was told.
    pub relayed: SocketAddr,
    pub transaction: TransactionId,
    pub expires: Instant,
    permissions: Vec<Permission>,
    channels: Vec<Channel>,
}

impl<S> Allocation<S> {
    pub fn new(
        client: Client,
        user: UserId,
        socket: S,
        (bound, relayed): (SocketAddr, SocketAddr),
        transaction: TransactionId,
        expires: Instant,
    ) -> Self {
        let (permissions, channels) = (Vec::new(), Vec::new());
        Self { client, user, socket, bound, relayed, transaction, expires, permissions, channels }
    }

    /// Lets a peer's address through, or does so for longer.
    pub fn permit(&mut self, ip: IpAddr, reach: Reach, now: Instant) -> Result<(), Full> {
        let expires = now + PERMISSION_LIFETIME;
        if let Some(permission) = self.permissions.iter_mut().find(|it| it.ip == ip) {
            *permission = Permission { ip, reach, expires };
            return Ok(());
        }
        self.permissions.retain(|it| it.expires > now);
        if self.permissions.len() >= MAX_PERMISSIONS {
            return Err(Full);
        }
        self.permissions.push(Permission { ip, reach, expires });
        Ok(())
    }

    /// Why the peer may be reached, if it may.
    pub fn permission(&self, ip: IpAddr, now: Instant) -> Option<Reach> {
        let permission = self.permissions.iter().find(|it| it.ip == ip)?;
        (permission.expires > now).then_some(permission.reach)
    }

    /// Binds a number to a peer, or does so for longer.
    pub fn bind(&mut self, number: u16, peer: SocketAddr, now: Instant) -> Result<(), BindError> {
        self.channels.retain(|it| it.expires + CHANNEL_REST > now);
        let expires = now + CHANNEL_LIFETIME;
        let full = self.channels.len() >= MAX_CHANNELS;
        let by_either = |it: &&mut Channel| it.number == number || it.peer == peer;
        match self.channels.iter_mut().find(by_either) {
            Some(channel) if channel.number == number && channel.peer == peer => {
                channel.expires = expires;
                Ok(())
            }
            Some(_) => Err(BindError::Conflict),
            None if full => Err(BindError::Full),
            None => {
                self.channels.push(Channel { number, peer, expires });
                Ok(())
            }
        }
    }

    /// The peer of a channel.
    pub fn peer_of(&self, number: u16, now: Instant) -> Option<SocketAddr> {
        let channel = self.channels.iter().find(|it| it.number == number)?;
        (channel.expires > now).then_some(channel.peer)
    }

    /// The channel of a peer.
    pub fn channel_of(&self, peer: SocketAddr, now: Instant) -> Option<u16> {
        let channel = self.channels.iter().find(|it| it.peer == peer)?;
        (channel.expires > now).then_some(channel.number)
    }
}
