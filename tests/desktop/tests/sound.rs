//! Sound that a person hears beside the voices, and devices that come and go.

use anyhow::{Result, ensure};
use std::path::PathBuf;
use std::time::Duration;
use tincan_desktop_tests::pair::acquainted;
use tincan_desktop_tests::room::{HEADSET, HEADSET_MICROPHONE, Heard};
use tincan_desktop_tests::whole_call::{call, dismiss_ended, ended, phase_becomes, toggle};
use tincan_desktop_tests::window::SOON;
use tincan_desktop_tests::{App, Desktop, Room, Story, Window, devices, eventually, speech};

const HINT: &str = "see what the logs say of sound devices";
/// How long a call may take to connect.
const CONNECTED: Duration = Duration::from_secs(20);
/// How long a device that has gone or come may take until the window says so, on a busy machine.
/// How soon there is sound again is measured without a window (`unplugging` of the client).
const NOTICED: Duration = Duration::from_secs(15);
/// Five seconds are recorded and then played.
const PLAYED_BACK: Duration = Duration::from_secs(11);
/// A ring is louder than this, silence is not.
const HEARD_DB: f32 = -40.0;

#[tokio::test]
async fn a_call_is_heard_to_ring_on_both_sides_until_it_is_declined() -> Result<()> {
    let desktop = Desktop::start("ringing")?;
    let (alices, bobs) = (Room::new()?, Room::new()?);
    let (alice, bob) =
        acquainted(&desktop, |alice| alice.room(&alices), |bob| bob.room(&bobs)).await?;
    let mut story = Story::new(desktop.output());
    let both: [&Window; 2] = [&alice, &bob];
    let rings = async {
        call(&alice, &bob, "call-audio").await?;
        is_loud(&bobs, "it rings").await?;
        is_loud(&alices, "it rings back").await?;
        bob.press("incoming-decline").await?;
        ended(&alice, "remoteDeclined", "bob cannot take the call").await?;
        is_silent(&bobs, "the ring has ended").await?;
        is_silent(&alices, "so has the answer").await?;
        dismiss_ended(&alice).await
    };
    story.step("It is heard to ring until it is declined", HINT, &both, rings).await?;
    let silently = async {
        bob.press("open-settings").await?;
        bob.press("ringtone").await?;
        bob.press("close-settings").await?;
        bob.disappears("settings", SOON).await?;
        call(&alice, &bob, "call-audio").await?;
        is_silent(&bobs, "it rings silently").await?;
        alice.press("hang-up").await?;
        ended(&alice, "cancelled", "You hung up").await
    };
    story.step("Switched off, it is seen alone", HINT, &both, silently).await
}

#[tokio::test]
async fn a_headset_may_be_unplugged_and_plugged_in_again_during_a_call() -> Result<()> {
    let desktop = Desktop::start("headset")?;
    let (alices, bobs) = (Room::new()?, Room::new()?);
    let mut headset = bobs.with_headset()?;
    let (alice, bob) =
        acquainted(&desktop, |alice| alice.room(&alices), |bob| bob.room(&bobs)).await?;
    let mut story = Story::new(desktop.output());
    let both: [&Window; 2] = [&alice, &bob];
    let microphone = HEADSET_MICROPHONE;
    devices::choose(&bob, &[("device-speaker", HEADSET), ("device-microphone", microphone)])
        .await?;
    call(&alice, &bob, "call-audio").await?;
    bob.press("incoming-accept-audio").await?;
    for app in [&alice, &bob] {
        phase_becomes(app, "connected", CONNECTED).await?;
    }
    let talk = Talk { folder: desktop.output() };
    let with_it = async {
        talk.reaches(&alices, &headset, "bob-in-headset").await?;
        talk.reaches(&headset, &alices, "alice-from-headset").await
    };
    story.step("They talk by the headset", HINT, &both, with_it).await?;
    let without = async {
        headset.unplug_speaker()?;
        headset.unplug_microphone()?;
        for device in ["speaker", "microphone"] {
            is_told(&bob, &format!("Your {device} is gone")).await?;
        }
        talk.reaches(&alices, &bobs, "bob-without").await?;
        talk.reaches(&bobs, &alices, "alice-without").await
    };
    story.step("Unplugged, the other devices take its place", HINT, &both, without).await?;
    let again = async {
        headset = bobs.with_headset()?;
        eventually("the notices go", NOTICED, async || {
            Ok(bob.look("[data-testid='notice']").await?.is_empty().then_some(()))
        })
        .await?;
        talk.reaches(&alices, &headset, "bob-again").await?;
        talk.reaches(&headset, &alices, "alice-again").await
    };
    story.step("Plugged in again, it is used again", HINT, &both, again).await?;
    bob.press("hang-up").await?;
    ended(&alice, "remoteHungUp", "hung up").await
}

#[tokio::test]
async fn what_is_heard_and_what_is_said_is_under_control_during_a_call() -> Result<()> {
    let desktop = Desktop::start("sound-control")?;
    let (alices, bobs) = (Room::new()?, Room::new()?);
    let (alice, bob) =
        acquainted(&desktop, |alice| alice.room(&alices), |bob| bob.room(&bobs)).await?;
    let mut story = Story::new(desktop.output());
    let both: [&Window; 2] = [&alice, &bob];
    call(&alice, &bob, "call-audio").await?;
    bob.press("incoming-accept-audio").await?;
    for app in [&alice, &bob] {
        phase_becomes(app, "connected", CONNECTED).await?;
    }
    let talk = Talk { folder: desktop.output() };
    let volume = async {
        set_volume(&bob, "alice", 0).await?;
        is_silent(&bobs, "the sound of connecting has ended").await?;
        talk.is_not_heard(&alices, &bobs, "alice-turned-off").await?;
        set_volume(&bob, "alice", 200).await?;
        talk.reaches(&alices, &bobs, "alice-turned-up").await
    };
    story.step("Bob turns alice off, and up again", HINT, &both, volume).await?;
    let original = async {
        for (switch, name) in [("original-sound", "original"), ("original-sound", "processed")] {
            alice.script(KEY, vec!["keydown".into(), ",".into()]).await?;
            alice.press(switch).await?;
            alice.press("close-settings").await?;
            alice.disappears("settings", SOON).await?;
            talk.reaches(&alices, &bobs, name).await?;
        }
        anyhow::Ok(())
    };
    story.step("The processing is switched off and on", HINT, &both, original).await?;
    let muted = async {
        toggle(&alice, "toggle-microphone", "false").await?;
        let (silence, hint) = tokio::join!(
            talk.is_not_heard(&alices, &bobs, "alice-muted"),
            alice.appears("muted-hint", NOTICED)
        );
        silence?;
        hint.map(drop)
    };
    story.step("Speaking while muted is told, and not heard", HINT, &both, muted).await?;
    let held = async {
        alice.script(KEY, vec!["keydown".into(), " ".into()]).await?;
        alice.becomes("toggle-microphone", "aria-pressed", "true", SOON).await?;
        talk.reaches(&alices, &bobs, "alice-holds").await?;
        alice.script(KEY, vec!["keyup".into(), " ".into()]).await?;
        alice.becomes("toggle-microphone", "aria-pressed", "false", SOON).await?;
        talk.is_not_heard(&alices, &bobs, "alice-let-go").await
    };
    story.step("Talking while a key is held", HINT, &both, held).await?;
    bob.press("hang-up").await?;
    ended(&alice, "remoteHungUp", "hung up").await
}

#[tokio::test]
async fn a_person_hears_themselves_before_a_call() -> Result<()> {
    let desktop = Desktop::start("hear-yourself")?;
    let room = Room::new()?;
    let alice = desktop.app("alice")?.signed_in().room(&room).start().await?;
    let mut story = Story::new(desktop.output());
    let file = |name: &str| desktop.output().join(name);
    let hears = async {
        alice.press("open-settings").await?;
        alice.press("sample-sound").await?;
        alice.becomes("sample-sound", "data-sample", "recording", SOON).await?;
        let sound = speech::say("Can I be heard?", "en", &file("said.wav"))?;
        let heard = room.say_and_wait(&room, &sound, PLAYED_BACK, file("heard.wav")).await?;
        ensure!(heard.loudness_db > HEARD_DB, "nothing came back: {heard:?}");
        alice.becomes("sample-sound", "data-sample", "off", NOTICED).await.map(drop)
    };
    story.step("What is said comes back", HINT, &[&alice], hears).await?;
    let plays = async {
        alice.press("test-ringer").await?;
        is_loud(&room, "the ring is heard").await
    };
    story.step("So does the ring", HINT, &[&alice], plays).await
}

/// A key goes down or up, with nothing focused.
const KEY: &str = "
    const [type, key] = arguments;
    document.activeElement?.blur();
    document.body.dispatchEvent(
        new KeyboardEvent(type, { key, ctrlKey: key === ',', bubbles: true, cancelable: true }));";

/// Puts a slider where a person would drag it.
const SLIDE: &str = "
    const [id, value] = arguments;
    const slider = document.querySelector(`[data-testid=\"${id}\"]`);
    slider.value = value;
    slider.dispatchEvent(new Event('input', { bubbles: true }));";

async fn set_volume(window: &Window, whose: &str, percent: u8) -> Result<()> {
    let id = format!("volume-{whose}");
    window.script(SLIDE, vec![id.clone().into(), percent.into()]).await?;
    window.becomes(&id, "aria-valuetext", &format!("{percent} %"), SOON).await.map(drop)
}

struct Talk<'a> {
    folder: &'a std::path::Path,
}

impl Talk<'_> {
    async fn reaches(&self, from: &Room, to: &Room, name: &str) -> Result<()> {
        self.say(from, to, name).await?.check().map(drop)
    }

    async fn is_not_heard(&self, from: &Room, to: &Room, name: &str) -> Result<()> {
        self.say(from, to, name).await?.check_silence().map(drop)
    }

    async fn say(&self, from: &Room, to: &Room, name: &str) -> Result<Heard> {
        let file = |kind: &str| -> PathBuf { self.folder.join(format!("{name}-{kind}.wav")) };
        let sound = speech::say("One two three. Is anybody there?", "en", &file("said"))?;
        from.say_to(to, &sound, file("heard")).await
    }
}

async fn is_told(app: &App, text: &str) -> Result<()> {
    eventually(&format!("it says `{text}`"), NOTICED, async || {
        let notices = app.look("[data-testid='notice']").await?;
        Ok(notices.iter().any(|notice| notice.text.contains(text)).then_some(()))
    })
    .await
}

async fn is_loud(room: &Room, what: &str) -> Result<()> {
    eventually(what, NOTICED, async || {
        // A ring has pauses.
        Ok((room.loudness_db().await? > HEARD_DB).then_some(()))
    })
    .await
}

/// Waits for what sounds at the end, and then for longer than a ring pauses.
async fn is_silent(room: &Room, what: &str) -> Result<()> {
    let mut quiet = 0;
    for _ in 0..10 {
        quiet = if room.loudness_db().await? < HEARD_DB { quiet + 1 } else { 0 };
        if quiet == 4 {
            return Ok(());
        }
    }
    ensure!(quiet >= 4, "{what}: there is sound");
    Ok(())
}
