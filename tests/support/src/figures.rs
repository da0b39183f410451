//! What a set of measurements says.

use crate::FarSide;
use anyhow::{Context, Result};
use serde_json::Value;
use std::fmt;

/// How long a call took to set up, in milliseconds from the command to offer until both sides
/// had it.
#[derive(Clone, Copy, Debug)]
pub struct SetUp {
    /// ICE found a path.
    pub ice: f64,
    /// The connection stands: DTLS is done.
    pub connected: f64,
    /// The first picture was delivered.
    pub first_picture: f64,
}

impl SetUp {
    /// From what both sides noted; `one_way`: the first has no picture to see.
    pub fn of(offered: f64, sides: [&FarSide; 2], one_way: bool) -> Result<Self> {
        let later = |what: &str, when: fn(&FarSide) -> Option<f64>| {
            let moments = sides.map(when);
            match moments {
                [Some(a), Some(b)] => Ok(a.max(b) - offered),
                _ => Err(anyhow::anyhow!("no moment when {what}: {moments:?}")),
            }
        };
        Ok(Self {
            ice: later("ICE was connected", FarSide::ice_connected)?,
            connected: later("both were connected", FarSide::connected)?,
            first_picture: match sides[1].first_picture {
                Some(first) if one_way => first - offered,
                _ => later("both had a picture", |side| side.first_picture)?,
            },
        })
    }
}

impl fmt::Display for SetUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ice, connected, first_picture } = self;
        write!(f, "ICE {ice:.0} ms, connected {connected:.0} ms, picture {first_picture:.0} ms")
    }
}

/// The value that this share (0 to 1) of the values does not exceed (nearest rank).
pub fn percentile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

/// The kinds of candidates at both ends of the path that a peer uses: `host`, `srflx`, `prflx` or
/// `relay`; none if it does not know of a path.
pub fn path(stats: &Value) -> Option<[String; 2]> {
    let end = |name: &str| stats["pair"][name].as_str().map(str::to_owned);
    Some([end("local")?, end("remote")?])
}

/// Whether a path leads through a relay, by what both peers say of it. A candidate that a peer
/// learned from a check has no kind of its own there, so it takes both.
pub fn is_relayed(stats: [&Value; 2]) -> Result<bool> {
    let mut relayed = false;
    for stats in stats {
        let ends = path(stats).with_context(|| format!("no path in {stats}"))?;
        relayed |= ends.iter().any(|end| end == "relay");
    }
    Ok(relayed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!(percentile(&values, 0.5), Some(3.0));
        assert_eq!(percentile(&values, 0.95), Some(5.0));
        assert_eq!(percentile(&values, 0.0), Some(1.0));
        assert_eq!(percentile(&[], 0.5), None);
    }

    #[test]
    fn one_relayed_end_makes_a_path_relayed() {
        let direct = json!({ "pair": { "local": "host", "remote": "prflx" } });
        let relayed = json!({ "pair": { "local": "relay", "remote": "srflx" } });
        assert!(!is_relayed([&direct, &direct]).expect("paths"));
        assert!(is_relayed([&direct, &relayed]).expect("paths"));
        assert!(is_relayed([&direct, &json!({})]).is_err());
    }
}
