//! A whole call by the keyboard alone, with real keys pressed into real windows.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::time::Duration;
use tincan_desktop_tests::pair::alice_and;
use tincan_desktop_tests::whole_call::{ended, phase_becomes};
use tincan_desktop_tests::window::SOON;
use tincan_desktop_tests::x11::Screen;
use tincan_desktop_tests::{App, Desktop, Story, Window, eventually};

/// How long a call may take to connect.
const CONNECTED: Duration = Duration::from_secs(20);
const HINT: &str = "see where the focus is in the pictures";
/// Key symbols of X.
const TAB: u32 = 0xff09;
const RETURN: u32 = 0xff0d;
const CONTROL: u32 = 0xffe3;
const SHIFT: u32 = 0xffe1;
/// Steps of Tab after which something counts as out of reach.
const FAR: usize = 40;
const FOCUSED: &str =
    "return document.activeElement?.closest('[data-testid]')?.dataset.testid ?? null";

#[tokio::test]
async fn a_whole_call_is_made_by_keyboard() -> Result<()> {
    let desktop = Desktop::start("keyboard")?;
    let (alice, bob) = alice_and(&desktop, |bob| bob).await?;
    let screen = desktop.screen()?;
    let mut story = Story::new(desktop.output());
    let both: [&Window; 2] = [&alice, &bob];
    let connects = async {
        to_front(&screen, &alice).await?;
        choose(&screen, &alice, "contact-bob").await?;
        choose(&screen, &alice, "call-audio").await?;
        bob.appears("incoming-accept-audio", CONNECTED).await?;
        to_front(&screen, &bob).await?;
        choose(&screen, &bob, "incoming-accept-audio").await?;
        phase_becomes(&bob, "connected", CONNECTED).await?;
        phase_becomes(&alice, "connected", CONNECTED).await
    };
    story.step("Called and answered by keyboard", HINT, &both, connects).await?;
    let mutes = async {
        for pressed in ["false", "true"] {
            screen.press_keys(&[u32::from(b'm')])?;
            bob.becomes("toggle-microphone", "aria-pressed", pressed, SOON).await?;
        }
        anyhow::Ok(())
    };
    story.step("Muted and unmuted by a key", HINT, &both, mutes).await?;
    let shares = async {
        choose(&screen, &bob, "toggle-share").await?;
        bob.appears("share-picker", SOON).await?;
        choose(&screen, &bob, "share-submit").await?;
        bob.becomes("share-banner", "data-share", "sharing", CONNECTED).await?;
        choose(&screen, &bob, "share-stop").await?;
        bob.disappears("share-banner", SOON).await
    };
    story.step("A screen is shared and taken back by keyboard", HINT, &both, shares).await?;
    screen.press_keys(&[CONTROL, SHIFT, u32::from(b'h')])?;
    ended(&alice, "remoteHungUp", "hung up").await
}

async fn to_front(screen: &Screen, app: &App) -> Result<()> {
    let process = app.id()?;
    let window = screen.until(process, "Tincan", SOON, |_| true).await?;
    screen.activate(&window)?;
    screen.until(process, "Tincan", SOON, |window| window.active).await.map(drop)
}

/// Goes there with Tab, as far as that leads, and presses Enter.
async fn choose(screen: &Screen, app: &App, id: &str) -> Result<()> {
    app.appears(id, SOON).await?;
    let mut passed = Vec::new();
    for _ in 0..FAR {
        let focused = focus(app).await?;
        if focused.as_deref() == Some(id) {
            return screen.press_keys(&[RETURN]);
        }
        screen.press_keys(&[TAB])?;
        // The focus moves a moment after the key; from the last element it may leave the page.
        let moved = eventually("the focus moves", Duration::from_millis(500), async || {
            let now = focus(app).await?;
            Ok((now != focused).then_some(now))
        });
        passed.push(moved.await.ok().flatten());
    }
    bail!("{id} is not reached with Tab, but {passed:?}")
}

async fn focus(app: &App) -> Result<Option<String>> {
    match app.script(FOCUSED, vec![]).await? {
        Value::String(id) => Ok(Some(id)),
        Value::Null => Ok(None),
        other => Err(anyhow::anyhow!("{other}")).context("while looking for the focus"),
    }
}
