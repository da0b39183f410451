//! The ring between the mixer's thread and the speaker's callback.

use super::SpeakerStatistics;
use crate::audio::StereoBlock;
use crate::device::SpeakerSource;
use rtrb::{Producer, RingBuffer};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::Thread;

/// Blocks in the ring at first: the callback takes one while the thread makes the next.
const DEPTH: usize = 2;
/// Blocks at most. Each underrun adds one, until the machine keeps up.
const MAX_DEPTH: usize = 8;

#[derive(Default)]
pub(super) struct SpeakerCounts {
    blocks: AtomicU64,
    underruns: AtomicU64,
}

impl SpeakerCounts {
    pub fn snapshot(&self) -> SpeakerStatistics {
        SpeakerStatistics {
            blocks: self.blocks.load(Ordering::Relaxed),
            underruns: self.underruns.load(Ordering::Relaxed),
        }
    }
}

/// The thread's end.
pub(super) struct Feeder {
    ring: Producer<StereoBlock>,
    counts: Arc<SpeakerCounts>,
    underruns_before: u64,
    underruns_told: u64,
}

impl Feeder {
    pub fn new(counts: Arc<SpeakerCounts>, thread: Option<Thread>) -> (Self, SpeakerSource) {
        let (ring, mut blocks) = RingBuffer::<StereoBlock>::new(MAX_DEPTH);
        let theirs = counts.clone();
        let mut primed = false;
        let source: SpeakerSource = Box::new(move |out| {
            if let Ok(block) = blocks.pop() {
                *out = block;
                primed = true;
                theirs.blocks.fetch_add(1, Ordering::Relaxed);
            } else {
                *out = StereoBlock::SILENCE;
                // Before the first block the thread does not know of the speaker yet.
                theirs.underruns.fetch_add(u64::from(primed), Ordering::Relaxed);
            }
            if let Some(thread) = &thread {
                thread.unpark();
            }
        });
        let underruns_before = counts.underruns.load(Ordering::Relaxed);
        (Self { ring, counts, underruns_before, underruns_told: underruns_before }, source)
    }

    /// Whether the speaker was closed.
    pub fn is_gone(&self) -> bool {
        self.ring.is_abandoned()
    }

    /// Whether the speaker wants another block.
    pub fn has_room(&self) -> bool {
        let underruns = self.counts.underruns.load(Ordering::Relaxed) - self.underruns_before;
        let depth = DEPTH.saturating_add(underruns as usize).min(MAX_DEPTH);
        self.waiting() < depth
    }

    /// Blocks that it has yet to take.
    pub fn waiting(&self) -> usize {
        self.ring.buffer().capacity() - self.ring.slots()
    }

    /// Blocks of silence that it has played since this was asked last, since there was none.
    pub fn missed(&mut self) -> u64 {
        let underruns = self.counts.underruns.load(Ordering::Relaxed);
        underruns - std::mem::replace(&mut self.underruns_told, underruns)
    }

    /// Gives it a block. False when it takes none.
    pub fn feed(&mut self, block: &StereoBlock) -> bool {
        self.has_room() && self.ring.push(*block).is_ok()
    }
}
