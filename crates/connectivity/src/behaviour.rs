//! Mapping and filtering from the answers of STUN servers (RFC 5780, section 4). Pure: says what
//! to ask next, and what the answers mean.

use crate::findings::Finding;
use crate::message::{Binding, Change};
use crate::nat::{Filtering, Mapping};
use std::net::SocketAddr;

/// One question, from a socket that serves this discovery alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Whom to ask.
    pub server: SocketAddr,
    /// From where the answer is wanted.
    pub change: Change,
}

/// An answer and where it came from; none if nothing came, or a refusal.
pub type Answer = Option<(SocketAddr, Binding)>;

/// Which destinations share a public port. Ask until [`MappingDiscovery::next`] says none.
#[derive(Debug)]
pub struct MappingDiscovery {
    primary: SocketAddr,
    /// A STUN server at another address.
    second: Option<SocketAddr>,
    first: Option<Option<Binding>>,
    other_port: Option<Option<SocketAddr>>,
    other_address: Option<Option<SocketAddr>>,
}

impl MappingDiscovery {
    /// Begins; `second` is any STUN server at another address than `primary`.
    pub fn new(primary: SocketAddr, second: Option<SocketAddr>) -> Self {
        let second = second.filter(|second| second.ip() != primary.ip());
        Self { primary, second, first: None, other_port: None, other_address: None }
    }

    /// Returns the next question.
    pub fn next(&self) -> Option<Question> {
        let ask = |server| Some(Question { server, change: Change::default() });
        match self.first {
            None => ask(self.primary),
            Some(None) => None,
            Some(Some(binding)) => {
                if let (Some(server), None) =
                    (self.server_at_other_address(&binding), self.other_address)
                {
                    return ask(server);
                }
                match (self.server_at_other_port(&binding), self.other_port) {
                    (Some(server), None) => ask(server),
                    _ => None,
                }
            }
        }
    }

    /// Takes the answer to the last question.
    pub fn take(&mut self, question: Question, answer: Answer) {
        let binding = answer.map(|(_, binding)| binding);
        if self.first.is_none() {
            self.first = Some(binding);
        } else if question.server.ip() != self.primary.ip() {
            self.other_address = Some(binding.map(|binding| binding.mapped));
        } else {
            self.other_port = Some(binding.map(|binding| binding.mapped));
        }
    }

    /// Returns what the answers mean; `local` is the socket's own address.
    pub fn finding(&self, local: SocketAddr) -> Finding<Mapping> {
        use Mapping::{AddressAndPortDependent, AddressDependent, EndpointIndependent};
        let unknown = |why: &str, possible: &[Mapping]| Finding::Unknown {
            why: why.to_owned(),
            possible: possible.to_vec(),
        };
        let every = Mapping::ALL;
        let Some(Some(binding)) = self.first else {
            return unknown("no STUN server answered", &every);
        };
        let mapped = binding.mapped;
        if mapped == local {
            return Finding::Known(EndpointIndependent);
        }
        let same_for_port = self.other_port.flatten().map(|other| other == mapped);
        let same_for_address = self.other_address.flatten().map(|other| other == mapped);
        match (same_for_port, same_for_address) {
            (_, Some(true)) => Finding::Known(EndpointIndependent),
            (Some(false), _) => Finding::Known(AddressAndPortDependent),
            (Some(true), Some(false)) => Finding::Known(AddressDependent),
            (Some(true), None) => unknown(
                "the STUN server has one address only",
                &[EndpointIndependent, AddressDependent],
            ),
            (None, Some(false)) => unknown(
                "the STUN server has one port only",
                &[AddressDependent, AddressAndPortDependent],
            ),
            (None, None) => unknown("the STUN server has one address and port only", &every),
        }
    }

    /// Returns the public address.
    pub fn mapped(&self) -> Option<SocketAddr> {
        self.first.flatten().map(|binding| binding.mapped)
    }

    fn server_at_other_address(&self, binding: &Binding) -> Option<SocketAddr> {
        let other = binding.other.filter(|other| other.ip() != self.primary.ip());
        // RFC 5780, section 4.3, asks the other address at the primary port.
        other.map(|other| SocketAddr::new(other.ip(), self.primary.port())).or(self.second)
    }

    fn server_at_other_port(&self, binding: &Binding) -> Option<SocketAddr> {
        let port = binding.other.map(|other| other.port())?;
        (port != self.primary.port()).then(|| SocketAddr::new(self.primary.ip(), port))
    }
}

/// Whom a public port lets in. Ask until [`FilteringDiscovery::next`] says none.
#[derive(Debug)]
pub struct FilteringDiscovery {
    server: SocketAddr,
    first: Option<Option<Binding>>,
    changed_address: Option<bool>,
    changed_port: Option<bool>,
}

impl FilteringDiscovery {
    /// Begins.
    pub fn new(server: SocketAddr) -> Self {
        Self { server, first: None, changed_address: None, changed_port: None }
    }

    /// Returns the next question.
    pub fn next(&self) -> Option<Question> {
        let ask = |change| Some(Question { server: self.server, change });
        let Some(first) = self.first else { return ask(Change::default()) };
        let other = first?.other?;
        if other.ip() != self.server.ip() && self.changed_address.is_none() {
            return ask(Change { address: true, port: true });
        }
        // What lets in another address lets in another port.
        let settled = self.changed_address == Some(true) || self.changed_port.is_some();
        if settled || other.port() == self.server.port() {
            return None;
        }
        ask(Change { address: false, port: true })
    }

    /// Takes the answer to the last question. A server that answers from where it was asked did
    /// not do as told, so that its answer says nothing.
    pub fn take(&mut self, question: Question, answer: Answer) {
        if question.change == Change::default() {
            self.first = Some(answer.map(|(_, binding)| binding));
            return;
        }
        if answer.is_some_and(|(from, _)| from == self.server) {
            self.first = Some(self.first.flatten().map(|first| Binding { other: None, ..first }));
            return;
        }
        if question.change.address {
            self.changed_address = Some(answer.is_some());
        } else {
            self.changed_port = Some(answer.is_some());
        }
    }

    /// Returns what the answers mean.
    pub fn finding(&self) -> Finding<Filtering> {
        use Filtering::{AddressAndPortDependent, AddressDependent, EndpointIndependent};
        let every = Filtering::ALL;
        let unknown = |why: &str, possible: &[Filtering]| Finding::Unknown {
            why: why.to_owned(),
            possible: possible.to_vec(),
        };
        let Some(Some(_)) = self.first else {
            return unknown("no STUN server answered", &every);
        };
        match (self.changed_address, self.changed_port) {
            (Some(true), _) => Finding::Known(EndpointIndependent),
            (_, Some(false)) => Finding::Known(AddressAndPortDependent),
            (Some(false), Some(true)) => Finding::Known(AddressDependent),
            (None, Some(true)) => unknown(
                "the STUN server has one address only",
                &[EndpointIndependent, AddressDependent],
            ),
            (Some(false), None) => unknown(
                "the STUN server has one port only",
                &[AddressDependent, AddressAndPortDependent],
            ),
            (None, None) => {
                unknown("the STUN server cannot answer from another address or port", &every)
            }
        }
    }
}
