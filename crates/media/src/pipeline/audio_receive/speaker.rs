//! The ring between the mixer's thread and the speaker's callback.

use super::SpeakerStatistics;
use crate::audio::StereoBlock;
use crate::device::SpeakerSource;
use rtrb::{Producer, RingBuffer};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// Blocks in the ring at first: the callback takes one while the thread makes the next.
const DEPTH: usize = 2;
/// Blocks at most. Each hold-up adds one, until the machine keeps up.
const MAX_DEPTH: usize = 8;
/// After so long without a hold-up one is taken off again: each is 10 ms of delay.
const CALM: Duration = Duration::from_secs(10);
/// Longest wait before one is taken off. Each time that was too early doubles the wait, so that a
/// device that needs the depth does not crackle for ever.
const MAX_CALM: Duration = Duration::from_secs(320);

#[derive(Default)]
pub(super) struct SpeakerCounts {
    blocks: AtomicU64,
    underruns: AtomicU64,
    /// Underruns in a row count once here.
    hold_ups: AtomicU64,
}

impl SpeakerCounts {
    pub fn snapshot(&self) -> SpeakerStatistics {
        SpeakerStatistics {
            blocks: self.blocks.load(Ordering::Relaxed),
            underruns: self.underruns.load(Ordering::Relaxed),
        }
    }
}

/// How many blocks the ring is to hold.
#[derive(Debug)]
struct Depth {
    blocks: usize,
    hold_ups: u64,
    /// The last change, or the last hold-up.
    since: Instant,
    calm: Duration,
    /// The last change took one off.
    lowered: bool,
}

impl Depth {
    fn new(hold_ups: u64, now: Instant) -> Self {
        Self { blocks: DEPTH, hold_ups, since: now, calm: CALM, lowered: false }
    }

    /// Learns how often the speaker was held up so far.
    fn note(&mut self, hold_ups: u64, now: Instant) {
        let more = hold_ups - std::mem::replace(&mut self.hold_ups, hold_ups);
        if more > 0 {
            self.blocks = self.blocks.saturating_add(more as usize).min(MAX_DEPTH);
            if self.lowered {
                let too_early = now.duration_since(self.since) < self.calm;
                self.calm = if too_early { (self.calm * 2).min(MAX_CALM) } else { CALM };
            }
            (self.since, self.lowered) = (now, false);
        } else if self.blocks > DEPTH && now.duration_since(self.since) >= self.calm {
            self.blocks -= 1;
            (self.since, self.lowered) = (now, true);
        }
    }
}

/// The thread's end.
pub(super) struct Feeder {
    ring: Producer<StereoBlock>,
    counts: Arc<SpeakerCounts>,
    underruns_told: u64,
    depth: Depth,
}

impl Feeder {
    pub fn new(counts: Arc<SpeakerCounts>, thread: Option<Thread>) -> (Self, SpeakerSource) {
        let (ring, mut blocks) = RingBuffer::<StereoBlock>::new(MAX_DEPTH);
        let theirs = counts.clone();
        let (mut primed, mut starving) = (false, false);
        let source: SpeakerSource = Box::new(move |out| {
            if let Ok(block) = blocks.pop() {
                *out = block;
                (primed, starving) = (true, false);
                theirs.blocks.fetch_add(1, Ordering::Relaxed);
            } else {
                *out = StereoBlock::SILENCE;
                // Before the first block the thread does not know of the speaker yet.
                theirs.underruns.fetch_add(u64::from(primed), Ordering::Relaxed);
                theirs.hold_ups.fetch_add(u64::from(primed && !starving), Ordering::Relaxed);
                starving = true;
            }
            if let Some(thread) = &thread {
                thread.unpark();
            }
        });
        let underruns_told = counts.underruns.load(Ordering::Relaxed);
        let depth = Depth::new(counts.hold_ups.load(Ordering::Relaxed), Instant::now());
        (Self { ring, counts, underruns_told, depth }, source)
    }

    /// Whether the speaker was closed.
    pub fn is_gone(&self) -> bool {
        self.ring.is_abandoned()
    }

    /// Whether the speaker wants another block.
    pub fn has_room(&mut self, now: Instant) -> bool {
        self.depth.note(self.counts.hold_ups.load(Ordering::Relaxed), now);
        self.waiting() < self.depth.blocks
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
        self.waiting() < self.depth.blocks && self.ring.push(*block).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth_of(feeder: &mut Feeder, now: Instant) -> usize {
        while feeder.has_room(now) {
            assert!(feeder.feed(&StereoBlock::SILENCE));
        }
        feeder.waiting()
    }

    #[test]
    fn a_hold_up_deepens_the_ring_once_and_calm_makes_it_shallow_again() {
        let (mut feeder, mut source) = Feeder::new(Arc::default(), None);
        let mut block = StereoBlock::SILENCE;
        let mut now = Instant::now();
        assert_eq!(depth_of(&mut feeder, now), DEPTH);
        // The machine stands still for 200 ms, once.
        (0..DEPTH + 20).for_each(|_| source(&mut block));
        assert_eq!(feeder.missed(), 20);
        assert_eq!(depth_of(&mut feeder, now), DEPTH + 1);
        now += CALM;
        source(&mut block);
        assert_eq!(depth_of(&mut feeder, now), DEPTH);
        now += CALM;
        assert_eq!(depth_of(&mut feeder, now), DEPTH, "never less than at first");
    }

    #[test]
    fn a_speaker_that_needs_the_depth_is_tried_ever_more_rarely() {
        let mut now = Instant::now();
        let mut depth = Depth::new(0, now);
        // It cannot do with less than one more.
        let mut hold_ups = 0;
        for _ in 0..3600 {
            hold_ups += u64::from(depth.blocks == DEPTH);
            now += Duration::from_secs(1);
            depth.note(hold_ups, now);
        }
        assert!((2..20).contains(&hold_ups), "{hold_ups} in an hour");
    }

    #[test]
    fn hold_ups_that_are_far_apart_leave_nothing() {
        let mut now = Instant::now();
        let mut depth = Depth::new(0, now);
        for second in 0..4 * 3600_u64 {
            now += Duration::from_secs(1);
            depth.note(second / 240, now);
            assert!(depth.blocks <= DEPTH + 1, "after {second} s");
        }
    }

    #[test]
    fn the_ring_has_a_bound() {
        let mut depth = Depth::new(0, Instant::now());
        depth.note(1000, Instant::now());
        assert_eq!(depth.blocks, MAX_DEPTH);
    }
}
