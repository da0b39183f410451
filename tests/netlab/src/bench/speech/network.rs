//! The networks that speech is carried over.

use crate::wire::Impairment;
use std::time::Duration;

/// How many packets are lost in a row in bursts.
const ROW: f64 = 4.0;

/// A network: A's access, both ways.
#[derive(Clone, Debug)]
pub struct Network {
    /// What it is called.
    pub name: String,
    /// What it does.
    pub wire: Impairment,
}

impl Network {
    /// All of them.
    pub fn all() -> Vec<Self> {
        let whole = Impairment::default();
        let random = [0, 5, 10, 20, 30].map(|percent| Self {
            name: format!("loss {percent} %"),
            wire: Impairment { loss: f64::from(percent) / 100.0, ..whole },
        });
        let bursts = [5, 10, 20, 30].map(|percent| Self {
            name: format!("loss {percent} % in rows of 4"),
            wire: Impairment { loss: f64::from(percent) / 100.0, burst: ROW, ..whole },
        });
        let (delay, jitter) = (Duration::from_millis(100), Duration::from_millis(30));
        let late =
            Self { name: "100 ms ± 30 ms".into(), wire: Impairment { delay, jitter, ..whole } };
        random.into_iter().chain(bursts).chain([late]).collect()
    }

    /// Those whose names contain one of these; all if there are none.
    pub fn named(parts: &[String]) -> Vec<Self> {
        let wanted = |network: &Self| {
            parts.is_empty() || parts.iter().any(|part| network.name.contains(part.as_str()))
        };
        Self::all().into_iter().filter(wanted).collect()
    }
}
