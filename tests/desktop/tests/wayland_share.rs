//! A screen shared on a Wayland desktop, by its portal: the far side sees it with the pointer, also
//! when it comes late to a still screen, and the camera again once sharing ends, however it ends.

use anyhow::{Result, ensure};
use std::time::Duration;
use tincan_desktop_tests::canvas::{self, REMOTE};
use tincan_desktop_tests::pair::{alice_and, in_video_call, sees_camera};
use tincan_desktop_tests::whole_call::ended;
use tincan_desktop_tests::window::SOON;
use tincan_desktop_tests::{App, Desktop, Story, Window, eventually};
use tincan_test_support::wayland::{Dialog, Rig};

/// How long a screen may take to be seen at the far side.
const SEEN: Duration = Duration::from_secs(20);
const HINT: &str = "see what bob's log says of screens";
const GREEN: [u8; 3] = [0, 255, 0];
/// A place where nothing but the background is.
const BESIDE: [f64; 2] = [0.8, 0.8];
/// Where the pointer is put, and places that it covers there.
const POINTER: &str = "seat seat0 cursor set 300 200";
const COVERED: [[u16; 2]; 3] = [[301, 203], [302, 206], [303, 209]];
const SCREEN: [u16; 2] = [1280, 720];

#[tokio::test]
async fn a_screen_given_by_the_portal_is_seen_until_it_is_taken_back_or_vanishes() -> Result<()> {
    let Some(mut rig) = Rig::start_or_skip("app", Dialog::Answers) else { return Ok(()) };
    let desktop = Desktop::start("wayland-share")?;
    let (alice, bob) = alice_and(&desktop, |bob| bob.in_wayland_session(&rig)).await?;
    let mut story = Story::new(desktop.output());
    let both: [&Window; 2] = [&alice, &bob];
    in_video_call(&alice, &bob).await?;

    let declines = async {
        rig.answer("")?;
        bob.press("toggle-share").await?;
        eventually("the desktop asks", SEEN, async || Ok(rig.is_asked().then_some(()))).await?;
        bob.becomes("toggle-share", "data-share", "off", SEEN).await?;
        ensure!(bob.see("problem-share").await?.is_none(), "declining is no failure");
        sees_camera(&alice).await
    };
    story.step("Declined, nothing is shared", HINT, &both, declines).await?;
    let shares = async {
        rig.answer("HEADLESS-1")?;
        bob.press("toggle-share").await?;
        bob.becomes("share-banner", "data-share", "sharing", SEEN).await?;
        let banner = bob.appears("share-banner", SOON).await?;
        ensure!(banner.text.contains("Screen"), "{banner:?}");
        canvas::shows_colour(&alice, REMOTE, BESIDE, GREEN, SEEN).await
    };
    story.step("The far side sees the screen", HINT, &both, shares).await?;
    let points = async {
        let _pointer = rig.pointer()?;
        rig.sway(POINTER)?;
        eventually("the pointer is seen", SEEN, async || is_covered(&alice).await).await
    };
    story.step("The pointer is in the picture", HINT, &both, points).await?;
    let late = async {
        alice.reload().await?;
        canvas::shows_colour(&alice, REMOTE, BESIDE, GREEN, SEEN).await
    };
    story.step("Who looks late sees the still screen", HINT, &both, late).await?;
    let stops = async {
        bob.press("share-stop").await?;
        let gone = async || Ok((rig.sessions()? == 0).then_some(()));
        eventually("the portal's session is gone", SEEN, gone).await?;
        sees_camera(&alice).await
    };
    story.step("Stopped, it gives way to the camera", HINT, &both, stops).await?;

    let again = async {
        bob.press("toggle-share").await?;
        // The portal tells of a second share's screen when it changes.
        let mut blue = 0;
        eventually("the screen is seen again", SEEN, async || {
            blue = (blue + 64) % 256;
            rig.paint(&format!("#ff00{blue:02x}"))?;
            let [red, green, _] = canvas::colour(&alice, REMOTE, BESIDE).await?;
            Ok((red > 200 && green < 48).then_some(()))
        })
        .await
    };
    story.step("Shared again, it is seen again", HINT, &both, again).await?;
    let vanishes = async {
        rig.end("sway");
        bob.disappears("share-banner", SEEN).await?;
        bob.appears("problem-share", SOON).await?;
        sees_camera(&alice).await
    };
    story.step("Its desktop gone, it gives way to the camera", HINT, &both, vanishes).await?;
    bob.press("hang-up").await?;
    ended(&alice, "remoteHungUp", "hung up").await
}

/// Whether something other than the background is where the pointer was put.
async fn is_covered(alice: &App) -> Result<Option<()>> {
    for at in COVERED {
        let place = [0, 1].map(|axis| f64::from(at[axis]) / f64::from(SCREEN[axis]));
        if !canvas::is_near(canvas::colour(alice, REMOTE, place).await?, GREEN) {
            return Ok(Some(()));
        }
    }
    Ok(None)
}
