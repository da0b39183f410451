//! A ring that keeps the places of what it had to drop, so that two streams of blocks stay in step.

use rtrb::{Consumer, Producer, RingBuffer};

/// The way in.
pub(super) struct NumberedIn<T> {
    ring: Producer<(u64, T)>,
    next: u64,
}

/// The way out.
pub(super) struct NumberedOut<T> {
    ring: Consumer<(u64, T)>,
    expected: u64,
}

/// A ring of so many blocks.
pub(super) fn numbered<T>(capacity: usize) -> (NumberedIn<T>, NumberedOut<T>) {
    let (producer, consumer) = RingBuffer::new(capacity);
    (NumberedIn { ring: producer, next: 0 }, NumberedOut { ring: consumer, expected: 0 })
}

impl<T> NumberedIn<T> {
    /// Puts a block in; false if it was dropped. Neither allocates nor locks nor waits.
    pub fn push(&mut self, block: T) -> bool {
        let number = self.next;
        self.next += 1;
        self.ring.push((number, block)).is_ok()
    }
}

impl<T> NumberedOut<T> {
    /// Takes the next block, and how many are missing before it.
    pub fn pop(&mut self) -> Option<(u64, T)> {
        let (number, block) = self.ring.pop().ok()?;
        let missing = number - self.expected;
        self.expected = number + 1;
        Some((missing, block))
    }

    /// Blocks that wait.
    pub fn len(&self) -> usize {
        self.ring.slots()
    }

    /// Throws away what waits and forgets what is missing: the next block is the first.
    pub fn begin_anew(&mut self) {
        while self.pop().is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_dropped_leaves_its_place() {
        let (mut way_in, mut out) = numbered(2);
        assert_eq!([1, 2, 3, 4].map(|block| way_in.push(block)), [true, true, false, false]);
        assert_eq!(
            (out.len(), out.pop(), out.pop(), out.pop()),
            (2, Some((0, 1)), Some((0, 2)), None)
        );
        assert!(way_in.push(5));
        assert_eq!(out.pop(), Some((2, 5)));
    }
}
