//! `cargo xtask bench`: figures to compare, as tables.

mod call;
mod connect;
mod delay;
mod picture;
mod relay;
mod screen;
mod share;
mod sound;
mod speech;

use crate::job::{Job, Jobs};
use crate::workspace::{Profile, Workspace};
use anyhow::Result;
use clap::Subcommand;
use std::process::Command;

/// What is measured.
#[derive(Subcommand)]
pub enum Bench {
    /// Latency, freezes, sound and cost of calls over bad networks, beside Chromium.
    Call(call::Options),
    /// How long calls take to set up in the network lab, over ways of many kinds.
    Connect(connect::Options),
    /// How late a voice is heard, from microphone to speaker, beside Chromium.
    Delay(delay::Options),
    /// What the encoder leaves of pictures at each rung, and its cost, beside x264's and VP8's.
    Picture(picture::Options),
    /// Throughput, loss and processor time of the server's relay, beside coturn.
    Relay(relay::Options),
    /// Processor time of capturing a screen, beside ffmpeg's, and how legible codecs leave text.
    Screen(screen::Options),
    /// Processor time of sharing a screen, still and scrolling, beside Chromium's.
    Share(share::Options),
    /// What becomes of echo, noise and levels in the microphone's chain, and what it costs.
    Sound(sound::Options),
    /// How well speech is understood over bad networks, and how late it is, beside Chromium.
    Speech(speech::Options),
}

/// Measures; true if everything that was tried worked.
pub fn run(bench: &Bench) -> Result<bool> {
    match bench {
        Bench::Call(options) => call::run(options),
        Bench::Connect(options) => connect::run(options),
        Bench::Delay(options) => delay::run(options),
        Bench::Picture(options) => picture::run(options),
        Bench::Relay(options) => relay::run(options),
        Bench::Screen(options) => screen::run(options),
        Bench::Share(options) => share::run(options),
        Bench::Sound(options) => sound::run(options),
        Bench::Speech(options) => speech::run(options),
    }
}

/// Builds a measuring program that is an example; what starts it.
fn build(workspace: &Workspace, jobs: &Jobs, example: &str) -> Result<Command> {
    let mut build = workspace.cargo();
    // With the workspace's features, as everything else is built.
    build.args(["build", "--workspace", "--example", example, "--locked"]);
    build.args(["--profile", Profile::Measure.name()]);
    jobs.run(Job::new("Build of the measuring program", build, 60))?;
    Ok(Command::new(workspace.program(Profile::Measure, &format!("examples/{example}"))))
}
