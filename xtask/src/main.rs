//! The project's commands: `cargo xtask demo`, `test`, `check` and others.
//! Decides what runs in which order; what runs is cargo, npm and the programs that they build.
#![allow(clippy::print_stdout, reason = "a command line program talks on standard output")]

mod bench;
mod check;
mod demo;
mod job;
mod package;
mod packages;
mod soak;
mod test;
mod tools;
mod ui;
mod workspace;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Tincan's project commands.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Builds the app and shows a call between two windows on this machine.
    ///
    /// With a display the two windows open side by side and are yours. Without one a whole call is
    /// played through two windows on an invisible screen, with pictures and a report in target/demo.
    Demo(demo::Options),
    /// Runs every test: UI, Rust, the desktop app in real windows, and Chromium as the far side.
    Test(test::Options),
    /// Measures.
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Holds a long call between two windows on an invisible screen and watches their memory; or,
    /// with --restarts or --calls, has peers without windows do that many of them.
    Soak(soak::Options),
    /// Checks formatting, lints, types and licences.
    Check(check::Options),
    /// Builds what people install: .deb and .rpm of the app, .deb of the server.
    Package(package::Options),
}

fn main() -> ExitCode {
    let outcome: Result<bool> = match Arguments::parse().task {
        Task::Demo(options) => demo::run(&options),
        Task::Test(options) => test::run(&options),
        Task::Bench(bench) => bench::run(&bench),
        Task::Soak(options) => soak::run(&options),
        Task::Check(options) => check::run(&options),
        Task::Package(options) => package::run(&options),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("\n{error:#}");
            ExitCode::FAILURE
        }
    }
}
