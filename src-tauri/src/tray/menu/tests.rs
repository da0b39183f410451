//! The menu in every state.

use super::*;
use crate::states::{call_id, in_call, name, online, ringing, signed_out, with};
use tincan_client::view::{IncomingView, ScreenUnavailable};

const NOW: UnixMillis = UnixMillis(10_000_000);

/// The menu as a person reads it: `[x]` is a tick, `>` a submenu.
fn read(menu: &[Item]) -> Vec<String> {
    let mut lines = Vec::new();
    for item in menu {
        match item {
            Item::Label(text) => lines.push(format!("({text})")),
            Item::Line => lines.push("-".into()),
            Item::Button(text, _) => lines.push(text.clone()),
            Item::Check(text, on, _) => {
                lines.push(format!("[{}] {text}", if *on { 'x' } else { ' ' }));
            }
            Item::Submenu(text, items) => {
                lines.extend(read(items).into_iter().map(|line| format!("{text} > {line}")));
            }
        }
    }
    lines
}

fn lines(state: &State) -> Vec<String> {
    read(&menu_for(state, NOW))
}

const ALWAYS: [&str; 4] = ["-", "[ ] Do not disturb", "Open Tincan", "Quit"];

fn followed_by_what_is_always_there(lines: &[&str]) -> Vec<String> {
    lines.iter().chain(&ALWAYS).map(|line| (*line).to_owned()).collect()
}

#[test]
fn before_the_first_state_the_app_can_be_opened_and_ended() {
    assert_eq!(lines(&State::default()), ["Open Tincan", "Quit"]);
}

#[test]
fn without_a_call_the_first_line_tells_whether_one_can_be_called() {
    let alone = |line| followed_by_what_is_always_there(&[line]);
    assert_eq!(lines(&signed_out()), alone("(Not signed in)"));
    assert_eq!(lines(&online()), alone("(Signed in as alice)"));
}

#[test]
fn a_ringing_call_is_answered_as_it_was_offered_or_declined() {
    let state = ringing("bob", CallMedia::Video);
    let expected = followed_by_what_is_always_there(&["(bob is calling)", "Answer", "Decline"]);
    assert_eq!(lines(&state), expected);
    let menu = menu_for(&state, NOW);
    let answer = find(&menu, &format!("answer/{}", call_id()));
    assert_eq!(answer, Some(&Action::Answer(call_id(), CallMedia::Video)));
}

#[test]
fn several_ringing_calls_are_told_apart_by_name() {
    let state = with(ringing("bob", CallMedia::Audio), |snapshot| {
        let call = CallId::random(&mut rand::rng());
        let from = name("carol");
        snapshot.incoming.push(IncomingView { call, from, media: CallMedia::Audio });
    });
    let expected =
        ["(2 people are calling)", "Answer bob", "Decline bob", "Answer carol", "Decline carol"];
    assert_eq!(lines(&state), followed_by_what_is_always_there(&expected));
}

#[test]
fn a_call_that_is_not_connected_cannot_be_shared_into() {
    for (phase, line) in [
        (PhaseView::Calling, "(Calling bob…)"),
        (PhaseView::Ringing, "(Calling bob…)"),
        (PhaseView::Connecting, "(Connecting to bob…)"),
    ] {
        let state = in_call(|call| {
            call.phase = phase.clone();
            call.connected_at = None;
        });
        let expected = [line, "-", "[ ] Mute", "[ ] Camera", "Hang up"];
        assert_eq!(lines(&state), followed_by_what_is_always_there(&expected));
    }
}

#[test]
fn the_first_line_tells_how_long_a_call_has_lasted() {
    for (seconds, told) in [
        (0, "less than a minute"),
        (59, "less than a minute"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h 0 min"),
        (7322, "2 h 2 min"),
    ] {
        let since = UnixMillis(NOW.0 - seconds * 1000);
        let state = in_call(|call| call.connected_at = Some(since));
        assert_eq!(lines(&state)[0], format!("(bob · {told})"));
    }
    let ahead = in_call(|call| call.connected_at = Some(UnixMillis(NOW.0 + 5000)));
    assert_eq!(lines(&ahead)[0], "(bob · less than a minute)", "the clock was put back");
}

#[test]
fn a_call_that_reconnects_says_so_and_keeps_its_items() {
    let state = in_call(|call| {
        call.phase = PhaseView::Reconnecting { attempt: 2, of: 5, next_at: None };
    });
    let menu = lines(&state);
    assert_eq!(menu[0], "(Reconnecting to bob…)");
    assert!(menu.contains(&"Hang up".to_owned()), "{menu:?}");
}

#[test]
fn microphone_and_camera_are_switched_to_the_other_state() {
    let state = in_call(|call| {
        call.microphone.on = false;
        call.camera.on = true;
    });
    let menu = menu_for(&state, NOW);
    let shown = read(&menu);
    assert_eq!(shown[2..4], ["[x] Mute", "[x] Camera"]);
    assert_eq!(find(&menu, "microphone"), Some(&Action::Microphone(true)));
    assert_eq!(find(&menu, "camera"), Some(&Action::Camera(false)));
    let other = menu_for(&in_call(|_| ()), NOW);
    assert_eq!(find(&other, "microphone"), Some(&Action::Microphone(false)));
    assert_eq!(find(&other, "camera"), Some(&Action::Camera(true)));
}

fn screen(id: &str, kind: ScreenKind, name: &str) -> ScreenView {
    ScreenView {
        id: id.into(),
        kind,
        name: name.into(),
        app: None,
        width: 1920,
        height: 1080,
        primary: false,
        thumbnail: None,
    }
}

fn sharing_from(access: ScreenAccessView, targets: Vec<ScreenView>) -> Vec<String> {
    let state = with(in_call(|_| ()), |snapshot| {
        snapshot.screens.access = access;
        snapshot.screens.targets = targets;
    });
    let share = |line: &String| line.starts_with("Share screen");
    lines(&state).into_iter().filter(share).collect()
}

#[test]
fn monitors_come_before_windows() {
    let long = "x".repeat(60);
    let targets = vec![
        screen("w1", ScreenKind::Window, "Notes & more"),
        screen("m1", ScreenKind::Monitor, "Monitor 1"),
        screen("w2", ScreenKind::Window, &long),
    ];
    let expected = [
        "Share screen > Monitor 1".to_owned(),
        "Share screen > -".into(),
        "Share screen > Notes & more".into(),
        format!("Share screen > {}…", "x".repeat(48)),
    ];
    assert_eq!(sharing_from(ScreenAccessView::Listed, targets), expected);
}

#[test]
fn where_the_system_asks_there_is_one_item() {
    let menu = sharing_from(ScreenAccessView::SystemDialog, vec![]);
    assert_eq!(menu, ["Share screen > Choose…"]);
    let last = screen("token", ScreenKind::Monitor, "What was shared last");
    let menu = sharing_from(ScreenAccessView::SystemDialog, vec![last]);
    assert_eq!(menu, ["Share screen > What was shared last", "Share screen > Choose…"]);
}

#[test]
fn where_nothing_can_be_shared_the_menu_says_so() {
    let menu = sharing_from(ScreenAccessView::Listed, vec![]);
    assert_eq!(menu, ["Share screen > (Nothing to share)"]);
    let reason = ScreenUnavailable::NoDisplay;
    let menu = sharing_from(ScreenAccessView::Unavailable { reason }, vec![]);
    assert_eq!(menu, ["Share screen > (This desktop does not let the screen be shared)"]);
}

#[test]
fn while_sharing_it_can_be_stopped_and_the_menu_names_what_is_shared() {
    let starting = in_call(|call| call.share = ShareView::Starting { target: None });
    assert!(lines(&starting).contains(&"Stop sharing".to_owned()));
    let sharing = in_call(|call| {
        call.share = ShareView::Sharing {
            name: "Monitor 1".into(),
            target_kind: ScreenKind::Monitor,
            width: 1920,
            height: 1080,
            sound: false,
            showing_camera: false,
        };
    });
    let menu = lines(&sharing);
    assert!(menu.contains(&"Stop sharing Monitor 1".to_owned()), "{menu:?}");
    assert!(!menu.iter().any(|line| line.starts_with("Share screen")), "{menu:?}");
}

#[test]
fn do_not_disturb_is_told_and_turned() {
    let state = with(online(), |snapshot| snapshot.settings.do_not_disturb = true);
    let menu = menu_for(&state, NOW);
    assert!(read(&menu).contains(&"[x] Do not disturb".to_owned()));
    let snapshot = state.snapshot.as_deref().expect("a snapshot");
    let intent = find(&menu, "do-not-disturb").and_then(|action| action.intent(snapshot));
    let Some(Intent::UpdateSettings { settings }) = intent else { panic!("{intent:?}") };
    assert!(!settings.do_not_disturb);
}

#[test]
fn only_other_items_make_another_menu() {
    let talking = menu_for(&in_call(|_| ()), NOW);
    let muted = menu_for(&in_call(|call| call.microphone.on = false), NOW);
    let later = menu_for(&in_call(|_| ()), UnixMillis(NOW.0 + 120_000));
    assert!(same_items(&talking, &muted) && talking != muted);
    assert!(same_items(&talking, &later) && talking != later);
    assert!(!same_items(&talking, &menu_for(&online(), NOW)));
    let connecting = menu_for(&in_call(|call| call.connected_at = None), NOW);
    assert!(!same_items(&talking, &connecting));
}
