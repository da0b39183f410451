//! Every way in which a call does not happen or ends badly, told to both sides in the right words.

use anyhow::Result;
use std::time::Duration;
use tincan_desktop_tests::place::free_port;
use tincan_desktop_tests::whole_call::{
    call, dismiss_ended, ended, ended_within, in_history, phase_becomes,
};
use tincan_desktop_tests::window::SOON;
use tincan_desktop_tests::{App, Desktop, Story, Window};

const CONNECTED: Duration = Duration::from_secs(20);
/// Everything that is tried to restore a connection ends after 85 s.
const CONNECTION_GIVEN_UP: Duration = Duration::from_secs(100);
/// How long the server lets it ring here, instead of 45 s; each other ending comes well before.
const RING_SECONDS: &str = "15";
const RUNG_OUT: Duration = Duration::from_secs(30);

const HINT: &str = "see both sides' logs for the call's end reason";

#[tokio::test]
async fn calls_that_do_not_happen_end_in_the_right_words_on_both_sides() -> Result<()> {
    let desktop = Desktop::start("endings")?;
    let server = format!("127.0.0.1:{}", free_port()?);
    let alice = desktop.app("alice")?.signed_in().contact("bob").contact("carol");
    let alice = alice.environment([("TINCAN_RING_SECONDS", RING_SECONDS)]);
    let alice = alice.listen(&server).start().await?;
    let bob = desktop.app("bob")?.signed_in().contact("alice").contact("carol");
    let bob = bob.server(&server).place(1, 0).start().await?;
    let carol = desktop.app("carol")?.signed_in().contact("alice").contact("bob");
    let carol = carol.server(&server).place(0, 1).start().await?;
    for (app, contact) in [
        (&alice, "contact-bob"),
        (&alice, "contact-carol"),
        (&bob, "contact-alice"),
        (&carol, "contact-bob"),
    ] {
        app.becomes(contact, "data-presence", "online", Duration::from_secs(20)).await?;
    }
    let mut story = Story::new(desktop.output());
    let two: [&Window; 2] = [&alice, &bob];
    let three: [&Window; 3] = [&alice, &bob, &carol];
    // Each is told by itself: one that fails does not hide the others.
    let told = [
        story.step("Bob declines", HINT, &two, declined(&alice, &bob)).await,
        story.step("Alice cancels", HINT, &two, cancelled(&alice, &bob)).await,
        story.step("Both call at once", HINT, &two, glare(&alice, &bob)).await,
        story.step("Bob is busy", HINT, &three, busy(&alice, &bob, &carol)).await,
        story.step("Nobody answers", HINT, &three, rung_out(&alice, &carol)).await,
        story.step("Bob's app dies in a call", HINT, &[&alice], died(&alice, &bob)).await,
    ];
    told.into_iter().collect()
}

async fn declined(alice: &App, bob: &App) -> Result<()> {
    begin_anew(&[alice, bob]).await?;
    call(alice, bob, "call-audio").await?;
    bob.press("incoming-decline").await?;
    ended(alice, "remoteDeclined", "bob cannot take the call").await?;
    bob.disappears("incoming", SOON).await?;
    dismiss_ended(alice).await?;
    in_history(alice, "bob", "declined").await?;
    in_history(bob, "alice", "declined").await
}

async fn cancelled(alice: &App, bob: &App) -> Result<()> {
    begin_anew(&[alice, bob]).await?;
    call(alice, bob, "call-video").await?;
    alice.press("hang-up").await?;
    ended(alice, "cancelled", "You hung up before there was an answer").await?;
    ended(bob, "remoteCancelled", "alice hung up before you could answer").await?;
    bob.disappears("incoming", SOON).await?;
    dismiss_ended(alice).await?;
    dismiss_ended(bob).await?;
    in_history(bob, "alice", "missed").await
}

/// Both press at the same moment: it becomes one call, and nothing rings.
async fn glare(alice: &App, bob: &App) -> Result<()> {
    begin_anew(&[alice, bob]).await?;
    alice.press("contact-bob").await?;
    bob.press("contact-alice").await?;
    let (one, other) = tokio::join!(alice.press("call-audio"), bob.press("call-audio"));
    one.and(other)?;
    // If one press reaches the other side before its own press, it rings there: answer then.
    for app in [alice, bob] {
        tincan_desktop_tests::eventually("in a call or ringing", SOON, async || {
            app.press_if_there("incoming-accept-audio").await?;
            let phase = app.see("call").await?;
            Ok(phase.is_some_and(|call| call.attribute("data-phase") == "connected").then_some(()))
        })
        .await?;
        app.disappears("incoming", SOON).await?;
    }
    hang_up(alice, bob).await
}

async fn busy(alice: &App, bob: &App, carol: &App) -> Result<()> {
    begin_anew(&[alice, bob, carol]).await?;
    call(alice, bob, "call-audio").await?;
    bob.press("incoming-accept-audio").await?;
    phase_becomes(alice, "connected", CONNECTED).await?;
    carol.becomes("contact-bob", "data-presence", "inCall", SOON).await?;
    carol.press("contact-bob").await?;
    carol.press("call-audio").await?;
    ended(carol, "remoteBusy", "bob is in another call").await?;
    phase_becomes(alice, "connected", SOON).await?;
    dismiss_ended(carol).await?;
    in_history(carol, "bob", "busy").await?;
    hang_up(alice, bob).await
}

async fn rung_out(alice: &App, carol: &App) -> Result<()> {
    begin_anew(&[alice, carol]).await?;
    call(alice, carol, "call-audio").await?;
    ended_within(alice, "noAnswer", "carol did not answer", RUNG_OUT).await?;
    ended(carol, "missed", "alice called and you did not answer in time").await?;
    carol.disappears("incoming", SOON).await?;
    dismiss_ended(alice).await
}

async fn died(alice: &App, bob: &App) -> Result<()> {
    begin_anew(&[alice, bob]).await?;
    call(alice, bob, "call-audio").await?;
    bob.press("incoming-accept-audio").await?;
    phase_becomes(alice, "connected", CONNECTED).await?;
    bob.kill().await?;
    ended_within(alice, "connectionLost", "did not come back", CONNECTION_GIVEN_UP).await?;
    dismiss_ended(alice).await?;
    alice.becomes("contact-bob", "data-presence", "offline", SOON).await.map(drop)
}

async fn hang_up(one: &App, other: &App) -> Result<()> {
    one.press("hang-up").await?;
    ended(one, "hungUp", "You hung up").await?;
    ended(other, "remoteHungUp", "hung up").await?;
    dismiss_ended(one).await?;
    dismiss_ended(other).await
}

/// Leaves nothing of the step before on the screens.
async fn begin_anew(apps: &[&App]) -> Result<()> {
    for app in apps {
        for leave in ["hang-up", "incoming-decline", "ended-close"] {
            if app.see(leave).await?.is_some() {
                app.press(leave).await?;
                app.disappears(leave, SOON).await?;
            }
        }
        app.press("tab-contacts").await?;
    }
    Ok(())
}
