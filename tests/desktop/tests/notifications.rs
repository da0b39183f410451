//! Calls in the desktop's notifications: told at once, answered from there, and gone when the
//! ring ends.

use anyhow::{Result, ensure};
use std::time::Duration;
use tincan_desktop_tests::notifications::Capabilities;
use tincan_desktop_tests::pair::alice_and;
use tincan_desktop_tests::whole_call::{dismiss_ended, ended, phase_becomes};
use tincan_desktop_tests::window::SOON;
use tincan_desktop_tests::x11::Screen;
use tincan_desktop_tests::{App, Desktop, Story, Window};

const CONNECTED: Duration = Duration::from_secs(20);
const HINT: &str = "see what bob's log says of notifications";

#[tokio::test]
async fn a_call_is_told_answered_declined_and_returned_from_notifications() -> Result<()> {
    let desktop = Desktop::start("notifications")?;
    let (alice, bob) = alice_and(&desktop, |bob| bob.notifications(Capabilities::Buttons)).await?;
    let screen = desktop.screen()?;
    let mut story = Story::new(desktop.output());
    let both: [&Window; 2] = [&alice, &bob];
    story.step("Accept in the notification", HINT, &both, accepted(&alice, &bob)).await?;
    story.step("Decline in the notification", HINT, &both, declined(&alice, &bob)).await?;
    story.step("Put away, it goes on ringing", HINT, &both, put_away(&alice, &bob)).await?;
    let returned = returned(&alice, &bob, &screen);
    story.step("Call back a missed call", HINT, &both, returned).await
}

#[tokio::test]
async fn a_ringing_call_has_a_window_that_takes_no_focus_and_goes_with_the_ring() -> Result<()> {
    let desktop = Desktop::start("notification-words")?;
    let (alice, bob) = alice_and(&desktop, |bob| bob.notifications(Capabilities::Words)).await?;
    let screen = desktop.screen()?;
    let mut story = Story::new(desktop.output());
    let rings = async {
        put_aside(&bob, &screen).await?;
        let typing = screen.until(alice.id()?, "Tincan", SOON, |one| one.active).await?;
        rings(&alice).await?;
        bob.notifications()?.shows("alice is calling", SOON).await?;
        let window =
            screen.until(bob.id()?, "Incoming call", SOON, |one| one.above && one.unlisted).await?;
        ensure!(!window.active, "it takes the focus: {window:?}");
        // The person goes on typing where they were.
        screen.until(alice.id()?, "Tincan", SOON, |one| *one == typing).await?;
        alice.press("hang-up").await?;
        screen.is_gone(bob.id()?, "Incoming call", SOON).await
    };
    story.step("The ringing call's window comes and goes", HINT, &[&alice, &bob], rings).await
}

async fn accepted(alice: &App, bob: &App) -> Result<()> {
    rings(alice).await?;
    let notifications = bob.notifications()?;
    let shown = notifications.shows("alice is calling", SOON).await?;
    ensure!(shown.urgency() == Some(2), "critical: {shown:?}");
    ensure!(shown.category() == Some("call.incoming"), "{shown:?}");
    ensure!(shown.timeout == 0, "never goes by itself: {shown:?}");
    ensure!(shown.body == "Audio call", "{shown:?}");
    let buttons: Vec<&str> = shown.buttons.iter().map(|(name, _)| name.as_str()).collect();
    ensure!(buttons == ["accept", "decline", "default"], "{shown:?}");
    notifications.press(shown.id, "accept").await?;
    phase_becomes(alice, "connected", CONNECTED).await?;
    phase_becomes(bob, "connected", CONNECTED).await?;
    notifications.is_gone(shown.id, SOON).await?;
    alice.press("hang-up").await?;
    ended(bob, "remoteHungUp", "hung up").await?;
    dismiss_ended(alice).await?;
    dismiss_ended(bob).await
}

async fn declined(alice: &App, bob: &App) -> Result<()> {
    rings(alice).await?;
    let notifications = bob.notifications()?;
    let shown = notifications.shows("alice is calling", SOON).await?;
    notifications.press(shown.id, "decline").await?;
    ended(alice, "remoteDeclined", "bob cannot take the call").await?;
    notifications.is_gone(shown.id, SOON).await?;
    dismiss_ended(alice).await
}

async fn put_away(alice: &App, bob: &App) -> Result<()> {
    rings(alice).await?;
    let notifications = bob.notifications()?;
    let shown = notifications.shows("alice is calling", SOON).await?;
    notifications.dismiss(shown.id).await?;
    bob.press("incoming-decline").await?;
    ended(alice, "remoteDeclined", "bob cannot take the call").await?;
    let again = notifications.all().into_iter().filter(|one| one.id > shown.id).count();
    ensure!(again == 0, "it came again");
    dismiss_ended(alice).await
}

/// Alice gives up while bob looks elsewhere; he returns the call from its notification.
async fn returned(alice: &App, bob: &App, screen: &Screen) -> Result<()> {
    put_aside(bob, screen).await?;
    rings(alice).await?;
    let notifications = bob.notifications()?;
    let ringing = notifications.shows("alice is calling", SOON).await?;
    alice.press("hang-up").await?;
    notifications.is_gone(ringing.id, SOON).await?;
    dismiss_ended(alice).await?;
    let missed = notifications.shows("Missed call from alice", SOON).await?;
    ensure!(missed.category() == Some("call.unanswered"), "{missed:?}");
    notifications.press(missed.id, "call-back").await?;
    alice.appears("incoming", SOON).await?;
    notifications.is_gone(missed.id, SOON).await?;
    screen.until(bob.id()?, "Tincan", SOON, |one| !one.minimised).await.map(drop)
}

async fn put_aside(app: &App, screen: &Screen) -> Result<()> {
    let window = screen.until(app.id()?, "Tincan", SOON, |_| true).await?;
    screen.minimise(&window)?;
    screen.until(app.id()?, "Tincan", SOON, |one| one.minimised).await.map(drop)
}

/// Alice calls; what bob's desktop says of it is the test's matter.
async fn rings(alice: &App) -> Result<()> {
    alice.press("contact-bob").await?;
    alice.press("call-audio").await?;
    phase_becomes(alice, "ringing", CONNECTED).await
}
