//! No more is sent than is seen.

use crate::person::{Person, World};
use crate::{accept, call, connected};
use std::time::Duration;
use tincan_client::view::{Intent, Snapshot};
use tincan_media::ladder::PictureQuality;
use tincan_proto::View;
use tincan_proto::units::Resolution;

const SMALL: Resolution = Resolution::new(320, 240);
/// What the smallest video call takes, in bits a second, and more than that.
const LITTLE: f64 = 300_000.0;
const MUCH: f64 = 400_000.0;

/// In a call in which both see each other.
async fn seeing_each_other(world: &World) -> (Person, Person) {
    let (alice, bob) = world.acquainted().await;
    call(&alice, &bob).await;
    accept(&bob).await;
    for person in [&alice, &bob] {
        person.wait_for_frames(5).await;
        assert!(connected(person));
    }
    (alice, bob)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_is_sent_as_large_as_it_is_drawn_and_not_at_all_while_nobody_looks() {
    let world = World::new().await;
    let (alice, bob) = seeing_each_other(&world).await;
    bob.wait_for_size(Resolution::VGA).await;
    bob.draws(View::Drawn(Resolution::new(320, 180))).await;
    bob.wait_for_size(SMALL).await;
    bob.draws(View::Drawn(Resolution::new(1280, 720))).await;
    bob.wait_for_size(Resolution::VGA).await;

    bob.draws(View::Hidden).await;
    // When they stop depends on when the other side hears of it.
    let mut frames = 0;
    while std::mem::replace(&mut frames, bob.frames()) != frames {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let shown = alice.frames();
    alice.wait_for_frames(shown + 10).await;
    assert_eq!(bob.frames(), frames, "nothing came");
    bob.wait("a pause that is no trouble", |s| {
        s.call.as_ref().is_some_and(|call| call.participants[0].picture_problem.is_none())
    })
    .await;
    bob.draws(View::Drawn(Resolution::new(1280, 720))).await;
    bob.wait_for_frames(frames + 10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_person_sees_of_themselves_goes_on_while_the_others_look_away() {
    let world = World::new().await;
    let (alice, bob) = seeing_each_other(&world).await;
    alice.draws_own(View::Drawn(Resolution::new(208, 130)));
    bob.draws(View::Hidden).await;
    alice.until("a small own picture", || alice.own_size() == Some(SMALL)).await;
    let shown = alice.own_pictures();
    alice.until("own pictures", || alice.own_pictures() > shown + 10).await;
    alice.draws_own(View::Hidden);
    let mut shown = 0;
    while std::mem::replace(&mut shown, alice.own_pictures()) != shown {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    alice.draws_own(View::Drawn(Resolution::new(208, 130)));
    alice.until("own pictures", || alice.own_pictures() > shown + 10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_saves_data_is_sent_little_too() {
    let world = World::new().await;
    let (alice, bob) = seeing_each_other(&world).await;
    let receives = |s: &Snapshot| {
        let stats = s.call.as_ref().and_then(|call| call.stats.first());
        stats.map_or(0.0, |one| one.stats.received_bitrate)
    };
    bob.wait("much comes", |s| receives(s) > MUCH).await;
    bob.intend(Intent::SetPictureQuality { quality: PictureQuality::LowData }).await;
    bob.wait("little comes", |s| receives(s) > 0.0 && receives(s) < LITTLE).await;
    let frames = bob.frames();
    bob.wait_for_frames(frames + 20).await;
    alice.wait_for_size(SMALL).await;
    bob.intend(Intent::SetPictureQuality { quality: PictureQuality::Medium }).await;
    bob.wait("much comes again", |s| receives(s) > MUCH).await;
}
