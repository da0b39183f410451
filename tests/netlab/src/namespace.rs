//! One network namespace: made by `ip netns`, gone with its handle.

use crate::sys;
use anyhow::{Context, Result, ensure};
use std::fs::File;
use std::io::Write;
use std::process::{Command, Stdio};

/// What the names of all our namespaces begin with.
pub const PREFIX: &str = "tincan-lab-";

/// Settings with IPv6, or without. With it, addresses are good at once: nobody has the same, and
/// looking for them would take a second.
pub fn family(ipv6: bool) -> &'static [(&'static str, &'static str)] {
    if ipv6 {
        &[
            ("ipv6/conf/all/accept_dad", "0"),
            ("ipv6/conf/default/accept_dad", "0"),
            ("ipv6/conf/default/dad_transmits", "0"),
        ]
    } else {
        &[("ipv6/conf/all/disable_ipv6", "1"), ("ipv6/conf/default/disable_ipv6", "1")]
    }
}

/// Settings of a router.
pub const FORWARDING: &[(&str, &str)] =
    &[("ipv4/ip_forward", "1"), ("ipv6/conf/all/forwarding", "1")];

/// A network namespace; removed when dropped, with what still runs in it.
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes one, with its loopback up.
    ///
    /// # Errors
    /// There is no `ip`, or it may not make namespaces.
    pub fn add(name: String) -> Result<Self> {
        run(Command::new("ip").args(["netns", "add", &name]), "")?;
        let namespace = Self { name };
        namespace.ip("link set lo up")?;
        Ok(namespace)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Carries out commands of `ip`, one a line.
    pub fn ip(&self, commands: &str) -> Result<()> {
        run(Command::new("ip").args(["-n", &self.name, "-batch", "-"]), commands).map(drop)
    }

    /// Carries out commands of `nft`.
    pub fn nft(&self, commands: &str) -> Result<()> {
        run(self.command("nft").args(["-f", "-"]), commands).map(drop)
    }

    /// Runs a program in it to its end.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Result<String> {
        run(self.command(program).args(arguments), "")
    }

    /// The words that a command for a program in it begins with.
    pub fn by(&self) -> [&str; 4] {
        ["ip", "netns", "exec", &self.name]
    }

    /// A program to be run in it.
    pub fn command(&self, program: &str) -> Command {
        let [ip, words @ ..] = self.by();
        let mut command = Command::new(ip);
        command.args(words).arg(program);
        command
    }

    /// Does something on a thread in it. What that opens stays there: sockets belong to the
    /// namespace that they were made in.
    pub fn enter<T: Send>(&self, act: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let path = format!("/run/netns/{}", self.name);
        let file = File::open(&path).with_context(|| format!("while opening {path}"))?;
        std::thread::scope(|scope| {
            let inside = scope.spawn(|| {
                sys::enter_namespace(&file).with_context(|| format!("while entering {path}"))?;
                act()
            });
            inside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Bytes that an interface has received.
    pub fn received(&self, interface: &str) -> Result<u64> {
        let table = self.enter(|| {
            std::fs::read_to_string("/proc/thread-self/net/dev").context("while reading counters")
        })?;
        let line = table
            .lines()
            .find_map(|line| line.trim_start().strip_prefix(interface)?.strip_prefix(':'));
        let bytes = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        bytes.with_context(|| format!("no interface is called {interface}"))
    }

    /// Writes kernel settings below `/proc/sys/net`.
    pub fn set(&self, settings: &[(&str, &str)]) -> Result<()> {
        self.enter(|| {
            for (name, value) in settings {
                let path = format!("/proc/sys/net/{name}");
                std::fs::write(&path, value).with_context(|| format!("while setting {path}"))?;
            }
            Ok(())
        })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        remove(&self.name);
    }
}

/// Removes a namespace and ends what runs in it. Best effort: another process may do the same.
pub fn remove(name: &str) {
    if let Ok(ids) = run(Command::new("ip").args(["netns", "pids", name]), "") {
        let ids: Vec<u32> = ids.split_whitespace().flat_map(str::parse).collect();
        tincan_test_support::running::signal("KILL", &ids);
    }
    let _ = run(Command::new("ip").args(["netns", "del", name]), "");
}

/// The names of all our namespaces, of all processes.
pub fn all() -> Result<Vec<String>> {
    let list = run(Command::new("ip").args(["netns", "list"]), "")?;
    let names = list.lines().filter_map(|line| line.split_whitespace().next());
    Ok(names.filter(|name| name.starts_with(PREFIX)).map(str::to_owned).collect())
}

/// Runs a command to its end with this input; what it printed.
pub fn run(command: &mut Command, input: &str) -> Result<String> {
    let told = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("while starting {told}"))?;
    let mut pipe = child.stdin.take().context("its input is a pipe")?;
    pipe.write_all(input.as_bytes()).with_context(|| format!("while feeding {told}"))?;
    drop(pipe);
    let output = child.wait_with_output().with_context(|| format!("while running {told}"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{told}: {}{}", errors.trim(), told_input(input));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn told_input(input: &str) -> String {
    if input.is_empty() { String::new() } else { format!("; the input was:\n{input}") }
}
