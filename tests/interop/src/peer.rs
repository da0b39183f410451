//! The headless peer as a child process that speaks JSON lines.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::fs::File;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tincan_desktop_tests::place;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// How long the peer may take to say that it is ready, and to answer.
const ANSWER: Duration = Duration::from_secs(20);

/// A running `tincan-peer`; ended when dropped.
#[derive(Debug)]
pub struct Peer {
    child: Child,
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
    events: VecDeque<Value>,
    asked: u64,
}

impl Peer {
    /// Starts it; its log goes to `folder`.
    pub async fn start(folder: &Path) -> Result<Self> {
        let program = place::program("tincan-peer")?;
        let log = folder.join("tincan-peer.log");
        let mut child = Command::new(&program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).with_context(|| format!("while making {log:?}"))?)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("while starting {program:?}"))?;
        let to = child.stdin.take().context("its input is a pipe")?;
        let from = child.stdout.take().context("its output is a pipe")?;
        let from = BufReader::new(from).lines();
        let mut peer = Self { child, to, from, events: VecDeque::new(), asked: 0 };
        let ready = timeout(ANSWER, peer.line()).await.context("the peer is not ready")??;
        ensure!(ready["ev"] == "ready", "the peer began with {ready}");
        Ok(peer)
    }

    /// Gives a command and waits for its answer; events meanwhile are kept.
    pub async fn command(&mut self, name: &str, arguments: Value) -> Result<Value> {
        self.asked += 1;
        let mut order = json!({ "cmd": name, "id": self.asked });
        if let (Some(order), Value::Object(arguments)) = (order.as_object_mut(), arguments) {
            order.extend(arguments);
        }
        self.to.write_all(format!("{order}\n").as_bytes()).await.context("while ordering")?;
        self.to.flush().await.context("while ordering")?;
        let answer = timeout(ANSWER, async {
            loop {
                let line = self.line().await?;
                if line["re"] == self.asked {
                    return anyhow::Ok(line);
                }
                self.events.push_back(line);
            }
        });
        let answer = answer.await.with_context(|| format!("`{name}` is not answered"))??;
        ensure!(answer["ok"] == true, "`{name}` failed: {}", answer["error"]);
        Ok(answer)
    }

    /// What has happened since the last call.
    pub async fn drain(&mut self) -> Result<Vec<Value>> {
        // What is in the pipe already comes at once.
        while let Ok(line) = timeout(Duration::from_millis(2), self.line()).await {
            self.events.push_back(line?);
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

    /// The next line; cancelling loses nothing.
    async fn line(&mut self) -> Result<Value> {
        match self.from.next_line().await.context("while reading from the peer")? {
            Some(line) => serde_json::from_str(&line).with_context(|| format!("not JSON: {line}")),
            None => bail!("the peer has ended: see its log"),
        }
    }
}
