//! What waits to be written to one stream. Bounded: what a client is too slow for is dropped,
//! as a network would.

use std::cell::{Cell, RefCell};
use std::time::Duration;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::time::timeout;

/// Bytes of relayed packets that may wait: a key frame. If it is full, the newest packet is
/// dropped.
const MAX_WAITING: usize = 128 * 1024;
/// Bytes that may wait when an answer comes. If it is full, the stream is closed: its client
/// asks and does not read.
const MAX_WITH_ANSWERS: usize = 160 * 1024;
/// How long a write may take before the client counts as gone.
const WRITE_TIME: Duration = Duration::from_secs(10);

/// What waits to be written.
#[derive(Debug, Default)]
pub struct Outbox {
    waiting: RefCell<Vec<u8>>,
    wake: Notify,
    overrun: Cell<bool>,
}

impl Outbox {
    /// Adds a relayed packet; false if it was dropped.
    pub fn relay(&self, packet: &[u8]) -> bool {
        self.add(packet, MAX_WAITING)
    }

    /// Adds an answer.
    pub fn answer(&self, bytes: &[u8]) {
        if !self.add(bytes, MAX_WITH_ANSWERS) {
            self.overrun.set(true);
            self.wake.notify_one();
        }
    }

    fn add(&self, bytes: &[u8], most: usize) -> bool {
        let mut waiting = self.waiting.borrow_mut();
        if waiting.len() + bytes.len() > most {
            return false;
        }
        waiting.extend_from_slice(bytes);
        self.wake.notify_one();
        true
    }

    /// Writes what comes until the stream fails or its client is too slow.
    pub async fn write_to(&self, mut stream: impl AsyncWrite + Unpin) {
        let mut chunk = Vec::new();
        loop {
            self.wake.notified().await;
            loop {
                if self.overrun.get() {
                    return;
                }
                chunk.clear();
                std::mem::swap(&mut chunk, &mut self.waiting.borrow_mut());
                if chunk.is_empty() {
                    break;
                }
                let write = async {
                    stream.write_all(&chunk).await?;
                    stream.flush().await
                };
                if !matches!(timeout(WRITE_TIME, write).await, Ok(Ok(()))) {
                    return;
                }
            }
        }
    }
}
