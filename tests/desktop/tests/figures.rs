//! The figures of a call as people see them: badge, panel, doctor, copies, and what was recorded.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use tincan_desktop_tests::canvas::{self, REMOTE};
use tincan_desktop_tests::pair::{acquainted, in_video_call};
use tincan_desktop_tests::running::signal;
use tincan_desktop_tests::whole_call::{Rooms, dismiss_ended, ended};
use tincan_desktop_tests::window::SOON;
use tincan_desktop_tests::{App, Desktop, Story, Window, eventually, speech};

/// Figures come once a second.
const SECONDS: Duration = Duration::from_secs(20);
/// A microphone of which nothing is heard for 8 s is silent, and it has to last for four more.
const DIAGNOSED: Duration = Duration::from_secs(40);
/// How long the badge may take to tell of a bad connection, or that it is good again.
const GRADED: Duration = Duration::from_secs(60);
/// How often what is told is set beside what is seen: both waver from second to second.
const ROUNDS: usize = 9;
/// What the panel tells is when a picture was drawn. The page is looked at some time after that, when
/// the next one is due at the latest: what is seen then is older, by less than this share ...
const OLDER: f64 = 0.5;
/// ... but for so many milliseconds.
const OFF: f64 = 60.0;
/// The plots of the panel: their words, and the lines that are drawn.
const PLOTS: &str = "
    return Array.from(document.querySelectorAll('[data-testid=\"stats-panel\"] figure svg'), (plot) => ({
        words: plot.getAttribute('aria-label'),
        lines: Array.from(plot.querySelectorAll('path'), (line) => line.getAttribute('d')),
    }));";
/// The table of all figures.
const TABLE: &str = "
    const rows = document.querySelectorAll('[data-testid=\"stats-panel\"] table tr');
    return Array.from(rows, (row) => [
        row.closest('table').caption.innerText, ...Array.from(row.children, (cell) => cell.innerText),
    ]);";
const OPEN_TABLE: &str = "document.querySelector('[data-testid=\"all-figures-bob\"]').open = true;";
/// What the settings would do, without leaving the call.
const DRESS: &str = "document.documentElement.dataset.theme = arguments[0];";
/// Scrolls to the end of the panel or the dialog.
const TO_END: &str = "
    const box = document.querySelector(arguments[0]);
    for (const one of [box, ...box.querySelectorAll('*')]) one.scrollTop = one.scrollHeight;";
const TO_START: &str = "
    const box = document.querySelector(arguments[0]);
    for (const one of [box, ...box.querySelectorAll('*')]) one.scrollTop = 0;";
const PANEL: &str = "[data-testid=\"stats-panel\"]";
const DETAILS: &str = "[data-testid=\"call-details\"]";

const HINT: &str = "see the pictures, and both logs";

#[tokio::test]
async fn a_calls_figures_are_seen_saved_and_recorded() -> Result<()> {
    let desktop = Desktop::start("figures")?;
    let output = desktop.output().to_path_buf();
    let home = output.join("home-of-alice");
    fs::create_dir_all(&home).context("while making a home")?;
    let rooms = Rooms::new()?;
    let (alice, bob) = acquainted(
        &desktop,
        |alice| alice.room(&rooms.alice).environment([("HOME", &home)]),
        |bob| bob.room(&rooms.bob),
    )
    .await?;
    let mut story = Story::new(&output);
    let both: [&Window; 2] = [&alice, &bob];
    in_video_call(&alice, &bob).await?;

    story.step("The panel's plots move", HINT, &both, plots_move(&alice)).await?;
    let delay = delay_is_true(&alice);
    story.step("The picture's delay is the one that is seen", HINT, &both, delay).await?;
    story.step("The table has all figures", HINT, &both, table_is_whole(&alice)).await?;
    let saved = saves(&alice, "stats-panel");
    let files = story.step("Copies are saved during the call", HINT, &both, saved).await?;
    check_copies(&files)?;
    pictures(&alice, &output, "panel", PANEL).await?;

    let silent = names(&alice, &bob);
    story.step("A microphone of which nothing comes is named", HINT, &both, silent).await?;
    pictures(&alice, &output, "doctor", PANEL).await?;
    let words = "Now there is something to be heard again. One, two, three, four, five, six.";
    let voice = speech::say(words, "en", &output.join("alice-says.wav"))?;
    let speaks = async {
        // Quiet again after this, for the next part: what counts is that it is withdrawn.
        for _ in 0..4 {
            rooms.alice.say_to(&rooms.bob, &voice, output.join("bob-hears.wav")).await?;
            if alice.see("advice-bob").await?.is_none_or(|said| !said.text.contains("Your")) {
                return Ok(());
            }
        }
        anyhow::bail!("the doctor does not take back what it said of the microphone")
    };
    story.step("It is no longer named when it is heard", HINT, &both, speaks).await?;

    let starved = badge_follows(&alice, &bob);
    story
        .step("The badge tells that the other side does not keep up", HINT, &both, starved)
        .await?;

    let recorded = async {
        alice.press("stats-open").await?;
        alice.disappears("stats-panel", SOON).await?;
        bob.press("hang-up").await?;
        ended(&alice, "remoteHungUp", "hung up").await?;
        dismiss_ended(&alice).await?;
        alice.press("contact-bob").await?;
        alice.press("call-details-open").await?;
        let kept = alice.appears("recorded-0", SOON).await?;
        let samples: u32 = kept.attribute("data-samples").parse().context("a count")?;
        ensure!(samples > 20, "only {samples} seconds were recorded");
        let events = alice.appears("recorded-events", SOON).await?.text;
        for told in ["Connected", "Path: host to ", "microphone"] {
            ensure!(events.contains(told), "no “{told}” in {events}");
        }
        let files = saves(&alice, "call-details").await?;
        check_copies(&files)
    };
    story.step("The call's details show what was recorded", HINT, &both, recorded).await?;
    pictures(&alice, &output, "details", DETAILS).await
}

async fn plots(alice: &App) -> Result<BTreeMap<String, (String, Vec<String>)>> {
    let told = alice.script(PLOTS, Vec::new()).await?;
    let plots = told.as_array().context("plots")?.iter().filter_map(|plot| {
        let (title, words) = plot["words"].as_str()?.split_once(": ")?;
        let lines = plot["lines"].as_array()?.iter().filter_map(|line| line.as_str());
        Some((title.to_owned(), (words.to_owned(), lines.map(str::to_owned).collect())))
    });
    Ok(plots.collect())
}

async fn plots_move(alice: &App) -> Result<()> {
    alice.press("stats-open").await?;
    alice.appears("stats-panel", SOON).await?;
    let told = |plots: &BTreeMap<String, (String, Vec<String>)>| {
        plots.values().all(|(words, _)| !words.contains('–')).then_some(())
    };
    eventually("every plot has figures", SECONDS, async || Ok(told(&plots(alice).await?))).await?;
    let before = plots(alice).await?;
    let titles: Vec<&str> = before.keys().map(String::as_str).collect();
    let expected = ["Data", "Loss", "Picture delay", "Pictures", "Round trip", "Sound delay"];
    ensure!(titles == expected, "{titles:?}");
    eventually("every plot is drawn anew", SECONDS, async || {
        let after = plots(alice).await?;
        let moved = before.iter().all(|(title, (_, lines))| {
            after.get(title).is_some_and(|(_, now)| now != lines && now.iter().all(|d| d.len() > 8))
        });
        Ok(moved.then_some(()))
    })
    .await
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The first number in a plot's words.
async fn first_number(alice: &App, title: &str) -> Result<f64> {
    let plots = plots(alice).await?;
    let (words, _) = plots.get(title).with_context(|| format!("no plot of {title}"))?;
    let number = words.split(' ').find_map(|word| word.parse().ok());
    number.with_context(|| format!("no number in {words}"))
}

async fn delay_is_true(alice: &App) -> Result<()> {
    let (mut seen, mut told) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        seen.push(canvas::watch(alice, REMOTE, 6, SECONDS).await?.typical_age_ms());
        told.push(first_number(alice, "Picture delay").await?);
    }
    let (seen, told) = (median(seen), median(told));
    eprintln!("picture delay: told {told} ms, seen {seen} ms");
    let plausible = seen * (1.0 - OLDER) - OFF..seen + OFF;
    ensure!(plausible.contains(&told), "it tells {told} ms and is {seen} ms");
    let sound = first_number(alice, "Sound delay").await?;
    eprintln!("sound delay: told {sound} ms");
    ensure!((20.0..600.0).contains(&sound), "sound takes {sound} ms");
    Ok(())
}

async fn table_is_whole(alice: &App) -> Result<()> {
    alice.script(OPEN_TABLE, Vec::new()).await?;
    let rows: Vec<[String; 3]> = serde_json::from_value(alice.script(TABLE, Vec::new()).await?)?;
    let value = |part: &str, name: &str| {
        let row = rows.iter().find(|[title, label, _]| title == part && label == name);
        row.map(|[_, _, value]| value.as_str()).with_context(|| format!("no {part}, {name}"))
    };
    ensure!(value("Connection", "Protocol")? == "UDP", "{rows:?}");
    ensure!(value("Connection", "Path’s ends")?.contains("host"), "{rows:?}");
    for part in ["You receive", "You send"] {
        ensure!(value(part, "Picture size")?.contains(" × "), "{rows:?}");
        ensure!(value(part, "Pictures")?.ends_with(" fps"), "{rows:?}");
        for delay in ["Picture delay", "Sound delay"] {
            ensure!(value(part, delay)?.ends_with(" ms"), "{part}, {delay}: {rows:?}");
        }
    }
    let odd = |[_, _, value]: &&[String; 3]| {
        ["NaN", "undefined", "null", "Infinity"].iter().any(|word| value.contains(word))
    };
    ensure!(rows.iter().find(odd).is_none(), "{rows:?}");
    Ok(())
}

/// Saves both copies where the element is shown, and returns the files.
async fn saves(alice: &App, shown_in: &str) -> Result<[PathBuf; 2]> {
    alice.appears(shown_in, SOON).await?;
    let mut files = [PathBuf::new(), PathBuf::new()];
    for (button, file) in ["save-json", "save-csv"].iter().zip(&mut files) {
        let ending = button.trim_start_matches("save-");
        alice.press(button).await?;
        let told = alice.until("saved", "tells where", SOON, |told| told.text.ends_with(ending));
        let told = told.await?.text;
        *file = told.strip_prefix("Saved: ").with_context(|| told.clone())?.into();
    }
    Ok(files)
}

/// Both can be read, hold figures, and tell nobody who talked with whom from where.
fn check_copies([json, csv]: &[PathBuf; 2]) -> Result<()> {
    let text = fs::read_to_string(json).with_context(|| format!("while reading {json:?}"))?;
    let table = fs::read_to_string(csv).with_context(|| format!("while reading {csv:?}"))?;
    for private in ["alice", "bob", "127.0.0.1", "::1", "192.168.", "10.0."] {
        for copy in [&text, &table] {
            ensure!(!copy.to_lowercase().contains(private), "a copy tells of {private}");
        }
    }
    let recording: Value = serde_json::from_str(&text).context("while reading the copy")?;
    let samples = recording["samples"].as_array().context("samples")?;
    ensure!(samples.len() > 5, "{} samples", samples.len());
    let last = &samples[samples.len() - 1];
    for figure in ["pictureDelay", "soundDelay", "remotePictureDelay", "roundTripTime"] {
        ensure!(last[figure].is_f64(), "no {figure} in {last}");
    }
    ensure!(recording["events"].as_array().is_some_and(|events| events.len() > 2), "{recording}");
    let mut lines = table.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let names = lines.next().context("a first line")?;
    let rows: Vec<Vec<&str>> = lines.collect();
    ensure!(rows.len() >= samples.len() && rows.iter().all(|row| row.len() == names.len()));
    let numbers = |row: &Vec<&str>| {
        let mut cells = names.iter().zip(row).filter(|(name, _)| **name != "quality");
        cells.all(|(_, cell)| cell.is_empty() || cell.parse::<f64>().is_ok())
    };
    ensure!(rows.iter().all(numbers), "not all cells are numbers: {names:?}, {:?}", rows.last());
    Ok(())
}

/// Nothing was played into either room: both microphones deliver digital silence.
async fn names(alice: &App, bob: &App) -> Result<()> {
    let own = "Nothing is heard from your microphone.";
    alice.until("advice-bob", "names it", DIAGNOSED, |said| said.text.contains(own)).await?;
    // Without the panel it stands over the picture.
    bob.until("diagnosis-alice", "names it", DIAGNOSED, |said| said.text.contains(own)).await?;
    Ok(())
}

/// The process of the other app gets a fifth of the time, and then all of it again.
async fn badge_follows(alice: &App, bob: &App) -> Result<()> {
    let processes = [bob.id()?];
    let starve = async {
        loop {
            signal("STOP", &processes);
            tokio::time::sleep(Duration::from_millis(400)).await;
            signal("CONT", &processes);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let worse = alice.until("stats-open", "tells of it", GRADED, |badge| {
        !matches!(badge.attribute("data-quality"), "excellent" | "")
    });
    let worse = tokio::select! {
        worse = worse => worse,
        () = starve => unreachable!("it goes on for ever"),
    };
    signal("CONT", &processes);
    let worse = worse?;
    eprintln!("the badge says {}", worse.attribute("data-quality"));
    ensure!(!worse.text.trim().is_empty(), "a badge is not colour alone");
    alice.becomes("stats-open", "data-quality", "excellent", GRADED).await?;
    Ok(())
}

/// The window in both themes, from the start and from the end of a box in it.
async fn pictures(alice: &App, output: &std::path::Path, name: &str, within: &str) -> Result<()> {
    for theme in ["light", "dark"] {
        alice.script(DRESS, vec![json!(theme)]).await?;
        for (part, scroll) in [("start", TO_START), ("end", TO_END)] {
            alice.script(scroll, vec![json!(within)]).await?;
            let file = output.join(format!("{name}-{theme}-{part}.png"));
            fs::write(&file, alice.picture().await?).context("while writing a picture")?;
        }
    }
    Ok(())
}
