//! A slot for one picture: the newest wins, the one it replaces is counted and gone.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

struct Slot<T> {
    newest: Option<T>,
    replaced: u64,
    interrupted: bool,
    closed: bool,
    abandoned: bool,
}

struct Shared<T> {
    slot: Mutex<Slot<T>>,
    filled: Condvar,
}

/// The writing end. Never blocks for longer than a move. Dropping the last one closes the slot.
pub struct NewestIn<T>(Arc<Shared<T>>);

/// The reading end.
pub struct NewestOut<T>(Arc<Shared<T>>);

/// Ends a reader's waiting from outside.
pub struct Interrupt<T>(Arc<Shared<T>>);

/// What a reader got.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken<T> {
    /// The newest value.
    Value(T),
    /// Nothing came in time, or the waiting was interrupted.
    Timeout,
    /// The writer is gone and the slot is empty.
    Closed,
}

/// Makes a slot.
pub fn newest<T>() -> (NewestIn<T>, NewestOut<T>) {
    let shared = Arc::new(Shared {
        slot: Mutex::new(Slot {
            newest: None,
            replaced: 0,
            interrupted: false,
            closed: false,
            abandoned: false,
        }),
        filled: Condvar::new(),
    });
    (NewestIn(shared.clone()), NewestOut(shared))
}

impl<T> NewestIn<T> {
    /// Puts a value in, in place of one that nobody has taken.
    pub fn put(&self, value: T) {
        let mut slot = self.0.slot.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.newest.replace(value).is_some() {
            slot.replaced += 1;
        }
        drop(slot);
        self.0.filled.notify_one();
    }

    /// How many values were replaced before anyone took them.
    pub fn replaced(&self) -> u64 {
        self.0.slot.lock().unwrap_or_else(PoisonError::into_inner).replaced
    }

    /// Nobody will take anything any more.
    pub fn is_abandoned(&self) -> bool {
        self.0.slot.lock().unwrap_or_else(PoisonError::into_inner).abandoned
    }
}

impl<T> Drop for NewestIn<T> {
    fn drop(&mut self) {
        self.0.slot.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.0.filled.notify_all();
    }
}

impl<T> Interrupt<T> {
    /// The reader's waiting, or else its next one, ends at once.
    pub fn interrupt(&self) {
        self.0.slot.lock().unwrap_or_else(PoisonError::into_inner).interrupted = true;
        self.0.filled.notify_one();
    }
}

impl<T> Drop for NewestOut<T> {
    fn drop(&mut self) {
        self.0.slot.lock().unwrap_or_else(PoisonError::into_inner).abandoned = true;
    }
}

impl<T> NewestOut<T> {
    /// What ends this reader's waiting.
    pub fn interrupter(&self) -> Interrupt<T> {
        Interrupt(self.0.clone())
    }

    /// Waits at most `patience` for a value.
    pub fn take(&self, patience: Duration) -> Taken<T> {
        let deadline = Instant::now() + patience;
        let mut slot = self.0.slot.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(value) = slot.newest.take() {
                return Taken::Value(value);
            }
            if slot.closed {
                return Taken::Closed;
            }
            let now = Instant::now();
            if std::mem::take(&mut slot.interrupted) || now >= deadline {
                return Taken::Timeout;
            }
            slot = self
                .0
                .filled
                .wait_timeout(slot, deadline - now)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_value_wins_and_replaced_ones_are_counted() {
        let (tx, rx) = newest();
        (1..=5).for_each(|n| tx.put(n));
        assert_eq!(rx.take(Duration::ZERO), Taken::Value(5));
        assert_eq!(tx.replaced(), 4);
        assert_eq!(rx.take(Duration::ZERO), Taken::Timeout);
    }

    #[test]
    fn an_interrupted_reader_looks_up_once() {
        let (tx, rx) = newest::<u8>();
        let reader = std::thread::spawn({
            let interrupter = rx.interrupter();
            move || interrupter.interrupt()
        });
        assert_eq!(rx.take(Duration::from_secs(60)), Taken::Timeout);
        reader.join().expect("it ends");
        tx.put(1);
        assert_eq!(rx.take(Duration::from_secs(60)), Taken::Value(1));
    }

    #[test]
    fn a_gone_reader_is_noticed() {
        let (tx, rx) = newest::<u8>();
        assert!(!tx.is_abandoned());
        drop(rx);
        assert!(tx.is_abandoned());
    }

    #[test]
    fn a_gone_writer_is_told_after_its_last_value() {
        let (tx, rx) = newest();
        tx.put(1);
        drop(tx);
        assert_eq!(rx.take(Duration::from_secs(5)), Taken::Value(1));
        assert_eq!(rx.take(Duration::from_secs(5)), Taken::Closed);
    }
}
