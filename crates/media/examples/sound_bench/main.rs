//! What the microphone's chain does to echo, noise and levels, and what it costs:
//! `cargo run --release -p tincan-media --example sound_bench`, or `cargo xtask bench sound`.

#![allow(clippy::print_stdout, reason = "it prints tables")]

mod room;
mod speech;

use room::{delay, drift, overdrive, response, reverberate};
use speech::{Noise, Talker, active_level, decibels, noise, power, speech};
use std::ops::Range;
use std::time::Duration;
use tincan_media::audio::{AudioBlock, BLOCK_SAMPLES, SAMPLE_RATE};
use tincan_media::codec::opus::{FRAME_SAMPLES, OpusEncoder, OpusSettings};
use tincan_media::process::chain::{CaptureChain, ChainSettings, NoiseSuppression};
use tincan_media::process::echo_watch::EchoWatch;

const SECONDS: usize = 30;
/// How late the echo comes.
const LATE_MS: usize = 60;
/// The talker at the far end, as loud as people are after gain control.
const FAR_DBFS: f32 = -20.0;
/// The canceller as it is in a call, without the parts that change levels.
const ECHO: ChainSettings =
    ChainSettings { high_pass: true, echo_cancellation: true, ..ChainSettings::NONE };

/// Goals and how they were met.
#[derive(Default)]
struct Verdict {
    missed: u32,
}

impl Verdict {
    fn at_least(&mut self, what: &str, got: f32, goal: f32) {
        self.judge(what, got, got >= goal, &format!("at least {goal}"));
    }

    fn judge(&mut self, what: &str, got: f32, met: bool, goal: &str) {
        let mark = if met { "met" } else { "MISSED" };
        self.missed += u32::from(!met);
        println!("    {what}: {got:.1}, goal {goal}: {mark}");
    }
}

fn main() -> anyhow::Result<()> {
    let mut verdict = Verdict::default();
    let far = speech(Talker::Far, SECONDS, FAR_DBFS)?;
    echo(&mut verdict, &far)?;
    noises()?;
    gains()?;
    cost(&mut verdict, &far);
    println!("\n{} goals missed", verdict.missed);
    Ok(())
}

/// Runs a chain over a microphone's sound while something is played.
fn process(chain: &mut CaptureChain, played: &[f32], microphone: &[f32]) -> Vec<f32> {
    let mut out = Vec::with_capacity(microphone.len());
    let blocks = played.chunks_exact(BLOCK_SAMPLES).zip(microphone.chunks_exact(BLOCK_SAMPLES));
    for (played, heard) in blocks {
        let mut block: AudioBlock = std::array::from_fn(|n| heard[n].clamp(-1.0, 1.0));
        chain.render(&std::array::from_fn(|n| played[n]));
        chain.capture(&mut block);
        out.extend_from_slice(&block);
    }
    out
}

fn part(samples: &[f32], seconds: &Range<f32>) -> Vec<f32> {
    let at = |seconds: f32| ((seconds * SAMPLE_RATE as f32) as usize).min(samples.len());
    samples[at(seconds.start)..at(seconds.end)].to_vec()
}

/// Echo return loss enhancement over some seconds.
fn erle(heard: &[f32], left: &[f32], seconds: Range<f32>) -> f32 {
    decibels(power(&part(heard, &seconds))) - decibels(power(&part(left, &seconds)))
}

fn echo(verdict: &mut Verdict, far: &[f32]) -> anyhow::Result<()> {
    println!("Echo return loss enhancement in dB, echo {LATE_MS} ms late in a room of 250 ms\n");
    println!("{:34} {:>6} {:>6} {:>6} {:>6}", "", "0-1 s", "1-3 s", "5-12 s", "22-30 s");
    let linear = delay(&reverberate(far, &response(1)), LATE_MS);
    let bent = delay(&reverberate(&overdrive(far), &response(1)), LATE_MS);
    let jump = {
        let later = delay(&linear, 120);
        let at = 15 * SAMPLE_RATE as usize;
        [&linear[..at], &later[at..]].concat()
    };
    let drifting = drift(&linear, 100.0);
    // The first second begins when the echo does.
    let begins = linear.iter().position(|x| x.abs() > 0.003).unwrap_or(0);
    let first = begins as f32 / SAMPLE_RATE as f32;
    let row = |name: &str, settings, heard: &[f32]| {
        let left = process(&mut CaptureChain::new(settings), far, heard);
        let windows = [first..first + 1.0, first + 1.0..first + 3.0, 5.0..12.0, 22.0..30.0];
        let figures = windows.map(|seconds| erle(heard, &left, seconds));
        let [a, b, c, d] = figures;
        println!("{name:34} {a:6.1} {b:6.1} {c:6.1} {d:6.1}");
        (figures, left)
    };
    let noise_too = ChainSettings { noise_suppression: NoiseSuppression::High, ..ECHO };
    let (plain, _) = row("linear", ECHO, &linear);
    let (overdriven, _) = row("loudspeaker that clips", ECHO, &bent);
    let (_, jumped) = row("delay jumps by 120 ms after 15 s", ECHO, &jump);
    let (drifted, _) = row("clocks 100 ppm apart", ECHO, &drifting);
    row("linear, noise suppression too", noise_too, &linear);
    row("linear, whole chain (adds gain)", ChainSettings::ALL, &linear);
    row("clips, whole chain (adds gain)", ChainSettings::ALL, &bent);
    println!();
    verdict.at_least("linear, first second", plain[0], 25.0);
    verdict.at_least("linear, steady", plain[3], 40.0);
    verdict.at_least("clipping loudspeaker, first second", overdriven[0], 25.0);
    verdict.at_least("clipping loudspeaker, steady", overdriven[3], 34.0);
    verdict.at_least("clocks 100 ppm apart, steady", drifted[3], 34.0);
    let back = (15..28)
        .find(|&second| erle(&jump, &jumped, second as f32..second as f32 + 1.0) > 30.0)
        .map_or(f32::NAN, |second| (second - 15) as f32);
    println!("    after the jump of the delay: above 30 dB again after {back} s");
    double_talk(verdict, far, &linear)
}

/// Both speak from 15 s to 23 s.
fn double_talk(verdict: &mut Verdict, far: &[f32], echo: &[f32]) -> anyhow::Result<()> {
    println!("\nNear talker while the far one speaks: level in dB against the talker alone\n");
    let (from, to) = (15 * SAMPLE_RATE as usize, 23 * SAMPLE_RATE as usize);
    for (name, dbfs) in [("6 dB louder than the echo", -20.0), ("as loud as the echo", -26.0)] {
        let mut near = speech(Talker::Near, SECONDS, dbfs)?;
        near[..from].fill(0.0);
        near[to..].fill(0.0);
        let both: Vec<f32> = echo.iter().zip(&near).map(|(a, b)| a + b).collect();
        let out = process(&mut CaptureChain::new(ECHO), far, &both);
        let silence = vec![0.0; near.len()];
        let alone = process(&mut CaptureChain::new(ECHO), &silence, &near);
        // Only where the near talker speaks; there the rest of the echo does not count.
        let (mut kept, mut whole) = (0.0, 0.0);
        for at in (from..to).step_by(BLOCK_SAMPLES) {
            let block = at..at + BLOCK_SAMPLES;
            if decibels(power(&alone[block.clone()])) > dbfs - 15.0 {
                kept += power(&out[block.clone()]);
                whole += power(&alone[block]);
            }
        }
        let change = decibels(kept / whole);
        verdict.judge(name, change, change.abs() <= 3.0, "within 3");
    }
    Ok(())
}

fn noises() -> anyhow::Result<()> {
    println!(
        "\nNoise 15 dB below a voice of -26 dBFS: noise in the pauses / voice, change in dB\n"
    );
    let levels = [
        NoiseSuppression::Low,
        NoiseSuppression::Moderate,
        NoiseSuppression::High,
        NoiseSuppression::VeryHigh,
    ];
    println!("{:14} {}", "", levels.map(|level| format!("{:>14}", format!("{level:?}"))).join(""));
    let mut voice = speech(Talker::Near, SECONDS, -26.0)?;
    let (pause, length) = (24 * SAMPLE_RATE as usize, voice.len());
    voice[pause - 1000..].fill(0.0);
    for kind in [Noise::White, Noise::BrownAndHum] {
        let noisy: Vec<f32> =
            voice.iter().zip(noise(kind, length, -41.0)).map(|(a, b)| a + b).collect();
        let silence = vec![0.0; length];
        print!("{:14} ", format!("{kind:?}"));
        for noise_suppression in levels {
            let settings = ChainSettings { noise_suppression, ..ChainSettings::NONE };
            let out = process(&mut CaptureChain::new(settings), &silence, &noisy);
            let noise = erle(&noisy, &out, 26.0..30.0);
            let speech =
                active_level(&part(&out, &(8.0..23.0))) - active_level(&part(&noisy, &(8.0..23.0)));
            print!("{:>14}", format!("-{noise:.1} / {speech:+.1}"));
        }
        println!();
    }
    Ok(())
}

fn gains() -> anyhow::Result<()> {
    println!("\nAdaptive gain, dBFS of a voice before, in the first 3 s, and after 10 s (peak)\n");
    for dbfs in [-45.0, -35.0, -25.0, -15.0, -6.0] {
        let voice = speech(Talker::Near, SECONDS, dbfs)?;
        let out =
            process(&mut CaptureChain::new(ChainSettings::ALL), &vec![0.0; voice.len()], &voice);
        let late = part(&out, &(10.0..30.0));
        let peak = late.iter().fold(0f32, |peak, x| peak.max(x.abs()));
        let (early, after) = (active_level(&part(&out, &(0.0..3.0))), active_level(&late));
        println!("    {dbfs:6.1} {early:8.1} {after:8.1}   ({peak:.2})");
    }
    Ok(())
}

/// CPU time of this thread: other work on the machine does not count.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = stat.split(' ').next().and_then(|nanos| nanos.parse().ok());
    nanos.map_or(Duration::ZERO, Duration::from_nanos)
}

fn cost(verdict: &mut Verdict, far: &[f32]) {
    println!("\nProcessor time per 10 ms\n");
    let echo = delay(far, LATE_MS);
    let blocks = (far.len() / BLOCK_SAMPLES) as f64;
    let cheapest = |settings| {
        (0..3)
            .map(|_| {
                let mut chain = CaptureChain::new(settings);
                let before = cpu();
                process(&mut chain, far, &echo);
                (cpu() - before).as_secs_f64() * 1e6 / blocks
            })
            .fold(f64::INFINITY, f64::min)
    };
    let (alone, whole) = (cheapest(ECHO), cheapest(ChainSettings::ALL));
    let opus = (0..3)
        .filter_map(|_| {
            let settings = OpusSettings { complexity: 9, ..OpusSettings::default() };
            let mut encoder = OpusEncoder::new(settings).ok()?;
            let before = cpu();
            for frame in far.chunks_exact(FRAME_SAMPLES) {
                let _packet = encoder.encode(frame).ok()?;
            }
            Some((cpu() - before).as_secs_f64() * 1e6 / blocks)
        })
        .fold(f64::INFINITY, f64::min);
    let watch = (0..3)
        .map(|_| {
            let mut watch = EchoWatch::default();
            let before = cpu();
            for (played, heard) in
                far.chunks_exact(BLOCK_SAMPLES).zip(echo.chunks_exact(BLOCK_SAMPLES))
            {
                let heard: AudioBlock = std::array::from_fn(|n| heard[n]);
                watch.render(&std::array::from_fn(|n| played[n]));
                watch.listen(&heard, &heard);
            }
            (cpu() - before).as_secs_f64() * 1e6 / blocks
        })
        .fold(f64::INFINITY, f64::min);
    let whole = whole + watch;
    println!("    high-pass and canceller {alone:6.0} us");
    println!("    watch for echo          {watch:6.0} us");
    println!("    whole chain with it     {whole:6.0} us, {:.2} times libopus", whole / opus);
    println!("    libopus, complexity 9   {opus:6.0} us");
    verdict.judge("whole chain with it, us", whole as f32, whole < 400.0, "under 400");
}
