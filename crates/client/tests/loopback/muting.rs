//! Muting is total: of what is said meanwhile nothing reaches the other side, neither then nor later.

use crate::person::World;
use crate::room::Room;
use crate::{accept, call, connected};
use std::sync::Arc;
use tincan_client::view::Intent;

/// Speech is louder at the far side, wherever its syllables are.
const HEARD: f32 = 0.05;
/// The codec makes noise of its own.
const SILENT: f32 = 0.005;
/// Blocks in which everything is played that was under way: 600 ms.
const UNDER_WAY: u64 = 60;
/// Blocks in which the sounds of calls end: 3 s.
const CONNECTING: u64 = 300;
/// Blocks for which is listened: 1.5 s.
const LISTENED: u64 = 150;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_is_said_while_muted_is_heard_at_the_far_side() {
    let world = World::new().await;
    let (alices, bobs) = (Arc::<Room>::default(), Arc::<Room>::default());
    let (alice, bob) = world.acquainted_in(Some(alices.clone()), Some(bobs.clone())).await;
    alices.speak(true);
    call(&alice, &bob).await;
    accept(&bob).await;
    for person in [&alice, &bob] {
        person.until("connected", || connected(person)).await;
    }
    let listen = async |blocks| {
        let from = bobs.played();
        bob.until("the speaker plays", || bobs.played() >= from + blocks).await;
    };
    // The sounds of calling and connecting end first.
    listen(CONNECTING).await;
    bobs.loudest();
    bob.until("she is heard", || bobs.loudest() > HEARD).await;

    alice.intend(Intent::SetMicrophone { on: false }).await;
    bob.wait("he is told", |s| s.call.as_ref().is_some_and(|c| !c.participants[0].microphone))
        .await;
    listen(UNDER_WAY).await;
    let sent = alice.wait_for_connection().await.totals.audio_packets_sent;
    bobs.loudest();
    listen(LISTENED).await;
    let peak = bobs.loudest();
    assert!(peak < SILENT, "while she is muted, a sample of {peak}");
    let since = alice.wait_for_connection().await.totals.audio_packets_sent - sent;
    assert_eq!(since, 0, "packets while she is muted");

    // She stops speaking, and what was said before is in no packet that follows.
    alices.speak(false);
    listen(UNDER_WAY).await;
    alice.intend(Intent::SetMicrophone { on: true }).await;
    bob.wait("he is told", |s| s.call.as_ref().is_some_and(|c| c.participants[0].microphone)).await;
    listen(LISTENED).await;
    let peak = bobs.loudest();
    assert!(peak < SILENT, "after she is muted no more, a sample of {peak}");
    let since = alice.wait_for_connection().await.totals.audio_packets_sent - sent;
    assert!(since > 0, "packets after she is muted no more");

    alices.speak(true);
    bob.until("she is heard again", || bobs.loudest() > HEARD).await;
}
