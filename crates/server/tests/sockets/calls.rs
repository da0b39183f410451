use crate::apps::{App, befriend, name, random_call, start, start_with};
use std::time::Duration;
use tincan_proto::peer_message::{Candidate, Generation, Numbered, PeerMessage, SignedMessage};
use tincan_proto::signalling::{
    CallMedia, CallOutcome, DeclineReason, LeaveReason, Presence, RingStop, Unreachable,
};
use tincan_proto::{CallId, ClientMessage, ServerMessage};
use tincan_server::{Server, Timings};

async fn alice_and_bob(server: &Server) -> (App, App) {
    let mut alice = App::register(server, "alice").await;
    let mut bob = App::register(server, "bob").await;
    befriend(&mut alice, &mut bob).await;
    (alice, bob)
}

fn invite(caller: &App, callee: &App) -> CallId {
    let call = random_call();
    let to = vec![callee.me.account.clone()];
    caller.send(ClientMessage::Invite { call, to, media: CallMedia::Video, hide_address: false });
    call
}

async fn rings(app: &mut App, expected: CallId) {
    app.message(|m| match m {
        ServerMessage::Incoming { call, .. } => (*call == expected).then_some(()),
        _ => None,
    })
    .await;
}

async fn presence(app: &mut App, of: &str, expected: Presence) {
    let expected = ServerMessage::PresenceChanged { name: name(of), presence: expected };
    app.expect(expected).await;
}

#[tokio::test]
async fn a_call_from_its_ring_to_its_place_in_the_history() {
    let server = start().await;
    let (mut alice, mut bob) = alice_and_bob(&server).await;
    let call = invite(&alice, &bob);
    rings(&mut bob, call).await;
    bob.send(ClientMessage::RingingHere { call, hide_address: false });
    alice
        .expect(ServerMessage::Ringing { call, device: bob.me.clone(), hide_address: false })
        .await;
    bob.send(ClientMessage::Accept { call });
    alice.expect(ServerMessage::Accepted { call, by: bob.me.clone(), hide_address: false }).await;
    presence(&mut alice, "bob", Presence::InCall).await;

    let candidate = PeerMessage::Candidate(Candidate {
        candidate: "candidate:1".into(),
        sdp_mid: None,
        sdp_m_line_index: Some(0),
        username_fragment: None,
    });
    let candidate = Numbered { generation: Generation(0), message: candidate };
    let message = SignedMessage::seal(&alice.key, call, &alice.me, &bob.me, &candidate);
    alice.send(ClientMessage::Signal { call, to: bob.me.clone(), message });
    let (from, message) = bob
        .message(|m| match m {
            ServerMessage::Signal { from, message, .. } => Some((from.clone(), message.clone())),
            _ => None,
        })
        .await;
    assert_eq!(from, alice.me);
    assert_eq!(message.open(&alice.key.public(), call, &alice.me, &bob.me), Ok(candidate));

    let reason = LeaveReason::HungUp;
    bob.send(ClientMessage::Leave { call, reason });
    alice.expect(ServerMessage::Left { call, who: bob.me.clone(), reason }).await;
    for (app, with) in [(&mut alice, "bob"), (&mut bob, "alice")] {
        app.send(ClientMessage::ListHistory { before: None, limit: 10 });
        let entries = app
            .message(|m| match m {
                ServerMessage::History { entries } => Some(entries.clone()),
                _ => None,
            })
            .await;
        assert_eq!(entries.len(), 1);
        assert_eq!((entries[0].call, entries[0].outcome), (call, CallOutcome::Answered));
        assert_eq!(entries[0].with, [name(with)]);
    }
}

#[tokio::test]
async fn an_answer_on_one_device_stops_the_other() {
    let server = start().await;
    let (mut alice, mut bob) = alice_and_bob(&server).await;
    let mut phone = bob.other_device(&server).await;
    let call = invite(&alice, &bob);
    rings(&mut bob, call).await;
    rings(&mut phone, call).await;
    phone.send(ClientMessage::Accept { call });
    bob.expect(ServerMessage::RingStopped { call, reason: RingStop::AnsweredElsewhere }).await;
    alice.expect(ServerMessage::Accepted { call, by: phone.me.clone(), hide_address: false }).await;
}

#[tokio::test]
async fn declining_and_cancelling_are_told_to_the_other_side() {
    let server = start().await;
    let (mut alice, mut bob) = alice_and_bob(&server).await;
    let call = invite(&alice, &bob);
    rings(&mut bob, call).await;
    bob.send(ClientMessage::Decline { call, reason: DeclineReason::Declined });
    alice.expect(ServerMessage::Declined { call, account: name("bob") }).await;

    let call = invite(&alice, &bob);
    rings(&mut bob, call).await;
    alice.send(ClientMessage::Cancel { call });
    bob.expect(ServerMessage::RingStopped { call, reason: RingStop::Cancelled }).await;
}

#[tokio::test]
async fn a_ring_without_an_answer_ends_by_the_servers_clock() {
    let ring = Duration::from_millis(100);
    let server = start_with(Timings { ring, ..Timings::default() }).await;
    let (mut alice, mut bob) = alice_and_bob(&server).await;
    let call = invite(&alice, &bob);
    rings(&mut bob, call).await;
    bob.expect(ServerMessage::RingStopped { call, reason: RingStop::NoAnswer }).await;
    let reason = Unreachable::NoAnswer;
    alice.expect(ServerMessage::Unreachable { call, account: name("bob"), reason }).await;
}

#[tokio::test]
async fn a_caller_that_vanishes_stops_the_ring() {
    let caller_grace = Duration::from_millis(50);
    let server = start_with(Timings { caller_grace, ..Timings::default() }).await;
    let (alice, mut bob) = alice_and_bob(&server).await;
    let call = invite(&alice, &bob);
    rings(&mut bob, call).await;
    drop(alice);
    bob.expect(ServerMessage::RingStopped { call, reason: RingStop::CallerGone }).await;
}

#[tokio::test]
async fn a_participant_that_vanishes_has_left_after_the_grace() {
    let participant_grace = Duration::from_millis(50);
    let server = start_with(Timings { participant_grace, ..Timings::default() }).await;
    let (mut alice, mut bob) = alice_and_bob(&server).await;
    let call = invite(&alice, &bob);
    rings(&mut bob, call).await;
    bob.send(ClientMessage::Accept { call });
    alice.expect(ServerMessage::Accepted { call, by: bob.me.clone(), hide_address: false }).await;
    let who = bob.me.clone();
    bob.client.shutdown().await;
    alice.expect(ServerMessage::Left { call, who, reason: LeaveReason::Gone }).await;
}

#[tokio::test]
async fn a_participant_that_comes_back_in_time_is_still_in_the_call() {
    let server = start().await;
    let url = server.local_addr().to_string();
    let (mut alice, mut bob) = alice_and_bob(&server).await;
    let call = invite(&alice, &bob);
    rings(&mut bob, call).await;
    bob.send(ClientMessage::Accept { call });
    alice.expect(ServerMessage::Accepted { call, by: bob.me.clone(), hide_address: false }).await;
    let (me, key) = (bob.me.clone(), bob.key.clone());
    bob.client.shutdown().await;
    let mut bob = App::connect_as(&url, me, key, false);
    bob.signed_in().await;
    let reason = LeaveReason::HungUp;
    bob.send(ClientMessage::Leave { call, reason });
    alice.expect(ServerMessage::Left { call, who: bob.me.clone(), reason }).await;
}
