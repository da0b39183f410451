//! How much processor time a program takes: its processes, their threads, and all that they have
//! started.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

/// The unit of times in `/proc` (proc(5), `stat`): a hundredth of a second on every architecture
/// that the app is built for.
const TICK: Duration = Duration::from_millis(10);

/// Processor time by name.
pub type Spent = BTreeMap<String, Duration>;

/// What processes had taken at one moment.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    processes: BTreeMap<u32, Entry>,
    threads: BTreeMap<(u32, u32), Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    name: String,
    spent: Duration,
}

/// Reads what these processes have taken so far. One that ends meanwhile is left out.
pub fn read(processes: &[u32]) -> Reading {
    let mut reading = Reading::default();
    for &process in processes {
        let Some(whole) = entry(&format!("/proc/{process}/stat")) else { continue };
        for thread in numbers(&format!("/proc/{process}/task")) {
            if let Some(part) = entry(&format!("/proc/{process}/task/{thread}/stat")) {
                let name = format!("{}: {}", whole.name, part.name);
                reading.threads.insert((process, thread), Entry { name, ..part });
            }
        }
        reading.processes.insert(process, whole);
    }
    reading
}

impl Reading {
    /// What was taken since an earlier reading, by program.
    pub fn since(&self, earlier: &Self) -> Spent {
        difference(&self.processes, &earlier.processes)
    }

    /// The same by program and thread. Threads that have ended are in none of them.
    pub fn threads_since(&self, earlier: &Self) -> Spent {
        difference(&self.threads, &earlier.threads)
    }
}

fn difference<K: Ord>(now: &BTreeMap<K, Entry>, earlier: &BTreeMap<K, Entry>) -> Spent {
    let mut spent = Spent::new();
    for (id, entry) in now {
        let before = earlier.get(id).map_or(Duration::ZERO, |before| before.spent);
        *spent.entry(entry.name.clone()).or_default() += entry.spent.saturating_sub(before);
    }
    spent
}

/// These processes and all that they have started and that still runs.
pub fn tree(roots: &[u32]) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = numbers("/proc")
        .filter_map(|process| {
            let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
            let (_, fields) = stat.rsplit_once(')')?;
            Some((process, fields.split_whitespace().nth(1)?.parse().ok()?))
        })
        .collect();
    let mut all: BTreeSet<u32> = roots.iter().copied().collect();
    loop {
        let children = parents.iter().filter(|(_, parent)| all.contains(parent));
        let found: Vec<u32> = children.map(|(child, _)| *child).collect();
        let before = all.len();
        all.extend(found);
        if all.len() == before {
            return all.into_iter().collect();
        }
    }
}

fn numbers(folder: &str) -> impl Iterator<Item = u32> + use<> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn entry(stat: &str) -> Option<Entry> {
    parse(&fs::read_to_string(stat).ok()?)
}

/// A name may contain anything, brackets too; user and system time are fields 14 and 15.
fn parse(stat: &str) -> Option<Entry> {
    let (name, fields) = stat.rsplit_once(')')?;
    let (_, name) = name.split_once('(')?;
    let mut fields = fields.split_whitespace().skip(11);
    let ticks = fields.next()?.parse::<u32>().ok()? + fields.next()?.parse::<u32>().ok()?;
    Some(Entry { name: name.to_owned(), spent: TICK * ticks })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Owned;
    use std::process::{Command, Stdio};

    #[test]
    fn times_are_found_behind_any_name() {
        let stat = "77 (a) b (c) S 1 77 77 0 -1 0 9 9 9 9 120 30 5 5 20 0 4 0 99";
        let entry = parse(stat).expect("it is whole");
        assert_eq!((entry.name.as_str(), entry.spent), ("a) b (c", Duration::from_millis(1500)));
        assert!(parse("77 (a) S 1 77").is_none());
    }

    #[test]
    fn what_a_child_of_a_child_takes_is_counted() {
        let mut command = Command::new("sh");
        command.args(["-c", "(i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; read _) ; exit"]);
        let mut shell = Owned::start(command.stdin(Stdio::piped())).expect("a shell");
        let root = shell.child().id();
        let before = Reading::default();
        let enough = || {
            let all = tree(&[root]);
            let spent: Duration = read(&all).since(&before).values().sum();
            Ok(all.len() == 2 && spent >= TICK)
        };
        let patience = Duration::from_secs(20);
        crate::process::wait_until(patience, "the inner shell took time", enough).expect("it did");
        let reading = read(&tree(&[root]));
        let of_threads: Duration = reading.threads_since(&before).values().sum();
        assert!(of_threads >= TICK);
        assert_eq!(reading.since(&reading).values().sum::<Duration>(), Duration::ZERO);
        drop(shell.child().stdin.take());
    }
}
