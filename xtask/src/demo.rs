//! `cargo xtask demo`: from a checkout to a call between two windows on this machine.

use crate::job::{Job, Jobs};
use crate::packages::{self, Purpose};
use crate::workspace::{Profile, Workspace};
use crate::{tools, ui};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long the played call may take.
const PLAY_LIMIT: Duration = Duration::from_secs(300);
/// How long the first window's server may take to listen.
const SERVER_LIMIT: Duration = Duration::from_secs(20);

/// What `demo` takes.
#[derive(Args)]
pub struct Options {
    /// Do not install anything: name what is missing and stop.
    #[arg(long)]
    no_install: bool,
    /// Build with optimisation.
    #[arg(long)]
    release: bool,
    /// Open the windows on this display, or fail if there is none.
    #[arg(long, conflicts_with = "headless")]
    headed: bool,
    /// Play the call on an invisible screen even if there is a display.
    #[arg(long)]
    headless: bool,
}

/// Builds, and shows or plays a call; true if it went well.
pub fn run(options: &Options) -> Result<bool> {
    let seen = !options.headless && has_display();
    ensure!(
        seen || !options.headed,
        "There is no display: neither WAYLAND_DISPLAY nor DISPLAY is set.\n  What to do: run it \
         in a desktop session, or without --headed to have the call played on an invisible screen"
    );
    ensure!(
        seen || cfg!(target_os = "linux"),
        "The call is played through Xvfb and WebKitWebDriver, which only Linux has.\n  What to \
         do: run it without --headless"
    );
    let workspace = Workspace::find()?;
    let jobs = Jobs::new(&workspace, "demo")?;
    let node = tools::packages_for_node()?;
    if cfg!(target_os = "linux") {
        let purpose = if seen { Purpose::Seen } else { Purpose::Unseen };
        packages::ensure(&jobs, purpose, node, !options.no_install)?;
    }
    tools::ensure_nasm()?;
    ui::install(&workspace, &jobs)?;
    ui::build(&workspace, &jobs)?;
    let profile = if options.release { Profile::Release } else { Profile::Dev };
    build(&workspace, &jobs, profile)?;

    let output = workspace.output.join("demo");
    if output.exists() {
        fs::remove_dir_all(&output).with_context(|| format!("while emptying {output:?}"))?;
    }
    fs::create_dir_all(&output).with_context(|| format!("while making {output:?}"))?;
    if seen { show(&workspace, profile, &output) } else { play(&workspace, profile, &output) }
}

fn has_display() -> bool {
    !cfg!(target_os = "linux")
        || ["WAYLAND_DISPLAY", "DISPLAY"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

pub fn build(workspace: &Workspace, jobs: &Jobs, profile: Profile) -> Result<()> {
    let mut command = workspace.cargo();
    // The whole workspace, as the tests do: the same features, so nothing is built twice.
    command.args(["build", "--workspace", "--bins", "--locked", "--profile", profile.name()]);
    println!("The first build takes ten minutes and more, later ones seconds");
    let hint = "run by hand: cargo build --workspace --bins";
    jobs.run(Job::new("Build", command, 90).hint(hint)).map(drop)
}

/// Opens two windows for a person and waits until both are closed.
fn show(workspace: &Workspace, profile: Profile, output: &Path) -> Result<bool> {
    let program = workspace.program(profile, "tincan");
    let server = free_address()?;
    let mut alice = window(&program, output, "alice", "bob", ["--listen", &server])?;
    let told = wait_for_server(&server, &mut alice)
        .and_then(|()| window(&program, output, "bob", "alice", ["--server", &server]));
    let mut bob = match told {
        Ok(bob) => bob,
        Err(problem) => {
            let _ = alice.kill();
            return Err(problem);
        }
    };
    println!(
        "\nTwo windows are open, alice and bob, and each is the other's contact.\n\
         If one hides the other, move it.\n\
         Choose bob in alice's window, press \"Video call\", and answer in bob's.\n\
         Logs: {}\nClose both windows to end the demo.",
        output.display()
    );
    let mut well = true;
    for (name, child) in [("alice", &mut alice), ("bob", &mut bob)] {
        let status = child.wait().with_context(|| format!("while waiting for {name}"))?;
        if !status.success() {
            println!("✗ {name} ended with {status}: see {}", log_of(output, name).display());
            well = false;
        }
    }
    Ok(well)
}

fn window(
    program: &Path,
    output: &Path,
    name: &str,
    contact: &str,
    server: [&str; 2],
) -> Result<Child> {
    let log = log_of(output, name);
    let file = File::create(&log).with_context(|| format!("while making {log:?}"))?;
    Command::new(program)
        .args(["--profile", &format!("demo-{name}"), "--name", name, "--contact", contact])
        .arg("--data-dir")
        .arg(output.join("data").join(name))
        .args(server)
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .spawn()
        .with_context(|| format!("while starting {program:?}"))
}

fn log_of(output: &Path, name: &str) -> std::path::PathBuf {
    output.join(format!("{name}.log"))
}

/// An address on this machine that nothing listens on, so that a Tincan in use is left alone.
fn free_address() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").context("while looking for a free port")?;
    Ok(listener.local_addr()?.to_string())
}

fn wait_for_server(address: &str, host: &mut Child) -> Result<()> {
    let begun = Instant::now();
    while std::net::TcpStream::connect(address).is_err() {
        if let Some(status) = host.try_wait()? {
            bail!("The first window ended at once, with {status}: see its log in target/demo");
        }
        ensure!(
            begun.elapsed() < SERVER_LIMIT,
            "The first window's server does not listen on {address}: see its log in target/demo"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// Has the call played; what it prints is shown as it comes.
fn play(workspace: &Workspace, profile: Profile, output: &Path) -> Result<bool> {
    let program = workspace.program(profile, "tincan-demo");
    let mut child = Command::new(&program)
        .arg(workspace.program(profile, "tincan"))
        .arg(output)
        .stdin(Stdio::null())
        .spawn()
        .with_context(|| format!("while starting {program:?}"))?;
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            println!("Report: {}", output.join("report.md").display());
            return Ok(status.success());
        }
        if begun.elapsed() > PLAY_LIMIT {
            crate::job::end_tree(&mut child);
            bail!(
                "The call took longer than {} s and was ended: see the logs in {}",
                PLAY_LIMIT.as_secs(),
                output.display()
            );
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
