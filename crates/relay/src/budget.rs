//! Token buckets: bytes that one user may relay, and answers that one source may cause.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::time::Instant;

/// So many at once, so many a second for long. Pure; the time is an argument.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    tokens: f64,
    burst: f64,
    per_second: f64,
    filled: Instant,
}

impl Bucket {
    /// A full bucket.
    pub fn new(burst: f64, per_second: f64, now: Instant) -> Self {
        Self { tokens: burst, burst, per_second, filled: now }
    }

    /// Takes so many tokens; false, and nothing is taken, if there are fewer.
    #[must_use]
    pub fn take(&mut self, tokens: f64, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.filled = self.filled.max(now);
        self.tokens = (self.tokens + passed * self.per_second).min(self.burst);
        let enough = self.tokens >= tokens;
        if enough {
            self.tokens -= tokens;
        }
        enough
    }
}

/// Buckets of [`SourceLimit`]. Sources that fall into one share it, so that memory is bounded
/// whoever pretends to be how many.
const BUCKETS: usize = 4096;

/// One bucket per source address (of IPv6: per network of 64 bits).
#[derive(Debug)]
pub struct SourceLimit {
    hasher: RandomState,
    buckets: Vec<Bucket>,
}

impl SourceLimit {
    /// All buckets full.
    pub fn new(burst: f64, per_second: f64, now: Instant) -> Self {
        let buckets = vec![Bucket::new(burst, per_second, now); BUCKETS];
        Self { hasher: RandomState::new(), buckets }
    }

    /// Takes one token of a source's bucket; false if there is none.
    #[must_use]
    pub fn take(&mut self, source: IpAddr, now: Instant) -> bool {
        let network = match source {
            IpAddr::V4(ip) => u64::from(ip.to_bits()),
            IpAddr::V6(ip) => u64::try_from(ip.to_bits() >> 64).expect("64 bits"),
        };
        let index = self.hasher.hash_one(network) % BUCKETS as u64;
        let index = usize::try_from(index).expect("within the buckets");
        self.buckets[index].take(1.0, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(100.0, 10.0, start);
        assert!(bucket.take(60.0, start));
        assert!(!bucket.take(60.0, start), "too much");
        assert!(bucket.take(40.0, start), "a refusal takes nothing");
        assert!(!bucket.take(11.0, start + Duration::from_secs(1)));
        assert!(bucket.take(10.0, start + Duration::from_secs(1)));
        assert!(!bucket.take(101.0, start + Duration::from_secs(99)), "never over the burst");
    }

    #[test]
    fn one_source_does_not_use_up_what_another_may() {
        let start = Instant::now();
        let mut limit = SourceLimit::new(2.0, 1.0, start);
        let loud = IpAddr::from([192, 0, 2, 1]);
        let taken = (0..10).filter(|_| limit.take(loud, start)).count();
        assert_eq!(taken, 2);
        let others = (0..20u8).filter(|&last| limit.take([198, 51, 100, last].into(), start));
        assert!(others.count() >= 18, "hardly any shares the bucket");
    }
}
