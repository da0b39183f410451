//! Two people who can call each other.

use crate::app::Options;
use crate::canvas::{self, REMOTE};
use crate::place::free_port;
use crate::whole_call::phase_becomes;
use crate::{App, Desktop, devices};
use anyhow::Result;
use std::time::Duration;

/// How long they may take to see each other.
const MET: Duration = Duration::from_secs(20);
/// How long a call may take to connect, or its picture to be seen.
const CONNECTED: Duration = Duration::from_secs(20);
/// Pictures that are seen to be different.
const STAMPS: usize = 6;

/// Alice, whose app hosts the server, and bob, whose app is started as `as_bob` says.
pub async fn alice_and(
    desktop: &Desktop,
    as_bob: impl FnOnce(Options) -> Options,
) -> Result<(App, App)> {
    acquainted(desktop, |alice| alice, as_bob).await
}

/// The same, and alice's app is started as `as_alice` says.
pub async fn acquainted(
    desktop: &Desktop,
    as_alice: impl FnOnce(Options) -> Options,
    as_bob: impl FnOnce(Options) -> Options,
) -> Result<(App, App)> {
    let server = format!("127.0.0.1:{}", free_port()?);
    let alice = desktop.app("alice")?.signed_in().contact("bob").listen(&server);
    let alice = as_alice(alice).start().await?;
    let bob = desktop.app("bob")?.signed_in().contact("alice").server(&server).place(1, 0);
    let bob = as_bob(bob).start().await?;
    alice.becomes("contact-bob", "data-presence", "online", MET).await?;
    bob.becomes("contact-alice", "data-presence", "online", MET).await?;
    Ok((alice, bob))
}

/// Has alice call bob, both with the test picture, and waits until she sees his.
pub async fn in_video_call(alice: &App, bob: &App) -> Result<()> {
    for app in [alice, bob] {
        devices::choose_test_picture(app).await?;
    }
    alice.press("contact-bob").await?;
    alice.press("call-video").await?;
    bob.press("incoming-accept-video").await?;
    phase_becomes(alice, "connected", CONNECTED).await?;
    sees_camera(alice).await
}

/// Waits until the other side's camera is seen to move.
pub async fn sees_camera(window: &App) -> Result<()> {
    canvas::watch(window, REMOTE, STAMPS, CONNECTED).await.map(drop)
}
