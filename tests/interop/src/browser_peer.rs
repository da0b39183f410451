//! A headless Chromium that speaks the protocol of `tincan-peer`. Its page gets commands over a
//! WebSocket of the loopback that both are on, so that it may run in a network namespace.

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tincan_test_support::place::Scratch;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// How long the browser may take to load its page.
const STARTED: Duration = Duration::from_secs(30);
/// What the browser loads.
const PAGE: &str = concat!(
    "<!doctype html><meta charset=\"utf-8\"><title>A side of a call</title><script>",
    include_str!("../peer/picture.js"),
    "</script><script>",
    include_str!("../peer/sound.js"),
    "</script><script>",
    include_str!("../peer/call.js"),
    "</script>",
);

/// The browser; ended when dropped. Whoever started this program ends what is left of it.
struct Browser {
    first: Child,
    _profile: Scratch,
}

impl Browser {
    fn start(port: u16) -> Result<Self> {
        let profile = Scratch::new("chromium-peer")?;
        let page = profile.path().join("page.html");
        std::fs::write(&page, PAGE).with_context(|| format!("while writing {page:?}"))?;
        let first = Command::new("/usr/bin/chromium")
            .args(arguments(&profile.folder("profile")?))
            .arg(format!("file://{}#{port}", page.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("while starting chromium")?;
        Ok(Self { first, _profile: profile })
    }
}

fn arguments(profile: &Path) -> Vec<String> {
    [
        "--headless=new",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        // It runs as root in containers; the page is our own.
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--autoplay-policy=no-user-gesture-required",
        // Candidates with addresses instead of mDNS names, loopback included: a container may have
        // nothing else.
        "--disable-features=WebRtcHideLocalIpsWithMdns",
        "--allow-loopback-in-peer-connection",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain([format!("--user-data-dir={}", profile.display())])
    .collect()
}

/// Serves one process's life: from its `ready` to `quit` or the end of input.
///
/// # Errors
/// The browser does not start, or ends before it is told to.
pub async fn run() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("while opening a port")?;
    let mut browser = Browser::start(listener.local_addr()?.port())?;
    let mut page = tokio::time::timeout(STARTED, accept(&listener))
        .await
        .context("chromium does not load its page")??;
    let ready = json!({
        "ev": "ready", "name": "chromium", "version": version().await?,
        "measure_pids": browser.first.id().into_iter().collect::<Vec<_>>(),
    });
    write(&ready.to_string()).await?;
    let mut commands = BufReader::new(tokio::io::stdin()).lines();
    let mut heard: Option<File> = None;
    loop {
        tokio::select! {
            command = commands.next_line() => {
                let Some(command) = command.context("while reading a command")? else { return Ok(()) };
                match Sound::of(&command) {
                    Sound::None if is_quit(&command) => return Ok(()),
                    Sound::None => {}
                    Sound::Said(file) => {
                        let sound = std::fs::read(&file);
                        let sound = sound.with_context(|| format!("while reading {file:?}"))?;
                        page.send(Message::binary(sound)).await.context("while telling the page")?;
                    }
                    Sound::Heard(file) => {
                        let made = File::create(&file);
                        heard = Some(made.with_context(|| format!("while making {file:?}"))?);
                    }
                }
                page.send(Message::text(command)).await.context("while telling the page")?;
            }
            line = page.next() => match line.context("the page is gone")? {
                Ok(Message::Text(line)) => write(&line).await?,
                Ok(Message::Binary(sound)) => {
                    let file = heard.as_mut().context("the page sends sound unasked")?;
                    file.write_all(&sound).context("while writing what was heard")?;
                }
                Ok(_) => {}
                Err(error) => return Err(error).context("while hearing from the page"),
            },
            status = browser.first.wait() => bail!("chromium ended: {status:?}"),
        }
    }
}

async fn accept(listener: &TcpListener) -> Result<WebSocketStream<TcpStream>> {
    let (stream, _) = listener.accept().await.context("while waiting for the page")?;
    stream.set_nodelay(true).context("while setting up the page's connection")?;
    tokio_tungstenite::accept_async(stream).await.context("while waiting for the page")
}

async fn version() -> Result<String> {
    let told = Command::new("/usr/bin/chromium").arg("--version").output().await;
    let told = told.context("while asking chromium's version")?.stdout;
    Ok(String::from_utf8_lossy(&told).trim().to_owned())
}

/// The sound that goes with a command: pages read and write no files.
enum Sound {
    None,
    /// It goes ahead of the command.
    Said(PathBuf),
    /// It comes ahead of the answer.
    Heard(PathBuf),
}

impl Sound {
    fn of(command: &str) -> Self {
        let command: Value = serde_json::from_str(command).unwrap_or_default();
        match (command["cmd"].as_str(), command["file"].as_str()) {
            (Some("say"), Some(file)) => Self::Said(file.into()),
            (Some("heard"), Some(file)) => Self::Heard(file.into()),
            _ => Self::None,
        }
    }
}

fn is_quit(command: &str) -> bool {
    serde_json::from_str::<Value>(command).is_ok_and(|command| command["cmd"] == "quit")
}

async fn write(line: &str) -> Result<()> {
    let mut out = tokio::io::stdout();
    out.write_all(format!("{line}\n").as_bytes()).await.context("while telling")?;
    out.flush().await.context("while telling")
}
