//! A window shared from the picker: the far side sees it, and the camera again when it closes.

use anyhow::{Context, Result, ensure};
use std::time::Duration;
use tincan_desktop_tests::canvas::{self, REMOTE};
use tincan_desktop_tests::pair::{acquainted, in_video_call, sees_camera};
use tincan_desktop_tests::whole_call::ended;
use tincan_desktop_tests::window::SOON;
use tincan_desktop_tests::x11::Colour;
use tincan_desktop_tests::{Desktop, Room, Story, Window, eventually};

/// How long a window may take to be seen at the far side.
const SEEN: Duration = Duration::from_secs(20);
const HINT: &str = "see what bob's log says of screens";
/// Of what its program plays, in hertz.
const PITCH: f32 = 700.0;
const TITLE: &str = "Papers";

#[tokio::test]
async fn a_window_chosen_in_the_picker_is_seen_until_it_closes() -> Result<()> {
    let desktop = Desktop::start("window-share")?;
    let (alices, bobs) = (Room::new()?, Room::new()?);
    let (alice, bob) =
        acquainted(&desktop, |alice| alice.room(&alices), |bob| bob.room(&bobs)).await?;
    let screen = desktop.screen()?;
    let papers = screen.open_window(TITLE, (640, 480), Colour(0x00_80_00))?;
    let mut story = Story::new(desktop.output());
    let both: [&Window; 2] = [&alice, &bob];
    in_video_call(&alice, &bob).await?;

    let chosen = async {
        bob.press("toggle-share").await?;
        let target = eventually("the window is in the picker", SOON, async || {
            let targets = bob.look("[data-testid^='target-window']").await?;
            Ok(targets.into_iter().find(|target| target.text.contains(TITLE)))
        });
        let target = target.await?;
        bob.press(target.attribute("data-testid")).await
    };
    story.step("The window is in the picker", HINT, &both, chosen).await?;
    let shares = async {
        bob.press("share-submit").await?;
        canvas::shows_colour(&alice, REMOTE, [0.5, 0.5], [0, 128, 0], SEEN).await?;
        let banner = bob.appears("share-banner", SOON).await?;
        banner.text.contains(TITLE).then_some(()).with_context(|| format!("{banner:?}"))
    };
    story.step("The far side sees the window", HINT, &both, shares).await?;
    let sounds = async {
        // The window is of this process, and so is what its child plays.
        let _player = bobs.play_tone(PITCH, &desktop.output().join("tone.f32"))?;
        ensure!(alices.pitch().await?.is_none(), "it was not asked for");
        bob.press("share-menu").await?;
        bob.press("share-menu-sound").await?;
        eventually("the program is heard at the far side", SEEN, async || {
            let pitch = alices.pitch().await?;
            Ok(pitch.filter(|pitch| (pitch - PITCH).abs() < 10.0))
        })
        .await?;
        let banner = bob.appears("share-banner", SOON).await?;
        banner.text.contains("sound").then_some(()).with_context(|| format!("{banner:?}"))
    };
    story.step("Asked for, its sound comes along", HINT, &both, sounds).await?;
    let closes = async {
        drop(papers);
        bob.disappears("share-banner", SEEN).await?;
        bob.appears("problem-share", SOON).await?;
        sees_camera(&alice).await
    };
    story.step("Closed, it gives way to the camera", HINT, &both, closes).await?;
    bob.press("hang-up").await?;
    ended(&alice, "remoteHungUp", "hung up").await
}
