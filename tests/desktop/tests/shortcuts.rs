//! Keys that work while another program has the focus: taken by the app where it may, handed on by
//! the desktop on Wayland.

use anyhow::Result;
use tincan_desktop_tests::pair::{alice_and, in_video_call};
use tincan_desktop_tests::portal::Proposed;
use tincan_desktop_tests::whole_call::ended;
use tincan_desktop_tests::window::{SOON, Seen};
use tincan_desktop_tests::x11::Colour;
use tincan_desktop_tests::{App, Desktop, Story};

const HINT: &str = "see what bob's log says of shortcuts";
/// Key symbols of X.
const CONTROL: u32 = 0xffe3;
const SHIFT: u32 = 0xffe1;
const TITLE: &str = "Papers";

#[tokio::test]
async fn keys_pressed_in_another_program_mute_and_hang_up() -> Result<()> {
    let desktop = Desktop::start("shortcuts")?;
    let (alice, bob) = alice_and(&desktop, |bob| bob).await?;
    let screen = desktop.screen()?;
    let mut story = Story::new(desktop.output());
    let told = async {
        let grabbed = screen.grab_key(u32::from(b'm'))?;
        bob.press("open-settings").await?;
        bob.press("shortcuts-enabled").await?;
        let taken = |row: &Seen| row.text.contains("Another program has these keys");
        bob.until("shortcut-mute", "it is told", SOON, taken).await?;
        bob.press("shortcuts-enabled").await?;
        drop(grabbed);
        bob.press("shortcuts-enabled").await?;
        bob.until("shortcut-mute", "it is free", SOON, |row| !taken(row)).await?;
        bob.press("close-settings").await?;
        bob.disappears("settings", SOON).await
    };
    story.step("Keys of another program are told", HINT, &[&bob], told).await?;
    in_video_call(&alice, &bob).await?;
    let _papers = screen.open_window(TITLE, (400, 300), Colour(0xff_ff_ff))?;
    let mutes = async {
        let papers = screen.until(0, TITLE, SOON, |_| true).await?;
        screen.activate(&papers)?;
        screen.until(0, TITLE, SOON, |papers| papers.active).await?;
        screen.press_keys(&[CONTROL, SHIFT, u32::from(b'm')])?;
        bob.becomes("toggle-microphone", "aria-pressed", "false", SOON).await
    };
    story.step("The microphone's key mutes", HINT, &[&alice, &bob], mutes).await?;
    screen.press_keys(&[CONTROL, SHIFT, u32::from(b'h')])?;
    ended(&alice, "remoteHungUp", "hung up").await
}

#[tokio::test]
async fn keys_that_a_wayland_desktop_hands_on_mute_and_hang_up() -> Result<()> {
    let desktop = Desktop::start("shortcuts-portal")?;
    let (alice, bob) = alice_and(&desktop, |bob| bob.shortcut_portal()).await?;
    let portal = bob.portal()?;
    let mut story = Story::new(desktop.output());
    let asks = async {
        switch(&bob).await?;
        let mute = |proposed: Option<&Proposed>| {
            proposed.is_some_and(|keys| keys.get("mute").is_some_and(|keys| keys == "CTRL+SHIFT+m"))
        };
        portal.until("the desktop is asked for keys", SOON, mute).await?;
        switch(&bob).await?;
        portal.until("it has them back", SOON, |proposed| proposed.is_none()).await?;
        switch(&bob).await?;
        portal.until("it is asked again", SOON, |proposed| proposed.is_some()).await
    };
    story.step("The desktop is asked for keys while they are wanted", HINT, &[&bob], asks).await?;
    in_video_call(&alice, &bob).await?;
    let mutes = async {
        portal.press("mute").await?;
        bob.becomes("toggle-microphone", "aria-pressed", "false", SOON).await
    };
    story.step("The microphone's key mutes", HINT, &[&alice, &bob], mutes).await?;
    portal.press("hang-up").await?;
    ended(&alice, "remoteHungUp", "hung up").await
}

/// Turns the shortcuts on, or off, in the settings.
async fn switch(app: &App) -> Result<()> {
    app.press("open-settings").await?;
    app.press("shortcuts-enabled").await?;
    app.press("close-settings").await?;
    app.disappears("settings", SOON).await
}
