//! How long packets wait in the network's queues, from the times that they take one way.

use super::Fate;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The fastest way is looked for among so many spans of time, each this long: clocks drift apart, and
/// ways change.
const SPANS: usize = 10;
const SPAN: Duration = Duration::from_secs(2);
/// How much packets vary in their times is looked at over so many reports.
const VARIED_OVER: usize = 40;
/// A queue shorter than this is none, in seconds: reports are 50 ms apart and pictures come in bursts.
const LEAST: f64 = 0.025;
/// So many times what is usual at good times comes on top of it.
const USUAL: f64 = 2.2;
/// Variation above this is a queue all the same.
const MOST: f64 = 0.090;

/// The queue, as far as one can tell from here. Seconds.
#[derive(Debug, Default)]
pub struct Queue {
    epoch: Option<Instant>,
    /// The least time of each span, oldest first; against an unknown offset of clocks.
    least: VecDeque<f64>,
    span_begun: Option<Instant>,
    /// Least waiting of the reports of late.
    recent: VecDeque<f64>,
    now: f64,
}

impl Queue {
    /// Takes what one report says.
    pub fn note(&mut self, now: Instant, fates: &[Fate]) {
        let epoch = *self.epoch.get_or_insert(now);
        let ways = fates.iter().filter_map(|fate| way(fate, epoch));
        // The least of a report: jitter makes others later, a queue makes all of them so.
        let Some(way) = ways.reduce(f64::min) else { return };
        if self.span_begun.is_none_or(|begun| now.saturating_duration_since(begun) >= SPAN) {
            self.span_begun = Some(now);
            self.least.push_back(way);
            if self.least.len() > SPANS {
                self.least.pop_front();
            }
        }
        if let Some(least) = self.least.back_mut() {
            *least = least.min(way);
        }
        self.now = (way - self.base()).max(0.0);
        self.recent.push_back(self.now);
        if self.recent.len() > VARIED_OVER {
            self.recent.pop_front();
        }
    }

    /// How long this packet waited; none if it was lost, or nothing is known of the way.
    pub fn waited(&self, fate: &Fate) -> Option<f64> {
        Some((way(fate, self.epoch?)? - self.base()).max(0.0))
    }

    /// How long packets wait now.
    pub fn now(&self) -> f64 {
        self.now
    }

    /// Waiting above this is a queue; below half of it there is none. Where ways vary without one, as
    /// over radio, it is higher.
    pub fn threshold(&self) -> f64 {
        let mut recent: Vec<f64> = self.recent.iter().copied().collect();
        recent.sort_by(f64::total_cmp);
        // What is usual even at good times; a queue of our own runs empty every now and then.
        let usual = recent.get(recent.len() / 4).copied().unwrap_or(0.0);
        (LEAST + USUAL * usual).min(MOST)
    }

    /// The fastest way of late.
    fn base(&self) -> f64 {
        self.least.iter().copied().fold(f64::INFINITY, f64::min)
    }
}

/// How long a packet took, against an unknown offset of clocks; none if it was lost.
fn way(fate: &Fate, epoch: Instant) -> Option<f64> {
    let left = fate.departed.saturating_duration_since(epoch).as_secs_f64()
        - epoch.saturating_duration_since(fate.departed).as_secs_f64();
    Some(fate.arrived?.as_secs_f64() - left)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: Duration = Duration::from_millis(50);

    fn run(queue: &mut Queue, start: Instant, ways: impl Iterator<Item = f64>) {
        for (n, way) in ways.enumerate() {
            let now = start + REPORT * n as u32;
            let arrived = now.duration_since(start).as_secs_f64() + 5.0 + way;
            let arrived = Some(Duration::from_secs_f64(arrived));
            queue.note(now, &[Fate { departed: now, arrived, bytes: 1200 }]);
        }
    }

    #[test]
    fn waiting_is_counted_from_the_fastest_way_whatever_the_clocks_say() {
        let (mut queue, start) = (Queue::default(), Instant::now());
        run(&mut queue, start, (0..40).map(|n| if n < 38 { 0.02 } else { 0.17 }));
        assert!((queue.now() - 0.15).abs() < 1e-6, "{queue:?}");
        assert!(queue.now() > queue.threshold());
    }

    #[test]
    fn ways_that_vary_raise_what_counts_as_a_queue() {
        let (mut queue, start) = (Queue::default(), Instant::now());
        run(&mut queue, start, (0..40).map(|n| 0.1 + 0.03 * f64::from(n * 7 % 10) / 10.0));
        let shaky = queue.threshold();
        let mut steady = Queue::default();
        run(&mut steady, start, (0..40).map(|_| 0.1));
        assert!(shaky > steady.threshold() && shaky <= MOST, "{shaky}");
    }

    #[test]
    fn a_way_that_has_become_longer_is_no_queue_for_ever() {
        let (mut queue, start) = (Queue::default(), Instant::now());
        run(&mut queue, start, (0..800).map(|n| if n < 100 { 0.02 } else { 0.1 }));
        assert!(queue.now() < 0.001, "{queue:?}");
    }
}
