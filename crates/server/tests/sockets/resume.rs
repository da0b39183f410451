//! Sessions that go on over cut connections and over a server that is killed.

use crate::apps::{App, befriend, random_call, random_key};
use crate::program::Program;
use crate::proxy::Proxy;
use tincan_proto::peer_message::SignedMessage;
use tincan_proto::signalling::{CallMedia, CallOutcome, LeaveReason, RingStop};
use tincan_proto::{CallId, ClientMessage, ServerMessage};
use tincan_server::Server;
use tincan_signal_client::SignalEvent;

/// Connections that are cut, and messages in each direction.
const CUTS: u64 = 20;
const MESSAGES: u64 = 400;

async fn ring(alice: &App, bob: &mut App) -> CallId {
    let (call, to) = (random_call(), vec![bob.me.account.clone()]);
    alice.send(ClientMessage::Invite { call, to, media: CallMedia::Audio, hide_address: false });
    bob.message(|m| matches!(m, ServerMessage::Incoming { .. }).then_some(())).await;
    call
}

async fn answered_call(alice: &mut App, bob: &mut App) -> CallId {
    let call = ring(alice, bob).await;
    bob.send(ClientMessage::Accept { call });
    alice.expect(ServerMessage::Accepted { call, by: bob.me.clone(), hide_address: false }).await;
    call
}

/// Waits until an app has lost its server, so that what it says next is said without one.
async fn lost(app: &mut App) {
    app.event(|event| matches!(event, SignalEvent::Lost { .. }).then_some(())).await;
}

/// Waits for the next sign-in and returns whether the session goes on.
async fn resumed(app: &mut App) -> bool {
    app.client.retry_now();
    app.event(|event| match event {
        SignalEvent::SignedIn { resumed, .. } => Some(*resumed),
        _ => None,
    })
    .await
}

async fn outcomes(app: &mut App) -> Vec<(CallId, CallOutcome)> {
    app.send(ClientMessage::ListHistory { before: None, limit: 10 });
    app.message(|m| match m {
        ServerMessage::History { entries } => {
            Some(entries.iter().map(|e| (e.call, e.outcome)).collect())
        }
        _ => None,
    })
    .await
}

#[tokio::test]
async fn no_message_is_lost_or_repeated_while_connections_are_cut() {
    let server = Server::start(crate::apps::config()).await.expect("a free port");
    let proxy = Proxy::to(server.local_addr()).await;
    let mut alice = App::connect(&proxy.url(), "alice", random_key(), true);
    let mut bob = App::connect(&proxy.url(), "bob", random_key(), true);
    alice.signed_in().await;
    bob.signed_in().await;
    befriend(&mut alice, &mut bob).await;
    let call = answered_call(&mut alice, &mut bob).await;
    let signature = alice.key.sign(tincan_proto::identity::Domain::PeerMessage, &[]);
    let mut heard = 0;
    for round in 0..CUTS {
        for n in 0..MESSAGES / CUTS {
            let body = (round * (MESSAGES / CUTS) + n).to_string();
            let message = SignedMessage { body, signature };
            alice.send(ClientMessage::Signal { call, to: bob.me.clone(), message });
        }
        proxy.cut();
        // whatever has come through until now, and the next sign-in
        bob.event(|event| match event {
            SignalEvent::Message(ServerMessage::Signal { message, .. }) => {
                assert_eq!(message.body, heard.to_string(), "once and in order");
                heard += 1;
                None
            }
            SignalEvent::SignedIn { resumed, .. } => {
                assert!(resumed);
                Some(())
            }
            SignalEvent::Lost { .. } => {
                alice.client.retry_now();
                None
            }
            _ => None,
        })
        .await;
        assert!(resumed(&mut alice).await);
    }
    while heard < MESSAGES {
        bob.message(|m| match m {
            ServerMessage::Signal { message, .. } => {
                assert_eq!(message.body, heard.to_string(), "once and in order");
                heard += 1;
                Some(())
            }
            _ => None,
        })
        .await;
    }
}

#[tokio::test]
async fn a_call_outlasts_a_server_that_is_killed_and_a_hang_up_meanwhile_ends_it() {
    let mut program = Program::start().await;
    let (mut alice, mut bob) = program.alice_and_bob().await;
    let call = answered_call(&mut alice, &mut bob).await;
    program.kill();
    lost(&mut alice).await;
    lost(&mut bob).await;
    let reason = LeaveReason::HungUp;
    bob.send(ClientMessage::Leave { call, reason });
    program.restart().await;
    assert!(resumed(&mut alice).await && resumed(&mut bob).await);
    alice.expect(ServerMessage::Left { call, who: bob.me.clone(), reason }).await;
    for app in [&mut alice, &mut bob] {
        assert_eq!(outcomes(app).await, [(call, CallOutcome::Answered)]);
    }
}

#[tokio::test]
async fn a_ring_outlasts_a_server_that_is_killed_and_is_accepted_meanwhile() {
    let mut program = Program::start().await;
    let (mut alice, mut bob) = program.alice_and_bob().await;
    let call = ring(&alice, &mut bob).await;
    program.kill();
    lost(&mut bob).await;
    bob.send(ClientMessage::Accept { call });
    program.restart().await;
    assert!(resumed(&mut bob).await && resumed(&mut alice).await);
    alice.expect(ServerMessage::Accepted { call, by: bob.me.clone(), hide_address: false }).await;
}

#[tokio::test]
async fn a_ring_that_is_given_up_while_the_server_is_away_stops_when_it_is_back() {
    let mut program = Program::start().await;
    let (mut alice, mut bob) = program.alice_and_bob().await;
    let call = ring(&alice, &mut bob).await;
    program.kill();
    lost(&mut alice).await;
    alice.send(ClientMessage::Cancel { call });
    program.restart().await;
    assert!(resumed(&mut alice).await && resumed(&mut bob).await);
    bob.expect(ServerMessage::RingStopped { call, reason: RingStop::Cancelled }).await;
    assert_eq!(outcomes(&mut bob).await, [(call, CallOutcome::Missed)]);
}

#[tokio::test]
async fn a_server_that_has_lost_its_sessions_says_so() {
    let mut program = Program::start().await;
    let (mut alice, mut bob) = program.alice_and_bob().await;
    let call = answered_call(&mut alice, &mut bob).await;
    program.kill();
    let path = format!("sqlite://{}", program.folder.0.join("server.sqlite").display());
    let database = sqlx::SqlitePool::connect(&path).await.expect("opens");
    for table in ["DELETE FROM sessions", "DELETE FROM calls"] {
        sqlx::query(table).execute(&database).await.expect("runs");
    }
    database.close().await;
    program.restart().await;
    lost(&mut alice).await;
    lost(&mut bob).await;
    assert!(!resumed(&mut alice).await && !resumed(&mut bob).await);
    // what brought them into the call is said again
    let to = vec![bob.me.account.clone()];
    alice.send(ClientMessage::Invite { call, to, media: CallMedia::Audio, hide_address: false });
    bob.message(|m| matches!(m, ServerMessage::Incoming { .. }).then_some(())).await;
    bob.send(ClientMessage::Accept { call });
    alice.expect(ServerMessage::Accepted { call, by: bob.me.clone(), hide_address: false }).await;
}
