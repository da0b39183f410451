//! A whole call between two apps, step by step, as two people would have it.
//! The demo shows it and a test asserts it: both are these steps.

use crate::canvas::{self, OWN, REMOTE, Watched};
use crate::room::Heard;
use crate::window::{SOON, Window, test_id};
use crate::{App, Room, Story, devices, eventually, speech};
use anyhow::{Result, ensure};
use std::time::{Duration, Instant};

/// How long the other side may take to notice something over the server.
const NOTICED: Duration = Duration::from_secs(10);
/// How long a connection may take.
const CONNECTED: Duration = Duration::from_secs(20);
/// How long moving pictures may take to be seen.
const PICTURES: Duration = Duration::from_secs(20);
/// How many different pictures must be seen.
const STAMPS: usize = 6;

/// What was measured in a call.
#[derive(Debug)]
pub struct Figures {
    /// From the caller's press until it rings at the callee's.
    pub rang_after: Duration,
    /// From the callee's press until both windows say connected.
    pub connected_after: Duration,
    /// From the callee's press until both see the other's picture.
    pub seen_after: Duration,
    /// Bob's picture in alice's window.
    pub alice_sees: Watched,
    /// Alice's picture in bob's window.
    pub bob_sees: Watched,
}

/// Two people sign in by hand and become contacts.
pub async fn meet(story: &mut Story, alice: &App, bob: &App) -> Result<()> {
    let both: [&Window; 2] = [alice, bob];
    story
        .step(
            "Both pick a name and are signed in",
            "look for the server's complaint in the logs: it runs in alice's app",
            &both,
            async {
                sign_in(alice).await?;
                sign_in(bob).await
            },
        )
        .await?;
    story
        .step(
            "Alice asks bob to be a contact and bob accepts",
            "see whether the request is among bob's contacts",
            &both,
            async {
                alice.press("add-contact-open").await?;
                alice.enter("add-contact-name", bob.name()).await?;
                alice.press("add-contact-submit").await?;
                bob.appears("request-accept-alice", NOTICED).await?;
                bob.press("request-accept-alice").await?;
                alice.becomes("contact-bob", "data-presence", "online", NOTICED).await?;
                bob.becomes("contact-alice", "data-presence", "online", NOTICED).await?;
                Ok(())
            },
        )
        .await?;
    story
        .step(
            "Both choose the test picture as their camera",
            "see which cameras the settings list",
            &both,
            async {
                devices::choose_test_picture(alice).await?;
                devices::choose_test_picture(bob).await
            },
        )
        .await
}

async fn sign_in(app: &App) -> Result<()> {
    app.enter("sign-in-name", app.name()).await?;
    app.press("sign-in-submit").await?;
    app.until("me-name", "tells the name", NOTICED, |me| me.text.contains(app.name())).await?;
    Ok(())
}

/// Alice calls bob by video, he answers, and both see each other move.
pub async fn connect(story: &mut Story, alice: &App, bob: &App) -> Result<Figures> {
    let both: [&Window; 2] = [alice, bob];
    let rang_after = story
        .step(
            "Alice calls and it rings at bob's",
            "see whether the invitation reached bob's app",
            &both,
            call(alice, bob, "call-video"),
        )
        .await?;
    let accepted = Instant::now();
    let (connected_after, seen_after) = story
        .step(
            "Bob answers and both are connected with a picture",
            "both logs tell which candidates were tried; a firewall on loopback would do this",
            &both,
            async {
                bob.press("incoming-accept-video").await?;
                phase_becomes(alice, "connected", CONNECTED).await?;
                phase_becomes(bob, "connected", CONNECTED).await?;
                let connected = accepted.elapsed();
                for app in [alice, bob] {
                    eventually("the first picture", PICTURES, async || {
                        let tiles = app.look(REMOTE).await?;
                        let frames = tiles.first().map(|tile| tile.attribute("data-frames"));
                        Ok(frames.is_some_and(|count| !matches!(count, "" | "0")).then_some(()))
                    })
                    .await?;
                }
                Ok((connected, accepted.elapsed()))
            },
        )
        .await?;
    let (alice_sees, bob_sees) = story
        .step(
            "Both see the other's moving picture and their own",
            "whether gstreamer1.0-libav is installed decides how windows decode; see both logs",
            &both,
            async {
                let alice_sees = canvas::watch(alice, REMOTE, STAMPS, PICTURES).await?;
                let bob_sees = canvas::watch(bob, REMOTE, STAMPS, PICTURES).await?;
                canvas::watch(alice, OWN, 2, PICTURES).await?;
                canvas::watch(bob, OWN, 2, PICTURES).await?;
                Ok((alice_sees, bob_sees))
            },
        )
        .await?;
    Ok(Figures { rang_after, connected_after, seen_after, alice_sees, bob_sees })
}

/// One calls the other, and it rings.
pub async fn call(caller: &App, callee: &App, button: &str) -> Result<Duration> {
    caller.press(&format!("contact-{}", callee.name())).await?;
    let pressed = Instant::now();
    caller.press(button).await?;
    callee.becomes("incoming", "data-from", caller.name(), NOTICED).await?;
    let rang = pressed.elapsed();
    phase_becomes(caller, "ringing", NOTICED).await?;
    Ok(rang)
}

/// Waits until the window's call is in a phase.
pub async fn phase_becomes(window: &Window, phase: &str, limit: Duration) -> Result<()> {
    window.becomes("call", "data-phase", phase, limit).await.map(drop)
}

/// Two people in two rooms.
pub struct Rooms {
    /// Where alice is.
    pub alice: Room,
    /// Where bob is.
    pub bob: Room,
}

impl Rooms {
    /// Makes both rooms.
    pub fn new() -> Result<Self> {
        Ok(Self { alice: Room::new()?, bob: Room::new()? })
    }
}

/// What was heard.
#[derive(Clone, Copy, Debug)]
pub struct Voices {
    /// What bob heard of alice.
    pub bob_hears: Heard,
    /// What alice heard of bob.
    pub alice_hears: Heard,
}

/// Each says something and the other hears it, and sees who speaks; a muted microphone is silent.
pub async fn talk(story: &mut Story, alice: &App, bob: &App, rooms: &Rooms) -> Result<Voices> {
    let both: [&Window; 2] = [alice, bob];
    let hint = "see which devices the apps use: settings, and both logs";
    let folder = story.folder().to_path_buf();
    let file = |name: &str| folder.join(format!("{name}.wav"));
    let voice = |name: &str, words: &str| speech::say(words, "en", &file(name));
    let one = voice("alice-says", "Hello Bob. Two ships sailed, and nine came back before noon.")?;
    let other = voice("bob-says", "Good morning! I can hear you well. What did the captain say?")?;
    let bob_hears = story
        .step("Bob hears what alice says and sees that she speaks", hint, &both, async {
            let (heard, seen) = tokio::join!(
                rooms.alice.say_to(&rooms.bob, &one, file("bob-hears")),
                bob.appears("speaking-alice", NOTICED)
            );
            seen?;
            heard?.check()
        })
        .await?;
    let alice_hears = story
        .step("Alice hears what bob says and sees that he speaks", hint, &both, async {
            let (heard, seen) = tokio::join!(
                rooms.bob.say_to(&rooms.alice, &other, file("alice-hears")),
                alice.appears("speaking-bob", NOTICED)
            );
            seen?;
            heard?.check()
        })
        .await?;
    story
        .step("Alice mutes herself: bob sees it and hears nothing", hint, &both, async {
            toggle(alice, "toggle-microphone", "false").await?;
            bob.appears("remote-muted", NOTICED).await?;
            let heard = rooms.alice.say_to(&rooms.bob, &one, file("bob-hears-muted"));
            heard.await?.check_silence().map(drop)
        })
        .await?;
    story
        .step("Alice unmutes herself and bob sees it", hint, &both, async {
            toggle(alice, "toggle-microphone", "true").await?;
            bob.disappears("remote-muted", NOTICED).await
        })
        .await?;
    Ok(Voices { bob_hears, alice_hears })
}

/// Each side sees at once what the other does with the camera; the timer runs.
pub async fn use_controls(story: &mut Story, alice: &App, bob: &App) -> Result<()> {
    let both: [&Window; 2] = [alice, bob];
    let hint = "see whether the control message arrived: both logs, DEBUG";
    story
        .step("Bob turns his camera off and alice sees it", hint, &both, async {
            toggle(bob, "toggle-camera", "false").await?;
            alice.appears("remote-camera-off", NOTICED).await?;
            Ok(())
        })
        .await?;
    story
        .step("Bob turns it on and his picture is back", hint, &both, async {
            toggle(bob, "toggle-camera", "true").await?;
            alice.disappears("remote-camera-off", NOTICED).await?;
            canvas::watch(alice, REMOTE, 3, PICTURES).await?;
            Ok(())
        })
        .await?;
    story
        .step(
            "The timer runs and the statistics tell figures",
            "the window has the snapshot: see ui/src/lib",
            &both,
            async {
                let before = seconds(&alice.appears("call-timer", SOON).await?.text)?;
                alice
                    .until("call-timer", "runs", SOON, |timer| {
                        seconds(&timer.text).is_ok_and(|now| now > before)
                    })
                    .await?;
                alice.press("stats-open").await?;
                alice
                    .until("stats-panel", "shows figures", SOON, |panel| {
                        panel.text.contains(|c: char| c.is_ascii_digit())
                    })
                    .await?;
                Ok(())
            },
        )
        .await
}

/// Presses a toggle and waits until the button says so.
pub async fn toggle(window: &Window, button: &str, pressed: &str) -> Result<()> {
    window.press(button).await?;
    window.becomes(button, "aria-pressed", pressed, SOON).await.map(drop)
}

/// `1:02:03` or `02:03` in seconds.
fn seconds(timer: &str) -> Result<u32> {
    let mut sum = 0;
    for part in timer.trim().split(':') {
        sum = sum * 60 + part.parse::<u32>()?;
    }
    Ok(sum)
}

/// Alice hangs up: both learn how the call ended, and find it in their history.
pub async fn hang_up(story: &mut Story, alice: &App, bob: &App) -> Result<()> {
    let both: [&Window; 2] = [alice, bob];
    story
        .step(
            "Alice hangs up and both read how it ended",
            "see the end reasons in ui/src/lib/strings.ts and both logs",
            &both,
            async {
                alice.press("hang-up").await?;
                ended(alice, "hungUp", "You hung up").await?;
                ended(bob, "remoteHungUp", "alice hung up").await
            },
        )
        .await?;
    story
        .step(
            "The call is in both histories",
            "the server writes the history: see alice's log",
            &both,
            async {
                dismiss_ended(alice).await?;
                dismiss_ended(bob).await?;
                in_history(alice, "bob", "answered").await?;
                in_history(bob, "alice", "answered").await
            },
        )
        .await
}

/// Waits until the window tells that the call ended for `reason`, in words with `words` among them.
pub async fn ended(window: &Window, reason: &str, words: &str) -> Result<()> {
    ended_within(window, reason, words, NOTICED).await
}

/// The same with more time.
pub async fn ended_within(
    window: &Window,
    reason: &str,
    words: &str,
    limit: Duration,
) -> Result<()> {
    window.becomes("ended", "data-reason", reason, limit).await?;
    let text = window.appears("ended-text", SOON).await?.text;
    ensure!(text.contains(words), "{}: the end is told as {text:?}", window.name());
    Ok(())
}

/// Puts the ended call away.
pub async fn dismiss_ended(window: &Window) -> Result<()> {
    window.press("ended-close").await?;
    window.disappears("ended", SOON).await
}

/// Waits until the newest call in the history is with somebody and ended so; back to the contacts.
pub async fn in_history(window: &Window, with: &str, outcome: &str) -> Result<()> {
    window.press("tab-calls").await?;
    let what = format!("{}: a call with {with}, {outcome}, is the newest", window.name());
    eventually(&what, NOTICED, async || {
        let items = window.look(&test_id("history-item")).await?;
        let newest = items.first();
        let right = |item: &crate::window::Seen| {
            item.attribute("data-with") == with && item.attribute("data-outcome") == outcome
        };
        Ok(newest.is_some_and(right).then_some(()))
    })
    .await?;
    window.press("tab-contacts").await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_of_an_hour_and_more_are_read() {
        assert_eq!(seconds("00:07").ok(), Some(7));
        assert_eq!(seconds(" 1:02:03\n").ok(), Some(3723));
        assert!(seconds("soon").is_err());
    }
}
