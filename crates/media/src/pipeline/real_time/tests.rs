use super::*;
use crate::pipeline::audio_receive::AudioReceivePipeline;
use crate::pipeline::audio_send::{AudioSendPipeline, AudioSendSettings};
use std::time::Instant;

const PATIENCE: Duration = Duration::from_secs(20);
/// `SCHED_OTHER` and `SCHED_RR` of `linux/sched.h`.
const ORDINARY: &str = "0";
const ROUND_ROBIN: &str = "2";

/// The policies of the threads of this name in this process (`proc_pid_stat(5)`, field 41).
fn policies(name: &str) -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux lists them");
    let stats =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("stat")).ok());
    let policy = |stat: String| {
        let (before, fields) = stat.rsplit_once(") ")?;
        let (_, comm) = before.split_once('(')?;
        (comm == name).then(|| fields.split(' ').nth(41 - 3).map(str::to_owned))?
    };
    stats.filter_map(policy).collect()
}

/// Some machines allow it to nobody.
fn may() -> bool {
    let granted = std::thread::spawn(|| hurry(this_thread())).join().expect("no panic");
    if !granted {
        eprintln!("skipped: no real-time priority here");
    }
    granted
}

#[test]
fn threads_of_sound_run_in_real_time_where_they_may() {
    if !may() {
        return;
    }
    let _mixer = AudioReceivePipeline::start();
    let _encoder =
        AudioSendPipeline::start(AudioSendSettings::default(), Box::new(|_| ())).unwrap();
    let deadline = Instant::now() + PATIENCE;
    for name in ["audio mixer", "audio encoder"] {
        let hurried =
            |found: &[String]| !found.is_empty() && found.iter().all(|it| it == ROUND_ROBIN);
        while !hurried(&policies(name)) {
            assert!(Instant::now() < deadline, "{name}: {:?}", policies(name));
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn a_real_time_thread_that_does_not_pause_is_put_back_and_lives() {
    if !may() {
        return;
    }
    // The second as the first, although the kernel has raised the limit at which it tells.
    for name in ["spinning", "spinning too"] {
        let spinning = std::thread::Builder::new().name(name.into());
        let spun = spinning.spawn(move || {
            assert!(hurry(this_thread()));
            let begun = Instant::now();
            assert_eq!(policies(name), [ROUND_ROBIN]);
            // It waits for nothing, as one would that cannot keep up.
            while policies(name) != [ORDINARY] {
                assert!(begun.elapsed() < PATIENCE, "it holds on to the processor");
            }
            begun.elapsed()
        });
        eprintln!("put back after {:?}", spun.unwrap().join().unwrap());
    }
}
