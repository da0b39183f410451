//! The demo's report, for people and for programs.

use crate::canvas::Watched;
use crate::story::Step;
use crate::whole_call::Figures;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Writes `report.md` and `report.json` into `folder`.
pub fn write(folder: &Path, steps: &[Step], figures: Option<&Figures>) -> Result<()> {
    let whole = steps.iter().all(|step| step.problem.is_none()) && figures.is_some();
    let text = markdown(steps, figures, whole)?;
    fs::write(folder.join("report.md"), text).context("while writing the report")?;
    let told = serde_json::to_string_pretty(&for_programs(steps, figures, whole))?;
    fs::write(folder.join("report.json"), told).context("while writing the report")
}

fn for_programs(steps: &[Step], figures: Option<&Figures>, whole: bool) -> Value {
    json!({
        "succeeded": whole,
        "steps": steps.iter().map(|step| json!({
            "title": step.title,
            "ms": step.took.as_millis(),
            "pictures": step.pictures,
            "problem": step.problem,
        })).collect::<Vec<_>>(),
        "figures": figures.map(|figures| json!({
            "rang_after_ms": figures.rang_after.as_millis(),
            "connected_after_ms": figures.connected_after.as_millis(),
            "seen_after_ms": figures.seen_after.as_millis(),
            "alice_sees": picture_for_programs(&figures.alice_sees),
            "bob_sees": picture_for_programs(&figures.bob_sees),
        })),
    })
}

fn picture_for_programs(watched: &Watched) -> Value {
    json!({
        "width": watched.last.width,
        "height": watched.last.height,
        "mode": watched.last.mode,
        "frames": watched.last.frames,
        "stamps_read": watched.stamps,
        "typical_age_ms": watched.typical_age_ms(),
    })
}

fn markdown(steps: &[Step], figures: Option<&Figures>, whole: bool) -> Result<String> {
    let mut text = String::from("# A call between two windows\n\n");
    writeln!(
        text,
        "{}\n",
        if whole { "Every step went well." } else { "**A step failed**: see below." }
    )?;
    if let Some(figures) = figures {
        text.push_str("| what | figure |\n|---|---|\n");
        let mut row = |what: &str, figure: String| writeln!(text, "| {what} | {figure} |");
        row("press to ring", format!("{} ms", figures.rang_after.as_millis()))?;
        row("answer to connected", format!("{} ms", figures.connected_after.as_millis()))?;
        row("answer to both pictures", format!("{} ms", figures.seen_after.as_millis()))?;
        row("alice sees bob", picture(&figures.alice_sees))?;
        row("bob sees alice", picture(&figures.bob_sees))?;
        text.push_str(
            "\nTimes are as the driver sees them, which looks every 50 ms. The age of a picture is \
             from its making, before the encoder, to its being found on the other window's \
             canvas.\n\n",
        );
    }
    for (number, step) in (1..).zip(steps) {
        let sign = if step.problem.is_none() { "✓" } else { "✗" };
        writeln!(text, "## {number}. {sign} {}\n", step.title)?;
        writeln!(text, "{:.1} s\n", step.took.as_secs_f32())?;
        if let Some(problem) = &step.problem {
            writeln!(text, "{problem}\n")?;
        }
        for picture in &step.pictures {
            write!(text, "![{picture}]({picture}) ")?;
        }
        text.push_str("\n\n");
    }
    Ok(text)
}

fn picture(watched: &Watched) -> String {
    format!(
        "{}x{} ({}), {} pictures drawn, typically {:.0} ms old",
        watched.last.width,
        watched.last.height,
        watched.last.mode,
        watched.last.frames,
        watched.typical_age_ms()
    )
}
