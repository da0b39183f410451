//! A screen shared from the tray: the far window shows its pixels, and the camera again when
//! sharing stops.

use anyhow::Result;
use std::time::Duration;
use tincan_desktop_tests::canvas::{self, REMOTE};
use tincan_desktop_tests::pair::{alice_and, in_video_call, sees_camera};
use tincan_desktop_tests::tray::Line;
use tincan_desktop_tests::whole_call::ended;
use tincan_desktop_tests::window::SOON;
use tincan_desktop_tests::x11::Colour;
use tincan_desktop_tests::{Desktop, Story, Window};

/// How long a screen may take to be seen at the far side.
const SEEN: Duration = Duration::from_secs(20);
const HINT: &str = "see what bob's log says of the tray and of screens";
/// Where the patches lie, beside both apps' windows.
const RED: (i16, i16) = (1500, 1000);
const BLUE: (i16, i16) = (1700, 1000);
const SIDE: u16 = 200;

#[tokio::test]
async fn a_monitor_chosen_in_the_tray_is_seen_at_the_far_side_until_sharing_stops() -> Result<()> {
    let desktop = Desktop::start("tray-share")?;
    let (alice, bob) = alice_and(&desktop, |bob| bob.tray()).await?;
    let screen = desktop.screen()?;
    screen.paint(RED, (SIDE, SIDE), Colour(0xff_00_00))?;
    screen.paint(BLUE, (SIDE, SIDE), Colour(0x00_00_ff))?;
    let mut story = Story::new(desktop.output());
    let both: [&Window; 2] = [&alice, &bob];
    in_video_call(&alice, &bob).await?;

    let shares = async {
        let monitor = |line: &Line| line.text.starts_with("Share screen > ") && line.enabled;
        let monitor = bob.tray()?.until("a monitor to share", SOON, monitor).await?;
        bob.tray()?.click(&monitor.text, SOON).await?;
        bob.tray()?
            .until("an end to it", SEEN, |line| line.text.starts_with("Stop sharing"))
            .await?;
        let size = screen.size();
        for (place, wanted) in [(RED, [255, 0, 0]), (BLUE, [0, 0, 255])] {
            let middle = [(place.0, size.0), (place.1, size.1)]
                .map(|(at, all)| f64::from(at + SIDE as i16 / 2) / f64::from(all));
            canvas::shows_colour(&alice, REMOTE, middle, wanted, SEEN).await?;
        }
        Ok(())
    };
    story.step("The far window shows the monitor's pixels", HINT, &both, shares).await?;
    let stops = async {
        let stop = |line: &Line| line.text.starts_with("Stop sharing");
        let stop = bob.tray()?.until("an end to it", SOON, stop).await?;
        bob.tray()?.click(&stop.text, SOON).await?;
        bob.tray()?.until("sharing again", SOON, |line| line.text == "Share screen").await?;
        sees_camera(&alice).await
    };
    story.step("Stopped, it shows the camera again", HINT, &both, stops).await?;
    bob.tray()?.click("Hang up", SOON).await?;
    ended(&alice, "remoteHungUp", "hung up").await
}
