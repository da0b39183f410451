//! What wants attention: calls that ring, calls that were missed, and peace from both.

use crate::person::World;
use crate::{call, connected};
use tincan_client::ports::Happening;
use tincan_client::view::{Intent, Settings, Snapshot};
use tincan_proto::signalling::{CallMedia, CallOutcome};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_was_given_up_is_missed_and_one_that_was_declined_is_not() {
    let world = World::new().await;
    let (alice, bob) = world.acquainted().await;
    call(&alice, &bob).await;
    let (first, from) = (bob.look(|s| s.incoming[0].call), alice.name());
    alice.intend(Intent::HangUp).await;
    bob.wait("it rings no more", |s| s.incoming.is_empty()).await;
    let told = [
        Happening::RingStarted { call: first, from: from.clone() },
        Happening::RingStopped { call: first },
        Happening::CallMissed { call: first, from, media: CallMedia::Video },
    ];
    bob.until("it was missed", || bob.happenings() == told).await;

    call(&alice, &bob).await;
    let second = bob.look(|s| s.incoming[0].call);
    bob.intend(Intent::Decline { call: second }).await;
    alice.wait("declined", |s| s.ended.is_some()).await;
    let stopped = Happening::RingStopped { call: second };
    assert_eq!(bob.happenings().last(), Some(&stopped), "what one declines is not missed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_want_to_be_disturbed_sees_a_call_and_is_not_called_to_it() {
    let world = World::new().await;
    let (alice, bob) = world.acquainted().await;
    let settings = Settings { do_not_disturb: true, ..Settings::default() };
    bob.intend(Intent::UpdateSettings { settings }).await;
    call(&alice, &bob).await;
    let ring = bob.look(|s| s.incoming[0].call);
    alice.intend(Intent::HangUp).await;
    bob.wait("in the history", |s| {
        s.history.iter().any(|entry| entry.outcome == CallOutcome::Missed)
    })
    .await;
    assert_eq!(bob.happenings(), [Happening::RingStopped { call: ring }]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ring_that_ends_during_a_call_leaves_the_call_alone() {
    let world = World::new().await;
    let (alice, bob) = world.acquainted().await;
    let carol = world.person("carol", &["bob"]).await;
    bob.intend(Intent::AddContact { name: "carol".into() }).await;
    carol.wait("a contact", |s| s.contacts.len() == 1).await;
    call(&alice, &bob).await;
    let first = bob.look(|s| s.incoming[0].call);
    let to = vec![bob.name()];
    carol.intend(Intent::Call { to, media: CallMedia::Audio }).await;
    bob.wait("both ring", |s| s.incoming.len() == 2).await;
    bob.intend(Intent::Accept { call: first, media: CallMedia::Video }).await;
    bob.until("connected", || connected(&bob)).await;

    let clock = |s: &Snapshot| s.call.as_ref().and_then(|call| call.connected_at);
    let since = bob.look(clock);
    assert!(since.is_some(), "it is connected");
    carol.intend(Intent::HangUp).await;
    bob.wait("one call alone", |s| s.incoming.is_empty()).await;
    assert_eq!(bob.look(clock), since);
}
