//! The sound that belongs to what is shared, on a private sound server.

use crate::stage::{Area, PATIENCE, Share, Stage};
use anyhow::{Context, Result};
use std::sync::{Arc, Mutex};
use tincan_devices::SystemDevices;
use tincan_media::audio::SAMPLE_RATE;
use tincan_media::device::Devices;
use tincan_test_support::process::wait_until;
use tincan_test_support::sound::{hertz, tone, with_server};

/// What is listened to: half a second.
const ENOUGH: usize = SAMPLE_RATE as usize / 2;

/// The pitch of what comes with it.
fn pitch(share: &Share) -> Result<f32> {
    let heard = Arc::<Mutex<Vec<f32>>>::default();
    let theirs = heard.clone();
    let sink = move |block: &[f32; 480]| {
        theirs.lock().expect("no test panics in it").extend(block);
    };
    let open = share.open.as_ref().context("it is open")?;
    let sound = open.take_sound(Box::new(sink)).context("it has sound")?;
    let heard = || heard.lock().expect("no test panics in it").clone();
    wait_until(PATIENCE, "half a second of sound", || Ok(heard().len() >= ENOUGH))?;
    drop(sound);
    Ok(hertz(&heard()).0)
}

#[test]
fn a_window_brings_the_sound_of_its_program_and_a_monitor_that_of_all_others() {
    let test = "sound::a_window_brings_the_sound_of_its_program_and_a_monitor_that_of_all_others";
    with_server(test, |sound| {
        let cable = sound.cable("cableA").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = |pitch: f32| {
            let path = folder.path().join(pitch.to_string());
            let samples = tone(pitch).take(60 * SAMPLE_RATE as usize);
            let bytes: Vec<u8> = samples.flat_map(f32::to_le_bytes).collect();
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let stage = Stage::new().unwrap();
        stage.window("The player", Area(0, 0, 200, 200), 0xff_0000).unwrap();
        assert!(stage.screens.has_sound());
        // The window is this process's, and so is what its child plays; what we play to our own
        // loudspeaker is ours as well.
        let _own = sound.play_file(&cable, &file(440.0)).unwrap();
        let _others = sound.play_apart(&cable, &file(1000.0)).unwrap();
        let window = stage.share("The player").unwrap();
        assert!((430.0..450.0).contains(&pitch(&window).unwrap()));

        let mut voice = tone(700.0);
        let speaker = SystemDevices::new().open_speaker(
            None,
            Box::new(move |block| {
                block.left.fill_with(|| voice.next().unwrap_or_default());
                block.right = block.left;
            }),
            Box::new(|_| {}),
        );
        let _speaker = speaker.unwrap();
        wait_until(PATIENCE, "three streams", || Ok(sound.streams()?.0 == 3)).unwrap();
        let monitor = stage.share("screen").unwrap();
        assert!((990.0..1010.0).contains(&pitch(&monitor).unwrap()));
    });
}

#[test]
fn a_program_that_begins_and_ends_to_play_is_followed() {
    let test = "sound::a_program_that_begins_and_ends_to_play_is_followed";
    with_server(test, |sound| {
        let cable = sound.cable("cableA").unwrap();
        let stage = Stage::new().unwrap();
        stage.window("The player", Area(0, 0, 200, 200), 0xff_0000).unwrap();
        let window = stage.share("The player").unwrap();
        let heard = Arc::<Mutex<usize>>::default();
        let theirs = heard.clone();
        let sink = move |_: &[f32; 480]| *theirs.lock().expect("no test panics in it") += 1;
        let _sound = window.open.as_ref().unwrap().take_sound(Box::new(sink)).unwrap();
        let blocks = || *heard.lock().expect("no test panics in it");
        for _ in 0..2 {
            let before = blocks();
            let second: Vec<f32> = tone(500.0).take(2 * SAMPLE_RATE as usize).collect();
            sound.play(&cable, &second).unwrap();
            wait_until(PATIENCE, "what was played is heard", || Ok(blocks() > before + 50))
                .unwrap();
            wait_until(PATIENCE, "it is not recorded any more", || Ok(sound.streams()?.1 == 0))
                .unwrap();
        }
    });
}
