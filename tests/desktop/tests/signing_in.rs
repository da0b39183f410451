//! What a person reads when signing in does not work, and that the next try does.

use anyhow::Result;
use std::time::Duration;
use tincan_desktop_tests::Desktop;
use tincan_desktop_tests::place::free_port;

const NOTICED: Duration = Duration::from_secs(15);

#[tokio::test]
async fn refused_names_and_absent_servers_are_told_and_can_be_corrected() -> Result<()> {
    let desktop = Desktop::start("signing-in")?;
    let server = format!("127.0.0.1:{}", free_port()?);
    let alice = desktop.app("alice")?.signed_in().listen(&server).start().await?;
    alice.until("me-name", "tells the name", NOTICED, |me| me.text.contains("alice")).await?;

    let second = desktop.app("second")?.server(&server).place(1, 0).start().await?;
    for (name, problem) in
        [("No such name!", "2 to 32 letters"), ("alice", "Somebody already has this name")]
    {
        second.enter("sign-in-name", name).await?;
        second.press("sign-in-submit").await?;
        second
            .until("sign-in-problem", problem, NOTICED, |told| told.text.contains(problem))
            .await?;
    }
    second.enter("sign-in-name", "alice2").await?;
    second.press("sign-in-submit").await?;
    second.until("me-name", "tells the name", NOTICED, |me| me.text.contains("alice2")).await?;

    let nowhere = format!("127.0.0.1:{}", free_port()?);
    let third = desktop.app("third")?.server(&nowhere).place(0, 1).start().await?;
    third.enter("sign-in-name", "third").await?;
    third.press("sign-in-submit").await?;
    let words = "Nothing answers at this address";
    third.until("sign-in-problem", words, NOTICED, |told| told.text.contains(words)).await?;
    Ok(())
}
