//! What ends by itself, and what goes on.

use crate::desk::{Desk, Outcome, PUBLIC, SERVER, error};
use std::net::SocketAddr;
use std::time::Duration;
use tincan_relay::relay::{Client, DropReason, Policy};
use tincan_relay::stun::{Class, Message, Writer, attribute, method};

const MINUTE: Duration = Duration::from_secs(60);

fn peer() -> SocketAddr {
    SocketAddr::from(([203, 0, 113, 77], 7000))
}

#[test]
fn an_allocation_ends_after_ten_minutes_unless_it_is_refreshed() {
    let mut desk = Desk::open();
    let relayed = desk.allocate().expect("allowed");
    assert_eq!(relayed, SocketAddr::new(PUBLIC, 50_000), "as the world sees it");
    desk.pass(9 * MINUTE);
    assert_eq!(desk.refresh(600), Ok(600));
    desk.pass(9 * MINUTE);
    desk.relay.sweep(desk.now.instant);
    assert_eq!(desk.relay.counters().allocations, 1);
    desk.pass(MINUTE);
    assert_eq!(desk.refresh(600), Err(437), "of no use though it was not swept");
    desk.relay.sweep(desk.now.instant);
    assert_eq!(desk.relay.counters().allocations, 0);
    desk.allocate().expect("the place is free again");
}

#[test]
fn lifetimes_are_between_ten_minutes_and_an_hour() {
    let mut desk = Desk::open();
    desk.allocate().expect("allowed");
    assert_eq!(desk.refresh(1), Ok(600));
    assert_eq!(desk.refresh(u32::MAX), Ok(3600));
    assert_eq!(desk.refresh(0), Ok(0));
}

#[test]
fn a_permission_ends_after_five_minutes() {
    let mut desk = Desk::open();
    desk.allocate().expect("allowed");
    let id = desk.last.expect("an allocation");
    desk.permit(peer()).expect("permitted");
    desk.pass(5 * MINUTE - Duration::from_secs(1));
    let sent = Outcome::ToPeer { socket: 50_000, peer: peer(), data: b"a".to_vec() };
    assert_eq!(desk.send_to(peer(), b"a"), sent);
    assert!(desk.hear(id, peer(), b"b").is_some());
    let elsewhere = SocketAddr::new(peer().ip(), 1);
    assert!(desk.hear(id, elsewhere, b"b").is_some(), "permissions are for addresses, not ports");
    desk.pass(Duration::from_secs(1));
    assert_eq!(desk.send_to(peer(), b"a"), Outcome::Nothing);
    assert!(desk.hear(id, peer(), b"b").is_none());
    assert_eq!(desk.relay.counters().dropped(DropReason::NotPermitted), 2);
}

#[test]
fn a_channel_ends_after_ten_minutes_and_rests_for_five() {
    let mut desk = Desk::open();
    desk.allocate().expect("allowed");
    let other = SocketAddr::from(([203, 0, 113, 78], 7000));
    desk.bind(0x4000, peer()).expect("bound");
    assert_eq!(desk.bind(0x4000, other), Err(400), "the number is taken");
    assert_eq!(desk.bind(0x4001, peer()), Err(400), "the peer has a number");
    assert_eq!(desk.bind(0x3fff, other), Err(400), "no channel");
    assert_eq!(desk.bind(0x5000, other), Err(400), "no channel");
    desk.pass(4 * MINUTE);
    assert_eq!(desk.refresh(3600), Ok(3600));
    desk.permit(peer()).expect("permitted");
    let data = [0x40, 0, 0, 1, b'x'];
    let sent = Outcome::ToPeer { socket: 50_000, peer: peer(), data: b"x".to_vec() };
    assert_eq!(desk.send(&data), sent);
    desk.pass(6 * MINUTE);
    desk.permit(peer()).expect("permitted");
    assert_eq!(desk.send(&data), Outcome::Nothing, "ended");
    assert_eq!(desk.bind(0x4000, other), Err(400), "rests");
    desk.pass(5 * MINUTE);
    desk.bind(0x4000, other).expect("bound anew");
}

#[test]
fn a_nonce_ends_and_a_new_one_comes_with_the_refusal() {
    let mut desk = Desk::open();
    desk.allocate().expect("allowed");
    assert_eq!(desk.refresh(3600), Ok(3600));
    desk.pass(30 * MINUTE);
    assert_eq!(desk.refresh(3600), Ok(3600));
    desk.pass(30 * MINUTE);
    let stale = desk.request_once(method::REFRESH, &|writer: Writer| writer);
    assert_eq!(stale, Err(438));
    assert_eq!(desk.refresh(3600), Ok(3600), "with the new one");
}

#[test]
fn an_allocate_request_that_comes_twice_gets_the_same_answer() {
    let mut desk = Desk::open();
    let relayed = desk.allocate().expect("allowed");
    let request = desk.sent.clone();
    desk.pass(Duration::from_secs(1));
    let Outcome::Reply(reply) = desk.send(&request) else { panic!("no answer") };
    let answer = Message::read(&reply.bytes).expect("STUN");
    assert_eq!(answer.class_and_method(), (Class::Success, method::ALLOCATE));
    assert_eq!(answer.xor_address(attribute::XOR_RELAYED_ADDRESS), Some(relayed));
    assert_eq!(answer.number(attribute::LIFETIME), Some(599));
    assert_eq!(desk.allocate(), Err(437), "another request is a mismatch");
    assert_eq!(desk.relay.counters().allocations_made, 1);
}

#[test]
fn bytes_beyond_the_rate_are_dropped_and_others_pass_a_second_later() {
    let policy = Policy { bytes_per_second: Some(1000), ..Policy::default() };
    let mut desk = Desk::new(policy);
    desk.allocate().expect("allowed");
    let id = desk.last.expect("an allocation");
    desk.permit(peer()).expect("permitted");
    let passes = |desk: &mut Desk| desk.send_to(peer(), &[0; 400]) != Outcome::Nothing;
    assert!(passes(&mut desk) && passes(&mut desk));
    assert!(!passes(&mut desk), "the third is too much");
    assert!(desk.hear(id, peer(), &[0; 900]).is_some(), "the other direction counts by itself");
    assert!(desk.hear(id, peer(), &[0; 900]).is_none());
    assert_eq!(desk.relay.counters().dropped(DropReason::Budget), 2);
    desk.refresh(0).expect("ended");
    desk.allocate().expect("a new one");
    desk.permit(peer()).expect("permitted");
    assert!(!passes(&mut desk), "a new allocation is no new budget");
    desk.pass(Duration::from_secs(1));
    assert!(passes(&mut desk));
}

#[test]
fn the_server_has_so_many_allocations_and_no_more() {
    let mut desk = Desk::new(Policy { max_allocations: 1, ..Policy::default() });
    desk.allocate().expect("allowed");
    desk.client.address.set_port(4001);
    assert_eq!(desk.allocate(), Err(508));
}

#[test]
fn requests_for_what_is_not_offered_are_refused_with_their_code() {
    let mut desk = Desk::open();
    let udp = |writer: Writer| writer.number(attribute::REQUESTED_TRANSPORT, 17 << 24);
    let mut refused = |fill: &dyn Fn(Writer) -> Writer| desk.request(method::ALLOCATE, fill);
    assert_eq!(refused(&|writer| writer), Err(400), "without transport");
    let tcp = |writer: Writer| writer.number(attribute::REQUESTED_TRANSPORT, 6 << 24);
    assert_eq!(refused(&tcp), Err(442));
    let family = attribute::REQUESTED_ADDRESS_FAMILY;
    assert_eq!(refused(&|it| udp(it).number(family, 2 << 24)), Err(440), "no IPv6 here");
    assert_eq!(refused(&|it| udp(it).number(family, 9 << 24)), Err(440));
    let reserve = |it| udp(it).attribute(attribute::EVEN_PORT, &[0x80]);
    assert_eq!(refused(&reserve), Err(508), "ports are not kept");
    let token = |it| udp(it).attribute(attribute::RESERVATION_TOKEN, &[0; 8]);
    assert_eq!(refused(&token), Err(508));
    assert_eq!(refused(&|it| udp(it).attribute(0x001a, &[])), Err(420), "DONT-FRAGMENT");
    assert_eq!(desk.relay.counters().allocations_made, 0);
}

#[test]
fn a_request_that_is_signed_but_says_too_little_is_bad() {
    let mut desk = Desk::open();
    let key = tincan_relay::stun::Key::long_term("a", "b", "c");
    let bare = Writer::new(Class::Request, method::ALLOCATE, [5; 12]).sign(&key).finish();
    let Outcome::Reply(reply) = desk.send(&bare) else { panic!("an answer") };
    assert_eq!(error(&reply.bytes), Some(400));
    let strange = Writer::new(Class::Request, 0x00a, [5; 12]).finish();
    let Outcome::Reply(reply) = desk.send(&strange) else { panic!("an answer") };
    assert_eq!(error(&reply.bytes), Some(400), "TURN over TCP to peers is not offered");
}

#[test]
fn two_allocations_reach_each_other_by_either_of_their_addresses() {
    let mut desk = Desk::open();
    let first = desk.client;
    let first_at = desk.allocate().expect("allowed");
    desk.pass(Duration::from_secs(1));
    let first_id = desk.last.expect("an allocation");
    let second = Client { address: SocketAddr::from(([203, 0, 113, 6], 4000)), ..first };
    desk.client = second;
    let second_at = desk.allocate().expect("allowed");
    desk.permit(first_at).expect("permitted");
    desk.client = first;
    for ip in [PUBLIC, SERVER] {
        let to = SocketAddr::new(ip, second_at.port());
        desk.permit(to).expect("permitted");
        let Outcome::ToClient { client, data } = desk.send_to(to, b"hello") else {
            panic!("not delivered at {ip}")
        };
        assert_eq!(client, second);
        let message = Message::read(&data).expect("an indication");
        assert_eq!(message.xor_address(attribute::XOR_PEER_ADDRESS), Some(first_at));
        assert_eq!(message.find(attribute::DATA), Some(&b"hello"[..]));
    }
    assert!(first_id != desk.last.expect("an allocation"));
}
