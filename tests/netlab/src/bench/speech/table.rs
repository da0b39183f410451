//! The figures as a table: medians over sentences and rounds, Tincan beside Chromium, and goals.

use super::{Heard, Network, Record, Score};
use std::fmt;
use tincan_test_support::Maker;
use tincan_test_support::figures::percentile;

const MAKERS: [Maker; 2] = [Maker::Tincan, Maker::Chromium];

/// From this share of loss on Tincan is to be better, not only as good.
const BETTER_FROM: f64 = 0.1;

/// A measure that is held to a goal: two programs that are alike differ by so much from run to run.
struct Measure {
    name: &'static str,
    of: fn(&Score) -> f64,
    alike: f64,
}

const MEASURES: [Measure; 3] = [
    Measure { name: "STOI", of: |score| score.stoi, alike: 0.01 },
    Measure { name: "ESTOI", of: |score| score.estoi, alike: 0.02 },
    Measure { name: "PESQ", of: |score| score.pesq, alike: 0.1 },
];

/// What is told besides: name, decimals, and where it is.
type Figure = (&'static str, usize, fn(&Heard) -> Option<f64>);

const FIGURES: [Figure; 4] = [
    ("made up %", 1, |heard| Some(heard.concealed? * 100.0)),
    ("left out %", 1, |heard| Some(heard.removed? * 100.0)),
    ("added %", 1, |heard| Some(heard.inserted? * 100.0)),
    ("waited ms", 0, |heard| heard.waited_ms),
];

/// Medians of all that was measured.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Row>,
    goals: Vec<Goal>,
}

#[derive(Debug)]
struct Row {
    network: String,
    maker: &'static str,
    calls: (usize, usize),
    measures: [Option<f64>; 3],
    figures: [Option<f64>; 4],
    mouth_to_ear: Option<f64>,
    kbps: Option<f64>,
}

#[derive(Debug)]
struct Goal {
    text: String,
    met: bool,
}

impl Table {
    /// Of these records.
    pub fn of(records: &[Record], networks: &[Network]) -> Self {
        let mut table = Self { rows: Vec::new(), goals: Vec::new() };
        for network in networks {
            let rows = MAKERS.map(|maker| row(records, network, maker));
            for (at, measure) in MEASURES.iter().enumerate() {
                if let [Some(ours), Some(theirs)] = rows.each_ref().map(|row| row.measures[at]) {
                    table.goals.push(goal(network, measure, ours, theirs));
                }
            }
            table.rows.extend(rows.into_iter().filter(|row| row.calls.1 > 0));
        }
        table
    }

    /// Whether every call came to its end and every goal was met.
    pub fn is_good(&self) -> bool {
        self.rows.iter().all(|row| row.calls.0 == row.calls.1) && self.missed() == 0
    }

    fn missed(&self) -> usize {
        self.goals.iter().filter(|goal| !goal.met).count()
    }
}

fn row(records: &[Record], network: &Network, maker: Maker) -> Row {
    let theirs = |record: &&Record| record.network == network.name && record.maker == maker.name();
    let all: Vec<&Record> = records.iter().filter(theirs).collect();
    let good: Vec<&Record> = all.iter().copied().filter(|one| one.failed.is_none()).collect();
    let heard = || good.iter().flat_map(|record| &record.heard);
    let of_sentences = |figure: fn(&Score) -> f64| {
        let values: Vec<f64> = heard().flat_map(|heard| &heard.sentences).map(figure).collect();
        percentile(&values, 0.5)
    };
    let kbps: Vec<f64> = good.iter().map(|record| record.kbps).collect();
    Row {
        network: network.name.clone(),
        maker: maker.name(),
        calls: (good.len(), all.len()),
        measures: MEASURES.each_ref().map(|measure| of_sentences(measure.of)),
        figures: FIGURES.map(|(_, _, figure)| {
            percentile(&heard().filter_map(figure).collect::<Vec<f64>>(), 0.5)
        }),
        mouth_to_ear: of_sentences(|score| score.delay_ms),
        kbps: percentile(&kbps, 0.5),
    }
}

fn goal(network: &Network, measure: &Measure, ours: f64, theirs: f64) -> Goal {
    let Measure { name, alike, .. } = measure;
    let better = network.wire.loss >= BETTER_FROM;
    let (met, wanted) = match better {
        true => (ours > theirs, format!("better than {theirs:.3}")),
        false => (ours >= theirs - alike, format!("not worse than {theirs:.3}")),
    };
    let verdict = if met { "met" } else { "MISSED" };
    Goal { text: format!("{}: {name} {ours:.3}, {wanted}: {verdict}", network.name), met }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = MEASURES.iter().map(|measure| measure.name);
        let names = names.chain(FIGURES.iter().map(|(name, ..)| *name));
        let names: Vec<&str> = names.chain(["mouth to ear ms", "kbit/s"]).collect();
        writeln!(f, "| network | maker | calls | {} |", names.join(" | "))?;
        writeln!(f, "|{}", "---|".repeat(names.len() + 3))?;
        for row in &self.rows {
            let (good, all) = row.calls;
            write!(f, "| {} | {} | {good} of {all} |", row.network, row.maker)?;
            let measures = row.measures.iter().map(|value| (*value, 3));
            let figures = row.figures.iter().zip(FIGURES).map(|(value, (_, d, _))| (*value, d));
            for (value, d) in measures.chain(figures).chain([(row.mouth_to_ear, 0), (row.kbps, 0)])
            {
                match value {
                    Some(value) => write!(f, " {value:.d$} |")?,
                    None => write!(f, " |")?,
                }
            }
            writeln!(f)?;
        }
        writeln!(f)?;
        for goal in &self.goals {
            writeln!(f, "- {}", goal.text)?;
        }
        writeln!(f, "\n{} goals missed", self.missed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(network: &Network, maker: Maker, stoi: f64) -> Record {
        let score = Score { stoi, estoi: stoi, pesq: 3.0, delay_ms: 50.0 };
        let heard = Heard {
            sentences: vec![score; 3],
            concealed: Some(0.1),
            removed: Some(0.0),
            inserted: None,
            waited_ms: Some(40.0),
        };
        let (network, maker) = (network.name.clone(), maker.name().into());
        Record { network, maker, heard: vec![heard], kbps: 30.0, ..Default::default() }
    }

    #[test]
    fn as_good_is_enough_on_good_networks_and_not_where_much_is_lost() {
        let networks = Network::named(&["loss 0 %".to_owned(), "loss 30 %".to_owned()]);
        let alike = |network| MAKERS.map(|maker| record(network, maker, 0.9));
        let records: Vec<Record> = networks.iter().flat_map(alike).collect();
        let table = Table::of(&records, &networks);
        let text = table.to_string();
        assert!(text.contains("| loss 0 % | Tincan | 1 of 1 | 0.900 |"), "{text}");
        assert!(text.contains("loss 0 %: STOI 0.900, not worse than 0.900: met"), "{text}");
        assert!(text.contains("loss 30 %: STOI 0.900, better than 0.900: MISSED"), "{text}");
        // Random and in rows, by three measures.
        assert!(text.ends_with("\n6 goals missed\n"), "{text}");
        assert!(!table.is_good());
    }
}
