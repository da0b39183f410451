//! Sharing through the portal of a real, headless Wayland desktop. Each test has a desktop of its
//! own: the second share of a still screen waits for its first change.
#![cfg(target_os = "linux")]

use anyhow::{Context, Result};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tincan_media::frame::VideoFrame;
use tincan_media::mailbox::{NewestOut, Taken, newest};
use tincan_media::screen::{
    OpenScreen, ScreenAccess, ScreenChoice, ScreenError, ScreenTarget, Screens,
};
use tincan_proto::units::Resolution;
use tincan_test_support::process::wait_until;
use tincan_test_support::wayland::{Dialog, Rig};

/// No machine is this slow.
const PATIENCE: Duration = Duration::from_secs(30);
/// A screen that shows no change is painted anew this often.
const AGAIN: Duration = Duration::from_millis(500);
/// The brightness of colours (BT.601, limited range).
const GREEN: u8 = 145;
const RED: u8 = 82;
const BLUE: u8 = 41;

fn screens(rig: &Rig) -> Arc<dyn Screens> {
    tincan_devices::portal_screens(Some(rig.bus()))
}

struct Share {
    open: Option<Box<dyn OpenScreen>>,
    frames: NewestOut<VideoFrame>,
    reports: Receiver<Result<ScreenTarget, ScreenError>>,
}

fn share(screens: &dyn Screens, token: Option<&str>) -> Result<Share, ScreenError> {
    let (sink, frames) = newest();
    let (said, reports) = channel();
    let report = Box::new(move |report| drop(said.send(report)));
    let open = screens.open(&ScreenChoice::SystemDialog, token, sink, report)?;
    Ok(Share { open: Some(open), frames, reports })
}

impl Share {
    /// Paints until a picture of this size and brightness has come.
    fn until(&self, rig: &Rig, colour: &str, size: Resolution, luma: u8) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let mut last = None;
        while Instant::now() < deadline {
            rig.paint(colour)?;
            let again = Instant::now() + AGAIN;
            while let Some(left) = again.checked_duration_since(Instant::now()) {
                let Taken::Value(frame) = self.frames.take(left) else { break };
                if frame.resolution() == size && frame.y().iter().all(|y| y.abs_diff(luma) <= 1) {
                    return Ok(());
                }
                last = Some((frame.resolution(), frame.y()[0]));
            }
        }
        anyhow::bail!("no picture of {size} became {colour}; the last was {last:?}")
    }

    fn ends_closed(&self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while let Some(left) = deadline.checked_duration_since(Instant::now()) {
            match self.reports.recv_timeout(left).context("it does not end")? {
                Ok(_) => {}
                Err(error) => {
                    assert_eq!(error, ScreenError::Closed);
                    assert!(self.reports.recv_timeout(PATIENCE).is_err(), "it is told once");
                    return Ok(());
                }
            }
        }
        anyhow::bail!("it does not end")
    }
}

const HD: Resolution = Resolution::new(1280, 720);

#[test]
fn a_shared_screen_is_seen_followed_and_let_go_of() -> Result<()> {
    let Some(rig) = Rig::start_or_skip("share", Dialog::None) else { return Ok(()) };
    let screens = screens(&rig);
    assert_eq!(screens.access(), ScreenAccess::SystemDialog);
    let mut share = share(&*screens, None)?;
    share.until(&rig, "#00ff00", HD, GREEN)?;
    share.until(&rig, "#ff0000", HD, RED)?;
    assert_eq!(rig.sessions()?, 1);

    rig.sway("output HEADLESS-1 mode 800x600@60Hz")?;
    share.until(&rig, "#0000ff", Resolution::new(800, 600), BLUE)?;
    let sizes = share.reports.try_iter().flatten().map(|told| told.resolution);
    assert_eq!(sizes.last(), Some(Resolution::new(800, 600)));

    share.open = None;
    while let Taken::Value(_) = share.frames.take(PATIENCE) {}
    assert!(share.reports.try_recv().is_err(), "stopping it is no failure");
    wait_until(PATIENCE, "the session is gone", || Ok(rig.sessions()? == 0))
}

#[test]
fn the_pointer_is_in_the_picture_where_it_is() -> Result<()> {
    let Some(rig) = Rig::start_or_skip("pointer", Dialog::None) else { return Ok(()) };
    let share = share(&*screens(&rig), None)?;
    share.until(&rig, "#00ff00", HD, GREEN)?;
    let _pointer = rig.pointer()?;
    for (x, y) in [(300, 200), (700, 500)] {
        wait_until(PATIENCE, "the pointer is seen", || {
            // Away and back, as a pointer that stays draws nothing.
            rig.sway(&format!("seat seat0 cursor set {} {y}", x + 40))?;
            rig.sway(&format!("seat seat0 cursor set {x} {y}"))?;
            let Taken::Value(frame) = share.frames.take(AGAIN) else { return Ok(false) };
            let other = |at: &(usize, &u8)| at.1.abs_diff(GREEN) > 20;
            let mut drawn = frame.y().iter().enumerate().filter(other).map(|(at, _)| at).peekable();
            let there = |at: usize| (at % 1280).abs_diff(x) < 32 && (at / 1280).abs_diff(y) < 32;
            Ok(drawn.peek().is_some() && drawn.all(there))
        })?;
    }
    Ok(())
}

#[test]
fn a_declined_dialog_is_told_and_a_token_needs_none() -> Result<()> {
    let Some(rig) = Rig::start_or_skip("dialog", Dialog::Answers) else { return Ok(()) };
    let screens = screens(&rig);
    let token = {
        let first = share(&*screens, None)?;
        first.until(&rig, "#ff0000", HD, RED)?;
        let token = first.open.as_ref().and_then(|open| open.restore_token());
        token.context("no token")?.to_owned()
    };
    rig.answer("")?;
    assert_eq!(share(&*screens, None).err(), Some(ScreenError::Declined));
    let again = share(&*screens, Some(&token))?;
    again.until(&rig, "#0000ff", HD, BLUE)?;
    // One that the portal does not know is as good as none: the person is asked.
    assert_eq!(share(&*screens, Some("no token")).err(), Some(ScreenError::Declined));
    drop(again);
    wait_until(PATIENCE, "the sessions are gone", || Ok(rig.sessions()? == 0))
}

#[test]
fn a_dialog_goes_away_when_nobody_waits_for_it() -> Result<()> {
    let Some(rig) = Rig::start_or_skip("waits", Dialog::Waits) else { return Ok(()) };
    let screens = screens(&rig);
    let (sink, frames) = newest();
    let asking = std::thread::spawn(move || {
        screens.open(&ScreenChoice::SystemDialog, None, sink, Box::new(|_| {})).err()
    });
    wait_until(PATIENCE, "the person is asked", || Ok(rig.is_asked()))?;
    assert!(!asking.is_finished());
    drop(frames);
    wait_until(PATIENCE, "the question is given up", || Ok(asking.is_finished()))?;
    assert_eq!(asking.join().expect("it ended"), Some(ScreenError::Declined));
    Ok(())
}

#[test]
fn a_vanished_desktop_ends_the_share() -> Result<()> {
    for lost in ["sway", "backend", "pipewire"] {
        let Some(mut rig) = Rig::start_or_skip(lost, Dialog::None) else { return Ok(()) };
        let share = share(&*screens(&rig), None)?;
        share.until(&rig, "#ff0000", HD, RED)?;
        rig.end(lost);
        share.ends_closed().with_context(|| format!("without {lost}"))?;
    }
    Ok(())
}

#[test]
fn without_a_portal_the_missing_package_is_named() {
    let screens = tincan_devices::portal_screens(Some("unix:path=/nowhere/bus".into()));
    let ScreenAccess::Unavailable { reason } = screens.access() else { panic!("there is one") };
    let tincan_media::screen::ScreenUnavailable::NoPortal { package } = reason else {
        panic!("{reason:?}")
    };
    assert!(package.starts_with("xdg-desktop-portal"), "{package}");
    assert!(matches!(share(&*screens, None).err(), Some(ScreenError::Refused(_))));
}
