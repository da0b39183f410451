//! Child processes with a time limit and their output in a log file that failures name.

use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::cell::Cell;
use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How often a running job says that it still runs.
const SIGN_OF_LIFE: Duration = Duration::from_secs(20);
/// How often a running job is looked at.
const POLL: Duration = Duration::from_millis(50);
/// How much of a failed job's output is shown.
const TAIL_LINES: usize = 60;

/// Starts jobs and keeps their logs apart.
pub struct Jobs {
    logs: PathBuf,
    started: Cell<u32>,
}

/// One child process to come.
pub struct Job {
    /// What it does, for people.
    pub title: String,
    /// What is run.
    pub command: Command,
    /// When it is ended by force.
    pub limit: Duration,
    /// What a person can do if it fails.
    pub hint: String,
}

impl Job {
    /// A job without a hint, limited to `minutes`.
    pub fn new(title: impl Into<String>, command: Command, minutes: u64) -> Self {
        Self {
            title: title.into(),
            command,
            limit: Duration::from_secs(minutes * 60),
            hint: String::new(),
        }
    }

    /// Adds what a person can do if it fails.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

/// A job that did not succeed.
#[derive(Debug)]
pub struct Failed {
    title: String,
    why: String,
    log: PathBuf,
    hint: String,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = fs::read_to_string(&self.log).unwrap_or_default();
        for line in tail(&shown, TAIL_LINES) {
            writeln!(f, "  | {line}")?;
        }
        write!(f, "✗ {} {}. The whole output: {}", self.title, self.why, self.log.display())?;
        if !self.hint.is_empty() {
            write!(f, "\n  What to do: {}", self.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for Failed {}

impl Jobs {
    /// Logs go to `target/xtask/NAME`, emptied first.
    pub fn new(workspace: &Workspace, name: &str) -> Result<Self> {
        let logs = workspace.output.join("xtask").join(name);
        if logs.exists() {
            fs::remove_dir_all(&logs).with_context(|| format!("while emptying {logs:?}"))?;
        }
        fs::create_dir_all(&logs).with_context(|| format!("while making {logs:?}"))?;
        Ok(Self { logs, started: Cell::new(0) })
    }

    /// Where the logs are.
    pub fn logs(&self) -> &Path {
        &self.logs
    }

    /// Runs a job to its end; the log's path if it succeeds.
    pub fn run(&self, job: Job) -> Result<PathBuf> {
        let Job { title, mut command, limit, hint } = job;
        self.started.set(self.started.get() + 1);
        let log = self.logs.join(format!("{:02}-{}.log", self.started.get(), file_name(&title)));
        println!("· {title}");
        let file = File::create(&log).with_context(|| format!("while making {log:?}"))?;
        command
            .stdin(Stdio::null())
            .stdout(file.try_clone().context("while sharing the log")?)
            .stderr(file);
        let begun = Instant::now();
        let failed = |why: String| Failed { title: title.clone(), why, log: log.clone(), hint };
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                let program = command.get_program().to_string_lossy().into_owned();
                return Err(failed(format!("could not start `{program}`: {error}")).into());
            }
        };
        let mut spoken = begun;
        let status = loop {
            if let Some(status) = child.try_wait().context("while waiting for a child")? {
                break status;
            }
            if begun.elapsed() > limit {
                end_tree(&mut child);
                return Err(failed(format!("took longer than {} s", limit.as_secs())).into());
            }
            if spoken.elapsed() > SIGN_OF_LIFE {
                spoken = Instant::now();
                println!("    {} s  {}", begun.elapsed().as_secs(), last_line(&log));
            }
            std::thread::sleep(POLL);
        };
        if !status.success() {
            return Err(failed(format!("failed ({status})")).into());
        }
        println!("  ✓ {} ({:.1} s)", title, begun.elapsed().as_secs_f32());
        Ok(log)
    }
}

/// Ends a child and all that it has started, by their ids.
pub fn end_tree(child: &mut Child) {
    let mut ids = vec![child.id()];
    let mut next = 0;
    while let Some(&parent) = ids.get(next) {
        ids.extend(children_of(parent));
        next += 1;
    }
    let numbers = ids.iter().skip(1).map(u32::to_string);
    // Best effort: a descendant may be gone already.
    let _ = child.kill();
    let _ = Command::new("sh")
        .args(["-c", "kill -9 \"$@\"", "kill"])
        .args(numbers)
        .stderr(Stdio::null())
        .status();
    let _ = child.wait();
}

fn children_of(parent: u32) -> Vec<u32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{parent}/task")) else { return Vec::new() };
    tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|list| list.split_whitespace().flat_map(str::parse).collect::<Vec<u32>>())
        .collect()
}

fn file_name(title: &str) -> String {
    let words = title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}

fn last_line(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    line.trim().chars().take(100).collect()
}

fn tail(text: &str, lines: usize) -> impl Iterator<Item = &str> {
    let all: Vec<&str> = text.lines().collect();
    let from = all.len().saturating_sub(lines);
    all.into_iter().skip(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jobs() -> Jobs {
        let logs = std::env::temp_dir().join(format!("xtask-jobs-{}", std::process::id()));
        fs::create_dir_all(&logs).expect("a temporary folder");
        Jobs { logs, started: Cell::new(0) }
    }

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn failure_names_the_log_and_what_to_do() {
        let job = Job::new("Say no", sh("echo because; exit 3"), 1).hint("say yes");
        let text = jobs().run(job).expect_err("exit 3").to_string();
        assert!(text.contains("because"), "{text}");
        assert!(text.contains("say-no.log"), "{text}");
        assert!(text.contains("What to do: say yes"), "{text}");
    }

    #[test]
    fn overdue_job_is_ended_with_all_that_it_started() {
        let mark = std::env::temp_dir().join(format!("xtask-mark-{}", std::process::id()));
        let mut job = Job::new(
            "Sleep",
            sh(&format!("(sleep 600 & echo $! > {}; wait); true", mark.display())),
            1,
        );
        job.limit = Duration::from_millis(500);
        let text = jobs().run(job).expect_err("too slow").to_string();
        assert!(text.contains("took longer"), "{text}");
        let sleeper = fs::read_to_string(&mark).expect("the shell wrote it");
        let stat = format!("/proc/{}/stat", sleeper.trim());
        let deadline = Instant::now() + Duration::from_secs(5);
        // Killed, it may take a moment to go, and longer to be collected.
        while fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
            assert!(Instant::now() < deadline, "still there");
            std::thread::sleep(POLL);
        }
        let _ = fs::remove_file(mark);
    }

    #[test]
    fn only_the_last_lines_are_shown() {
        assert_eq!(tail("a\nb\nc", 2).collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!(tail("a", 2).collect::<Vec<_>>(), ["a"]);
    }
}
