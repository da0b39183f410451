//! Picture-in-picture: it comes when the window is put away in a call, shows moving pictures,
//! and leaves.

use anyhow::Result;
use fantoccini::wd::WindowHandle;
use std::time::Duration;
use tincan_desktop_tests::canvas::{self, REMOTE};
use tincan_desktop_tests::pair::{alice_and, in_video_call, sees_camera};
use tincan_desktop_tests::whole_call::ended;
use tincan_desktop_tests::window::SOON;
use tincan_desktop_tests::x11::{OnScreen, Screen};
use tincan_desktop_tests::{App, Desktop, Story};

const CONNECTED: Duration = Duration::from_secs(20);
const HINT: &str = "see what alice's log says of picture-in-picture";
const TITLE: &str = "Tincan picture-in-picture";
/// Pictures that are seen to be different.
const STAMPS: usize = 6;

#[tokio::test]
async fn picture_in_picture_comes_shows_moving_pictures_and_leaves() -> Result<()> {
    let desktop = Desktop::start("pip")?;
    let (alice, bob) = alice_and(&desktop, |bob| bob).await?;
    let screen = desktop.screen()?;
    let mut story = Story::new(desktop.output());
    in_video_call(&alice, &bob).await?;
    let main = alice.client().window().await?;

    let comes = comes(&alice, &screen);
    let at = story.step("It comes when the window is minimised", HINT, &[&alice], comes).await?;
    let moves = sees_camera(&alice);
    story.step("It shows moving pictures", HINT, &[&alice], moves).await?;
    let leaves = leaves(&alice, &screen, &main);
    story.step("Back leaves it for the window", HINT, &[&alice], leaves).await?;
    let returns = returns(&alice, &screen, &at);
    story.step("Asked for, it is where it was", HINT, &[&alice], returns).await?;
    bob.press("hang-up").await?;
    let ends = async {
        screen.is_gone(alice.id()?, TITLE, SOON).await?;
        ended(&alice, "remoteHungUp", "hung up").await
    };
    story.step("It goes with the call", HINT, &[&alice, &bob], ends).await
}

/// Goes over to the small window, which is where the driver looks from then on.
async fn comes(alice: &App, screen: &Screen) -> Result<OnScreen> {
    let process = alice.id()?;
    let window = screen.until(process, "Tincan", SOON, |_| true).await?;
    screen.minimise(&window)?;
    // It is shown before the window manager has done all that was asked for.
    let whole = |one: &OnScreen| one.above && one.unlisted && one.size == (320, 180);
    let pip = screen.until(process, TITLE, SOON, whole).await?;
    alice.look_into_another().await?;
    alice.appears("pip", SOON).await?;
    Ok(pip)
}

async fn leaves(alice: &App, screen: &Screen, main: &WindowHandle) -> Result<()> {
    alice.press_and_leave("pip-back").await?;
    screen.is_gone(alice.id()?, TITLE, SOON).await?;
    alice.client().switch_to_window(main.clone()).await?;
    screen.until(alice.id()?, "Tincan", SOON, |one| !one.minimised).await?;
    canvas::watch(alice, REMOTE, STAMPS, CONNECTED).await.map(drop)
}

async fn returns(alice: &App, screen: &Screen, before: &OnScreen) -> Result<()> {
    alice.press("pip-toggle").await?;
    let same = |one: &OnScreen| one.at == before.at && one.size == before.size;
    screen.until(alice.id()?, TITLE, SOON, same).await.map(drop)
}
