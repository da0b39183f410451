use super::store::Store;
use super::*;
use crate::profile::Profile;
use crate::view::{CaptureView, LinkView, ParticipantView, PhaseView, ShareView};
use tincan_call::EndReason;
use tincan_call::stats::{CallStats, PathStats};
use tincan_proto::signalling::CallMedia;

const START: u64 = 1_700_000_000_000;

fn bob() -> AccountName {
    "bob".parse().expect("a name")
}

fn call(id: u128, connected: bool) -> CallView {
    let capture = CaptureView { on: true, live: true, problem: None };
    CallView {
        call: CallId::from(id),
        media: CallMedia::Video,
        phase: if connected { PhaseView::Connected } else { PhaseView::Ringing },
        connected_at: None,
        echo: None,
        participants: vec![ParticipantView {
            account: bob(),
            device: None,
            connected,
            link: LinkView::Good,
            relayed: false,
            picture_problem: None,
            microphone: true,
            echoing: false,
            volume: 100,
            camera: true,
            screen: false,
            paused: false,
            tile: None,
        }],
        microphone: capture.clone(),
        echoing: false,
        camera: capture,
        paused: false,
        share: ShareView::Off,
        share_problem: None,
        self_tile: None,
        stats: vec![],
    }
}

fn second(number: u64) -> CallView {
    let path = PathStats {
        local_candidate_type: "host".into(),
        remote_candidate_type: "relay".into(),
        protocol: "udp".into(),
    };
    let figures = ParticipantStats {
        account: bob(),
        at: UnixMillis(START + number * 1_000),
        quality: Quality::Good,
        score: 70,
        diagnosis: None,
        stats: CallStats { path: Some(path), sent_bitrate: number as f64, ..CallStats::default() },
    };
    CallView { stats: vec![figures], ..call(1, true) }
}

fn at(seconds: u64) -> UnixMillis {
    UnixMillis(START + seconds * 1_000)
}

/// A call of so many seconds, hung up.
fn recorded(seconds: u64) -> Recording {
    let mut recorder = Recorder::default();
    assert_eq!(recorder.look(at(0), Some(&call(1, false)), None), None);
    for number in 1..=seconds {
        // Snapshots come more often than figures.
        assert_eq!(recorder.look(at(number), Some(&second(number)), None), None);
        assert_eq!(recorder.look(at(number), Some(&second(number)), None), None);
    }
    let ended = EndedView {
        call: CallId::from(1),
        with: vec![bob()],
        media: CallMedia::Video,
        reason: EndReason::HungUp,
        talked_s: 0,
    };
    recorder.look(at(seconds + 1), None, Some(&ended)).expect("a recording")
}

#[test]
fn every_second_is_kept_once_and_what_happened_in_order() {
    let recording = recorded(5);
    let samples: Vec<_> = recording.samples.iter().map(|s| (s.at, s.sent_bitrate)).collect();
    assert_eq!(samples, [(1_000, 1.0), (2_000, 2.0), (3_000, 3.0), (4_000, 4.0), (5_000, 5.0)]);
    let events: Vec<_> = recording.events.iter().map(|e| (e.at, e.what.clone())).collect();
    assert_eq!(events[0], (0, Happened::Ringing));
    assert!(events.contains(&(1_000, Happened::Connected)), "{events:?}");
    assert!(events.contains(&(1_000, Happened::Quality { quality: Quality::Good })), "{events:?}");
    let last = Happened::Ended { reason: Some(EndReason::HungUp) };
    assert_eq!(events.last(), Some(&(6_000, last)));
    let paths = events.iter().filter(|(_, what)| matches!(what, Happened::Path { .. }));
    assert_eq!(paths.count(), 1, "only changes are told: {events:?}");
}

#[test]
fn names_are_not_in_it() {
    let text = serde_json::to_string(&recorded(3)).expect("it can be written");
    assert!(!text.contains("bob"), "{text}");
}

#[test]
fn a_long_call_stays_within_bounds_and_is_whole() {
    let seconds = 4 * MOST_SAMPLES as u64;
    let recording = recorded(seconds);
    assert!(recording.samples.len() < MOST_SAMPLES, "{}", recording.samples.len());
    let (first, last) = (&recording.samples[0], &recording.samples[recording.samples.len() - 1]);
    assert_eq!(first.at, 1_000);
    let end = u64::from(last.at / 1_000);
    assert!(end + u64::from(recording.every_seconds) > seconds, "{end} of {seconds}");
}

#[test]
fn a_call_in_which_nobody_was_connected_is_not_kept() {
    let mut recorder = Recorder::default();
    recorder.look(at(0), Some(&call(1, false)), None);
    assert_eq!(recorder.look(at(20), None, None), None);
    assert_eq!(recorder.current(), None);
}

#[test]
fn a_table_has_a_line_for_each_sample_and_a_value_for_each_name() {
    let table = recorded(3).to_csv();
    let fields: Vec<_> =
        table.trim_end().split("\r\n").map(|line| line.split(',').count()).collect();
    assert_eq!(fields, [fields[0]; 4]);
    assert!(table.contains("\r\n2,0,good,70,"), "{table}");
}

#[test]
fn what_was_kept_is_found_again_and_the_oldest_make_room() {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = Profile::open("test", folder.path()).expect("a profile");
    let store = Store::of(&profile);
    assert_eq!(store.list(), []);
    let first = recorded(2);
    store.keep(&first).expect("it is written");
    store.keep(&first).expect("it takes its own place");
    assert_eq!(store.list(), [first.call]);
    assert_eq!(store.open(first.call), Some(first.clone()));
    for id in 100..140 {
        let recording = Recording { call: CallId::from(id), ..first.clone() };
        store.keep(&recording).expect("it is written");
    }
    assert_eq!(store.list().len(), 30);
    assert_eq!(store.open(first.call), None);
}
