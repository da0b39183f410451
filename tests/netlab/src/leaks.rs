//! Whether peers hold on to more with every call and every ICE restart.

use anyhow::{Context, Result, bail, ensure};
use std::fmt;
use std::time::Duration;
use tincan_test_support::resources::{Held, held_by};
use tincan_test_support::{Call, CallOptions, Side};

/// How long a call may take to be seen, and to be seen again after a restart.
const SEEN: Duration = Duration::from_secs(20);
/// The share of readings in which caches fill and allocators settle.
const WARM_UP: f64 = 0.3;
/// Growth of memory that still counts as flat, of the least of the last readings over the most of
/// the first ones: allocators keep and give back arenas of several mebibytes.
const FLAT: f64 = 0.05;
/// And in mebibytes, as a small process swings by more than its share.
const FLAT_MEBIBYTES: f64 = 4.0;
/// So many more descriptors or threads are still as many: pools of threads come and go.
const FLAT_COUNT: usize = 3;
/// The same of threads: the async runtime's pool for what blocks grows by a few at a time, and
/// keeps them for ten seconds.
const FLAT_THREADS: usize = 8;
/// Fewest readings that can be judged.
const READINGS: usize = 8;

/// What both peers held, reading by reading.
#[derive(Clone, Debug, Default)]
pub struct Readings(Vec<[Held; 2]>);

impl Readings {
    /// Reads what both hold now.
    pub fn take(&mut self, call: &Call) -> Result<()> {
        let [a, b] = call.processes()?;
        self.0.push([held_by(a)?, held_by(b)?]);
        Ok(())
    }

    /// An error that says what grew between the first and the last quarter after the warm-up.
    pub fn judge(&self) -> Result<()> {
        let settled = &self.0[(self.0.len() as f64 * WARM_UP) as usize..];
        ensure!(settled.len() >= READINGS, "{} readings are too few to judge", settled.len());
        let quarter = settled.len() / 4;
        let (first, last) = (&settled[..quarter], &settled[settled.len() - quarter..]);
        let mut growing = Vec::new();
        for side in 0..2 {
            // They swing while sockets and tasks close; what leaks never comes back down.
            let before = first.iter().map(|held| held[side].mebibytes).fold(0.0, f64::max);
            let after = last.iter().map(|held| held[side].mebibytes).fold(f64::INFINITY, f64::min);
            if after > before * (1.0 + FLAT) && after > before + FLAT_MEBIBYTES {
                growing.push(format!("memory {before:.1} -> {after:.1} MiB"));
            }
            for (what, flat, count) in [
                ("descriptors", FLAT_COUNT, (|held| held.descriptors) as fn(&Held) -> usize),
                ("threads", FLAT_THREADS, |held| held.threads),
            ] {
                let most = first.iter().map(|held| count(&held[side])).max().unwrap_or(0);
                let least = last.iter().map(|held| count(&held[side])).min().unwrap_or(0);
                if least > most + flat {
                    growing.push(format!("{what} {most} -> {least}"));
                }
            }
        }
        ensure!(growing.is_empty(), "not flat: {}", growing.join(", "));
        Ok(())
    }
}

impl fmt::Display for Readings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, [a, b]) in self.0.iter().enumerate() {
            writeln!(
                f,
                "{number:>4}  {:>6.1} {:>6.1} MiB  {:>3} {:>3} descriptors  {:>3} {:>3} threads",
                a.mebibytes, b.mebibytes, a.descriptors, b.descriptors, a.threads, b.threads
            )?;
        }
        Ok(())
    }
}

/// Restarts ICE so many times in a row on one connection, sides in turn, each until pictures made
/// after it arrive; with a reading now and then.
pub async fn restarts(call: &mut Call, count: usize) -> Result<Readings> {
    let mut readings = Readings::default();
    call.begin(&CallOptions::default()).await?;
    call.until_seen(SEEN).await?;
    for number in 0..count {
        let side = if number % 2 == 0 { Side::A } else { Side::B };
        let restarted = call.restart_and_see(side, SEEN).await;
        restarted.with_context(|| format!("restart {}", number + 1))?;
        if is_reading(number, count) {
            readings.take(call)?;
        }
    }
    call.close().await?;
    Ok(readings)
}

/// Makes and ends so many calls, with a reading now and then, when no call is there.
pub async fn calls(call: &mut Call, count: usize) -> Result<Readings> {
    let mut readings = Readings::default();
    for number in 0..count {
        call.begin(&CallOptions::default()).await?;
        call.until_seen(SEEN).await.with_context(|| format!("call {}", number + 1))?;
        call.close().await?;
        if is_reading(number, count) {
            readings.take(call)?;
        }
    }
    Ok(readings)
}

/// About forty readings, or one each time if it is done less often.
fn is_reading(number: usize, count: usize) -> bool {
    number.is_multiple_of((count / 40).max(1))
}

/// Both readings' verdicts in one error.
pub fn judge(parts: &[(&str, Readings)]) -> Result<()> {
    let problems: Vec<String> = parts
        .iter()
        .filter_map(|(what, readings)| {
            let problem = readings.judge().err()?;
            Some(format!("{what}: {problem:#}\n{readings}"))
        })
        .collect();
    if !problems.is_empty() {
        bail!("{}", problems.join("\n"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings(held: impl Fn(usize) -> Held) -> Readings {
        Readings((0..40).map(|number| [held(number); 2]).collect())
    }

    #[test]
    fn what_swings_is_flat_and_what_grows_is_told() {
        let steady = Held { mebibytes: 30.0, descriptors: 20, threads: 9 };
        assert!(
            readings(|n| Held { descriptors: 20 + n % 3, ..steady }).judge().is_ok(),
            "what swings"
        );
        let arena = |n: usize| if n.is_multiple_of(4) || n > 36 { 7.0 } else { 0.0 };
        let swinging = readings(|n| Held { mebibytes: 30.0 + arena(n), ..steady });
        assert!(swinging.judge().is_ok(), "what an allocator keeps and gives back");
        let told = |held: &dyn Fn(usize) -> Held| {
            readings(held).judge().expect_err("it grows").to_string()
        };
        assert!(told(&|n| Held { mebibytes: 30.0 + n as f64 / 2.0, ..steady }).contains("memory"));
        assert!(told(&|n| Held { descriptors: 20 + n, ..steady }).contains("descriptors"));
        assert!(told(&|n| Held { threads: 9 + n, ..steady }).contains("threads"));
        assert!(Readings::default().judge().is_err());
    }
}
