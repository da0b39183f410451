//! How long sound must wait so that late packets come in time: measured from the packets.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The least delay: one packet, so that error correction finds the next one.
const MIN: Duration = Duration::from_millis(20);
/// The same while packets of 10 ms come: those are sent where nothing is lost.
const MIN_SHORT: Duration = Duration::from_millis(15);
/// The same in microseconds.
const SHORT: i64 = 10_000;
/// The usual length of packets, in microseconds.
const USUAL: f64 = 20_000.0;
/// The most: beyond this people talk over each other, and gaps are the lesser evil.
const MAX: Duration = Duration::from_millis(300);
/// Before anything was measured.
const INITIAL: Duration = Duration::from_millis(40);
/// Pulling every 10 ms adds up to that.
const MARGIN: Duration = Duration::from_millis(10);
/// The fastest packet of this long is what others are late against: long enough to be one that
/// met no queue, short enough that two clocks drift by a few hundred microseconds only.
const FASTEST_OF: Duration = Duration::from_secs(4);
/// Delays are counted in steps of this many microseconds, up to [`MAX`].
const STEP: i64 = 2_000;
const STEPS: usize = 150;
/// The share of packets that are to come in time.
const QUANTILE: f64 = 0.97;
/// What a packet counts for 20 ms later: half after 2.8 s.
const KEPT: f64 = 0.995;
/// If for so long, in microseconds, no packet needed the target, a queue was there and is gone ...
const NOT_NEEDED: i64 = 1_500_000;
/// ... and what it taught is forgotten so many times as fast, down to this target.
const FORGETS_FASTER: f64 = 10.0;
const FORGETS_TO: Duration = Duration::from_millis(50);
/// What was lost and restored comes back, in rows long after each other: that is remembered for longer.
const RESTORED_NEEDS: i64 = 10_000_000;
/// So many packets are taken for punctual before any has come: a network is not judged by its first ones,
/// which meet machines that are busy with the call's beginning.
const PUNCTUAL: u32 = 60;
/// Packets that come together, after so many microseconds at most, are one stall.
const TOGETHER: i64 = 3_000;
/// Of these, so many are counted: a stall is one event, however many packets waited for its end.
const COUNTED_TOGETHER: u32 = 2;
/// Peaks are not looked for before: in microseconds after the first packet.
const PEAKS_AFTER: i64 = 500_000;
/// The fastest is slower now by this much, in microseconds: another way, or a clock that was put on.
const STEPPED: i64 = 20_000;
/// What is lost and can be restored counts at least as often: waited for in vain, all of it is made up. In
/// rows it counts the square of the packets behind the first: a long hole is far worse than short ones, and
/// a short row that comes by chance now and then is not worth waiting for it all the time.
const RESTORED_COUNTS: u32 = 3;
const MOST_DISTANT: u16 = 5;
/// A packet later than the quantile by this is a peak, in microseconds: a burst, handed over as
/// one, or a pause of the radio.
const PEAK_ABOVE: i64 = 20_000;
/// Peaks that come back within this time are waited for.
const PEAKS_WITHIN: Duration = Duration::from_secs(10);
/// They come back after so many times what the last two were apart, and this in microseconds, or not at all.
const PEAKS_AGAIN: i64 = 3;
const PEAKS_AGAIN_AND: i64 = 1_000_000;
/// The target falls by this much a second ...
const FALL_PER_SECOND: f64 = 0.02;
/// ... and at least by this share of what it is too high by.
const FALL_SHARE: f64 = 0.3;
/// The same after a queue that is gone: pictures wait for the voice.
const FALL_SHARE_GONE: f64 = 1.0;

/// Estimates the target delay, and by how much each packet is later than the fastest.
#[derive(Debug)]
pub(crate) struct DelayEstimator {
    epoch: Instant,
    /// The fastest of the last packets: arrivals and transits in microseconds, transits rising.
    /// A transit is the arrival by our clock less the end of the packet by the sender's, at which it
    /// leaves, however long it is.
    fast: VecDeque<(i64, i64)>,
    /// How often packets were late by so many steps; sums up to 1 once there are packets.
    late: [f64; STEPS],
    packets: u32,
    /// When the first packet came, and the last, and how many with that.
    first: Option<i64>,
    /// When a packet last came so late that it needed the target.
    needed: i64,
    together: (Option<i64>, u32),
    peaks: VecDeque<Peak>,
    target: Duration,
    /// How long packets are.
    length: i64,
    /// When the target was set last.
    at: Option<i64>,
    /// RFC 3550, 6.4.1, in microseconds.
    jitter: f64,
    last: Option<i64>,
}

#[derive(Clone, Copy, Debug)]
struct Peak {
    /// When its last packet came.
    at: i64,
    height: i64,
}

impl DelayEstimator {
    pub fn new(epoch: Instant) -> Self {
        let mut late = [0.0; STEPS];
        late[0] = 1.0;
        Self {
            epoch,
            fast: VecDeque::new(),
            late,
            packets: 0,
            first: None,
            needed: 0,
            together: (None, 0),
            peaks: VecDeque::new(),
            target: INITIAL,
            length: 0,
            at: None,
            jitter: 0.0,
            last: None,
        }
    }

    /// Forgets the transits but not what they taught: the sender's clock has jumped.
    pub fn restart(&mut self) {
        self.fast.clear();
        self.last = None;
    }

    /// Notes a packet. `timestamp` is unwrapped, in samples, as is its length.
    pub fn arrive(&mut self, timestamp: i64, samples: i64, at: Instant) {
        let now = self.micros(at);
        self.length = micros_of(samples);
        let transit = now - micros_of(timestamp) - self.length;
        if let Some(last) = self.last.replace(transit) {
            self.jitter += ((transit - last).abs() as f64 - self.jitter) / 16.0;
        }
        let before = self.fast.front().map(|(_, fastest)| *fastest);
        let oldest = now - FASTEST_OF.as_micros() as i64;
        while self.fast.pop_front_if(|(at, _)| *at < oldest).is_some() {}
        // After a pause nothing is known of what the way was like in the meantime.
        let before = before.filter(|_| !self.fast.is_empty());
        while self.fast.pop_back_if(|(_, slower)| *slower >= transit).is_some() {}
        self.fast.push_back((now, transit));
        let fastest = self.fast.front().map_or(transit, |(_, fastest)| *fastest);
        if let Some(slower) = before.map(|before| fastest - before)
            && slower >= STEPPED
        {
            self.step(slower);
        }
        let late = transit - fastest;
        let (last, together) = self.together;
        let with_last = last.is_some_and(|last| now - last <= TOGETHER);
        let together = if with_last { together + 1 } else { 1 };
        self.together = (Some(now), together);
        if together <= COUNTED_TOGETHER {
            self.count(now, late);
        }
        if now - *self.first.get_or_insert(now) >= PEAKS_AFTER {
            self.note_peak(now, late);
        }
        self.aim(now);
    }

    /// What all are late against is slower by so many microseconds: none of those before were so late.
    fn step(&mut self, slower: i64) {
        let steps = usize::try_from(slower / STEP).unwrap_or(STEPS).min(STEPS - 1);
        let punctual: f64 = self.late[..=steps].iter().sum();
        self.late.copy_within(steps.., 0);
        self.late[STEPS - steps..].fill(0.0);
        self.late[0] = punctual;
        self.peaks.iter_mut().for_each(|peak| peak.height -= slower);
        let slower = Duration::from_micros(u64::try_from(slower).unwrap_or(0));
        self.target = self.target.saturating_sub(slower).max(MIN_SHORT);
    }

    /// Notes that a lost packet could be played from here on, by what a later one carries of it: it
    /// is as good as late. It is the packet so many before that one.
    pub fn restore(&mut self, timestamp: i64, distance: u16, at: Instant) {
        let Some(fastest) = self.fastest() else { return };
        let now = self.micros(at);
        let late = now - micros_of(timestamp) - fastest;
        if late < MAX.as_micros() as i64 {
            let behind = u32::from(distance.clamp(2, MOST_DISTANT) - 1);
            let counts = RESTORED_COUNTS.max(behind * behind);
            (0..counts).for_each(|_| self.count(now, late));
            self.needed = self.needed.max(now + RESTORED_NEEDS);
            self.aim(now);
        }
    }

    /// The first packets count for as much as all before them.
    fn count(&mut self, now: i64, late: i64) {
        self.packets = self.packets.saturating_add(1);
        if late + MARGIN.as_micros() as i64 + STEP >= self.target.as_micros() as i64 {
            self.needed = self.needed.max(now);
        }
        let faster = if self.is_gone(now) { FORGETS_FASTER } else { 1.0 };
        let of_usual = faster * self.length as f64 / USUAL;
        let kept =
            KEPT.powf(of_usual).min(1.0 - 1.0 / f64::from(PUNCTUAL.saturating_add(self.packets)));
        self.late.iter_mut().for_each(|share| *share *= kept);
        let step = usize::try_from(late / STEP).unwrap_or(0).min(STEPS - 1);
        self.late[step] += 1.0 - kept;
    }

    /// There was a queue, and it is gone.
    fn is_gone(&self, now: i64) -> bool {
        now - self.needed > NOT_NEEDED && self.target > FORGETS_TO
    }

    fn note_peak(&mut self, now: i64, late: i64) {
        let oldest = now - PEAKS_WITHIN.as_micros() as i64;
        while self.peaks.pop_front_if(|peak| peak.at < oldest).is_some() {}
        // Those of one queue, which came close together, do not come back after it.
        if let (Some(before), Some(last)) =
            (self.peaks.len().checked_sub(2).and_then(|at| self.peaks.get(at)), self.peaks.back())
            && now - last.at > PEAKS_AGAIN * (last.at - before.at) + PEAKS_AGAIN_AND
        {
            self.peaks.clear();
        }
        if late < self.quantile() + PEAK_ABOVE {
            return;
        }
        match self.peaks.back_mut() {
            // The packets of one burst are one peak, as are those of a queue, however long that stands.
            Some(peak) if now - peak.at < 500_000 => {
                *peak = Peak { at: now, height: peak.height.max(late) };
            }
            _ => self.peaks.push_back(Peak { at: now, height: late }),
        }
    }

    fn quantile(&self) -> i64 {
        let mut sum = 0.0;
        let step = self.late.iter().position(|share| {
            sum += share;
            sum >= QUANTILE
        });
        (step.unwrap_or(STEPS - 1) as i64 + 1) * STEP
    }

    /// How high peaks were that came back: at least two of them were as high.
    fn comes_back(&self) -> i64 {
        let mut heights = [0, 0];
        for peak in &self.peaks {
            heights = match heights {
                [most, _] if peak.height > most => [peak.height, most],
                [most, next] => [most, next.max(peak.height)],
            };
        }
        heights[1]
    }

    /// Rises at once and falls slowly.
    fn aim(&mut self, now: i64) {
        let usual = self.quantile();
        let peak = self.comes_back();
        let late = u64::try_from(usual.max(peak)).unwrap_or(0);
        let least = if self.length <= SHORT { MIN_SHORT } else { MIN };
        let wanted = (Duration::from_micros(late) + MARGIN).clamp(least, MAX);
        let passed = self.at.replace(now).map_or(0, |at| now - at);
        let too_high = self.target.saturating_sub(wanted).as_secs_f64();
        let share = if self.is_gone(now) { FALL_SHARE_GONE } else { FALL_SHARE };
        let fall = FALL_PER_SECOND.max(share * too_high) * passed.max(0) as f64 / 1e6;
        let fall = Duration::from_secs_f64(fall);
        if self.packets >= 10 || wanted > self.target {
            self.target = wanted.max(self.target.saturating_sub(fall));
        }
    }

    /// How long sound should wait behind the fastest packets.
    pub fn target(&self) -> Duration {
        self.target
    }

    /// How long the sound of `timestamp` has waited if it is played at `now`, counted from when
    /// the fastest network would have brought it.
    pub fn waited(&self, timestamp: i64, now: Instant) -> Duration {
        let Some(fastest) = self.fastest() else { return Duration::ZERO };
        let waited = self.micros(now) - micros_of(timestamp) - fastest;
        Duration::from_micros(u64::try_from(waited).unwrap_or(0))
    }

    /// Interarrival jitter in seconds.
    pub fn jitter(&self) -> f64 {
        self.jitter / 1e6
    }

    /// The transit of the fastest, to the beginning of packets that are as long as they are now.
    fn fastest(&self) -> Option<i64> {
        self.fast.front().map(|(_, transit)| transit + self.length)
    }

    fn micros(&self, at: Instant) -> i64 {
        i64::try_from(at.saturating_duration_since(self.epoch).as_micros()).unwrap_or(i64::MAX)
    }
}

fn micros_of(timestamp: i64) -> i64 {
    // 48 samples a millisecond.
    timestamp.saturating_mul(125) / 6
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng, rngs::StdRng};

    const MS: Duration = Duration::from_millis(1);
    const PACKET: i64 = 960;

    /// Packets number `from` to `to` of 20 ms, of which each is late by as many milliseconds.
    fn arrive(
        delay: &mut DelayEstimator,
        epoch: Instant,
        numbers: std::ops::Range<u32>,
        mut late: impl FnMut(u32) -> u32,
    ) {
        for number in numbers {
            let at = epoch + MS * (20 * number + 30 + late(number));
            delay.arrive(i64::from(number) * PACKET, PACKET, at);
        }
    }

    #[test]
    fn what_was_learned_of_the_way_outlives_a_pause() {
        let (epoch, mut random) = (Instant::now(), StdRng::seed_from_u64(1));
        let mut delay = DelayEstimator::new(epoch);
        arrive(&mut delay, epoch, 0..1000, |_| random.random_range(0..80));
        let learned = delay.target();
        assert!(learned > MS * 50, "{learned:?}");
        // Muted for ten seconds; the first packet after that is a late one.
        arrive(&mut delay, epoch, 1500..1501, |_| 50);
        assert!(delay.target() + MS * 15 > learned, "{:?} after {learned:?}", delay.target());
    }

    #[test]
    fn a_peak_that_came_once_is_not_waited_for_when_a_lower_one_follows() {
        let (epoch, mut random) = (Instant::now(), StdRng::seed_from_u64(1));
        let mut peaks = |heights: [u32; 2]| {
            let mut delay = DelayEstimator::new(epoch);
            let high = |number| match number {
                250..252 => heights[0],
                400..402 => heights[1],
                _ => 0,
            };
            arrive(&mut delay, epoch, 0..403, |number| high(number) + random.random_range(0..5));
            delay.target()
        };
        let (twice, once) = (peaks([200, 200]), peaks([200, 80]));
        assert!(twice > MS * 200, "{twice:?}");
        assert!(once > MS * 80 && once < MS * 110, "{once:?}");
    }

    #[test]
    fn a_longer_way_is_not_taken_for_jitter() {
        let (epoch, mut random) = (Instant::now(), StdRng::seed_from_u64(1));
        let mut delay = DelayEstimator::new(epoch);
        arrive(&mut delay, epoch, 0..500, |_| random.random_range(0..10));
        let before = delay.target();
        arrive(&mut delay, epoch, 500..1000, |_| 60 + random.random_range(0..10));
        assert!(delay.target() <= before + MS * 10, "{:?} after {before:?}", delay.target());
    }
}
