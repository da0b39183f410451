//! A connection that breaks and comes back: what the window says meanwhile, and that the call
//! goes on.

use anyhow::{Context, Result, ensure};
use std::time::Duration;
use tincan_desktop_tests::canvas::{self, REMOTE};
use tincan_desktop_tests::place::free_port;
use tincan_desktop_tests::whole_call::{call, ended, phase_becomes};
use tincan_desktop_tests::window::SOON;
use tincan_desktop_tests::{App, Desktop, Story, devices};

const CONNECTED: Duration = Duration::from_secs(20);
/// Silence is noticed within seconds.
const NOTICED: Duration = Duration::from_secs(15);
/// The third attempt begins after pauses of 1 and 2 s and attempts of 10 s each.
const THIRD_ATTEMPT: Duration = Duration::from_secs(40);
const HINT: &str = "see alice's log for ICE states and attempts";

#[tokio::test]
async fn a_lost_connection_is_told_counted_down_retried_and_restored() -> Result<()> {
    let desktop = Desktop::start("reconnecting")?;
    let server = format!("127.0.0.1:{}", free_port()?);
    let alice = desktop.app("alice")?.signed_in().contact("bob").listen(&server).start().await?;
    let bob = desktop.app("bob")?.signed_in().contact("alice").server(&server).place(1, 0);
    let bob = bob.start().await?;
    for (app, contact) in [(&alice, "contact-bob"), (&bob, "contact-alice")] {
        app.becomes(contact, "data-presence", "online", CONNECTED).await?;
        devices::choose_test_picture(app).await?;
    }
    let mut story = Story::new(desktop.output());
    call(&alice, &bob, "call-video").await?;
    bob.press("incoming-accept-video").await?;
    phase_becomes(&alice, "connected", CONNECTED).await?;
    canvas::watch(&alice, REMOTE, 6, CONNECTED).await?;

    // Bob's whole machine might as well have lost its network.
    bob.freeze()?;
    let lost = async {
        alice.appears("unstable-bob", NOTICED).await?;
        alice.appears("reconnecting", NOTICED).await.map(drop)
    };
    story.step("Bob's app freezes", HINT, &[&alice], lost).await?;
    story.step("Attempts are counted down", HINT, &[&alice], counts_down(&alice)).await?;
    story.step("Retry now", HINT, &[&alice], alice.press("reconnecting-now")).await?;
    bob.thaw()?;
    let restored = async {
        alice.disappears("reconnecting", THIRD_ATTEMPT).await?;
        phase_becomes(&alice, "connected", SOON).await?;
        phase_becomes(&bob, "connected", CONNECTED).await?;
        canvas::watch(&alice, REMOTE, 6, CONNECTED).await?;
        canvas::watch(&bob, REMOTE, 6, CONNECTED).await.map(drop)
    };
    story.step("The call goes on", HINT, &[&alice, &bob], restored).await?;
    bob.press("hang-up").await?;
    ended(&alice, "remoteHungUp", "hung up").await
}

/// The banner names the attempt and when the next one comes.
async fn counts_down(alice: &App) -> Result<()> {
    let banner = alice.becomes("reconnecting", "data-wait", "next", THIRD_ATTEMPT).await?;
    ensure!(banner.attribute("data-of") == "5", "{banner:?}");
    let first: u32 = banner.attribute("data-attempt").parse().context("a number")?;
    ensure!((1..=5).contains(&first), "{banner:?}");
    ensure!(banner.text.contains("of 5") && banner.text.contains("Next try in"), "{banner:?}");
    Ok(())
}
