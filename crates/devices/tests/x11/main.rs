//! Lists, thumbnails and capture on a real X server, which each test starts for itself.
#![cfg(target_os = "linux")]

mod sound;
mod stage;

use anyhow::Result;
use stage::{Area, PATIENCE, SCREEN, Stage, shows};
use std::time::Duration;
use tincan_media::mailbox::Taken;
use tincan_media::screen::{
    ScreenAccess, ScreenChoice, ScreenError, ScreenKind, ScreenUnavailable,
};
use tincan_proto::units::Resolution;
use tincan_test_support::process::wait_until;

const RED: u32 = 0xff_0000;
const GREEN: u32 = 0x00_c000;
const BLUE: u32 = 0x20_40ff;

#[test]
fn monitors_and_windows_are_listed_and_have_thumbnails() -> Result<()> {
    let stage = Stage::new()?;
    stage.window("A red window", Area(40, 30, 301, 201), RED)?;
    stage.window("tiny", Area(0, 0, 10, 10), RED)?;
    assert_eq!(stage.screens.access(), ScreenAccess::Listed);

    let listed = stage.screens.list()?;
    let [monitor, window] = &listed[..] else { panic!("not two: {listed:?}") };
    assert_eq!((monitor.kind, monitor.resolution), (ScreenKind::Monitor, SCREEN));
    assert!(monitor.name.ends_with("640×480"), "{}", monitor.name);
    assert_eq!((window.kind, &*window.name), (ScreenKind::Window, "A red window"));
    assert_eq!(window.app.as_deref(), Some("Pattern"));
    assert_eq!(window.resolution, Resolution::new(301, 201));

    let thumbnail = stage.screens.thumbnail(&window.id)?;
    assert_eq!(thumbnail.resolution, Resolution::new(300, 200));
    let file = std::io::Cursor::new(&thumbnail.png);
    let mut reader = png::Decoder::new(file).read_info()?;
    let mut pixels = vec![0; reader.output_buffer_size().expect("small")];
    reader.next_frame(&mut pixels)?;
    assert!(pixels.chunks(3).all(|p| p[0] > 240 && p[1] < 15 && p[2] < 15), "{:?}", &pixels[..3]);
    assert_eq!(stage.screens.thumbnail(&monitor.id)?.resolution, Resolution::new(266, 200));
    assert_eq!(stage.screens.thumbnail("window:77"), Err(ScreenError::Missing));
    Ok(())
}

#[test]
fn a_shared_monitor_shows_what_is_drawn_and_the_pointer() -> Result<()> {
    let stage = Stage::new()?;
    stage.point_at(600, 400)?;
    let share = stage.share("screen")?;
    let black = share.until("a black screen", |frame| shows(frame, 100, 100, 0))?;
    assert_eq!(black.resolution(), SCREEN);

    stage.fill(stage.root(), Area(64, 64, 128, 128), GREEN)?;
    let green = share.until("the green square", |frame| shows(frame, 128, 128, GREEN))?;
    for (x, y, colour) in [(62, 100, 0), (66, 100, GREEN), (190, 100, GREEN), (194, 100, 0)] {
        assert!(shows(&green, x, y, colour), "at {x}, {y}");
    }

    // The pointer of an X server without a desktop is a cross of black and white.
    let drawn_around = |frame: &tincan_media::frame::VideoFrame, x: usize, y: usize| {
        let near = (y - 6..y + 6).flat_map(|y| (x - 6..x + 6).map(move |x| (x, y)));
        near.filter(|&(x, y)| !shows(frame, x, y, GREEN)).count() > 4
    };
    assert!(!drawn_around(&green, 128, 128));
    stage.point_at(128, 128)?;
    share.until("the pointer in the square", |frame| drawn_around(frame, 128, 128))?;
    stage.point_at(600, 400)?;
    share.until("the square alone", |frame| !drawn_around(frame, 128, 128))?;
    Ok(())
}

#[test]
fn an_unchanged_screen_gives_one_picture_and_no_other() -> Result<()> {
    let stage = Stage::new()?;
    stage.add_monitor("LEFT", Area(0, 0, 320, 480))?;
    stage.add_monitor("RIGHT", Area(320, 0, 320, 480))?;
    let share = stage.share("LEFT")?;
    let still = share.until("the first picture", |_| true)?;
    assert_eq!(still.resolution(), Resolution::new(320, 480));
    // What is drawn on another monitor, and again as it was, changes nothing either.
    for n in 0..8 {
        stage.fill(stage.root(), Area(400, 100, 100, 100), 0x10_1010 * n)?;
        stage.fill(stage.root(), Area(100, 100, 100, 100), 0)?;
        assert!(matches!(share.frames.take(Duration::from_millis(70)), Taken::Timeout));
    }
    stage.fill(stage.root(), Area(300, 100, 100, 100), RED)?;
    share.until("the change", |frame| shows(frame, 310, 150, RED))?;
    Ok(())
}

#[test]
fn a_covered_window_shows_itself_and_its_new_size_and_name() -> Result<()> {
    let stage = Stage::new()?;
    let window = stage.window("Below", Area(40, 40, 200, 160), RED)?;
    let share = stage.share("Below")?;
    share.until("the red window", |frame| shows(frame, 100, 80, RED))?;

    stage.window("Above", Area(0, 0, 400, 400), BLUE)?;
    stage.fill(window, Area(10, 10, 20, 20), GREEN)?;
    let covered = share.until("the green square", |frame| shows(frame, 20, 20, GREEN))?;
    assert!(shows(&covered, 100, 80, RED), "what covers it is not shown");

    stage.resize(window, 301, 221)?;
    let large =
        |frame: &tincan_media::frame::VideoFrame| frame.resolution() == Resolution::new(300, 220);
    share.until("the new size", |frame| large(frame) && shows(frame, 290, 210, RED))?;
    let told = share.report()?.expect("it goes on");
    assert_eq!((told.resolution, &*told.name), (Resolution::new(301, 221), "Below"));
    stage.rename(window, "Renamed")?;
    assert_eq!(share.report()?.expect("it goes on").name, "Renamed");
    Ok(())
}

#[test]
fn closing_hiding_and_losing_what_is_shared_ends_it_once() -> Result<()> {
    type Ending = fn(&mut Stage, u32) -> Result<()>;
    let endings: [(&str, Ending); 3] = [
        ("closed", |stage, window| stage.close(window)),
        ("put away", |stage, window| stage.unmap(window)),
        ("left without a server", |stage, _| {
            stage.end();
            Ok(())
        }),
    ];
    for (how, end) in endings {
        let mut stage = Stage::new()?;
        let window = stage.window("Shared", Area(40, 40, 200, 160), RED)?;
        let share = stage.share("Shared")?;
        share.until("the window", |frame| shows(frame, 100, 80, RED))?;
        end(&mut stage, window)?;
        assert_eq!(share.report()?, Err(ScreenError::Closed), "{how}");
        assert!(matches!(share.frames.take(PATIENCE), Taken::Closed), "{how}");
        assert!(share.reports.recv_timeout(PATIENCE).is_err(), "{how}: it is told once");
    }
    Ok(())
}

#[test]
fn a_window_put_away_ends_and_one_on_another_desktop_waits() -> Result<()> {
    let mut stage = Stage::new()?;
    stage.manage()?;
    // Windows come up in the middle, where the pointer is at first.
    stage.point_at(2, 2)?;
    let window = stage.window("Managed", Area(40, 40, 200, 160), RED)?;
    wait_until(PATIENCE, "the window is listed", || {
        // A window manager that has just come may miss the first request.
        stage.map(window)?;
        Ok(stage.target("Managed").is_ok())
    })?;
    let share = stage.share("Managed")?;
    share.until("the window", |frame| shows(frame, 100, 80, RED))?;

    stage.ask(window, "_NET_WM_DESKTOP", 1)?;
    wait_until(PATIENCE, "it is not seen", || Ok(!stage.is_seen(window)?))?;
    assert!(stage.target("Managed").is_err(), "what is not seen is not listed");
    assert!(share.reports.recv_timeout(Duration::from_millis(300)).is_err(), "it waits");
    stage.ask(window, "_NET_WM_DESKTOP", 0)?;
    wait_until(PATIENCE, "it is seen again", || stage.is_seen(window))?;
    stage.fill(window, Area(10, 10, 150, 100), GREEN)?;
    share.until("what was drawn since", |frame| shows(frame, 100, 80, GREEN))?;

    const ICONIC: u32 = 3;
    stage.ask(window, "WM_CHANGE_STATE", ICONIC)?;
    assert_eq!(share.report()?, Err(ScreenError::Closed));
    Ok(())
}

#[test]
fn dropping_a_share_ends_it_without_a_report() -> Result<()> {
    let stage = Stage::new()?;
    let mut share = stage.share("screen")?;
    let open = share.open.take().expect("it was opened");
    assert_eq!((open.target().resolution, open.restore_token()), (SCREEN, None));
    drop(open);
    share.until("its last picture", |_| false).expect_err("the slot is closed");
    assert!(share.reports.try_recv().is_err());
    Ok(())
}

#[test]
fn without_a_server_there_is_no_display() {
    let screens = tincan_devices::x11_screens(Some(":98765".into()));
    let unavailable = ScreenAccess::Unavailable { reason: ScreenUnavailable::NoDisplay };
    assert_eq!(screens.access(), unavailable);
    assert!(matches!(screens.list(), Err(ScreenError::Refused(_))));
    let (sink, _frames) = tincan_media::mailbox::newest();
    let choice = ScreenChoice::Target("monitor:x".into());
    let opened = screens.open(&choice, None, sink, Box::new(|_| {}));
    assert!(matches!(opened, Err(ScreenError::Refused(_))));
}
