//! Two controllers with real connections, codecs and a real server in one process; only
//! windows and hardware are left out.

mod attention;
mod camera;
mod desktop;
mod echo;
mod hidden;
mod muting;
mod person;
mod room;
mod sharing;
mod unplugging;
mod viewing;

use person::{Person, World};
use tincan_call::EndReason;
use tincan_client::view::{Intent, NoticeKind, PhaseView, SessionProblem, SessionView};
use tincan_proto::signalling::{CallMedia, CallOutcome, Presence, Refusal};

fn connected(person: &Person) -> bool {
    person.look(|s| s.call.as_ref().is_some_and(|call| call.phase == PhaseView::Connected))
}

async fn call(from: &Person, to: &Person) {
    let name = to.name();
    from.intend(Intent::Call { to: vec![name], media: CallMedia::Video }).await;
    to.wait("it rings", |s| !s.incoming.is_empty()).await;
    from.wait("it rings there", |s| {
        s.call.as_ref().is_some_and(|call| call.phase == PhaseView::Ringing)
    })
    .await;
}

async fn accept(person: &Person) {
    let call = person.look(|s| s.incoming[0].call);
    person.intend(Intent::Accept { call, media: CallMedia::Video }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_call_with_moving_pictures_mute_and_history() {
    let world = World::new().await;
    let (alice, bob) = world.acquainted().await;
    bob.wait("presence", |s| s.contacts[0].presence == Presence::Online).await;

    call(&alice, &bob).await;
    assert!(bob.look(|s| s.call.is_none()), "no device is opened while it rings");
    accept(&bob).await;
    for person in [&alice, &bob] {
        person.until("connected", || connected(person)).await;
        person.wait_for_frames(30).await;
        person
            .wait("a tile for the other", |s| {
                s.call.as_ref().is_some_and(|call| call.participants[0].tile.is_some())
            })
            .await;
        let missing = |s: &tincan_client::view::Snapshot| {
            s.notices.iter().filter(|n| matches!(n.kind, NoticeKind::Device { .. })).count()
        };
        assert!(person.look(missing) >= 2, "no camera and no microphone: the window says so");
    }
    alice
        .wait("figures", |s| {
            let figures = s.call.as_ref().and_then(|call| call.stats.first());
            figures.is_some_and(|f| {
                f.stats.video_received.frames_per_second > 5.0
                    && f.stats.received_bitrate > 50_000.0
                    && f.stats.path.is_some()
            })
        })
        .await;

    alice.intend(Intent::SetMicrophone { on: false }).await;
    alice.intend(Intent::SetCamera { on: false }).await;
    bob.wait("mute and camera off are seen", |s| {
        let call = s.call.as_ref();
        call.is_some_and(|c| !c.participants[0].microphone && !c.participants[0].camera)
    })
    .await;
    alice.intend(Intent::SetCamera { on: true }).await;
    let before = bob.frames();
    bob.until("pictures again", || bob.frames() > before + 10).await;

    alice.intend(Intent::PauseCamera { on: true }).await;
    bob.wait("a pause is seen", |s| {
        s.call.as_ref().is_some_and(|c| c.participants[0].paused && !c.participants[0].camera)
    })
    .await;
    let paused = bob.frames();
    let shown = alice.own_pictures();
    alice.until("the camera is open", || alice.own_pictures() > shown + 10).await;
    assert!(bob.frames() <= paused + 1, "what was on its way");
    alice.intend(Intent::PauseCamera { on: false }).await;
    bob.until("pictures again", || bob.frames() > paused + 10).await;

    alice.intend(Intent::HangUp).await;
    alice.wait("ended here", |s| s.call.is_none()).await;
    bob.wait("ended there", |s| s.call.is_none()).await;
    let reason = |p: &Person| p.look(|s| s.ended.as_ref().map(|ended| ended.reason));
    assert_eq!(reason(&alice), Some(EndReason::HungUp));
    assert_eq!(reason(&bob), Some(EndReason::RemoteHungUp));
    for person in [&alice, &bob] {
        person
            .wait("history", |s| {
                s.history.first().is_some_and(|entry| entry.outcome == CallOutcome::Answered)
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_connected_while_it_rings_and_nothing_is_opened_or_sent_before_acceptance() {
    let world = World::new().await;
    let (alice, bob) = world.acquainted().await;
    call(&alice, &bob).await;
    for person in [&alice, &bob] {
        let totals = person.wait_for_connection().await.totals;
        let sent = (totals.audio_packets_sent, totals.video_packets_sent);
        assert_eq!(sent, (0, 0), "nobody has accepted");
    }
    assert_eq!(bob.devices_asked_for(), 0, "nothing is opened while it rings");
    assert!(bob.look(|s| s.call.is_none() && s.ended.is_none()));
    alice
        .wait("it only rings", |s| s.call.as_ref().is_some_and(|c| c.connected_at.is_none()))
        .await;

    let accepted = std::time::Instant::now();
    accept(&bob).await;
    bob.wait_for_frames(1).await;
    eprintln!("accepted to the first frame: {:?} at the callee's", accepted.elapsed());
    alice.wait_for_frames(1).await;
    eprintln!("accepted to the first frame: {:?} at the caller's", accepted.elapsed());
    for person in [&alice, &bob] {
        assert!(connected(person));
        assert_eq!(person.connections().await.len(), 1, "it is the same connection");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_declined_leaves_no_connection() {
    let world = World::new().await;
    let (alice, bob) = world.acquainted().await;
    call(&alice, &bob).await;
    alice.wait_for_connection().await;
    let call = bob.look(|s| s.incoming[0].call);
    bob.intend(Intent::Decline { call }).await;
    alice.wait("declined", |s| s.ended.is_some()).await;
    for person in [&alice, &bob] {
        assert_eq!(person.connections().await.len(), 0);
    }
    assert_eq!(bob.devices_asked_for(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn decline_cancel_and_a_second_call_end_in_the_right_words() {
    let world = World::new().await;
    let (alice, bob) = world.acquainted().await;
    let ended = |p: &Person| p.look(|s| s.ended.as_ref().map(|ended| ended.reason));

    call(&alice, &bob).await;
    let ringing = bob.look(|s| s.incoming[0].call);
    bob.intend(Intent::Decline { call: ringing }).await;
    alice.wait("declined", |s| s.ended.is_some()).await;
    assert_eq!(ended(&alice), Some(EndReason::RemoteDeclined));
    alice.intend(Intent::DismissEnded).await;

    call(&alice, &bob).await;
    alice.intend(Intent::HangUp).await;
    bob.wait("cancelled", |s| s.incoming.is_empty()).await;
    assert_eq!(ended(&alice), Some(EndReason::Cancelled));
    bob.wait("missed", |s| s.history.iter().any(|entry| entry.outcome == CallOutcome::Missed))
        .await;

    let carol = world.person("carol", &["alice"]).await;
    alice.intend(Intent::AddContact { name: "carol".into() }).await;
    carol.wait("a contact", |s| s.contacts.iter().any(|c| c.name == alice.name())).await;
    call(&alice, &bob).await;
    accept(&bob).await;
    alice.until("connected", || connected(&alice)).await;
    let to = vec![alice.name()];
    carol.intend(Intent::Call { to, media: CallMedia::Audio }).await;
    carol.wait("busy", |s| s.ended.is_some()).await;
    assert_eq!(ended(&carol), Some(EndReason::RemoteBusy));
    assert!(connected(&alice), "the call goes on");
    let missed = NoticeKind::MissedWhileBusy { from: carol.name() };
    alice.wait("who called meanwhile", |s| s.notices.iter().any(|n| n.kind == missed)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_goes_on_while_the_server_is_away_and_ends_for_both_when_it_is_back() {
    let mut world = World::new().await;
    let (alice, bob) = world.acquainted().await;
    call(&alice, &bob).await;
    accept(&bob).await;
    for person in [&alice, &bob] {
        person.until("connected", || connected(person)).await;
        // The relay is the server's, too.
        person.wait_for_direct_path().await;
    }
    world.stop_server().await;
    for person in [&alice, &bob] {
        person.wait("offline", |s| matches!(s.session, SessionView::Offline { .. })).await;
        let before = person.frames();
        person.until("pictures meanwhile", || person.frames() > before + 10).await;
    }
    world.start_server().await;
    for person in [&alice, &bob] {
        person.intend(Intent::RetryConnection).await;
        person.wait("online", |s| matches!(s.session, SessionView::Online { .. })).await;
        assert!(connected(person), "the call goes on");
    }
    alice.intend(Intent::HangUp).await;
    bob.wait("ended there", |s| s.call.is_none()).await;
    for person in [&alice, &bob] {
        let answered = |s: &tincan_client::view::Snapshot| {
            s.history.len() == 1 && s.history[0].outcome == CallOutcome::Answered
        };
        person.wait("one call in the history", answered).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_accepted_while_the_server_is_away_connects_when_it_is_back() {
    let mut world = World::new().await;
    let (alice, bob) = world.acquainted().await;
    call(&alice, &bob).await;
    world.stop_server().await;
    bob.wait("offline", |s| matches!(s.session, SessionView::Offline { .. })).await;
    accept(&bob).await;
    world.start_server().await;
    for person in [&alice, &bob] {
        person.intend(Intent::RetryConnection).await;
    }
    for person in [&alice, &bob] {
        person.until("connected", || connected(person)).await;
        person.wait_for_frames(5).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_gone_for_good_ends_what_rings() {
    let mut world = World::new().await;
    let (alice, bob) = world.acquainted().await;
    call(&alice, &bob).await;
    world.stop_server().await;
    alice.wait("given up", |s| s.ended.is_some()).await;
    let reason = alice.look(|s| s.ended.as_ref().map(|ended| ended.reason));
    assert_eq!(reason, Some(EndReason::ServerUnreachable));
    let ring = bob.look(|s| s.incoming[0].call);
    bob.intend(Intent::Decline { call: ring }).await;
    bob.wait("no ring", |s| s.incoming.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_calling_at_once_makes_one_call() {
    let world = World::new().await;
    let (alice, bob) = world.acquainted().await;
    let press = |to: &Person| Intent::Call { to: vec![to.name()], media: CallMedia::Video };
    tokio::join!(alice.intend(press(&bob)), bob.intend(press(&alice)));
    for person in [&alice, &bob] {
        person.until("connected", || connected(person)).await;
        person.wait_for_frames(5).await;
    }
    let id = |p: &Person| p.look(|s| s.call.as_ref().map(|call| call.call));
    assert_eq!(id(&alice), id(&bob));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_signed_by_another_key_ends_the_call_with_a_warning() {
    let world = World::new().await;
    let (alice, bob) = world.acquainted().await;
    // As if the server had given bob a key of its own in alice's name when they met.
    let bob = bob.restart_believing_in_another_key_of("alice").await;
    bob.wait("a warning", |s| s.contacts.first().is_some_and(|c| c.key_changed)).await;
    alice.wait("bob is back", |s| s.contacts[0].presence == Presence::Online).await;

    call(&alice, &bob).await;
    accept(&bob).await;
    for (person, reason) in [(&bob, EndReason::Untrusted), (&alice, EndReason::RemoteUntrusted)] {
        person.wait("ended", |s| s.ended.is_some()).await;
        assert_eq!(person.look(|s| s.ended.as_ref().map(|ended| ended.reason)), Some(reason));
    }
    assert_eq!((alice.frames(), bob.frames()), (0, 0), "no picture was sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_name_a_bad_name_and_a_missing_server_have_their_own_words() {
    let world = World::new().await;
    let _alice = world.person("alice", &[]).await;

    let second = world.nobody().await;
    let sign_in = |name: &str| Intent::SignIn { name: name.into(), server: None };
    second.intend(sign_in("alice")).await;
    second
        .wait("taken", |s| {
            let taken = SessionProblem::Refused { code: Refusal::NameTaken };
            matches!(&s.session, SessionView::SignedOut { problem: Some(p), .. } if *p == taken)
        })
        .await;
    assert!(second.try_intend(sign_in("not a name!")).await.is_err());
    second.intend(sign_in("second")).await;
    second.wait("online", |s| matches!(s.session, SessionView::Online { .. })).await;

    let third = world.nobody().await;
    let server = Some("127.0.0.1:1".into());
    third.intend(Intent::SignIn { name: "third".into(), server }).await;
    third
        .wait("unreachable", |s| {
            let SessionView::SignedOut { problem: Some(problem), .. } = &s.session else {
                return false;
            };
            matches!(problem, SessionProblem::Unreachable { .. })
        })
        .await;
    third.intend(sign_in("third")).await;
    third.wait("online", |s| matches!(s.session, SessionView::Online { .. })).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_named_at_the_start_goes_before_the_one_of_the_last_time() {
    let (before, now) = (World::new().await, World::new().await);
    let nobody = before.nobody().await;
    let server = Some(before.address());
    nobody.intend(Intent::SignIn { name: "alice".into(), server }).await;
    nobody.wait("online", |s| matches!(s.session, SessionView::Online { .. })).await;
    let alice = nobody.restart_at(&now).await;
    let at = alice.look(|s| match &s.session {
        SessionView::Online { server, .. } => server.address.clone(),
        other => panic!("{other:?}"),
    });
    assert_eq!(at, now.address());
}
