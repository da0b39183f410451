//! The headless peer as a child process that speaks JSON lines.

use crate::maker::Maker;
use crate::place;
use crate::processor;
use crate::running::{Mark, signal};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::File;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// How long the peer may take to say that it is ready, and to answer.
const ANSWER: Duration = Duration::from_secs(30);

/// Peers that this process has started.
static STARTED: AtomicU32 = AtomicU32::new(0);

/// A running peer; ended when dropped.
#[derive(Debug)]
pub struct Peer {
    name: String,
    child: Child,
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
    events: VecDeque<Value>,
    asked: u64,
    measured: Vec<u32>,
    mark: Mark,
}

impl Drop for Peer {
    fn drop(&mut self) {
        // What it has started outlives it otherwise; a browser among that has lost its mark.
        signal("KILL", &processor::tree(&self.mark.processes()));
    }
}

impl Peer {
    /// Starts it; its log goes to `NAME.log` in `folder`.
    pub async fn start(maker: Maker, name: &str, folder: &Path) -> Result<Self> {
        Self::start_by(&[], maker, name, folder).await
    }

    /// Starts it by a program that becomes it, such as `ip netns exec`: `by` is that program's
    /// command line up to the one to run.
    pub async fn start_by(by: &[&str], maker: Maker, name: &str, folder: &Path) -> Result<Self> {
        let program = place::program(maker.peer())?;
        let log = folder.join(format!("{name}.log"));
        let mut words = by.iter().map(OsString::from).chain([program.into_os_string()]);
        let first = words.next().context("a command has words")?;
        let mut command = std::process::Command::new(&first);
        let mark = Mark::new(&format!("{name}-{}", STARTED.fetch_add(1, Ordering::Relaxed)));
        mark.put_on(&mut command);
        let mut child = Command::from(command)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).with_context(|| format!("while making {log:?}"))?)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("while starting {first:?}"))?;
        let to = child.stdin.take().context("its input is a pipe")?;
        let from = child.stdout.take().context("its output is a pipe")?;
        let from = BufReader::new(from).lines();
        let mut peer = Self {
            name: name.into(),
            child,
            to,
            from,
            events: VecDeque::new(),
            asked: 0,
            measured: Vec::new(),
            mark,
        };
        let ready = timeout(ANSWER, peer.line()).await.context("the peer is not ready")??;
        ensure!(ready["ev"] == "ready", "the peer began with {ready}");
        let processes = ready["measure_pids"].as_array().into_iter().flatten();
        peer.measured = processes.filter_map(|id| u32::try_from(id.as_u64()?).ok()).collect();
        Ok(peer)
    }

    /// The first processes of what is to be measured of it.
    pub fn measured(&self) -> &[u32] {
        &self.measured
    }

    /// Its process id.
    pub fn id(&self) -> Result<u32> {
        self.child.id().with_context(|| format!("{} has ended", self.name))
    }

    /// Gives a command and waits for its answer; events meanwhile are kept.
    pub async fn command(&mut self, name: &str, arguments: Value) -> Result<Value> {
        self.order(name, arguments).await?;
        let answer = timeout(ANSWER, async {
            loop {
                let line = self.line().await?;
                if line["re"] == self.asked {
                    return anyhow::Ok(line);
                }
                self.keep(line)?;
            }
        });
        let answer = answer.await.with_context(|| format!("`{name}` is not answered"))??;
        ensure!(answer["ok"] == true, "`{name}` failed: {}", answer["error"]);
        Ok(answer)
    }

    /// Gives a command; if it is refused, the next look at events is an error.
    pub async fn order(&mut self, name: &str, arguments: Value) -> Result<()> {
        self.asked += 1;
        let mut order = json!({ "cmd": name, "id": self.asked });
        if let (Some(order), Value::Object(arguments)) = (order.as_object_mut(), arguments) {
            order.extend(arguments);
        }
        self.to.write_all(format!("{order}\n").as_bytes()).await.context("while ordering")?;
        self.to.flush().await.context("while ordering")
    }

    /// The next event, as soon as it comes; cancelling loses nothing.
    pub async fn event(&mut self) -> Result<Value> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            let line = self.line().await?;
            self.keep(line)?;
        }
    }

    /// What has happened since the last call.
    pub async fn drain(&mut self) -> Result<Vec<Value>> {
        // What is in the pipe already comes at once.
        while let Ok(line) = timeout(Duration::from_millis(2), self.line()).await {
            self.keep(line?)?;
        }
        Ok(self.events.drain(..).collect())
    }

    /// Ends it as its protocol says, and waits until it is gone.
    pub async fn quit(mut self) -> Result<ExitStatus> {
        // It may or may not answer this before it ends.
        self.to.write_all(b"{\"cmd\":\"quit\"}\n").await.context("while ordering")?;
        let ended = timeout(ANSWER, self.child.wait()).await.context("the peer does not end")?;
        ended.context("while waiting for the peer's end")
    }

    /// Keeps an event; answers that nobody waits for must be good.
    fn keep(&mut self, line: Value) -> Result<()> {
        if line.get("re").is_none() {
            self.events.push_back(line);
            return Ok(());
        }
        ensure!(line["ok"] == true, "{} refused command {}: {line}", self.name, line["re"]);
        Ok(())
    }

    /// The next line; cancelling loses nothing.
    async fn line(&mut self) -> Result<Value> {
        match self.from.next_line().await.context("while reading from the peer")? {
            Some(line) => serde_json::from_str(&line).with_context(|| format!("not JSON: {line}")),
            None => bail!("{} has ended: see its log", self.name),
        }
    }
}
