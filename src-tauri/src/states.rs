//! States of the app for tests: alice is signed in, bob is on the other side.

use crate::shell::State;
use tincan_client::view::{
    CallView, CaptureView, DevicesView, IncomingView, LinkView, ParticipantView, PhaseView,
    ScreenAccessView, ScreensView, ServerView, SessionView, Settings, ShareView, Snapshot,
};
use tincan_proto::signalling::CallMedia;
use tincan_proto::units::UnixMillis;
use tincan_proto::{AccountName, CallId};

/// An account's name.
pub fn name(text: &str) -> AccountName {
    text.parse().expect("a name")
}

/// The call that there is, or that rings.
pub fn call_id() -> CallId {
    "0123456789abcdef0123456789abcdef".parse().expect("an id")
}

/// Another state made of this one.
pub fn with(state: State, change: impl FnOnce(&mut Snapshot)) -> State {
    let mut snapshot = state.snapshot.as_deref().cloned().expect("a snapshot");
    change(&mut snapshot);
    State { snapshot: Some(snapshot.into()), ..state }
}

/// The first start.
pub fn signed_out() -> State {
    let server = ServerView { address: "127.0.0.1:4780".into(), local: true };
    let screens = ScreensView {
        access: ScreenAccessView::Listed,
        targets: vec![],
        has_sound: false,
        watching: false,
    };
    let snapshot = Snapshot {
        revision: 1,
        profile: "default".into(),
        session: SessionView::SignedOut { server, name: None, problem: None },
        contacts: vec![],
        requests: vec![],
        history: vec![],
        recorded: vec![],
        call: None,
        incoming: vec![],
        ended: None,
        devices: DevicesView::default(),
        settings: Settings::default(),
        screens,
        has_relay: true,
        check: None,
        notices: vec![],
    };
    State { snapshot: Some(snapshot.into()), ..State::default() }
}

/// Signed in as alice.
pub fn online() -> State {
    with(signed_out(), |snapshot| {
        let server = ServerView { address: "127.0.0.1:4780".into(), local: true };
        let device = "fedcba9876543210fedcba9876543210".parse().expect("an id");
        snapshot.session = SessionView::Online { name: name("alice"), device, server };
    })
}

/// Somebody calls.
pub fn ringing(from: &str, media: CallMedia) -> State {
    with(online(), |snapshot| {
        let incoming = IncomingView { call: call_id(), from: name(from), media };
        snapshot.incoming.push(incoming);
    })
}

/// A connected audio call with bob.
pub fn in_call(change: impl FnOnce(&mut CallView)) -> State {
    let on = |on| CaptureView { on, live: on, problem: None };
    let mut call = CallView {
        call: call_id(),
        media: CallMedia::Audio,
        phase: PhaseView::Connected,
        connected_at: Some(UnixMillis(1_000_000)),
        echo: None,
        participants: vec![ParticipantView {
            account: name("bob"),
            device: None,
            connected: true,
            link: LinkView::Good,
            relayed: false,
            picture_problem: None,
            microphone: true,
            volume: 100,
            echoing: false,
            camera: false,
            screen: false,
            paused: false,
            tile: None,
        }],
        microphone: on(true),
        echoing: false,
        camera: on(false),
        paused: false,
        share: ShareView::Off,
        share_problem: None,
        self_tile: None,
        stats: vec![],
    };
    change(&mut call);
    with(online(), |snapshot| snapshot.call = Some(call))
}
