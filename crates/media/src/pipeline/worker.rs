//! A named thread that lives as long as its handle.

use super::real_time::{hurry, this_thread};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, Thread};
use std::time::Instant;

/// Tells a thread to end. Reading it costs nothing.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Whether the handle is gone.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Sleeps until `due` or until the handle is gone; on the worker's thread only.
    pub fn wait_until(&self, due: Instant) {
        while !self.is_set() {
            match due.checked_duration_since(Instant::now()) {
                Some(left) if !left.is_zero() => std::thread::park_timeout(left),
                _ => return,
            }
        }
    }
}

/// The handle of a thread: dropping it tells the thread to stop, wakes it and waits for it.
#[derive(Debug)]
pub struct Worker {
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts a thread. `run` returns soon after its [`Stop`] is set.
    pub fn spawn(name: &str, run: impl FnOnce(Stop) + Send + 'static) -> Self {
        let stop = Stop::default();
        let theirs = stop.clone();
        let thread = std::thread::Builder::new()
            .name(name.into())
            .spawn(move || run(theirs))
            .inspect_err(|error| tracing::error!(%error, name, "no thread can be started"))
            .ok();
        Self { stop, thread }
    }

    /// The same for a thread that sound waits for: with real-time priority, if the system allows it.
    pub fn spawn_real_time(name: &str, run: impl FnOnce(Stop) + Send + 'static) -> Self {
        Self::spawn(name, |stop| {
            hurry(this_thread());
            run(stop);
        })
    }

    /// The thread, to be woken from `park`.
    pub fn thread(&self) -> Option<&Thread> {
        self.thread.as_ref().map(JoinHandle::thread)
    }

    /// Wakes the thread from `park`.
    pub fn wake(&self) {
        if let Some(thread) = self.thread() {
            thread.unpark();
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.0.store(true, Ordering::Release);
        self.wake();
        if let Some(thread) = self.thread.take() {
            // A sink may own the handle of its own pipeline: a thread cannot wait for itself.
            if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
                tracing::error!("a media thread panicked");
            }
        }
    }
}
