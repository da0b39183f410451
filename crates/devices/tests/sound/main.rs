//! Microphones and speakers against a private PipeWire server with virtual cables.

#![cfg(target_os = "linux")]

mod probe;

use probe::{Clicks, Reports, latencies};
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tincan_devices::SystemDevices;
use tincan_media::audio::StereoBlock;
use tincan_media::device::{DeviceEntry, DeviceError, Devices};
use tincan_test_support::process::{is_inner, run_inner, wait_until};
use tincan_test_support::sound::{
    INNER, Sound, SoundServer, hertz, one_at_a_time, tone, with_server,
};

const PATIENCE: Duration = Duration::from_secs(30);

fn ids(entries: &[DeviceEntry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.id.as_str()).collect()
}

fn speaker_id(cable: &str) -> String {
    format!("pulseaudio:{cable}")
}

fn microphone_id(cable: &str) -> String {
    format!("pulseaudio:{cable}.monitor")
}

#[test]
fn cables_are_listed_and_the_defaults_marked() {
    with_server("cables_are_listed_and_the_defaults_marked", |sound| {
        let (a, b) = (sound.cable("cableA").unwrap(), sound.cable("cableB").unwrap());
        sound.make_default(&a, &b).unwrap();
        let devices = SystemDevices::new();
        let list = devices.list();
        let begun = Instant::now();
        (0..10).for_each(|_| drop(devices.list()));
        // Open devices look twice a second.
        eprintln!("a look takes {:?}", begun.elapsed() / 10);
        assert_eq!(ids(&list.speakers), ["pulseaudio:cableA", "pulseaudio:cableB"]);
        assert_eq!(
            ids(&list.microphones),
            ["pulseaudio:cableA.monitor", "pulseaudio:cableB.monitor"]
        );
        let marked = |entries: &[DeviceEntry]| -> Vec<bool> {
            entries.iter().map(|entry| entry.default).collect()
        };
        assert_eq!(marked(&list.speakers), [true, false]);
        assert_eq!(marked(&list.microphones), [false, true]);
        assert_eq!(list.speakers[1].name, "cableB");
    });
}

#[test]
fn a_person_who_never_used_pulseaudio_has_sound_too() {
    let test = "a_person_who_never_used_pulseaudio_has_sound_too";
    if is_inner() {
        assert_eq!(ids(&SystemDevices::new().list().speakers), ["pulseaudio:cableA"]);
        return;
    }
    let _turn = one_at_a_time();
    let Some(server) = SoundServer::start_or_skip() else { return };
    server.cable("cableA").unwrap();
    let home = std::env::temp_dir().join(format!("tincan-home-{}", std::process::id()));
    std::fs::create_dir_all(&home).unwrap();
    let mut env = server.env();
    env.retain(|(name, _)| name != "PULSE_COOKIE");
    env.push(("HOME".into(), home.display().to_string()));
    let ran = run_inner(test, &env, INNER);
    std::fs::remove_dir_all(&home).unwrap();
    ran.unwrap();
}

#[test]
fn clicks_cross_a_cable_in_short_time() {
    with_server("clicks_cross_a_cable_in_short_time", |sound| {
        sound.cable("cableA").unwrap();
        sound.cable("cableB").unwrap();
        let devices = SystemDevices::new();
        let clicks = Arc::new(Clicks::default());
        let reports = Reports::default();
        let microphone = devices
            .open_microphone(Some(&microphone_id("cableA")), clicks.sink(), reports.sink())
            .unwrap();
        let speaker = devices
            .open_speaker(Some(&speaker_id("cableA")), clicks.source(), reports.sink())
            .unwrap();
        assert_eq!(microphone.id(), microphone_id("cableA"));
        assert_eq!(speaker.id(), speaker_id("cableA"));
        wait_until(PATIENCE, "clicks have arrived", || Ok(clicks.arrived() >= 20)).unwrap();
        let found = latencies(&clicks);
        eprintln!("click latency, ms: {found:?}");
        // Generous: the machine may be loaded. Default buffers alone are 350 ms.
        assert!(found[found.len() / 2] < 250, "half of the clicks took {found:?} ms");
        assert_eq!(reports.failures(), []);
    });
}

#[test]
fn a_speaker_is_heard_by_other_programs() {
    with_server("a_speaker_is_heard_by_other_programs", |sound| {
        let cable = sound.cable("cableA").unwrap();
        let recording = sound.record(&cable).unwrap();
        let played = Arc::new(AtomicUsize::new(0));
        let (count, mut wave) = (played.clone(), tone(1000.0));
        let source = Box::new(move |block: &mut StereoBlock| {
            block.left.fill_with(|| wave.next().unwrap_or_default());
            block.right = block.left;
            count.fetch_add(1, Ordering::Relaxed);
        });
        let speaker = SystemDevices::new()
            .open_speaker(Some(&speaker_id("cableA")), source, Reports::default().sink())
            .unwrap();
        wait_until(
            PATIENCE,
            "two seconds are played",
            || Ok(played.load(Ordering::Relaxed) >= 200),
        )
        .unwrap();
        drop(speaker);
        let heard = recording.finish().unwrap();
        let (pitch, seconds) = hertz(&heard);
        assert!(seconds > 1.0, "only {seconds} s of sound");
        assert!((pitch - 1000.0).abs() < 20.0, "{pitch} Hz");
    });
}

#[test]
fn a_microphone_hears_other_programs() {
    with_server("a_microphone_hears_other_programs", |sound| {
        let cable = sound.cable("cableA").unwrap();
        let (heard, listening) = sync_channel(10_000);
        let sink = Box::new(move |block: &StereoBlock| {
            let _ = heard.try_send(block.left);
        });
        let microphone = SystemDevices::new()
            .open_microphone(Some(&microphone_id("cableA")), sink, Reports::default().sink())
            .unwrap();
        let samples: Vec<f32> = tone(700.0).take(96_000).collect();
        sound.play(&cable, &samples).unwrap();
        drop(microphone);
        let (pitch, seconds) = hertz(&listening.try_iter().flatten().collect::<Vec<f32>>());
        assert!(seconds > 1.0, "only {seconds} s of sound");
        assert!((pitch - 700.0).abs() < 14.0, "{pitch} Hz");
    });
}

#[test]
fn both_sides_of_music_cross_a_cable() {
    with_server("both_sides_of_music_cross_a_cable", |sound| {
        sound.cable("cableA").unwrap();
        let devices = SystemDevices::new();
        let mut left = tone(440.0);
        let source = Box::new(move |block: &mut StereoBlock| {
            *block = StereoBlock::SILENCE;
            block.left.fill_with(|| left.next().unwrap_or_default());
        });
        let (heard, listening) = sync_channel(10_000);
        let sink = Box::new(move |block: &StereoBlock| {
            let _ = heard.try_send(*block);
        });
        let reports = Reports::default();
        let (from, to) = (microphone_id("cableA"), speaker_id("cableA"));
        let microphone = devices.open_microphone(Some(&from), sink, reports.sink()).unwrap();
        let speaker = devices.open_speaker(Some(&to), source, reports.sink()).unwrap();
        let loud = |side: &[f32]| side.iter().fold(0.0, |most: f32, x| most.max(x.abs()));
        let mut sounding = 0;
        while sounding < 50 {
            let block: StereoBlock = listening.recv_timeout(PATIENCE).unwrap();
            let (left, right) = (loud(&block.left), loud(&block.right));
            assert!(right < 0.01, "what is on the left alone is on the right too: {right}");
            // As loud as it was played, not halved.
            sounding += usize::from(left > 0.45);
        }
        drop((microphone, speaker));
    });
}

#[test]
fn a_chosen_device_that_is_unplugged_is_lost_and_the_systems_choice_goes_on() {
    let test = "a_chosen_device_that_is_unplugged_is_lost_and_the_systems_choice_goes_on";
    with_server(test, |sound| {
        let (a, b) = (sound.cable("cableA").unwrap(), sound.cable("cableB").unwrap());
        sound.make_default(&a, &a).unwrap();
        let devices = SystemDevices::new();
        let (chosen, followed) = (Reports::default(), Reports::default());
        let clicks = Arc::new(Clicks::default());
        let pinned = devices
            .open_microphone(Some(&microphone_id("cableA")), clicks.sink(), chosen.sink())
            .unwrap();
        let speaker = devices
            .open_speaker(Some(&speaker_id("cableA")), clicks.source(), chosen.sink())
            .unwrap();
        let count = Arc::new(AtomicUsize::new(0));
        let counted = count.clone();
        let source = Box::new(move |_: &mut StereoBlock| {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        let default = devices.open_speaker(None, source, followed.sink()).unwrap();
        assert_eq!(default.id(), speaker_id("cableA"));

        sound.unplug(&a).unwrap();
        wait_until(PATIENCE, "both are lost", || Ok(chosen.failures().len() == 2)).unwrap();
        assert!(chosen.failures().iter().all(|it| matches!(it, DeviceError::Lost(_))));
        // What was lost delivers no more, and the other stream was moved to the other cable.
        let (arrived, played) = (clicks.blocks(), count.load(Ordering::Relaxed));
        wait_until(PATIENCE, "the other goes on", || {
            Ok(count.load(Ordering::Relaxed) > played + 100)
        })
        .unwrap();
        assert_eq!(clicks.blocks(), arrived);
        assert_eq!(followed.failures(), []);
        assert_eq!(ids(&devices.list().speakers), [speaker_id(&b.sink)]);
        drop((pinned, speaker));
    });
}

#[test]
fn a_stream_of_the_systems_choice_says_so_when_that_is_another_by_default() {
    let test = "a_stream_of_the_systems_choice_says_so_when_that_is_another_by_default";
    with_server(test, |sound| {
        let (a, b) = (sound.cable("cableA").unwrap(), sound.cable("cableB").unwrap());
        sound.make_default(&a, &b).unwrap();
        let (devices, clicks) = (SystemDevices::new(), Arc::new(Clicks::default()));
        let (chosen, followed) = (Reports::default(), Reports::default());
        let id = speaker_id("cableA");
        let pinned = devices.open_speaker(Some(&id), clicks.source(), chosen.sink()).unwrap();
        let speaker = devices.open_speaker(None, clicks.source(), followed.sink()).unwrap();
        let microphone = devices.open_microphone(None, clicks.sink(), followed.sink()).unwrap();
        sound.make_default(&b, &a).unwrap();
        let changed = Instant::now();
        wait_until(PATIENCE, "both say so", || Ok(followed.failures().len() == 2)).unwrap();
        eprintln!("noticed after {:?}", changed.elapsed());
        assert_eq!(chosen.failures(), [], "what a person chose stays");
        drop((pinned, speaker, microphone));
        let again = devices.open_speaker(None, clicks.source(), followed.sink()).unwrap();
        assert_eq!(again.id(), speaker_id("cableB"));
    });
}

#[test]
fn what_the_speaker_plays_is_not_taken_for_a_microphone_where_there_is_none() {
    let test = "what_the_speaker_plays_is_not_taken_for_a_microphone_where_there_is_none";
    with_server(test, |sound| {
        let (a, b) = (sound.cable("cableA").unwrap(), sound.cable("cableB").unwrap());
        sound.make_default(&a, &b).unwrap();
        let (devices, clicks) = (SystemDevices::new(), Arc::new(Clicks::default()));
        let followed = Reports::default();
        let microphone = devices.open_microphone(None, clicks.sink(), followed.sink()).unwrap();
        // The last microphone is gone, and the server proposes the speaker's monitor.
        sound.make_default(&a, &a).unwrap();
        wait_until(PATIENCE, "it ends", || Ok(followed.failures().len() == 1)).unwrap();
        drop(microphone);
        let again = devices.open_microphone(None, clicks.sink(), followed.sink());
        assert_eq!(again.map(|it| it.id().to_owned()).err(), Some(DeviceError::Missing));
        // Who wants it may have it.
        let chosen = format!("{}.monitor", speaker_id("cableA"));
        devices.open_microphone(Some(&chosen), clicks.sink(), followed.sink()).unwrap();
    });
}

#[test]
fn closing_lets_go_of_the_device_before_it_returns() {
    with_server("closing_lets_go_of_the_device_before_it_returns", |sound| {
        sound.cable("cableA").unwrap();
        let devices = SystemDevices::new();
        let clicks = Arc::new(Clicks::default());
        for _ in 0..5 {
            let reports = Reports::default();
            let id = microphone_id("cableA");
            let microphone =
                devices.open_microphone(Some(&id), clicks.sink(), reports.sink()).unwrap();
            let id = speaker_id("cableA");
            let speaker = devices.open_speaker(Some(&id), clicks.source(), reports.sink()).unwrap();
            assert_eq!(sound.streams().unwrap(), (1, 1));
            drop((microphone, speaker));
            let blocks = clicks.blocks();
            // The server hears of it a moment later.
            wait_until(PATIENCE, "no stream is left", || Ok(sound.streams()? == (0, 0))).unwrap();
            assert_eq!(clicks.blocks(), blocks);
            assert_eq!(reports.failures(), []);
        }
    });
}

#[test]
fn a_device_may_be_closed_by_its_own_report() {
    with_server("a_device_may_be_closed_by_its_own_report", |sound| {
        let cable = sound.cable("cableA").unwrap();
        let (lost, losing) = sync_channel(1);
        let slot = Arc::new(Mutex::new(None));
        let own = slot.clone();
        let report = Box::new(move |state: Result<(), DeviceError>| {
            if state.is_err() {
                drop(own.lock().unwrap().take());
                let _ = lost.send(());
            }
        });
        let source = Box::new(|_: &mut StereoBlock| {});
        let id = speaker_id("cableA");
        let speaker = SystemDevices::new().open_speaker(Some(&id), source, report).unwrap();
        *slot.lock().unwrap() = Some(speaker);
        sound.unplug(&cable).unwrap();
        losing.recv_timeout(PATIENCE).unwrap();
        assert!(slot.lock().unwrap().is_none());
    });
}

#[test]
fn what_is_not_there_is_missing() {
    with_server("what_is_not_there_is_missing", |sound| {
        sound.cable("cableA").unwrap();
        let (devices, clicks) = (SystemDevices::new(), Arc::new(Clicks::default()));
        for id in ["pulseaudio:cableB", "pulseaudio:cableA", "nonsense", ""] {
            let opened =
                devices.open_microphone(Some(id), clicks.sink(), Reports::default().sink());
            assert_eq!(opened.err(), Some(DeviceError::Missing), "{id}");
        }
    });
}

#[test]
fn a_server_that_crashes_loses_its_devices() {
    let test = "a_server_that_crashes_loses_its_devices";
    if is_inner() {
        let sound = Sound::from_env();
        sound.cable("cableA").unwrap();
        let devices = SystemDevices::new();
        let (clicks, reports) = (Arc::new(Clicks::default()), Reports::default());
        let id = microphone_id("cableA");
        let microphone = devices.open_microphone(Some(&id), clicks.sink(), reports.sink()).unwrap();
        let speaker = devices.open_speaker(None, clicks.source(), reports.sink()).unwrap();
        // Tells the outer test to end the server, which may do so before it has answered.
        let _ = sound.cable("ready");
        wait_until(PATIENCE, "both are lost", || Ok(reports.failures().len() == 2)).unwrap();
        assert!(reports.failures().iter().all(|it| matches!(it, DeviceError::Lost(_))));
        drop((microphone, speaker));
        let opened = devices.open_speaker(None, clicks.source(), Reports::default().sink());
        assert_eq!(opened.err(), Some(DeviceError::Missing));
        assert_eq!(devices.list().speakers, []);
        return;
    }
    let _turn = one_at_a_time();
    let Some(mut server) = SoundServer::start_or_skip() else { return };
    let env = server.env();
    let inner = std::thread::spawn(move || run_inner(test, &env, INNER));
    wait_until(PATIENCE, "the devices are open", || {
        Ok(inner.is_finished() || server.has("sinks", "ready")?)
    })
    .unwrap();
    server.crash();
    inner.join().unwrap().unwrap();
}

#[test]
fn without_a_server_there_is_nothing_and_no_noise() {
    let test = "without_a_server_there_is_nothing_and_no_noise";
    if is_inner() {
        return nothing_is_found();
    }
    let _turn = one_at_a_time();
    let folder = std::env::temp_dir().join(format!("tincan-empty-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let said = run_inner(test, &nowhere(&folder), INNER).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(said, "");
}

#[test]
fn a_server_that_does_not_answer_hangs_nobody() {
    let test = "a_server_that_does_not_answer_hangs_nobody";
    if is_inner() {
        return nothing_is_found();
    }
    let _turn = one_at_a_time();
    let folder = std::env::temp_dir().join(format!("tincan-dead-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("pulse")).unwrap();
    // Connections are taken by the kernel and answered by nobody.
    let socket = UnixListener::bind(folder.join("pulse/native")).unwrap();
    let ran = run_inner(test, &nowhere(&folder), INNER);
    drop(socket);
    std::fs::remove_dir_all(&folder).unwrap();
    ran.unwrap();
}

fn nowhere(folder: &std::path::Path) -> Vec<(String, String)> {
    let runtime = folder.display().to_string();
    let socket = format!("unix:{runtime}/pulse/native");
    let variables = [("HOME", &runtime), ("XDG_RUNTIME_DIR", &runtime), ("PULSE_SERVER", &socket)];
    variables.map(|(name, value)| (name.to_owned(), value.clone())).to_vec()
}

/// On a machine with a sound card there is something after all, through ALSA.
fn nothing_is_found() {
    if std::path::Path::new("/dev/snd").exists() {
        return;
    }
    let (devices, clicks) = (SystemDevices::new(), Arc::new(Clicks::default()));
    let begun = Instant::now();
    let list = devices.list();
    assert_eq!((list.microphones, list.speakers), (vec![], vec![]));
    for id in [None, Some("pulseaudio:cableA")] {
        let reports = Reports::default();
        let microphone = devices.open_microphone(id, clicks.sink(), reports.sink());
        assert_eq!(microphone.err(), Some(DeviceError::Missing));
        let speaker = devices.open_speaker(id, clicks.source(), reports.sink());
        assert_eq!(speaker.err(), Some(DeviceError::Missing));
    }
    // Five attempts to connect, of two seconds each at most.
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}
