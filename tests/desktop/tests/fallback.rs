//! Where WebKit cannot decode H.264, pictures reach the window decoded.

use anyhow::Result;
use serde_json::json;
use std::time::Duration;
use tincan_desktop_tests::canvas::{self, REMOTE};
use tincan_desktop_tests::place::free_port;
use tincan_desktop_tests::whole_call::{call, phase_becomes};
use tincan_desktop_tests::{Desktop, devices};

#[tokio::test]
async fn window_without_decoder_shows_decoded_pictures() -> Result<()> {
    let desktop = Desktop::start("fallback")?;
    let server = format!("127.0.0.1:{}", free_port()?);
    let alice = desktop.app("alice")?.signed_in().contact("bob").listen(&server).start().await?;
    let bob = desktop.app("bob")?.signed_in().contact("alice").server(&server).place(1, 0);
    let bob = bob.start().await?;
    alice
        .script(
            "localStorage.setItem(arguments[0], arguments[1]);",
            vec![json!("tincan.video"), json!("i420")],
        )
        .await?;
    alice.reload().await?;
    for (app, contact) in [(&alice, "contact-bob"), (&bob, "contact-alice")] {
        app.becomes(contact, "data-presence", "online", Duration::from_secs(20)).await?;
        devices::choose_test_picture(app).await?;
    }

    call(&bob, &alice, "call-video").await?;
    alice.press("incoming-accept-video").await?;
    phase_becomes(&alice, "connected", Duration::from_secs(20)).await?;

    let limit = Duration::from_secs(30);
    let decoded_before = canvas::watch(&alice, REMOTE, 6, limit).await?;
    assert_eq!(decoded_before.last.mode, "webgl", "{decoded_before:?}");
    let decoded_there = canvas::watch(&bob, REMOTE, 6, limit).await?;
    assert_eq!(decoded_there.last.mode, "webcodecs", "{decoded_there:?}");
    Ok(())
}
