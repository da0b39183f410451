//! RFC 5780's questions through simulated translators.

use crate::all;
use crate::simulation::{Address, Content, Packet, Translator};
use std::net::{Ipv4Addr, SocketAddr};
use tincan_connectivity::behaviour::{Answer, FilteringDiscovery, MappingDiscovery, Question};
use tincan_connectivity::message::Binding;
use tincan_connectivity::{Filtering, Finding, Mapping, Nat};

const PRIMARY: Address = (2, 3478);
const PORTS: [u16; 2] = [3478, 3479];

/// What a server can do.
#[derive(Clone, Copy)]
struct Server {
    /// Numbers of its hosts.
    hosts: &'static [usize],
    /// It knows CHANGE-REQUEST and OTHER-ADDRESS.
    changes: bool,
    /// It says so but answers from where it was asked.
    pretends: bool,
}

const TWO_ADDRESSES: Server = Server { hosts: &[2, 3], changes: true, pretends: false };
const ONE_ADDRESS: Server = Server { hosts: &[2], changes: true, pretends: false };
const PLAIN: Server = Server { hosts: &[2], changes: false, pretends: false };
const PRETENDING: Server = Server { hosts: &[2, 3], changes: true, pretends: true };

#[test]
fn a_server_with_two_addresses_tells_every_behaviour() {
    for nat in translators() {
        let (mapping, filtering) = discover(nat, TWO_ADDRESSES, None);
        assert_eq!(
            (mapping, filtering),
            (Finding::Known(nat_parts(nat).0), Finding::Known(nat_parts(nat).1))
        );
    }
}

#[test]
fn a_server_with_one_address_never_tells_anything_wrong() {
    for nat in translators() {
        let (mapping, filtering) = discover(nat, ONE_ADDRESS, None);
        let truth = nat_parts(nat);
        assert!(mapping.possible().contains(&truth.0), "{nat:?}: {mapping:?}");
        assert!(filtering.possible().contains(&truth.1), "{nat:?}: {filtering:?}");
        assert!(mapping.possible().len() <= 2 && filtering.possible().len() <= 2);
    }
}

#[test]
fn one_address_is_enough_to_know_a_symmetric_translator() {
    let (mapping, filtering) = discover(Nat::SYMMETRIC, ONE_ADDRESS, None);
    assert_eq!(mapping, Finding::Known(Mapping::AddressAndPortDependent));
    assert_eq!(filtering, Finding::Known(Filtering::AddressAndPortDependent));
}

#[test]
fn a_second_server_stands_in_for_the_second_address() {
    for nat in [Nat::FULL_CONE, Nat::PORT_RESTRICTED] {
        let (mapping, _) = discover(nat, PLAIN, Some((4, 3478)));
        assert_eq!(mapping, Finding::Known(Mapping::EndpointIndependent));
    }
}

#[test]
fn a_plain_server_leaves_all_open_and_says_why() {
    let (mapping, filtering) = discover(Nat::FULL_CONE, PLAIN, None);
    assert_eq!((mapping.possible().len(), filtering.possible().len()), (3, 3));
    assert!(filtering.why().is_some_and(|why| why.contains("another address")), "{filtering:?}");
}

#[test]
fn a_server_that_ignores_the_request_tells_nothing_of_filtering() {
    for nat in translators() {
        let (_, filtering) = discover(nat, PRETENDING, None);
        assert!(filtering.known().is_none(), "{nat:?}: {filtering:?}");
    }
}

#[test]
fn without_translator_the_mapping_is_independent() {
    let (mapping, filtering) = discover(Nat::Public, TWO_ADDRESSES, None);
    assert_eq!(mapping, Finding::Known(Mapping::EndpointIndependent));
    assert_eq!(filtering, Finding::Known(Filtering::EndpointIndependent));
}

#[test]
fn nothing_is_told_where_udp_is_blocked() {
    let (mapping, filtering) = discover(Nat::UdpBlocked, TWO_ADDRESSES, None);
    assert_eq!((mapping.possible().len(), filtering.possible().len()), (3, 3));
}

fn translators() -> impl Iterator<Item = Nat> {
    all().into_iter().filter(|nat| matches!(nat, Nat::Translated(_)))
}

fn nat_parts(nat: Nat) -> (Mapping, Filtering) {
    let Nat::Translated(behaviour) = nat else { panic!("{nat:?} is no translator") };
    (behaviour.mapping, behaviour.filtering)
}

fn discover(
    nat: Nat,
    server: Server,
    second: Option<Address>,
) -> (Finding<Mapping>, Finding<Filtering>) {
    let mut translator = Translator::new(nat, 0, 2_000);
    let mut mapping = MappingDiscovery::new(socket(PRIMARY), second.map(socket));
    while let Some(question) = mapping.next() {
        let answer = server.answer(&mut translator, question);
        mapping.take(question, answer);
    }
    // Another socket: a translator's state of its own.
    let mut translator = Translator::new(nat, 0, 9_000);
    let mut filtering = FilteringDiscovery::new(socket(PRIMARY));
    while let Some(question) = filtering.next() {
        let answer = server.answer(&mut translator, question);
        filtering.take(question, answer);
    }
    (mapping.finding(SocketAddr::from(([192, 168, 0, 1], 5_000))), filtering.finding())
}

impl Server {
    fn answer(self, translator: &mut Translator, question: Question) -> Answer {
        let asked = address(question.server);
        let mapped = translator.outbound(asked)?;
        let mut from = asked;
        if self.changes && !self.pretends {
            if question.change.address {
                from.0 = *self.hosts.iter().find(|&&host| host != asked.0)?;
            }
            if question.change.port {
                from.1 = PORTS[usize::from(asked.1 == PORTS[0])];
            }
        }
        let packet = Packet { from, to: mapped, content: Content::Request };
        let other = self.changes.then(|| {
            let host = self.hosts.iter().find(|&&host| host != asked.0).unwrap_or(&asked.0);
            socket((*host, PORTS[usize::from(asked.1 == PORTS[0])]))
        });
        let binding = Binding { mapped: socket(mapped), other };
        translator.admits(packet).then_some((socket(from), binding))
    }
}

fn socket((host, port): Address) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::new(203, 0, 113, host as u8), port))
}

fn address(socket: SocketAddr) -> Address {
    let SocketAddr::V4(v4) = socket else { panic!("only IPv4 here") };
    (usize::from(v4.ip().octets()[3]), v4.port())
}
