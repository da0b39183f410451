//! Two apps on one machine have a whole call with sound, in real windows.

use anyhow::Result;
use tincan_desktop_tests::place::free_port;
use tincan_desktop_tests::whole_call::Rooms;
use tincan_desktop_tests::{Desktop, Story, whole_call};

#[tokio::test]
async fn two_people_see_hear_and_steer_a_whole_call() -> Result<()> {
    let desktop = Desktop::start("whole-call")?;
    let server = format!("127.0.0.1:{}", free_port()?);
    let rooms = Rooms::new()?;
    let alice = desktop.app("alice")?.room(&rooms.alice).listen(&server).start().await?;
    let bob = desktop.app("bob")?.room(&rooms.bob).server(&server).place(1, 0).start().await?;
    let mut story = Story::new(desktop.output());

    whole_call::meet(&mut story, &alice, &bob).await?;
    whole_call::connect(&mut story, &alice, &bob).await?;
    whole_call::talk(&mut story, &alice, &bob, &rooms).await?;
    whole_call::use_controls(&mut story, &alice, &bob).await?;
    whole_call::hang_up(&mut story, &alice, &bob).await
}
