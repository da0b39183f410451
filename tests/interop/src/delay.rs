//! From one person's mouth to the other's ear, by Tincan and by Chromium: clicks are played into a
//! virtual cable that is the talker's microphone, and looked for in the one that is the listener's
//! speaker. Both cables are recorded sample beside sample, so that no clock comes in between.

mod clicks;
mod pairs;
mod table;

pub use table::Table;

use anyhow::{Context, Result, ensure};
use pairs::Pair;
use std::path::Path;
use std::time::Duration;
use tincan_desktop_tests::Desktop;
use tincan_test_support::Maker;
use tincan_test_support::sound::{Cable, Sound, SoundServer};

/// Buffers settle in this time, and the sounds of connecting end.
const WARM_UP: Duration = Duration::from_secs(8);
/// The last click is heard by then.
const TAIL: Duration = Duration::from_millis(1200);
/// Fewer of the clicks than this have not come through: there is no call.
const LEAST: f64 = 0.5;

/// What is measured, and how often.
pub struct Plan<'a> {
    /// The app.
    pub program: &'a Path,
    /// Where logs go.
    pub folder: &'a Path,
    /// How many clicks a call has.
    pub clicks: usize,
    /// How many calls each makes, in turns.
    pub rounds: u32,
}

/// Measures both makers in turns; `told` is called after each call.
///
/// # Errors
/// A call does not come about, or no clicks come through.
pub async fn measure(plan: &Plan<'_>, told: impl Fn(&str)) -> Result<Table> {
    let desktop = Desktop::start_in("delay", plan.folder)?;
    let server = SoundServer::start()?;
    let mouth = server.cable("mouth")?;
    let ear = server.cable("ear")?;
    let microphone = server.microphone("microphone", &mouth)?;
    // For everybody: the listener is muted, and the talker hears nothing.
    server.make_default(&ear, &microphone)?;
    let mut table = Table::default();
    for round in 0..plan.rounds {
        // Who goes first changes: neither always finds the machine as the other left it.
        let mut makers = [Maker::Tincan, Maker::Chromium];
        if round % 2 == 1 {
            makers.reverse();
        }
        for maker in makers {
            let pair = Pair::connect(maker, plan.program, &desktop, &server.env()).await;
            let pair = pair.with_context(|| format!("while {} calls", maker.name()))?;
            tokio::time::sleep(WARM_UP).await;
            let delays = click(&server, (&mouth, &ear), plan.clicks).await?;
            pair.end().await?;
            let heard = delays.iter().flatten().count();
            told(&format!("{} ({}): {heard} of {} clicks", maker.name(), round + 1, delays.len()));
            ensure!(
                heard as f64 >= LEAST * plan.clicks as f64,
                "{}: only {heard} of {} clicks came through",
                maker.name(),
                plan.clicks
            );
            table.add(maker, &delays);
        }
    }
    Ok(table)
}

/// The delay of each click in milliseconds; none where it is not found.
async fn click(
    sound: &Sound,
    (mouth, ear): (&Cable, &Cable),
    count: usize,
) -> Result<Vec<Option<f64>>> {
    let (sound, mouth, ear) = (sound.clone(), mouth.clone(), ear.clone());
    let clicking = tokio::task::spawn_blocking(move || -> Result<Vec<Option<f64>>> {
        let recording = sound.record_both(&mouth, &ear)?;
        sound.play(&mouth, &clicks::made(count))?;
        std::thread::sleep(TAIL);
        let (said, heard) = recording.finish()?;
        Ok(clicks::delays(&said, &heard))
    });
    clicking.await.context("while clicking")?
}
