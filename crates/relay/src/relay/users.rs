//! What each account uses: allocations and bytes.

use crate::budget::Bucket;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// An account that has or had allocations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UserId(u64);

/// How long an account's buckets outlive its last allocation: until they are full again.
const REMEMBERED: Duration = Duration::from_secs(2);

#[derive(Debug)]
struct User {
    name: String,
    allocations: usize,
    left: Option<Instant>,
    up: Option<Bucket>,
    down: Option<Bucket>,
}

/// All of them.
#[derive(Debug)]
pub struct Users {
    bytes_per_second: Option<u64>,
    ids: HashMap<String, UserId>,
    users: HashMap<UserId, User>,
    last_id: u64,
}

impl Users {
    pub fn new(bytes_per_second: Option<u64>) -> Self {
        Self { bytes_per_second, ids: HashMap::new(), users: HashMap::new(), last_id: 0 }
    }

    /// How many allocations the account has.
    pub fn allocations(&self, name: &str) -> usize {
        let user = self.ids.get(name).and_then(|id| self.users.get(id));
        user.map_or(0, |user| user.allocations)
    }

    /// The account gets one more.
    pub fn came(&mut self, name: &str, now: Instant) -> UserId {
        let id = *self.ids.entry(name.to_owned()).or_insert_with(|| {
            self.last_id += 1;
            UserId(self.last_id)
        });
        let bucket = || {
            #[allow(clippy::cast_precision_loss, reason = "a rate need not be exact")]
            let rate = self.bytes_per_second? as f64;
            // a second's worth at once: a key frame, or a burst after a stall
            Some(Bucket::new(rate, rate, now))
        };
        let user = self.users.entry(id).or_insert_with(|| User {
            name: name.to_owned(),
            allocations: 0,
            left: None,
            up: bucket(),
            down: bucket(),
        });
        user.allocations += 1;
        user.left = None;
        id
    }

    /// The account has one less.
    pub fn left(&mut self, id: UserId, now: Instant) {
        if let Some(user) = self.users.get_mut(&id) {
            user.allocations = user.allocations.saturating_sub(1);
            if user.allocations == 0 {
                user.left = Some(now);
            }
        }
    }

    /// Whose it is.
    pub fn is(&self, id: UserId, name: &str) -> bool {
        self.users.get(&id).is_some_and(|user| user.name == name)
    }

    /// Whether the account may send so many bytes more.
    pub fn may_send(&mut self, id: UserId, bytes: usize, now: Instant) -> bool {
        self.users.get_mut(&id).is_some_and(|user| takes(user.up.as_mut(), bytes, now))
    }

    /// Whether the account may receive so many bytes more.
    pub fn may_receive(&mut self, id: UserId, bytes: usize, now: Instant) -> bool {
        self.users.get_mut(&id).is_some_and(|user| takes(user.down.as_mut(), bytes, now))
    }

    /// Forgets who has left long ago.
    pub fn sweep(&mut self, now: Instant) {
        let ids = &mut self.ids;
        self.users.retain(|_, user| {
            let stays = user.left.is_none_or(|left| now < left + REMEMBERED);
            if !stays {
                ids.remove(&user.name);
            }
            stays
        });
    }
}

fn takes(bucket: Option<&mut Bucket>, bytes: usize, now: Instant) -> bool {
    let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
    bucket.is_none_or(|bucket| bucket.take(f64::from(bytes), now))
}
