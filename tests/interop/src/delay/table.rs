//! The delays as a table, and the goal.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use tincan_test_support::Maker;
use tincan_test_support::figures::percentile;

/// Two programs that are alike differ by so many milliseconds from run to run.
const ALIKE: f64 = 3.0;
/// The shares of clicks that are told.
const SHARES: [(f64, &str); 2] = [(0.5, "p50"), (0.95, "p95")];

/// All clicks of all calls.
#[derive(Debug, Default)]
pub struct Table {
    calls: BTreeMap<Maker, Vec<Vec<Option<f64>>>>,
}

impl Table {
    /// Adds a call's clicks; none: it did not come through.
    pub fn add(&mut self, maker: Maker, delays: &[Option<f64>]) {
        self.calls.entry(maker).or_default().push(delays.to_vec());
    }

    fn delay(&self, maker: Maker, share: f64) -> Option<f64> {
        let found: Vec<f64> = self.calls.get(&maker)?.iter().flatten().flatten().copied().collect();
        percentile(&found, share)
    }

    /// What is missed of the goal: not later than Chromium, in the middle and at worst.
    fn missed(&self) -> Vec<&'static str> {
        let later = |(share, _): &&(f64, &'static str)| {
            let delays = [Maker::Tincan, Maker::Chromium].map(|maker| self.delay(maker, *share));
            matches!(delays, [Some(ours), Some(theirs)] if ours > theirs + ALIKE)
        };
        SHARES.iter().filter(later).map(|(_, name)| *name).collect()
    }

    /// Whether the goal is met.
    pub fn is_good(&self) -> bool {
        self.missed().is_empty()
    }

    /// All delays in milliseconds, by maker and call.
    pub fn record(&self) -> Value {
        self.calls.iter().map(|(maker, calls)| (maker.name(), json!(calls))).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| mouth to ear | calls | clicks | p50 ms | p95 ms | p50 of each call |")?;
        writeln!(f, "|---|---|---|---|---|---|")?;
        for (maker, calls) in &self.calls {
            let found = calls.iter().flatten().flatten().count();
            let all = calls.iter().flatten().count();
            let of_share = |share| self.delay(*maker, share).unwrap_or(f64::NAN);
            let each = calls.iter().map(|call| {
                let found: Vec<f64> = call.iter().flatten().copied().collect();
                format!("{:.0}", percentile(&found, 0.5).unwrap_or(f64::NAN))
            });
            writeln!(
                f,
                "| {} | {} | {found} of {all} | {:.1} | {:.1} | {} |",
                maker.name(),
                calls.len(),
                of_share(0.5),
                of_share(0.95),
                each.collect::<Vec<_>>().join(", "),
            )?;
        }
        let missed = self.missed();
        let which =
            if missed.is_empty() { String::new() } else { format!(": {}", missed.join(", ")) };
        writeln!(f, "\n{} goals missed{which}", missed.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_than_chromium_is_a_missed_goal() {
        let mut table = Table::default();
        table.add(Maker::Tincan, &[Some(60.0), None, Some(90.0)]);
        table.add(Maker::Chromium, &[Some(61.0), Some(61.0), Some(80.0)]);
        let text = table.to_string();
        assert!(text.contains("| Tincan | 1 | 2 of 3 | 60.0 | 90.0 | 60 |"), "{text}");
        assert!(text.ends_with("1 goals missed: p95\n"), "{text}");
        table.add(Maker::Chromium, &[Some(99.0)]);
        assert!(table.is_good());
    }
}
