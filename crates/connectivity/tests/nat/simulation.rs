//! Two ICE agents, each behind a translator, exchanging single packets.

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};
use tincan_connectivity::{Filtering, Mapping, Nat, Path};

/// Checks on every pair before the agents give up; each may find one more candidate.
const ROUNDS: usize = 12;

/// A public address: a host's number and a port.
pub type Address = (usize, u16);

const STUN_SERVER: Address = (2, 3478);

#[derive(Clone, Copy, Debug)]
pub struct Packet {
    pub from: Address,
    pub to: Address,
    pub content: Content,
}

#[derive(Clone, Copy, Debug)]
pub enum Content {
    Request,
    /// To a check that was sent to this address.
    Answer {
        sent_to: Address,
    },
}

/// Host 0 and host 1 with their translators.
pub struct Simulation {
    agents: [Agent; 2],
    random: StdRng,
}

struct Agent {
    translator: Translator,
    /// Candidates of the far side, told or seen.
    remote: BTreeSet<Address>,
    connected: bool,
}

pub struct Translator {
    nat: Nat,
    host: usize,
    next_port: u16,
    /// Public port by what the mapping depends on.
    ports: BTreeMap<Option<(usize, Option<u16>)>, u16>,
    /// To whom each public port has sent.
    sent: BTreeMap<u16, BTreeSet<Address>>,
}

impl Simulation {
    pub fn new(a: Nat, b: Nat, seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let agents = [(0, a), (1, b)].map(|(host, nat)| Agent {
            translator: Translator::new(nat, host, random.random_range(1024..30_000)),
            remote: BTreeSet::new(),
            connected: false,
        });
        Self { agents, random }
    }

    /// Gathers, tells each side the other's candidate, and checks.
    pub fn run(mut self) -> Path {
        for index in 0..2 {
            let seen = self.agents[index].translator.outbound(STUN_SERVER);
            self.agents[1 - index].remote.extend(seen);
        }
        for _ in 0..ROUNDS {
            let mut flying = Vec::new();
            for agent in &mut self.agents {
                for to in agent.remote.clone() {
                    flying.extend(agent.send(to, Content::Request));
                }
            }
            // Packets cross in any order; what they cause is sent in the same round.
            while !flying.is_empty() {
                flying.shuffle(&mut self.random);
                let packet: Packet = flying.pop().expect("not empty");
                let Some(agent) = self.agents.get_mut(packet.to.0) else { continue };
                if agent.translator.admits(packet) {
                    flying.extend(agent.receive(packet));
                }
            }
        }
        let [a, b] = self.agents.map(|agent| agent.connected);
        assert_eq!(a, b, "a path that works one way only");
        if a { Path::Direct } else { Path::Relayed }
    }
}

impl Agent {
    fn send(&mut self, to: Address, content: Content) -> Option<Packet> {
        let from = self.translator.outbound(to)?;
        Some(Packet { from, to, content })
    }

    fn receive(&mut self, packet: Packet) -> Option<Packet> {
        match packet.content {
            Content::Request => {
                self.remote.insert(packet.from);
                self.send(packet.from, Content::Answer { sent_to: packet.to })
            }
            Content::Answer { sent_to } => {
                // RFC 8445, section 7.2.5.2.1: both addresses must be those of the check.
                self.connected |= packet.from == sent_to;
                None
            }
        }
    }
}

impl Translator {
    pub fn new(nat: Nat, host: usize, next_port: u16) -> Self {
        Self { nat, host, next_port, ports: BTreeMap::new(), sent: BTreeMap::new() }
    }

    /// The public address that a packet to `to` leaves from; none if it does not leave.
    pub fn outbound(&mut self, to: Address) -> Option<Address> {
        let key = match self.nat {
            Nat::UdpBlocked => return None,
            Nat::Public => None,
            Nat::Translated(nat) => match nat.mapping {
                Mapping::EndpointIndependent => None,
                Mapping::AddressDependent => Some((to.0, None)),
                Mapping::AddressAndPortDependent => Some((to.0, Some(to.1))),
            },
        };
        let next = &mut self.next_port;
        let port = *self.ports.entry(key).or_insert_with(|| {
            *next += 1;
            *next
        });
        self.sent.entry(port).or_default().insert(to);
        Some((self.host, port))
    }

    pub fn admits(&self, packet: Packet) -> bool {
        let Some(sent) = self.sent.get(&packet.to.1) else { return false };
        match self.nat {
            Nat::UdpBlocked => false,
            Nat::Public => true,
            Nat::Translated(nat) => match nat.filtering {
                Filtering::EndpointIndependent => true,
                Filtering::AddressDependent => sent.iter().any(|to| to.0 == packet.from.0),
                Filtering::AddressAndPortDependent => sent.contains(&packet.from),
            },
        }
    }
}
