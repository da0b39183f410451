//! What the published measures say of speech that came through. They are Python's: `score.py`.

use super::clip::{Clip, RATE};
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tincan_test_support::Moments;

/// Finds sentences in what was heard, and scores them.
const SCORE: &str = include_str!("../../../speech/score.py");

/// A sentence that came through.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Score {
    /// Short-time objective intelligibility: 1 is all.
    pub stoi: f64,
    /// Its extended form, which is stricter with gaps.
    pub estoi: f64,
    /// Perceived quality in wide band: 1 to 4.64.
    pub pesq: f64,
    /// From the talker's microphone to the listener's speaker, in milliseconds.
    pub delay_ms: f64,
}

/// What runs the measures.
#[derive(Debug)]
pub struct Scorer {
    python: PathBuf,
}

impl Scorer {
    /// With this Python, which has the measures.
    pub fn new(python: &Path) -> Self {
        Self { python: python.to_path_buf() }
    }

    /// Of each sentence of the clip, in a file of what one side heard while the other spoke.
    pub fn score(
        &self,
        clip: &Clip,
        heard: &Path,
        here: Moments,
        there: Moments,
    ) -> Result<Vec<Score>> {
        let offset = (there.said - here.heard) * f64::from(RATE) / 1000.0;
        let order = json!({
            "said": clip.file, "heard": heard, "sentences": clip.sentences,
            "offset": offset.round(),
        });
        let mut child = Command::new(&self.python)
            .args(["-c", SCORE])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("while starting {:?}", self.python))?;
        let mut input = child.stdin.take().context("its input is a pipe")?;
        write!(input, "{order}").context("while telling what to score")?;
        drop(input);
        let output = child.wait_with_output().context("while waiting for scores")?;
        ensure!(output.status.success(), "the measures failed: {}", output.status);
        let scores: Vec<Score> =
            serde_json::from_slice(&output.stdout).context("while reading scores")?;
        ensure!(scores.len() == clip.sentences.len(), "{} scores", scores.len());
        Ok(scores)
    }
}
