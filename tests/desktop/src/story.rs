//! A test told step by step: each has its time, its pictures, and what to do when it fails.
#![allow(clippy::print_stdout, reason = "a story says what it does while it does it")]

use crate::window::Window;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// One step that was taken.
#[derive(Clone, Debug)]
pub struct Step {
    /// What it is about.
    pub title: String,
    /// How long it took.
    pub took: Duration,
    /// File names of pictures of the windows after it.
    pub pictures: Vec<String>,
    /// What went wrong and what to do.
    pub problem: Option<String>,
}

/// Takes steps and keeps their pictures.
#[derive(Debug)]
pub struct Story {
    folder: PathBuf,
    steps: Vec<Step>,
}

impl Story {
    /// Pictures go to `folder`.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf(), steps: Vec::new() }
    }

    /// Where pictures go.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The steps taken so far.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Takes a step and a picture of each window after it, whether it went well or not.
    pub async fn step<T>(
        &mut self,
        title: &str,
        hint: &str,
        windows: &[&Window],
        action: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let begun = Instant::now();
        let outcome = action.await;
        let took = begun.elapsed();
        let number = self.steps.len() + 1;
        let mut pictures = Vec::new();
        for window in windows {
            let file = format!("{number:02}-{}.png", window.name());
            // A window that is gone has no picture; the step itself tells what matters.
            if let Ok(picture) = window.picture().await {
                let place = self.folder.join(&file);
                fs::write(&place, picture).with_context(|| format!("while writing {place:?}"))?;
                pictures.push(file);
            }
        }
        let problem = outcome.as_ref().err().map(|error| {
            format!("{error:#}. What to do: {hint}; logs and pictures are in {:?}", self.folder)
        });
        match &problem {
            None => println!("✓ {title} ({:.1} s)", took.as_secs_f32()),
            Some(problem) => println!("✗ {title}: {problem}"),
        }
        self.steps.push(Step { title: title.into(), took, pictures, problem });
        outcome.with_context(|| title.to_owned())
    }
}
