//! Everything that a STUN and TURN server decides (RFC 8489, RFC 8656, RFC 5780), without a
//! socket: packets and the time come in, what is to be sent is returned.

mod allocation;
mod answers;
mod counters;
mod data;
mod listeners;
mod requests;
mod users;

pub use allocation::AllocationId;
pub use counters::{Counters, Drop as DropReason, Refusal};
pub use listeners::{Listener, ListenerId, Transport};

use crate::budget::SourceLimit;
use crate::credentials::SharedSecret;
use crate::frame::Frame;
use crate::nonce::Nonces;
use crate::peers::PeerRules;
use crate::stun::channel::is_channel_data;
use crate::stun::{Class, Key, Message, TransactionId, method};
use allocation::Allocation;
use listeners::Listeners;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};
use users::Users;

/// Answers to requests that prove nothing, per second and source address: somebody may pretend
/// to be the source. A busy office behind one address stays under it.
const UNPROVEN_PER_SECOND: f64 = 100.0;
/// The same, at once: a company that comes back after an outage.
const UNPROVEN_BURST: f64 = 500.0;

/// The time, by both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// What lifetimes are counted by.
    pub instant: Instant,
    /// Since 1970, what credentials are dated by.
    pub unix: Duration,
}

/// What a relay grants to whom.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Named to clients when they are asked for credentials.
    pub realm: String,
    /// Where relayed packets may go.
    pub peers: PeerRules,
    /// Allocations of one account at once. A call takes one per server URL and network
    /// interface, and a new one at each ICE restart.
    pub allocations_per_user: usize,
    /// Bytes a second of one account in each direction; none: no bound.
    pub bytes_per_second: Option<u64>,
    /// Allocations of all accounts at once; each is a socket.
    pub max_allocations: usize,
    /// How long a nonce is good (RFC 8656, section 5: an hour at most).
    pub nonce_lifetime: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            realm: "tincan".to_owned(),
            peers: PeerRules::default(),
            allocations_per_user: 40,
            bytes_per_second: Some(4_000_000),
            max_allocations: 4096,
            nonce_lifetime: Duration::from_secs(3600),
        }
    }
}

/// Who sent a packet: with the listener that it came to this is the 5-tuple of RFC 8656.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Client {
    /// Where it came to.
    pub listener: ListenerId,
    /// Where it came from.
    pub address: SocketAddr,
}

/// What is to be done with a client's packet. `S` is whatever stands for a relayed socket.
#[derive(Debug)]
#[must_use]
pub enum Action<'a, S> {
    /// Nothing.
    Ignore,
    /// Send this back.
    Reply(Reply),
    /// Send what is left in the frame to a peer.
    ToPeer {
        /// The socket to send from.
        socket: &'a S,
        /// The peer.
        peer: SocketAddr,
    },
    /// Send what is left in the frame to another client: its relayed address was the peer.
    ToClient(Client),
    /// Open a socket, then call [`Relay::opened`].
    Open(Box<OpenRequest>),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Where it is to leave: not always where the request came to.
    pub listener: ListenerId,
    /// Where it is to go.
    pub to: SocketAddr,
    /// The answer.
    pub bytes: Vec<u8>,
}

/// A client that has proved who it is and is to get a relayed address.
#[derive(Debug)]
pub struct OpenRequest {
    /// Where the socket is to be bound.
    pub ip: IpAddr,
    /// Whether its port is to be even.
    pub even_port: bool,
    client: Client,
    transaction: TransactionId,
    account: String,
    key: Key,
    lifetime: Duration,
    refuse_second: bool,
}

/// The server's decisions and what they rest on.
#[derive(Debug)]
pub struct Relay<S> {
    policy: Policy,
    secret: SharedSecret,
    nonces: Nonces,
    unproven: SourceLimit,
    listeners: Listeners,
    users: Users,
    allocations: HashMap<AllocationId, Allocation<S>>,
    by_client: HashMap<Client, AllocationId>,
    /// Relayed addresses, as they are told and as they are bound.
    by_relayed: HashMap<SocketAddr, AllocationId>,
    last_id: u64,
    /// Indications have no answer: their transactions have only to differ.
    transaction_prefix: TransactionId,
    indications: u64,
    counters: Counters,
}

impl<S> Relay<S> {
    /// Without listeners yet.
    pub fn new(policy: Policy, secret: SharedSecret, nonce_key: [u8; 32], now: Instant) -> Self {
        Self {
            nonces: Nonces::new(nonce_key, policy.nonce_lifetime),
            unproven: SourceLimit::new(UNPROVEN_BURST, UNPROVEN_PER_SECOND, now),
            listeners: Listeners::default(),
            users: Users::new(policy.bytes_per_second),
            allocations: HashMap::new(),
            by_client: HashMap::new(),
            by_relayed: HashMap::new(),
            last_id: 0,
            transaction_prefix: rand::random(),
            indications: 0,
            counters: Counters::default(),
            policy,
            secret,
        }
    }

    /// Adds a listener.
    pub fn listen(&mut self, listener: Listener) -> ListenerId {
        self.listeners.add(listener)
    }

    /// Takes a client's packet: all of a datagram, or one message of a stream.
    pub fn client_sent(
        &mut self,
        now: Now,
        client: Client,
        frame: &mut Frame<'_>,
    ) -> Action<'_, S> {
        if is_channel_data(frame.bytes()) {
            return self.channel_data(now.instant, client, frame);
        }
        let Ok(message) = Message::read(frame.bytes()) else {
            self.counters.drop(DropReason::Malformed);
            return Action::Ignore;
        };
        match message.class_and_method() {
            (Class::Request, method::BINDING) => self.binding(now, client, &message),
            (Class::Request, method) => self.request(now, client, method, &message),
            (Class::Indication, method::SEND) => {
                let to = message.xor_address(crate::stun::attribute::XOR_PEER_ADDRESS);
                let data = message.range_of(crate::stun::attribute::DATA);
                self.send_indication(now.instant, client, to.zip(data), frame)
            }
            // others keep a NAT's mapping open
            (Class::Indication | Class::Success | Class::Error, _) => Action::Ignore,
        }
    }

    /// Whether the client holds an allocation.
    pub fn has_allocation(&self, client: Client) -> bool {
        self.by_client.contains_key(&client)
    }

    /// A client's stream has ended, and with it its allocation (RFC 8656, section 7).
    pub fn stream_ended(&mut self, client: Client, now: Instant) {
        if let Some(&id) = self.by_client.get(&client) {
            self.remove(id, now);
        }
    }

    /// Removes what has expired. To be called about once a second; what has expired is of no
    /// use before that, either.
    pub fn sweep(&mut self, now: Instant) {
        let expired = |allocation: &Allocation<S>| allocation.expires <= now;
        let ids: Vec<_> = self
            .allocations
            .iter()
            .filter(|(_, allocation)| expired(allocation))
            .map(|(&id, _)| id)
            .collect();
        for id in ids {
            self.remove(id, now);
        }
        self.users.sweep(now);
    }

    /// What has been counted so far.
    pub fn counters(&self) -> Counters {
        let mut counters = self.counters;
        counters.allocations = self.allocations.len() as u64;
        counters
    }

    fn remove(&mut self, id: AllocationId, now: Instant) {
        let Some(allocation) = self.allocations.remove(&id) else { return };
        self.by_client.remove(&allocation.client);
        self.by_relayed.remove(&allocation.relayed);
        self.by_relayed.remove(&allocation.bound);
        self.users.left(allocation.user, now);
    }
}
