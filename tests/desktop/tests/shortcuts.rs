//! Keys that work while another program has the focus: taken by the app where it may, handed on by
//! the desktop on Wayland.

use anyhow::{Result, ensure};
use std::time::Duration;
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
/// Long enough for a screen to repeat a key: it begins after two thirds of a second.
const HELD: Duration = Duration::from_millis(1500);

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
        talk_by_keys(&bob).await?;
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
    let talks = async {
        let turns = Turns::watch(&bob).await?;
        screen.hold_keys(&[CONTROL, SHIFT, u32::from(b't')])?;
        bob.becomes("toggle-microphone", "aria-pressed", "true", SOON).await?;
        tokio::time::sleep(HELD).await;
        screen.let_go_keys(&[CONTROL, SHIFT, u32::from(b't')])?;
        bob.becomes("toggle-microphone", "aria-pressed", "false", SOON).await?;
        turns.are(2).await
    };
    story.step("Held keys let him talk", HINT, &[&alice, &bob], talks).await?;
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
        portal.until("it is asked again", SOON, |proposed| proposed.is_some()).await?;
        bob.press("open-settings").await?;
        talk_by_keys(&bob).await?;
        bob.press("close-settings").await?;
        bob.disappears("settings", SOON).await?;
        let talk = |proposed: Option<&Proposed>| {
            proposed.is_some_and(|keys| keys.get("talk").is_some_and(|keys| keys == "CTRL+SHIFT+t"))
        };
        portal.until("it is asked for the new ones", SOON, talk).await
    };
    story.step("The desktop is asked for keys while they are wanted", HINT, &[&bob], asks).await?;
    in_video_call(&alice, &bob).await?;
    let mutes = async {
        portal.press("mute").await?;
        bob.becomes("toggle-microphone", "aria-pressed", "false", SOON).await
    };
    story.step("The microphone's key mutes", HINT, &[&alice, &bob], mutes).await?;
    let talks = async {
        let turns = Turns::watch(&bob).await?;
        // Some desktops tell again and again of keys that are held.
        for _ in 0..3 {
            portal.hold("talk").await?;
            bob.becomes("toggle-microphone", "aria-pressed", "true", SOON).await?;
        }
        portal.let_go("talk").await?;
        bob.becomes("toggle-microphone", "aria-pressed", "false", SOON).await?;
        turns.are(2).await
    };
    story.step("Held keys let him talk", HINT, &[&alice, &bob], talks).await?;
    portal.press("hang-up").await?;
    ended(&alice, "remoteHungUp", "hung up").await
}

/// Presses keys on a button that records them.
const RECORD: &str = "
    document.querySelector('[data-testid=\"record-talk\"]').dispatchEvent(new KeyboardEvent('keydown', {
        code: 'KeyT', key: 'T', ctrlKey: true, shiftKey: true, bubbles: true, cancelable: true,
    }));";

/// Sets keys for talking; the settings are open.
async fn talk_by_keys(app: &App) -> Result<()> {
    app.becomes("shortcut-talk", "data-keys", "", SOON).await?;
    app.press("record-talk").await?;
    app.script(RECORD, vec![]).await?;
    app.becomes("shortcut-talk", "data-keys", "Control+Shift+T", SOON).await.map(drop)
}

/// Begins to count how often the microphone's button turns round.
const COUNT: &str = "
    const button = document.querySelector('[data-testid=\"toggle-microphone\"]');
    window.turns = 0;
    new MutationObserver((changes) => { window.turns += changes.length; })
        .observe(button, { attributeFilter: ['aria-pressed'] });";

/// How often a microphone was turned round.
struct Turns<'a>(&'a App);

impl<'a> Turns<'a> {
    async fn watch(app: &'a App) -> Result<Self> {
        app.script(COUNT, vec![]).await?;
        Ok(Self(app))
    }

    async fn are(self, wanted: u64) -> Result<()> {
        let turns = self.0.script("return window.turns;", vec![]).await?;
        ensure!(turns == wanted, "the microphone was turned {turns} times, not {wanted}");
        Ok(())
    }
}

/// Turns the shortcuts on, or off, in the settings.
async fn switch(app: &App) -> Result<()> {
    app.press("open-settings").await?;
    app.press("shortcuts-enabled").await?;
    app.press("close-settings").await?;
    app.disappears("settings", SOON).await
}
