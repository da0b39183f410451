//! A machine without microphone, speaker and camera can still be in a call, and says what is missing.

use anyhow::Result;
use std::time::Duration;
use tincan_desktop_tests::place::free_port;
use tincan_desktop_tests::whole_call::{call, phase_becomes};
use tincan_desktop_tests::window::test_id;
use tincan_desktop_tests::{Desktop, eventually};

#[tokio::test]
async fn call_connects_without_any_device_and_tells_what_is_missing() -> Result<()> {
    let desktop = Desktop::start("no-devices")?;
    let server = format!("127.0.0.1:{}", free_port()?);
    let alice = desktop.app("alice")?.signed_in().contact("bob").listen(&server);
    let alice = alice.start().await?;
    let bob = desktop.app("bob")?.signed_in().contact("alice").server(&server).place(1, 0);
    let bob = bob.start().await?;
    alice.becomes("contact-bob", "data-presence", "online", Duration::from_secs(20)).await?;

    call(&alice, &bob, "call-audio").await?;
    bob.press("incoming-accept-audio").await?;
    for app in [&alice, &bob] {
        phase_becomes(app, "connected", Duration::from_secs(20)).await?;
        for words in ["No microphone found", "No speaker found"] {
            let what = format!("{}: a notice says {words:?}", app.name());
            eventually(&what, Duration::from_secs(10), async || {
                let notices = app.look(&test_id("notice")).await?;
                Ok(notices.iter().any(|notice| notice.text.contains(words)).then_some(()))
            })
            .await?;
        }
    }
    Ok(())
}
