//! The demo's report, for people and for programs.

use crate::canvas::Watched;
use crate::room::Heard;
use crate::story::Step;
use crate::whole_call::{Figures, Voices};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Writes `report.md` and `report.json` into `folder`.
pub fn write(folder: &Path, steps: &[Step], figures: Option<&(Figures, Voices)>) -> Result<()> {
    let whole = steps.iter().all(|step| step.problem.is_none()) && figures.is_some();
    let text = markdown(steps, figures, whole)?;
    fs::write(folder.join("report.md"), text).context("while writing the report")?;
    let told = serde_json::to_string_pretty(&for_programs(steps, figures, whole))?;
    fs::write(folder.join("report.json"), told).context("while writing the report")
}

fn for_programs(steps: &[Step], figures: Option<&(Figures, Voices)>, whole: bool) -> Value {
    json!({
        "succeeded": whole,
        "steps": steps.iter().map(|step| json!({
            "title": step.title,
            "ms": step.took.as_millis(),
            "pictures": step.pictures,
            "problem": step.problem,
        })).collect::<Vec<_>>(),
        "figures": figures.map(|(figures, voices)| json!({
            "rang_after_ms": figures.rang_after.as_millis(),
            "connected_after_ms": figures.connected_after.as_millis(),
            "seen_after_ms": figures.seen_after.as_millis(),
            "alice_sees": picture_for_programs(&figures.alice_sees),
            "bob_sees": picture_for_programs(&figures.bob_sees),
            "alice_hears": voice_for_programs(voices.alice_hears),
            "bob_hears": voice_for_programs(voices.bob_hears),
        })),
    })
}

fn voice_for_programs(heard: Heard) -> Value {
    json!({ "likeness": heard.likeness, "loudness_db": heard.loudness_db })
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

fn markdown(steps: &[Step], figures: Option<&(Figures, Voices)>, whole: bool) -> Result<String> {
    let mut text = String::from("# A call between two windows\n\n");
    writeln!(
        text,
        "{}\n",
        if whole { "Every step went well." } else { "**A step failed**: see below." }
    )?;
    if let Some((figures, voices)) = figures {
        text.push_str("| what | figure |\n|---|---|\n");
        let mut row = |what: &str, figure: String| writeln!(text, "| {what} | {figure} |");
        row("press to ring", format!("{} ms", figures.rang_after.as_millis()))?;
        row("answer to connected", format!("{} ms", figures.connected_after.as_millis()))?;
        row("answer to both pictures", format!("{} ms", figures.seen_after.as_millis()))?;
        row("alice sees bob", picture(&figures.alice_sees))?;
        row("bob sees alice", picture(&figures.bob_sees))?;
        row("alice hears bob", voice(voices.alice_hears))?;
        row("bob hears alice", voice(voices.bob_hears))?;
        text.push_str(
            "\nTimes are as the driver sees them, which looks every 50 ms. The age of a picture is \
             from its making, before the encoder, to its being found on the other window's \
             canvas. Likeness compares the rise and fall of \
             loudness of what was said and what was heard; 1 is the same, chance stays under \
             0.5.\n\n",
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

fn voice(heard: Heard) -> String {
    format!("likeness {:.2}, loudest at {:.0} dB", heard.likeness, heard.loudness_db)
}
