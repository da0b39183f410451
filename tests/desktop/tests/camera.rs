//! What the far side gets of the camera: nothing while it is paused or off, and no more than is seen.

use anyhow::Result;
use std::time::Duration;
use tincan_desktop_tests::canvas::{self, OWN, REMOTE};
use tincan_desktop_tests::pair::{acquainted, in_video_call, sees_camera};
use tincan_desktop_tests::whole_call::ended;
use tincan_desktop_tests::window::SOON;
use tincan_desktop_tests::x11::Screen;
use tincan_desktop_tests::{App, Desktop, Story, Window};

/// How long another size may take to be seen.
const SEEN: Duration = Duration::from_secs(20);
const HINT: &str = "see what the logs say of pausing and of rungs";
const PIP: &str = "Tincan picture-in-picture";
/// The lowest rung's lines.
const SMALL: u32 = 240;
/// Pictures that are seen to be different.
const STAMPS: usize = 6;
/// Chooses without opening the menu, as its items are there.
const CHOOSE: &str = "document.querySelector(`[data-testid='${arguments[0]}']`).click();";

#[tokio::test]
async fn the_far_side_gets_no_picture_while_it_is_paused_or_off_and_no_more_than_it_shows()
-> Result<()> {
    let desktop = Desktop::start("camera")?;
    let (alice, bob) = acquainted(&desktop, |alice| alice, |bob| bob).await?;
    let screen = desktop.screen()?;
    let mut story = Story::new(desktop.output());
    let both: [&Window; 2] = [&alice, &bob];
    in_video_call(&alice, &bob).await?;
    sees_camera(&bob).await?;
    canvas::has_lines(&alice, REMOTE, |lines| lines > SMALL, SEEN).await?;

    let pauses = pauses(&alice, &bob);
    story.step("Alice pauses the picture", HINT, &both, pauses).await?;
    let resumes = resumes(&alice, &bob);
    story.step("It is back", HINT, &both, resumes).await?;
    let stops = stops(&alice, &bob);
    story.step("Alice's camera is off and on again", HINT, &both, stops).await?;
    let shrinks = shrinks(&alice, &screen);
    story.step("A small window is sent a small picture", HINT, &[&alice], shrinks).await?;
    let grows = grows(&alice, &screen);
    story.step("A large one is sent a large one", HINT, &[&alice], grows).await?;
    bob.press("hang-up").await?;
    ended(&alice, "remoteHungUp", "hung up").await
}

async fn pauses(alice: &App, bob: &App) -> Result<()> {
    alice.script(CHOOSE, vec!["pause-camera".into()]).await?;
    alice.appears("self-paused", SOON).await?;
    bob.appears("remote-paused", SOON).await?;
    // The camera is open, and only its owner sees what it takes.
    canvas::watch(alice, OWN, STAMPS, SEEN).await.map(drop)
}

async fn resumes(alice: &App, bob: &App) -> Result<()> {
    alice.press("toggle-camera").await?;
    bob.disappears("remote-paused", SOON).await?;
    sees_camera(bob).await
}

async fn stops(alice: &App, bob: &App) -> Result<()> {
    alice.press("toggle-camera").await?;
    alice.becomes("toggle-camera", "data-live", "false", SOON).await?;
    bob.appears("remote-camera-off", SOON).await?;
    alice.press("toggle-camera").await?;
    sees_camera(bob).await
}

/// Goes over to the small window and back.
async fn shrinks(alice: &App, screen: &Screen) -> Result<()> {
    let window = screen.until(alice.id()?, "Tincan", SOON, |_| true).await?;
    screen.minimise(&window)?;
    screen.until(alice.id()?, PIP, SOON, |_| true).await?;
    let main = alice.client().window().await?;
    alice.look_into_another().await?;
    canvas::has_lines(alice, REMOTE, |lines| lines <= SMALL, SEEN).await?;
    sees_camera(alice).await?;
    alice.press_and_leave("pip-back").await?;
    screen.is_gone(alice.id()?, PIP, SOON).await?;
    alice.client().switch_to_window(main).await.map_err(Into::into)
}

async fn grows(alice: &App, screen: &Screen) -> Result<()> {
    screen.until(alice.id()?, "Tincan", SOON, |one| !one.minimised).await?;
    canvas::has_lines(alice, REMOTE, |lines| lines > SMALL, SEEN).await?;
    sees_camera(alice).await
}
