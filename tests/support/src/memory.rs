//! How much memory an app and its web processes hold: proportional set size, which counts a
//! page that several processes share only once.

use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fs;

/// Mebibytes by program, such as `tincan` and `WebKitWebProcess`.
pub type Memory = BTreeMap<String, f64>;

/// Reads what these processes hold now. One that ends meanwhile is left out.
///
/// # Errors
/// If none of them can be read.
pub fn of(processes: &[u32]) -> Result<Memory> {
    let mut memory = Memory::new();
    for process in processes {
        let folder = format!("/proc/{process}");
        let (Ok(name), Ok(rollup)) = (
            fs::read_to_string(format!("{folder}/comm")),
            fs::read_to_string(format!("{folder}/smaps_rollup")),
        ) else {
            continue;
        };
        if let Some(kib) = proportional_set_kib(&rollup) {
            *memory.entry(name.trim().to_owned()).or_default() += kib as f64 / 1024.0;
        }
    }
    (!memory.is_empty()).then_some(memory).context("no process of the app can be read")
}

fn proportional_set_kib(rollup: &str) -> Option<u64> {
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proportional_set_is_found_among_the_others() {
        let rollup = "55d-7ff [rollup]\nRss:  9 kB\nPss:   4321 kB\nPss_Anon: 7 kB\n";
        assert_eq!(proportional_set_kib(rollup), Some(4321));
        assert_eq!(proportional_set_kib("Rss: 9 kB"), None);
    }

    #[test]
    fn this_process_holds_something() {
        let memory = of(&[std::process::id()]).expect("readable");
        assert!(memory.values().sum::<f64>() > 0.5, "{memory:?}");
    }
}
