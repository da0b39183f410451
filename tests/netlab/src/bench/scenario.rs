//! The networks that calls are held in.

use crate::wire::Impairment;
use std::time::Duration;
use tincan_test_support::Picture;

/// What else is on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rival {
    /// Nothing.
    None,
    /// A second call of the same maker.
    Twin,
    /// TCP that takes what it gets.
    Tcp,
}

/// A network, and what happens to it during a call. It is A's access, both ways.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it is called.
    pub name: &'static str,
    /// What is sent.
    pub picture: Picture,
    /// B sends no pictures.
    pub one_way: bool,
    /// The wire at first.
    pub begin: Impairment,
    /// What becomes of it, and when after the first picture.
    pub steps: Vec<(Duration, Impairment)>,
    /// What is seen before this counts for nothing.
    pub warm_up: Duration,
    /// How long the call is.
    pub span: Duration,
    /// What else is on the wire.
    pub rival: Rival,
}

const VGA: Picture = Picture { width: 640, height: 480, rate: 30 };
const HD: Picture = Picture { width: 1280, height: 720, rate: 30 };

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn rate(kbps: u32, queue: Duration) -> Impairment {
    Impairment { rate_kbps: Some(kbps), queue: Some(queue), ..Default::default() }
}

impl Scenario {
    /// All of them.
    pub fn all() -> Vec<Self> {
        let whole = Impairment::default();
        let usual = |name, begin| Self {
            name,
            picture: VGA,
            one_way: false,
            begin,
            steps: Vec::new(),
            warm_up: s(5),
            span: s(20),
            rival: Rival::None,
        };
        let narrow = |name, begin| Self { warm_up: s(12), span: s(35), ..usual(name, begin) };
        let loss = |share| Impairment { loss: share, ..whole };
        let shared = |name, rival| Self {
            warm_up: s(20),
            span: s(60),
            rival,
            one_way: true,
            ..usual(name, rate(2_000, ms(300)))
        };
        vec![
            usual("640x480", whole),
            Self { picture: HD, ..usual("1280x720", whole) },
            usual("loss 2 %", loss(0.02)),
            usual("loss 5 %", loss(0.05)),
            usual("loss 10 %", loss(0.1)),
            usual("loss 5 % in rows of 4", Impairment { burst: 4.0, ..loss(0.05) }),
            usual("loss 5 %, 100 ms", Impairment { delay: ms(100), ..loss(0.05) }),
            usual("100 ms ± 30 ms", Impairment { delay: ms(100), jitter: ms(30), ..whole }),
            narrow("500 kbit/s", rate(500, s(1))),
            narrow("300 kbit/s", rate(300, s(1))),
            narrow("1 Mbit/s, 80 ms, 2 %", {
                Impairment { delay: ms(40), loss: 0.02, ..rate(1_000, ms(200)) }
            }),
            Self {
                warm_up: s(8),
                span: s(80),
                steps: vec![(s(15), rate(400, s(1))), (s(40), rate(3_000, s(1)))],
                ..usual("3 Mbit/s → 400 kbit/s → 3 Mbit/s", rate(3_000, s(1)))
            },
            Self {
                span: s(25),
                steps: vec![(s(8), Impairment { cut: true, ..whole }), (s(13), whole)],
                ..usual("cut for 5 s", whole)
            },
            shared("two calls on 2 Mbit/s", Rival::Twin),
            shared("beside TCP on 2 Mbit/s", Rival::Tcp),
        ]
    }

    /// Those whose names contain one of these; all if there are none.
    pub fn named(parts: &[String]) -> Vec<Self> {
        let wanted = |scenario: &Self| {
            parts.is_empty() || parts.iter().any(|part| scenario.name.contains(part.as_str()))
        };
        Self::all().into_iter().filter(wanted).collect()
    }

    /// The name of a file about it.
    pub fn file(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let name: String = self.name.chars().map(plain).collect();
        let words: Vec<&str> = name.split('-').filter(|word| !word.is_empty()).collect();
        words.join("-")
    }

    /// The rate that its wire has while it is measured, if it is one.
    pub fn rate_kbps(&self) -> Option<u32> {
        self.begin.rate_kbps.filter(|_| self.steps.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn scenarios_are_told_apart_by_name_and_file() {
        let all = Scenario::all();
        let files: BTreeSet<String> = all.iter().map(Scenario::file).collect();
        assert_eq!(files.len(), all.len());
        assert_eq!(Scenario::named(&["cut".to_owned()]).len(), 1);
        assert_eq!(Scenario::named(&[]).len(), all.len());
        assert!(all.iter().all(|scenario| scenario.warm_up < scenario.span));
    }
}
