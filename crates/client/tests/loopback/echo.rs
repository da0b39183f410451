//! Calls with the echo contact.

use crate::connected;
use crate::person::World;
use tincan_client::view::Intent;
use tincan_proto::signalling::{CallMedia, Presence};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_echo_contact_answers_by_itself_and_sends_the_picture_back_by_both_paths() {
    let world = World::with_echo().await;
    let alice = world.person("alice", &[]).await;
    alice
        .wait("the echo contact", |s| {
            s.contacts.first().is_some_and(|echo| echo.presence == Presence::Online)
        })
        .await;
    let echo = alice.look(|s| s.contacts[0].name.clone());
    alice.intend(Intent::Call { to: vec![echo], media: CallMedia::Video }).await;
    alice.until("connected", || connected(&alice)).await;
    alice.wait_for_frames(30).await;
    let said = |s: &tincan_client::view::Snapshot| {
        s.call.as_ref().and_then(|call| call.echo.clone()).unwrap_or_default()
    };
    alice.wait("the path", |s| said(s).relayed == Some(false)).await;
    let reported = |s: &tincan_client::view::Snapshot, relayed| {
        said(s).reports.iter().any(|report| report.relayed == relayed)
    };
    alice.wait("a report", |s| reported(s, false)).await;

    alice.wait("the path through the relay", |s| said(s).relayed == Some(true)).await;
    alice.wait_for_frames(alice.frames() + 10).await;
    alice.wait("a report of that, too", |s| reported(s, true) && reported(s, false)).await;

    alice.intend(Intent::HangUp).await;
    alice.wait("the call is over", |s| s.call.is_none()).await;
    alice
        .wait("still there", |s| {
            s.contacts.first().is_some_and(|echo| echo.presence == Presence::Online)
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_hear_themselves_at_the_same_time() {
    let world = World::with_echo().await;
    let people = [world.person("alice", &[]).await, world.person("bob", &[]).await];
    for person in &people {
        person.wait("the echo contact", |s| !s.contacts.is_empty()).await;
        let echo = person.look(|s| s.contacts[0].name.clone());
        person.intend(Intent::Call { to: vec![echo], media: CallMedia::Video }).await;
    }
    for person in &people {
        person.until("connected", || connected(person)).await;
        person.wait_for_frames(10).await;
    }
}
