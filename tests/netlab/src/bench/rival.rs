//! TCP beside a call: it takes what it gets.

use crate::lab::Lab;
use crate::plan::SERVER;
use anyhow::{Context, Result};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tincan_test_support::Side;

/// The server takes it here; no relay does.
const PORT: u16 = 7_000;
/// How much is written at a time.
const CHUNK: usize = 16 << 10;

/// Bytes from A to the server, as fast as they go.
#[derive(Debug)]
pub struct TcpFlow {
    from: TcpStream,
    arrived: Arc<AtomicU64>,
    begun: Instant,
    threads: [JoinHandle<()>; 2],
}

impl TcpFlow {
    /// Begins.
    pub fn start(lab: &Lab) -> Result<Self> {
        let listener = lab.internet().enter(|| {
            TcpListener::bind((SERVER, PORT)).context("while opening the server's port")
        })?;
        let from = lab.client(Side::A).namespace().enter(|| {
            TcpStream::connect((SERVER, PORT)).context("while connecting to the server")
        })?;
        let (mut to, _) = listener.accept().context("while taking the connection")?;
        let mut writer = from.try_clone().context("while sharing the connection")?;
        // Ends with the connection.
        let sender = std::thread::spawn(move || while writer.write_all(&[0x5a; CHUNK]).is_ok() {});
        let arrived = Arc::new(AtomicU64::new(0));
        let counts = arrived.clone();
        let receiver = std::thread::spawn(move || {
            let mut buffer = [0; CHUNK];
            while let Ok(bytes @ 1..) = to.read(&mut buffer) {
                counts.fetch_add(bytes as u64, Ordering::Relaxed);
            }
        });
        Ok(Self { from, arrived, begun: Instant::now(), threads: [sender, receiver] })
    }

    /// Ends it; kilobits a second that arrived.
    pub fn finish(self) -> Result<f64> {
        let arrived = self.arrived.load(Ordering::Relaxed);
        let time = self.begun.elapsed().max(Duration::from_millis(1));
        self.from.shutdown(Shutdown::Both).context("while ending the connection")?;
        for thread in self.threads {
            // It has no more to do than to see the end.
            let _ = thread.join();
        }
        Ok(arrived as f64 * 8.0 / 1000.0 / time.as_secs_f64())
    }
}
