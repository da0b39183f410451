//! The processes of the comparison: two relays, and a peer that echoes.

use anyhow::{Context, Result, ensure};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What both relays check credentials with.
pub const SECRET: &str = "bench";
/// How long a process may take until it answers.
const START: Duration = Duration::from_secs(20);
/// How often it is asked.
const POLL: Duration = Duration::from_millis(50);
/// What `/proc` counts processor time in: `USER_HZ`, on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// Whose relay.
#[derive(Clone, Copy, Debug)]
pub enum Maker {
    /// The one of this repository, within its server.
    Tincan,
    /// Debian's.
    Coturn,
}

/// A relay on loopback.
pub struct Contestant {
    process: Process,
    port: u16,
}

impl Contestant {
    /// Starts a relay; it listens then.
    pub fn start(maker: Maker, program: &OsStr, logs: &Path) -> Result<Self> {
        let port = free_port()?;
        let mut command = Command::new(program);
        match maker {
            Maker::Tincan => command
                .args(["--listen", "127.0.0.1:0", "--memory", "--relay-user-rate", "0"])
                .args(["--relay-user-allocations", "1000"])
                .args(["--relay-port", &port.to_string()])
                .args(["--relay-alternate-port", &free_port()?.to_string()])
                .args(["--relay-tls-port", &free_port()?.to_string()])
                .env("TINCAN_TURN_SECRET", SECRET),
            Maker::Coturn => command
                .args(["-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1"])
                .args(["--allow-loopback-peers", "--no-cli", "--no-tls", "--no-dtls"])
                .args(["--realm=bench", "--use-auth-secret", "--log-file=stdout", "--simple-log"])
                .arg(format!("--static-auth-secret={SECRET}"))
                .arg(format!("--listening-port={port}"))
                .arg(format!("--pidfile={}", logs.join("coturn.pid").display()))
                .arg(format!("--userdb={}", logs.join("coturn.users").display())),
        };
        let log = File::create(logs.join(format!("{maker:?}.log").to_lowercase()))?;
        command.stdout(log.try_clone()?).stderr(log);
        let mut process = Process::start(command)?;
        process.wait_until(|| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok())?;
        Ok(Self { process, port })
    }

    /// Where clients come to.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Processor time that it has used, of programs and kernel.
    pub fn cpu_seconds(&self) -> Result<f64> {
        let path = format!("/proc/{}/stat", self.process.0.id());
        let text = fs::read_to_string(&path).with_context(|| format!("while reading {path}"))?;
        ticks(&text).map(|ticks| ticks / TICKS_PER_SECOND).context("/proc has another form here")
    }
}

/// `utime` and `stime` (proc(5)): fields 14 and 15, after a name that may hold anything.
fn ticks(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_ascii_whitespace().skip(11);
    let mut time = || times.next()?.parse::<f64>().ok();
    Some(time()? + time()?)
}

/// A peer that sends back what it gets.
pub struct Echo {
    _process: Process,
    port: u16,
}

impl Echo {
    /// Starts it; it answers then.
    pub fn start() -> Result<Self> {
        let port = free_port()?;
        let mut command = Command::new("turnutils_peer");
        command.args(["-L", "127.0.0.1", "-p", &port.to_string()]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = Process::start(command)?;
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.connect((Ipv4Addr::LOCALHOST, port))?;
        socket.set_read_timeout(Some(POLL))?;
        process.wait_until(|| socket.send(b"?").is_ok() && socket.recv(&mut [0; 8]).is_ok())?;
        Ok(Self { _process: process, port })
    }

    /// Where it is.
    pub const fn port(&self) -> u16 {
        self.port
    }
}

/// Ends with its handle.
struct Process(Child);

impl Process {
    fn start(mut command: Command) -> Result<Self> {
        let started = command.stdin(Stdio::null()).spawn();
        started.map(Self).with_context(|| format!("while starting {:?}", command.get_program()))
    }

    fn wait_until(&mut self, ready: impl Fn() -> bool) -> Result<()> {
        let begun = Instant::now();
        while !ready() {
            let ended = self.0.try_wait().context("while waiting for a child")?;
            ensure!(ended.is_none(), "a process ended before it answered: {ended:?}");
            ensure!(begun.elapsed() < START, "a process does not answer");
            sleep(POLL);
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that nobody uses now, neither over UDP nor over TCP.
fn free_port() -> Result<u16> {
    loop {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("while binding")?;
        let port = listener.local_addr().context("while binding")?.port();
        if UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_found_whatever_the_program_is_called() {
        let stat = "9540 (turn) server) S 9538 9535 1435 0 -1 4194560 1371 0 17 0 2 9 0 0 20 0 7";
        assert_eq!(ticks(stat), Some(11.0));
        assert_eq!(ticks("9540 (turn) S 1"), None);
    }
}
