//! A screen shared from the tray: the far window shows its pixels, and the camera again when
//! sharing stops.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::time::Duration;
use tincan_desktop_tests::canvas::{self, REMOTE};
use tincan_desktop_tests::pair::alice_and;
use tincan_desktop_tests::tray::Line;
use tincan_desktop_tests::whole_call::{ended, phase_becomes};
use tincan_desktop_tests::window::SOON;
use tincan_desktop_tests::x11::Colour;
use tincan_desktop_tests::{App, Desktop, Story, Window, devices, eventually};

const CONNECTED: Duration = Duration::from_secs(20);
/// How long a screen may take to be seen at the far side.
const SEEN: Duration = Duration::from_secs(20);
const HINT: &str = "see what bob's log says of the tray and of screens";
/// Pictures that are seen to be different.
const STAMPS: usize = 6;
/// Where the patches lie, beside both apps' windows.
const RED: (i16, i16) = (1500, 1000);
const BLUE: (i16, i16) = (1700, 1000);
const SIDE: u16 = 200;

/// Tells the colour of a canvas at a place that is given as a share of its width and height.
const PIXEL: &str = "
    const [selector, x, y] = arguments;
    const canvas = document.querySelector(selector);
    if (!canvas || canvas.width < 2) return null;
    const scratch = document.createElement('canvas');
    scratch.width = canvas.width;
    scratch.height = canvas.height;
    const pen = scratch.getContext('2d');
    pen.drawImage(canvas, 0, 0);
    return Array.from(pen.getImageData(canvas.width * x, canvas.height * y, 1, 1).data);";

#[tokio::test]
async fn a_monitor_chosen_in_the_tray_is_seen_at_the_far_side_until_sharing_stops() -> Result<()> {
    let desktop = Desktop::start("tray-share")?;
    let (alice, bob) = alice_and(&desktop, |bob| bob.tray()).await?;
    let screen = desktop.screen()?;
    screen.paint(RED, (SIDE, SIDE), Colour(0xff_00_00))?;
    screen.paint(BLUE, (SIDE, SIDE), Colour(0x00_00_ff))?;
    for app in [&alice, &bob] {
        devices::choose_test_picture(app).await?;
    }
    let mut story = Story::new(desktop.output());
    let both: [&Window; 2] = [&alice, &bob];
    alice.press("contact-bob").await?;
    alice.press("call-video").await?;
    bob.press("incoming-accept-video").await?;
    phase_becomes(&alice, "connected", CONNECTED).await?;
    canvas::watch(&alice, REMOTE, STAMPS, CONNECTED).await?;

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
            shows(&alice, middle, wanted).await?;
        }
        Ok(())
    };
    story.step("The far window shows the monitor's pixels", HINT, &both, shares).await?;
    let stops = async {
        let stop = |line: &Line| line.text.starts_with("Stop sharing");
        let stop = bob.tray()?.until("an end to it", SOON, stop).await?;
        bob.tray()?.click(&stop.text, SOON).await?;
        bob.tray()?.until("sharing again", SOON, |line| line.text == "Share screen").await?;
        canvas::watch(&alice, REMOTE, STAMPS, SEEN).await.map(drop)
    };
    story.step("Stopped, it shows the camera again", HINT, &both, stops).await?;
    bob.tray()?.click("Hang up", SOON).await?;
    ended(&alice, "remoteHungUp", "hung up").await
}

/// Waits until the far picture has a colour there. Coding turns it a little.
async fn shows(app: &App, place: [f64; 2], wanted: [u8; 3]) -> Result<()> {
    let mut last = json!(null);
    let seen = eventually("the far picture shows the patch", SEEN, async || {
        last = app.script(PIXEL, vec![json!(REMOTE), json!(place[0]), json!(place[1])]).await?;
        let pixel: Option<Vec<u8>> = serde_json::from_value(last.clone())?;
        let pixel = pixel.context("there is no picture")?;
        ensure!(pixel.len() == 4, "{pixel:?}");
        let near = pixel.iter().zip(wanted).all(|(is, wanted)| is.abs_diff(wanted) < 48);
        Ok(near.then_some(()))
    });
    seen.await.with_context(|| format!("{wanted:?} at {place:?}; it is {last}"))
}
