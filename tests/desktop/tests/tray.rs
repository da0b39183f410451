//! The tray: what its menu says in each state and what its items do, and an app that goes on
//! there without its window.

use anyhow::{Result, ensure};
use std::time::Duration;
use tincan_desktop_tests::notifications::Capabilities;
use tincan_desktop_tests::pair::alice_and;
use tincan_desktop_tests::whole_call::{dismiss_ended, ended, phase_becomes};
use tincan_desktop_tests::window::SOON;
use tincan_desktop_tests::x11::Screen;
use tincan_desktop_tests::{App, Desktop, Story, Window, eventually};

const CONNECTED: Duration = Duration::from_secs(20);
const HINT: &str = "see what bob's log says of the tray";

#[tokio::test]
async fn a_whole_call_can_be_led_from_the_tray() -> Result<()> {
    let desktop = Desktop::start("tray")?;
    let as_bob =
        |bob: tincan_desktop_tests::app::Options| bob.tray().notifications(Capabilities::Buttons);
    let (alice, bob) = alice_and(&desktop, as_bob).await?;
    let screen = desktop.screen()?;
    let mut story = Story::new(desktop.output());
    let both: [&Window; 2] = [&alice, &bob];
    story.step("Answered from the tray", HINT, &both, answered(&alice, &bob)).await?;
    story.step("Muted from the tray", HINT, &both, muted(&alice, &bob)).await?;
    story.step("Hung up from the tray", HINT, &both, hung_up(&alice, &bob)).await?;
    story.step("Do not disturb", HINT, &both, undisturbed(&alice, &bob)).await?;
    let closed = closed(&alice, &bob, &screen);
    story.step("Closed, it stays in the tray", HINT, &both, closed).await?;
    story.step("Quit ends the call properly", HINT, &[&alice], quit(&alice, &bob)).await
}

#[tokio::test]
async fn without_a_tray_closing_the_window_ends_the_app_after_the_call() -> Result<()> {
    let desktop = Desktop::start("no-tray")?;
    let (alice, bob) = alice_and(&desktop, |bob| bob).await?;
    let screen = desktop.screen()?;
    let mut story = Story::new(desktop.output());
    let closes = async {
        call(&alice).await?;
        bob.press("incoming-accept-audio").await?;
        phase_becomes(&alice, "connected", CONNECTED).await?;
        close_window(&bob, &screen).await?;
        // Closing took the window away, not the call.
        phase_becomes(&alice, "connected", SOON).await?;
        ensure!(bob.id().is_ok(), "the app has ended in a call");
        alice.press("hang-up").await?;
        gone(&bob).await?;
        dismiss_ended(&alice).await
    };
    story.step("The call goes on and the app ends after it", HINT, &[&alice], closes).await?;
    let closes = async {
        close_window(&alice, &screen).await?;
        gone(&alice).await
    };
    story.step("Without a call it ends at once", HINT, &[], closes).await
}

async fn answered(alice: &App, bob: &App) -> Result<()> {
    let tray = bob.tray()?;
    tray.shows("Signed in as bob", SOON).await?;
    let idle = tray.icon().await?;
    call(alice).await?;
    tray.shows("alice is calling", SOON).await?;
    tray.shows("Decline", SOON).await?;
    tray.click("Answer", SOON).await?;
    phase_becomes(alice, "connected", CONNECTED).await?;
    let line = |line: &tincan_desktop_tests::tray::Line| line.text.starts_with("alice · ");
    let told = tray.until("how long the call has lasted", SOON, line).await?;
    ensure!(!told.enabled, "{told:?}");
    ensure!(tray.icon().await? != idle, "the icon does not tell of the call");
    Ok(())
}

async fn muted(alice: &App, bob: &App) -> Result<()> {
    let tray = bob.tray()?;
    for (muted, pressed) in [(true, "false"), (false, "true")] {
        tray.click("Mute", SOON).await?;
        let ticked = |line: &tincan_desktop_tests::tray::Line| {
            line.text == "Mute" && line.ticked == Some(muted)
        };
        tray.until("a tick at Mute", SOON, ticked).await?;
        bob.becomes("toggle-microphone", "aria-pressed", pressed, SOON).await?;
        if muted {
            alice.appears("remote-muted", SOON).await?;
        } else {
            alice.disappears("remote-muted", SOON).await?;
        }
    }
    Ok(())
}

async fn hung_up(alice: &App, bob: &App) -> Result<()> {
    bob.tray()?.click("Hang up", SOON).await?;
    ended(alice, "remoteHungUp", "hung up").await?;
    bob.tray()?.shows("Signed in as bob", SOON).await?;
    dismiss_ended(alice).await?;
    dismiss_ended(bob).await
}

async fn undisturbed(alice: &App, bob: &App) -> Result<()> {
    let (tray, notifications) = (bob.tray()?, bob.notifications()?);
    let ticked = |on| {
        move |line: &tincan_desktop_tests::tray::Line| {
            line.text == "Do not disturb" && line.ticked == Some(on)
        }
    };
    let before = notifications.all().len();
    tray.click("Do not disturb", SOON).await?;
    tray.until("a tick at Do not disturb", SOON, ticked(true)).await?;
    call(alice).await?;
    // The menu tells of it; nothing comes to the front.
    tray.shows("alice is calling", SOON).await?;
    ensure!(notifications.all().len() == before, "{:?}", notifications.all());
    tray.click("Decline", SOON).await?;
    ended(alice, "remoteDeclined", "bob cannot take the call").await?;
    dismiss_ended(alice).await?;
    tray.click("Do not disturb", SOON).await?;
    tray.until("no tick at Do not disturb", SOON, ticked(false)).await.map(drop)
}

async fn closed(alice: &App, bob: &App, screen: &Screen) -> Result<()> {
    close_window(bob, screen).await?;
    call(alice).await?;
    bob.tray()?.click("Answer", SOON).await?;
    phase_becomes(alice, "connected", CONNECTED).await?;
    screen.until(bob.id()?, "Tincan", SOON, |one| !one.minimised).await?;
    close_window(bob, screen).await?;
    phase_becomes(alice, "connected", SOON).await?;
    bob.start_again(&[]).await?;
    screen.until(bob.id()?, "Tincan", SOON, |_| true).await.map(drop)
}

async fn quit(alice: &App, bob: &App) -> Result<()> {
    bob.tray()?.click("Quit", SOON).await?;
    ended(alice, "remoteHungUp", "hung up").await?;
    gone(bob).await
}

async fn call(alice: &App) -> Result<()> {
    alice.press("contact-bob").await?;
    alice.press("call-audio").await?;
    phase_becomes(alice, "ringing", CONNECTED).await
}

async fn close_window(app: &App, screen: &Screen) -> Result<()> {
    let process = app.id()?;
    let window = screen.until(process, "Tincan", SOON, |_| true).await?;
    screen.close(&window)?;
    screen.is_gone(process, "Tincan", SOON).await
}

async fn gone(app: &App) -> Result<()> {
    eventually("the app has ended", SOON, async || Ok(app.id().is_err().then_some(()))).await
}
