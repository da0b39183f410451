//! How the app comes up: in the tray without a window, once per profile, with the session, with
//! what a link asks for, and with a log that stays.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::time::Duration;
use tincan_desktop_tests::pair::alice_and;
use tincan_desktop_tests::window::SOON;
use tincan_desktop_tests::{App, Desktop, eventually};

const NOTICED: Duration = Duration::from_secs(15);

#[tokio::test]
async fn started_hidden_it_has_no_window_until_it_is_started_again() -> Result<()> {
    let desktop = Desktop::start("starting-hidden")?;
    let screen = desktop.screen()?;
    let alice = desktop.app("alice")?.signed_in().tray().hidden().start().await?;
    alice.tray()?.shows("Signed in as alice", NOTICED).await?;
    let process = alice.id()?;
    let windows = screen.windows()?;
    ensure!(windows.iter().all(|one| one.process != process), "{windows:?}");
    // The session may start it twice; that shows nothing either.
    alice.start_again(&["--hidden"]).await?;
    ensure!(screen.windows()?.iter().all(|one| one.process != process));
    alice.start_again(&[]).await.context("while starting it again")?;
    screen.until(process, "Tincan", SOON, |_| true).await?;
    let folder = alice.folder("tincan").join("profiles/alice/logs");
    let log = std::fs::read_to_string(folder.join("tincan.log")).context("there is no log")?;
    ensure!(log.contains("INFO") && !log.contains('\u{1b}'), "no plain text: {log}");
    Ok(())
}

#[tokio::test]
async fn it_starts_with_the_session_if_the_person_wants_it_so() -> Result<()> {
    let desktop = Desktop::start("starting-with-session")?;
    let alice = desktop.app("alice")?.signed_in().start().await?;
    let entry = alice.folder("CONFIG_HOME").join("autostart/org.tincan.Tincan.alice.desktop");
    set(&alice, "startAtLogin", json!(true)).await?;
    let text = eventually("there is an entry", SOON, async || {
        Ok(std::fs::read_to_string(&entry).ok().filter(|text| text.ends_with('\n')))
    })
    .await?;
    ensure!(text.contains("tincan\" --profile alice --hidden\n"), "{text}");
    set(&alice, "startAtLogin", json!(false)).await?;
    eventually("the entry goes", SOON, async || Ok((!entry.exists()).then_some(()))).await
}

#[tokio::test]
async fn links_lead_to_an_invitation_and_to_a_call() -> Result<()> {
    let desktop = Desktop::start("starting-links")?;
    let (alice, bob) = alice_and(&desktop, |bob| bob.link("tincan://call/alice")).await?;
    // The link that started it: the page was not there yet when it came.
    bob.appears("call-link-audio", NOTICED).await?;
    alice.start_again(&["tincan://invite/carol"]).await?;
    let filled = "const field = document.querySelector('[data-testid=\"add-contact-name\"]');
        return field?.value ?? null;";
    eventually("the form is filled in", NOTICED, async || {
        Ok((alice.script(filled, vec![]).await? == json!("carol")).then_some(()))
    })
    .await?;
    bob.press("call-link-audio").await?;
    alice.appears("incoming", SOON).await.map(drop)
}

/// Changes one of the settings, as the settings page does.
async fn set(app: &App, name: &str, value: Value) -> Result<()> {
    let body = "const [name, value, done] = arguments;
        const { invoke } = window.__TAURI_INTERNALS__;
        invoke('snapshot')
            .then(({ settings }) =>
                invoke('dispatch', { intent: { type: 'updateSettings', settings: { ...settings, [name]: value } } }))
            .then(() => done(null), (error) => done(JSON.stringify(error)));";
    let problem = app.script_async(body, vec![json!(name), value]).await?;
    ensure!(problem.is_null(), "{problem}");
    Ok(())
}
