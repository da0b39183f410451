//! What was measured, and how it is told: shares of a core, and ratios within the run.

use super::{Content, Look};
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::time::Duration;
use tincan_test_support::Maker;
use tincan_test_support::processor::Spent;

/// Threads that took less of a core are not listed.
const WORTH_NAMING: f64 = 0.5;

/// Sums over the rounds of one maker and content.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    pub(super) span: Duration,
    pub(super) sharer: Spent,
    pub(super) viewer: Spent,
    /// The X servers of the sharer and of the viewer.
    pub(super) servers: [Duration; 2],
    /// Threads of the sharer and of the viewer.
    pub(super) threads: [Spent; 2],
    pub(super) pictures: u64,
    pub(super) drawn: u64,
    pub(super) size: (u32, u32),
    pub(super) codec: String,
}

impl Figures {
    pub(super) fn between(before: &Look, after: &Look, span: Duration) -> Self {
        let server = |n: usize| after.servers[n].since(&before.servers[n]).values().sum();
        Self {
            span,
            sharer: after.sharer.since(&before.sharer),
            viewer: after.viewer.since(&before.viewer),
            servers: [server(0), server(1)],
            threads: [
                after.sharer.threads_since(&before.sharer),
                after.viewer.threads_since(&before.viewer),
            ],
            pictures: after.arrived.frames.saturating_sub(before.arrived.frames),
            drawn: after.arrived.drawn.saturating_sub(before.arrived.drawn),
            size: (after.arrived.width, after.arrived.height),
            codec: after.arrived.codec.clone(),
        }
    }

    fn add(&mut self, other: Self) {
        self.span += other.span;
        add(&mut self.sharer, other.sharer);
        add(&mut self.viewer, other.viewer);
        for (sum, one) in self.servers.iter_mut().zip(other.servers) {
            *sum += one;
        }
        for (sum, one) in self.threads.iter_mut().zip(other.threads) {
            add(sum, one);
        }
        self.pictures += other.pictures;
        self.drawn += other.drawn;
        (self.size, self.codec) = (other.size, other.codec);
    }

    /// Percent of a core.
    fn share(&self, spent: Duration) -> f64 {
        spent.as_secs_f64() / self.span.as_secs_f64() * 100.0
    }

    fn sharer(&self) -> f64 {
        self.share(self.sharer.values().sum())
    }

    fn viewer(&self) -> f64 {
        self.share(self.viewer.values().sum())
    }

    fn per_second(&self, pictures: u64) -> f64 {
        pictures as f64 / self.span.as_secs_f64()
    }
}

fn add(sum: &mut Spent, other: Spent) {
    for (name, spent) in other {
        *sum.entry(name).or_default() += spent;
    }
}

/// All that was measured; printed as Markdown.
#[derive(Debug, Default)]
pub struct Table(BTreeMap<(Content, Maker), Figures>);

impl Table {
    pub(super) fn add(&mut self, content: Content, maker: Maker, figures: Figures) {
        self.0.entry((content, maker)).or_default().add(figures);
    }

    /// Whether all were measured and pictures of the whole screen arrived.
    pub fn is_whole(&self) -> bool {
        self.0.len() == 4 && self.0.values().all(|it| it.size == (1920, 1080) && it.pictures > 0)
    }

    /// Where the time went: programs, and threads worth naming.
    pub fn details(&self) -> String {
        let mut text = String::new();
        for ((content, maker), it) in &self.0 {
            let sides =
                [("sharer", &it.sharer, &it.threads[0]), ("viewer", &it.viewer, &it.threads[1])];
            for (side, programs, threads) in sides {
                // Writing to a string does not fail.
                let _ = writeln!(text, "\n{content:?}, {} {side}, % of a core", maker.name());
                for (name, spent) in programs.iter().chain(threads) {
                    let share = it.share(*spent);
                    if share >= WORTH_NAMING {
                        let _ = writeln!(text, "  {share:6.1}  {name}");
                    }
                }
            }
        }
        text
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| content | whose | sharer | viewer | X of sharer, viewer | pictures/s | drawn/s | size | codec |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|---|---|")?;
        for ((content, maker), it) in &self.0 {
            let servers = it.servers.map(|spent| it.share(spent));
            writeln!(
                f,
                "| {content:?} | {} | {:.1} % | {:.1} % | {:.1} %, {:.1} % | {:.1} | {:.1} | {}x{} | {} |",
                maker.name(),
                it.sharer(),
                it.viewer(),
                servers[0],
                servers[1],
                it.per_second(it.pictures),
                it.per_second(it.drawn),
                it.size.0,
                it.size.1,
                it.codec,
            )?;
        }
        for content in [Content::Still, Content::Scrolling] {
            let of = |maker| self.0.get(&(content, maker));
            let (Some(ours), Some(theirs)) = (of(Maker::Tincan), of(Maker::Chromium)) else {
                continue;
            };
            let (sharer, viewer) =
                (ours.sharer() / theirs.sharer(), ours.viewer() / theirs.viewer());
            write!(f, "Tincan to Chromium, {content:?}: sharer {sharer:.2}, viewer {viewer:.2}")?;
            let pace = theirs.per_second(theirs.pictures) / ours.per_second(ours.pictures);
            writeln!(f, "; for each picture {:.2}, {:.2}", sharer * pace, viewer * pace)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(sharer: u64, pictures: u64) -> Figures {
        Figures {
            span: Duration::from_secs(10),
            sharer: Spent::from([("a".into(), Duration::from_secs(sharer))]),
            viewer: Spent::from([("b".into(), Duration::from_secs(1))]),
            pictures,
            size: (1920, 1080),
            codec: "video/H264".into(),
            ..Figures::default()
        }
    }

    #[test]
    fn rounds_are_added_and_ratios_are_of_time_and_of_pictures() {
        let mut table = Table::default();
        table.add(Content::Scrolling, Maker::Tincan, figures(2, 300));
        table.add(Content::Scrolling, Maker::Tincan, figures(4, 300));
        table.add(Content::Scrolling, Maker::Chromium, figures(6, 150));
        assert!(!table.is_whole());
        let text = table.to_string();
        assert!(text.contains("| Scrolling | Tincan | 30.0 % | 10.0 % |"), "{text}");
        assert!(text.contains("sharer 0.50, viewer 1.00; for each picture 0.25, 0.50"), "{text}");
        table.add(Content::Still, Maker::Tincan, figures(1, 10));
        table.add(Content::Still, Maker::Chromium, figures(1, 10));
        assert!(table.is_whole());
    }
}
