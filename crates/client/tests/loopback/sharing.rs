//! Sharing a screen: what is painted on a desktop here is read from decoded pictures there.

use crate::desktop::{MONITOR, WINDOW};
use crate::person::{Person, World};
use crate::{accept, call, connected};
use tincan_client::view::{
    Intent, IntentErrorCode, ParticipantView, Settings, ShareProblem, ShareView, Snapshot,
};
use tincan_media::screen::ScreenError;
use tincan_proto::signalling::CallMedia;
use tincan_proto::units::Resolution;

/// The own view of [`MONITOR`].
const SMALL: Resolution = Resolution::new(400, 300);

fn share_of(s: &Snapshot) -> ShareView {
    s.call.as_ref().map_or(ShareView::Off, |call| call.share.clone())
}

fn is_off(s: &Snapshot) -> bool {
    share_of(s) == ShareView::Off
}

fn is_starting(s: &Snapshot) -> bool {
    matches!(share_of(s), ShareView::Starting { .. })
}

fn problem(s: &Snapshot) -> Option<ShareProblem> {
    s.call.as_ref().and_then(|call| call.share_problem)
}

fn other(s: &Snapshot) -> Option<&ParticipantView> {
    s.call.as_ref()?.participants.first()
}

async fn in_call(world: &World) -> (Person, Person) {
    let (alice, bob) = world.acquainted().await;
    call(&alice, &bob).await;
    accept(&bob).await;
    for person in [&alice, &bob] {
        person.until("connected", || connected(person)).await;
        person.wait_for_size(Resolution::VGA).await;
    }
    (alice, bob)
}

/// Shares, and paints until it is seen there.
async fn share(from: &Person, to: &Person, target: &str, stamp: u64) {
    from.wait("the list", |s| s.screens.targets.len() == 2).await;
    from.intend(Intent::ShareScreen { target: Some(target.to_owned()) }).await;
    from.until("it is taken", || from.desktop.shared().contains(&target.to_owned())).await;
    let stamp = from.desktop.paint(stamp);
    to.wait_for_stamp(stamp).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_screen_takes_the_cameras_place_and_gives_it_back_without_any_negotiation() {
    let mut world = World::without_relay().await;
    let (alice, bob) = in_call(&world).await;
    // All negotiation goes by the server.
    world.stop_server().await;
    alice.wait("the list", |s| s.screens.targets.len() == 2).await;
    alice.intend(Intent::ShareScreen { target: Some("monitor".into()) }).await;
    alice.wait("it begins", is_starting).await;
    alice.until("it is taken", || alice.desktop.shared() == ["monitor"]).await;
    bob.wait_for_frames(bob.frames() + 5).await;
    assert!(bob.look(|s| other(s).is_some_and(|p| !p.screen)), "the camera until it delivers");

    // The decoder there takes nothing of another size but a key frame.
    assert_eq!(bob.wait_for_stamp(alice.desktop.paint(1)).await, MONITOR);
    let sharing = |showing_camera| ShareView::Sharing {
        name: "The monitor".into(),
        target_kind: tincan_client::view::ScreenKind::Monitor,
        width: MONITOR.width,
        height: MONITOR.height,
        sound: false,
        showing_camera,
    };
    alice.wait("shared", |s| share_of(s) == sharing(false)).await;
    bob.wait("a screen", |s| other(s).is_some_and(|p| p.screen && p.tile.is_some())).await;
    alice.until("the own tile shows it small", || alice.own_size() == Some(SMALL)).await;
    assert_eq!(bob.wait_for_stamp(alice.desktop.paint(2)).await, MONITOR);

    alice.intend(Intent::ShowWhileSharing { camera: true }).await;
    bob.wait_for_size(Resolution::VGA).await;
    alice.wait("the camera meanwhile", |s| share_of(s) == sharing(true)).await;
    bob.wait("no screen", |s| other(s).is_some_and(|p| !p.screen && p.camera)).await;
    alice.intend(Intent::ShowWhileSharing { camera: false }).await;
    bob.wait_for_size(MONITOR).await;

    alice.intend(Intent::StopSharing).await;
    bob.wait_for_size(Resolution::VGA).await;
    alice.wait("off", is_off).await;
    assert_eq!((alice.desktop.shared(), alice.look(problem)), (vec![], None));
    bob.wait("no screen", |s| other(s).is_some_and(|p| !p.screen && p.camera)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_audio_call_shows_a_screen_while_it_is_shared_and_nothing_after() {
    let world = World::new().await;
    let (alice, bob) = world.acquainted().await;
    alice.intend(Intent::Call { to: vec![bob.name()], media: CallMedia::Audio }).await;
    bob.wait("it rings", |s| !s.incoming.is_empty()).await;
    let ring = bob.look(|s| s.incoming[0].call);
    bob.intend(Intent::Accept { call: ring, media: CallMedia::Audio }).await;
    bob.until("connected", || connected(&bob)).await;
    share(&alice, &bob, "window", 7).await;
    bob.wait("a tile", |s| other(s).is_some_and(|p| p.screen && p.tile.is_some())).await;
    alice
        .until("what the others see", || alice.own_size() == Some(Resolution::new(480, 266)))
        .await;
    alice.intend(Intent::StopSharing).await;
    bob.wait("no tile", |s| other(s).is_some_and(|p| !p.camera && p.tile.is_none())).await;
    alice.until("nothing is seen", || alice.own_size().is_none()).await;
    let no_tile = |s: &Snapshot| s.call.as_ref().is_some_and(|c| c.self_tile.is_none());
    alice.wait("no tile of one's own", no_tile).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_that_closes_ends_its_share_and_the_camera_is_back() {
    let world = World::new().await;
    let (alice, bob) = in_call(&world).await;
    share(&alice, &bob, "window", 7).await;
    alice.desktop.close_all();
    alice.wait("it is over", |s| is_off(s) && problem(s) == Some(ShareProblem::Closed)).await;
    bob.wait_for_size(Resolution::VGA).await;
    bob.wait("no screen", |s| other(s).is_some_and(|p| !p.screen && p.camera)).await;

    alice.intend(Intent::ShareScreen { target: Some("monitor".into()) }).await;
    alice.wait("a new beginning", |s| problem(s).is_none()).await;
    let nothing = Intent::ShareScreen { target: Some("nothing".into()) };
    let refused = alice.try_intend(nothing).await.map_err(|error| error.code);
    assert_eq!(refused, Err(IntentErrorCode::NoScreen));
    alice.intend(Intent::HangUp).await;
    alice.until("a share ends with its call", || alice.desktop.shared().is_empty()).await;
    let alone = alice.try_intend(Intent::ShareScreen { target: Some("monitor".into()) }).await;
    assert_eq!(alone.map_err(|error| error.code), Err(IntentErrorCode::NoCall));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_joins_late_sees_a_screen_on_which_nothing_happens_any_more() {
    let world = World::new().await;
    let (alice, bob) = world.acquainted().await;
    let carol = world.person("carol", &["alice", "bob"]).await;
    for person in [&alice, &bob] {
        person.intend(Intent::AddContact { name: "carol".into() }).await;
        person.wait("contacts", |s| s.contacts.len() == 2).await;
    }
    let to = vec![bob.name(), carol.name()];
    alice.intend(Intent::Call { to, media: CallMedia::Audio }).await;
    for person in [&bob, &carol] {
        person.wait("it rings", |s| !s.incoming.is_empty()).await;
    }
    accept(&bob).await;
    bob.until("connected", || connected(&bob)).await;
    share(&alice, &bob, "monitor", 7).await;
    accept(&carol).await;
    let stamp = tincan_media::synthetic::picture::Stamp::from_unix_millis(7);
    assert_eq!(carol.wait_for_stamp(stamp).await, MONITOR);
    let alices = |s: &Snapshot| {
        let call = s.call.as_ref();
        call.and_then(|call| call.participants.iter().find(|p| p.account == alice.name()).cloned())
    };
    carol.wait("it is a screen", |s| alices(s).is_some_and(|p| p.screen)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_can_share_at_the_same_time() {
    let world = World::new().await;
    let (alice, bob) = in_call(&world).await;
    tokio::join!(share(&alice, &bob, "monitor", 7), share(&bob, &alice, "window", 9));
    for (person, size) in [(&alice, WINDOW), (&bob, MONITOR)] {
        person.wait_for_size(size).await;
        person.wait("a screen", |s| other(s).is_some_and(|p| p.screen)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dialog_is_declined_given_up_or_answered_and_the_next_time_it_can_be_spared() {
    let world = World::new().await;
    let alice = world.person_with_dialog("alice", &[]).await;
    let bob = world.person("bob", &["alice"]).await;
    alice.intend(Intent::AddContact { name: "bob".into() }).await;
    alice.wait("a contact", |s| s.contacts.len() == 1).await;
    call(&alice, &bob).await;
    accept(&bob).await;
    bob.until("connected", || connected(&bob)).await;
    let ask = Intent::ShareScreen { target: None };

    alice.desktop.answer(Some(Err(ScreenError::Declined)));
    alice.intend(ask.clone()).await;
    alice.until("it was asked", || alice.desktop.tokens().len() == 1).await;
    alice.wait("declined", is_off).await;
    assert_eq!(alice.look(problem), None, "nothing is wrong");

    alice.desktop.answer(None);
    alice.intend(ask.clone()).await;
    alice.wait("the dialog is open", is_starting).await;
    alice.until("it was asked", || alice.desktop.tokens().len() == 2).await;
    alice.intend(Intent::StopSharing).await;
    alice.wait("off", is_off).await;
    alice.until("it was given up", || alice.desktop.abandoned() == 1).await;

    alice.desktop.answer(Some(Ok(())));
    alice.intend(ask).await;
    alice.until("it is taken", || alice.desktop.shared() == ["monitor"]).await;
    bob.wait_for_stamp(alice.desktop.paint(7)).await;
    alice.intend(Intent::StopSharing).await;

    for n in 4..6 {
        let last = alice.look(|s| s.screens.targets.clone());
        let [last] = last.as_slice() else { panic!("what was shared last is not offered") };
        assert_eq!(last.name, "The monitor");
        alice.until("it ended", || alice.desktop.shared().is_empty()).await;
        alice.intend(Intent::ShareScreen { target: Some(last.id.clone()) }).await;
        alice.until("it is taken", || alice.desktop.shared() == ["monitor"]).await;
        bob.wait_for_stamp(alice.desktop.paint(n)).await;
        alice.intend(Intent::StopSharing).await;
    }
    let spared = [None, None, None, Some("token 3".into()), Some("token 4".into())];
    assert_eq!(alice.desktop.tokens(), spared, "each is used once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thumbnails_are_made_while_somebody_looks_and_kept_no_longer() {
    let world = World::new().await;
    let alice = world.person("alice", &[]).await;
    alice.wait("the names", |s| s.screens.targets.len() == 2).await;
    let pictured = |s: &Snapshot| s.screens.targets.iter().all(|t| t.thumbnail.is_some());
    assert!(!alice.look(pictured) && alice.desktop.thumbnails() == 0);
    alice.intend(Intent::WatchScreens { on: true }).await;
    alice.wait("thumbnails", |s| s.screens.watching && pictured(s)).await;
    let url = alice.look(|s| s.screens.targets[0].thumbnail.clone());
    assert_eq!(url.as_deref(), Some("data:image/png;base64,AQID"));
    let made = alice.desktop.thumbnails();
    alice.until("newer ones", || alice.desktop.thumbnails() >= made + 4).await;
    alice.intend(Intent::WatchScreens { on: false }).await;
    alice.wait("none", |s| s.screens.targets.iter().all(|t| t.thumbnail.is_none())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sound_of_a_screen_goes_with_it_although_there_is_no_microphone() {
    let world = World::new().await;
    let (alice, bob) = in_call(&world).await;
    share(&alice, &bob, "window", 1).await;
    let sound = |s: &Snapshot| matches!(share_of(s), ShareView::Sharing { sound: true, .. });
    assert!(!alice.look(sound), "only on demand");
    assert_eq!(bob.hears(), 0.0);

    let settings = alice.look(|s| Settings { share_sound: true, ..s.settings.clone() });
    alice.intend(Intent::UpdateSettings { settings }).await;
    alice.wait("with sound", sound).await;
    bob.until("it is heard", || bob.hears() > 0.5).await;

    alice.intend(Intent::ShowWhileSharing { camera: true }).await;
    bob.until("it goes with the picture", || bob.hears() == 0.0).await;
    alice.intend(Intent::ShowWhileSharing { camera: false }).await;
    bob.until("and comes back", || bob.hears() > 0.5).await;
    alice.intend(Intent::StopSharing).await;
    bob.until("it ends", || bob.hears() == 0.0).await;
}
