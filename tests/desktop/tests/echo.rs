//! A speaker that is heard by its own microphone: nobody hears themselves, nothing howls, and where
//! nothing takes the echo out, both are told.

use anyhow::{Result, ensure};
use std::time::Duration;
use tincan_desktop_tests::pair::acquainted;
use tincan_desktop_tests::room::Heard;
use tincan_desktop_tests::speech;
use tincan_desktop_tests::whole_call::{call, ended, phase_becomes};
use tincan_desktop_tests::window::SOON;
use tincan_desktop_tests::{App, Desktop, Room, Story, Window};

const HINT: &str = "listen to the recordings beside the pictures";
/// How long a call may take to connect.
const CONNECTED: Duration = Duration::from_secs(20);
/// Echo is told after three seconds of it, and speech has pauses.
const TOLD: Duration = Duration::from_secs(40);
/// What is heard when somebody speaks is louder than this, in decibels below full scale.
const HEARD_DB: f32 = -40.0;
/// What is left of an echo is softer than this: 30 dB below speech.
const LEFT_DB: f32 = -50.0;
/// Anything that goes round has died down by then.
const DIES: Duration = Duration::from_secs(3);

const WORDS: &str = "One two three. Is anybody there? The birch canoe slid on the smooth planks. \
    Glue the sheet to the dark blue background.";

#[tokio::test]
async fn a_speaker_cabled_into_its_microphone_sends_nobody_their_own_voice() -> Result<()> {
    let desktop = Desktop::start("echo")?;
    let (alices, bobs) = (Room::new()?, Room::cabled()?);
    let (alice, bob) =
        acquainted(&desktop, |alice| alice.room(&alices), |bob| bob.room(&bobs)).await?;
    let mut story = Story::new(desktop.output());
    let both: [&Window; 2] = [&alice, &bob];
    in_call(&alice, &bob).await?;
    let words = speech::say(WORDS, "en", &desktop.output().join("said.wav"))?;
    let say = async |to: &Room, name: &str| {
        let file = desktop.output().join(format!("{name}.wav"));
        alices.say_to(to, &words, file).await
    };
    let free = async {
        // The canceller learns the way of the sound.
        let heard = say(&bobs, "bob").await?;
        ensure!(heard.loudness_db > HEARD_DB, "bob does not hear alice: {heard:?}");
        hears_nothing(async |n| say(&alices, &format!("alice-{n}")).await).await?;
        let told = alice.look("[data-testid='echoing-bob']").await?;
        ensure!(told.is_empty(), "it is told that there is an echo");
        anyhow::Ok(())
    };
    story.step("Alice does not hear herself", HINT, &both, free).await?;
    let told = async {
        switch_echo_cancellation(&bob).await?;
        let heard = say(&alices, "alice-with-echo").await?;
        ensure!(heard.usual_db > HEARD_DB, "there is no echo to be told of: {heard:?}");
        let speaking = async {
            loop {
                say(&alices, "alice-goes-on").await?;
            }
        };
        let noticed = async {
            bob.appears("echoing-here", TOLD).await?;
            alice.appears("echoing-bob", TOLD).await
        };
        tokio::select! {
            told = noticed => told.map(drop),
            failed = speaking => failed,
        }
    };
    story.step("Both are told of an echo that nothing takes out", HINT, &both, told).await?;
    let over = async {
        switch_echo_cancellation(&bob).await?;
        say(&alices, "alice-meanwhile").await?;
        hears_nothing(async |n| say(&alices, &format!("alice-at-last-{n}")).await).await?;
        bob.disappears("echoing-here", TOLD).await?;
        alice.disappears("echoing-bob", TOLD).await
    };
    story.step("Taken out again, it is told no more", HINT, &both, over).await?;
    bob.press("hang-up").await?;
    ended(&alice, "remoteHungUp", "hung up").await
}

#[tokio::test]
async fn two_speakers_cabled_into_their_microphones_do_not_howl() -> Result<()> {
    let desktop = Desktop::start("howling")?;
    let (alices, bobs) = (Room::cabled()?, Room::cabled()?);
    let (alice, bob) =
        acquainted(&desktop, |alice| alice.room(&alices), |bob| bob.room(&bobs)).await?;
    let mut story = Story::new(desktop.output());
    let both: [&Window; 2] = [&alice, &bob];
    in_call(&alice, &bob).await?;
    let words = speech::say(WORDS, "en", &desktop.output().join("said.wav"))?;
    let quiet = async {
        for (from, to, name) in [(&alices, &bobs, "alice"), (&bobs, &alices, "bob")] {
            let file = desktop.output().join(format!("{name}-is-heard.wav"));
            let heard = from.say_to(to, &words, file).await?;
            ensure!(heard.loudness_db > HEARD_DB, "{name} is not heard: {heard:?}");
            tokio::time::sleep(DIES).await;
            for room in [&alices, &bobs] {
                let loudness = room.loudness_db().await?;
                ensure!(loudness < LEFT_DB, "it goes round after {name} has spoken: {loudness} dB");
            }
        }
        anyhow::Ok(())
    };
    story.step("What is said dies down in both rooms", HINT, &both, quiet).await?;
    bob.press("hang-up").await?;
    ended(&alice, "remoteHungUp", "hung up").await
}

async fn in_call(alice: &App, bob: &App) -> Result<()> {
    call(alice, bob, "call-audio").await?;
    bob.press("incoming-accept-audio").await?;
    for app in [alice, bob] {
        phase_becomes(app, "connected", CONNECTED).await?;
    }
    Ok(())
}

/// The key that opens the settings in a call.
const OPEN_SETTINGS: &str = "
    document.body.dispatchEvent(
        new KeyboardEvent('keydown', { key: ',', ctrlKey: true, bubbles: true, cancelable: true }));";

/// Turns the echo cancellation off, or on.
async fn switch_echo_cancellation(app: &App) -> Result<()> {
    app.script(OPEN_SETTINGS, vec![]).await?;
    app.press("echo-cancellation").await?;
    app.press("close-settings").await?;
    app.disappears("settings", SOON).await
}

/// Says it three times, and an error unless most of the time nothing comes back: a device that has no
/// sound in time on a busy machine moves the echo, and the canceller learns anew.
async fn hears_nothing(say: impl AsyncFn(usize) -> Result<Heard>) -> Result<()> {
    let mut heard = Vec::new();
    for n in 0..3 {
        heard.push(say(n).await?);
    }
    let free = heard.iter().filter(|heard| heard.usual_db < LEFT_DB).count();
    ensure!(free >= 2, "echoes came back: {heard:?}");
    Ok(())
}
