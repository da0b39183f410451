//! The picture's quality, chosen in the window.

use anyhow::Result;
use std::time::Duration;
use tincan_desktop_tests::canvas::{self, REMOTE};
use tincan_desktop_tests::pair::{acquainted, in_video_call};
use tincan_desktop_tests::whole_call::ended;
use tincan_desktop_tests::{Desktop, Story, Window};

/// How long another size may take to be seen at the far side.
const SEEN: Duration = Duration::from_secs(20);
const HINT: &str = "see what alice's log says of rungs";
/// Chooses without opening the menu, as its items are there.
const CHOOSE: &str = "document.querySelector(`[data-testid='${arguments[0]}']`).click();";

#[tokio::test]
async fn the_far_side_sees_the_quality_that_is_chosen() -> Result<()> {
    let desktop = Desktop::start("quality")?;
    let (alice, bob) = acquainted(&desktop, |alice| alice, |bob| bob).await?;
    let mut story = Story::new(desktop.output());
    let both: [&Window; 2] = [&alice, &bob];
    in_video_call(&alice, &bob).await?;
    for (quality, height) in [("low", 240), ("high", 720), ("lowData", 240), ("medium", 480)] {
        let chosen = async {
            let id = format!("picture-quality-{quality}");
            alice.script(CHOOSE, vec![id.into()]).await?;
            canvas::has_lines(&bob, REMOTE, |lines| lines == height, SEEN).await
        };
        story.step(&format!("Alice chooses {quality}"), HINT, &both, chosen).await?;
    }
    bob.press("hang-up").await?;
    ended(&alice, "remoteHungUp", "hung up").await
}
