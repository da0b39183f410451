//! A screen shared from one X server to a window on another, by Tincan and by Chromium, and the
//! processor time that each side takes for it.

mod figures;
mod pairs;

use crate::share::figures::Figures;
use crate::share::pairs::{Arrived, Pair};
use anyhow::{Context, Result};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tincan_desktop_tests::Desktop;
use tincan_test_support::Maker;
use tincan_test_support::page::{Page, Scrolling};
use tincan_test_support::processor::{self, Reading};

pub use figures::Table;

/// The monitor that is shared.
const SCREEN: &str = "1920x1080x24";
/// Bandwidth estimates rise and caches fill in this time.
const WARM_UP: Duration = Duration::from_secs(10);

/// What the shared screen shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Content {
    /// A page full of text that nobody touches.
    Still,
    /// The same, a line up thirty times a second.
    Scrolling,
}

/// What is measured, and for how long.
pub struct Plan<'a> {
    /// The app.
    pub program: &'a Path,
    /// Where logs go.
    pub folder: &'a Path,
    /// How long each content is measured.
    pub span: Duration,
    /// How often all is measured, in turns.
    pub rounds: u32,
}

/// The two screens: who shares sits at the first, who looks on at the second, so that no picture
/// shows itself.
struct Screens {
    here: Desktop,
    there: Desktop,
}

/// Measures both makers in turns.
///
/// # Errors
/// A call does not come about, or no picture arrives.
pub async fn measure(plan: &Plan<'_>) -> Result<Table> {
    let (here, there) = (plan.folder.join("sharer"), plan.folder.join("viewer"));
    for folder in [&here, &there] {
        std::fs::create_dir_all(folder).with_context(|| format!("while making {folder:?}"))?;
    }
    let screens = Screens {
        here: Desktop::start_sized("sharer", &here, SCREEN)?,
        there: Desktop::start_sized("viewer", &there, SCREEN)?,
    };
    let mut table = Table::default();
    for round in 0..plan.rounds {
        // Who goes first changes: neither always finds the machine as the other left it.
        let mut makers = [Maker::Tincan, Maker::Chromium];
        if round % 2 == 1 {
            makers.reverse();
        }
        for maker in makers {
            one(plan, maker, &screens, &mut table)
                .await
                .with_context(|| format!("while {} shares", maker.name()))?;
        }
    }
    Ok(table)
}

async fn one(plan: &Plan<'_>, maker: Maker, screens: &Screens, table: &mut Table) -> Result<()> {
    let pair = Pair::connect(maker, plan.program, &screens.here, &screens.there).await?;
    // It covers the sharer's own window, which so draws without being in the picture.
    let page = Arc::new(Page::on(screens.here.display())?);
    page.raise()?;
    for content in [Content::Still, Content::Scrolling] {
        let scrolling = (content == Content::Scrolling).then(|| Scrolling::start(&page));
        tokio::time::sleep(WARM_UP).await;
        let before = look(&pair, screens).await?;
        let begun = Instant::now();
        tokio::time::sleep(plan.span).await;
        let after = look(&pair, screens).await?;
        let figures = Figures::between(&before, &after, begun.elapsed());
        table.add(content, maker, figures);
        drop(scrolling);
    }
    pair.end().await
}

/// All that is known at one moment.
struct Look {
    sharer: Reading,
    viewer: Reading,
    servers: [Reading; 2],
    arrived: Arrived,
}

async fn look(pair: &Pair, screens: &Screens) -> Result<Look> {
    let arrived = pair.arrived().await?;
    let (sharer, viewer) = pair.processes();
    Ok(Look {
        sharer: processor::read(&sharer),
        viewer: processor::read(&viewer),
        servers: [&screens.here, &screens.there].map(|one| processor::read(&[one.server()])),
        arrived,
    })
}
