//! The figures as a table: medians over the rounds, Tincan beside Chromium, and the ratio.

use super::record::Record;
use super::scenario::Scenario;
use std::fmt;
use tincan_test_support::Maker;
use tincan_test_support::figures::percentile;

/// A figure of a record.
type Figure = (&'static str, usize, fn(&Record) -> Option<f64>);

/// Name, decimals, and where it is.
const FIGURES: &[Figure] = &[
    ("first picture ms", 0, |record| Some(record.first_picture)),
    ("whole size ms", 0, |record| record.whole_size),
    ("latency p50 ms", 0, |record| record.ab.p50),
    ("latency p95 ms", 0, |record| record.ab.p95),
    ("latency back p50 ms", 0, |record| record.ba.as_ref()?.p50),
    ("latency back p95 ms", 0, |record| record.ba.as_ref()?.p95),
    ("pictures a second", 1, |record| Some(record.ab.fps)),
    ("freezes", 0, |record| Some(record.ab.freezes as f64)),
    ("longest gap ms", 0, |record| Some(record.ab.gap)),
    ("wire kbit/s", 0, |record| Some(record.up_kbps)),
    ("sound p50 ms", 0, |record| record.sound_p50),
    ("sound p95 ms", 0, |record| record.sound_p95),
    ("sound made up %", 1, |record| record.concealed.map(|share| share * 100.0)),
    ("processor A %", 0, |record| Some(record.processor[0] * 100.0)),
    ("processor B %", 0, |record| Some(record.processor[1] * 100.0)),
    ("memory A MiB", 0, |record| Some(record.memory[0])),
    ("step down: oldest ms", 0, |record| record.step.as_ref()?.peak),
    ("step down: settled ms", 0, |record| record.step.as_ref()?.settled),
    ("step down: kbit/s", 0, |record| Some(record.step.as_ref()?.low_kbps)),
    ("step up: back at 80 % ms", 0, |record| record.step.as_ref()?.up),
    ("cut: back ms", 0, |record| record.back),
    ("share of the first %", 0, |record| record.share.map(|share| share * 100.0)),
    ("TCP kbit/s", 0, |record| record.tcp_kbps),
];

/// Medians of all that was measured.
#[derive(Debug)]
pub struct Table {
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    scenario: &'static str,
    rate_kbps: Option<u32>,
    calls: [(usize, usize); 2],
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    name: &'static str,
    decimals: usize,
    medians: [Option<f64>; 2],
    spans: [Option<(f64, f64)>; 2],
}

const MAKERS: [Maker; 2] = [Maker::Tincan, Maker::Chromium];

impl Table {
    /// Of these records.
    pub fn of(records: &[Record], scenarios: &[Scenario]) -> Self {
        Self { parts: scenarios.iter().map(|scenario| part(records, scenario)).collect() }
    }

    /// Whether every call came to its end.
    pub fn is_whole(&self) -> bool {
        self.parts.iter().flat_map(|part| part.calls).all(|(good, all)| good == all)
    }
}

fn part(records: &[Record], scenario: &Scenario) -> Part {
    let of = MAKERS.map(|maker| {
        let theirs = records
            .iter()
            .filter(|record| record.scenario == scenario.name && record.maker == maker.name());
        theirs.collect::<Vec<_>>()
    });
    let good = |records: &[&Record]| {
        let good = records.iter().copied().filter(|record| record.failed.is_none());
        good.cloned().collect::<Vec<_>>()
    };
    let rows = FIGURES.iter().filter_map(|(name, decimals, figure)| {
        let values = of
            .each_ref()
            .map(|records| good(records).iter().filter_map(*figure).collect::<Vec<f64>>());
        let medians = values.each_ref().map(|values| percentile(values, 0.5));
        let spans = values
            .each_ref()
            .map(|values| Some((percentile(values, 0.0)?, percentile(values, 1.0)?)));
        let row = Row { name, decimals: *decimals, medians, spans };
        row.medians.iter().any(Option::is_some).then_some(row)
    });
    Part {
        scenario: scenario.name,
        rate_kbps: scenario.rate_kbps(),
        calls: of.each_ref().map(|records| (good(records).len(), records.len())),
        rows: rows.collect(),
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            let [(ours, all), (theirs, them)] = part.calls;
            writeln!(f, "### {}\n", part.scenario)?;
            writeln!(
                f,
                "| calls: {ours} of {all}, {theirs} of {them} | Tincan | Chromium | ratio |"
            )?;
            writeln!(f, "|---|---|---|---|")?;
            for row in &part.rows {
                let told = |side: usize| match (row.medians[side], row.spans[side]) {
                    (Some(median), Some((least, most))) => {
                        let d = row.decimals;
                        format!("{median:.d$} ({least:.d$}-{most:.d$})")
                    }
                    _ => String::new(),
                };
                let ratio = match row.medians {
                    [Some(ours), Some(theirs)] if theirs > 0.0 => format!("{:.2}", ours / theirs),
                    _ => String::new(),
                };
                writeln!(f, "| {} | {} | {} | {ratio} |", row.name, told(0), told(1))?;
            }
            if let Some(rate) = part.rate_kbps {
                writeln!(f, "\nThe wire carries {rate} kbit/s.")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_stand_beside_each_other_with_their_ratio() {
        let scenario = Scenario::named(&["640x480".to_owned()]).remove(0);
        let record = |maker: Maker, p50| {
            let mut record = Record { first_picture: 50.0, ..Default::default() };
            record.ab.p50 = Some(p50);
            record.begun(maker, &scenario, 0);
            record
        };
        let mut records: Vec<Record> =
            [3.0, 4.0, 9.0].map(|p50| record(Maker::Tincan, p50)).to_vec();
        records.push(record(Maker::Chromium, 16.0));
        let mut failed = Record::failed(&anyhow::anyhow!("no picture"));
        failed.begun(Maker::Chromium, &scenario, 1);
        records.push(failed);
        let table = Table::of(&records, &[scenario]);
        let text = table.to_string();
        assert!(text.contains("| calls: 3 of 3, 1 of 2 |"), "{text}");
        assert!(text.contains("| latency p50 ms | 4 (3-9) | 16 (16-16) | 0.25 |"), "{text}");
        assert!(!text.contains("TCP"), "{text}");
        assert!(!table.is_whole());
    }
}
