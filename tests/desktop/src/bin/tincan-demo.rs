//! Plays a whole call between two windows on an invisible screen: `tincan-demo APP FOLDER`.
//! Leaves a report with pictures of every step in the folder; `cargo xtask demo` calls it.
#![allow(clippy::print_stdout, reason = "a command line program talks on standard output")]

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tincan_desktop_tests::place::free_port;
use tincan_desktop_tests::whole_call::{self, Figures, Rooms, Voices};
use tincan_desktop_tests::{Desktop, Story, report};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(program), Some(folder)) = (arguments.next(), arguments.next()) else {
        println!("Usage: tincan-demo APP FOLDER");
        return ExitCode::FAILURE;
    };
    match play(&program, &folder).await {
        Ok(()) => {
            println!("A whole call went well");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            println!("The call did not go well: {problem:#}");
            ExitCode::FAILURE
        }
    }
}

async fn play(program: &Path, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("while making {folder:?}"))?;
    let folder = folder.canonicalize().context("while finding the folder's whole path")?;
    let mut story = Story::new(&folder);
    let outcome = call(program, &folder, &mut story).await;
    report::write(&folder, story.steps(), outcome.as_ref().ok())?;
    outcome.map(drop)
}

async fn call(program: &Path, folder: &Path, story: &mut Story) -> Result<(Figures, Voices)> {
    let desktop = Desktop::start_in("demo", folder)?;
    let server = format!("127.0.0.1:{}", free_port()?);
    let hint = "look into alice.log and bob.log: what the app said before it ended";
    let (rooms, alice, bob) = story
        .step("Two windows open", hint, &[], async {
            let rooms = Rooms::new()?;
            let alice = desktop.app("alice")?.program(program).room(&rooms.alice);
            let alice = alice.listen(&server).start().await?;
            let bob = desktop.app("bob")?.program(program).room(&rooms.bob);
            let bob = bob.server(&server).place(1, 0).start().await?;
            Ok((rooms, alice, bob))
        })
        .await?;
    whole_call::meet(story, &alice, &bob).await?;
    let figures = whole_call::connect(story, &alice, &bob).await?;
    let voices = whole_call::talk(story, &alice, &bob, &rooms).await?;
    whole_call::use_controls(story, &alice, &bob).await?;
    whole_call::hang_up(story, &alice, &bob).await?;
    Ok((figures, voices))
}
