//! The choice of a path without waiting for its answers.
//!
//! The controlling side checks a pair, nominates it with a second check and has heard from the
//! far side twice before `rtc-ice` 0.21.1 lets DTLS begin. Two of these waits tell it nothing
//! that matters, and their answers are given here in the far side's place:
//!
//! * To a nomination. Data may be sent on any valid pair (RFC 8445, section 12.1). The nomination
//!   is repeated from here until its real answer comes, since `rtc-ice` stops when it has one.
//! * To a check, when one from the far side has come the other way. That proves the far side's
//!   half of the path, and its own check proves the rest before it takes the nomination. Only
//!   with a far side that is known to do so, and only on a direct path between announced
//!   addresses: a relayed one may still lose.
//!
//! This decides; [`Nominator`](super::nominator::Nominator) has the clock.

use super::binding::{Binding, Credentials};
use super::framing::{Kind, look, reframe};
use bytes::Bytes;
use rtc::stun::message::TransactionId;
use rtc_crypto::{RTCCrypto, RTCCryptoProvider};
use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// First pause before a nomination is repeated: soon, since the far side takes none before its
/// own check was answered, and DTLS waits there until then.
const FIRST_PAUSE: Duration = Duration::from_millis(30);
/// Longest pause.
const LAST_PAUSE: Duration = Duration::from_millis(500);
/// A nomination is repeated so often: for about ten seconds, after which the far side's silence
/// has long been noticed elsewhere.
const MAX_REPEATS: u32 = 24;
/// Most paths whose checks are remembered.
const MAX_ASKED: usize = 128;
/// Most checks that were answered here and whose real answers are still awaited.
const MAX_ANSWERED: usize = 64;

/// A socket's address and the one that it sends to or hears from.
pub type Path = (SocketAddr, SocketAddr);

/// What is to be done with a datagram that arrives.
#[derive(Debug, PartialEq, Eq)]
pub enum Arriving {
    /// It is read.
    Read,
    /// It has been said here before.
    Drop,
    /// This is read before it.
    After(Vec<u8>),
}

/// The last check that left on a path.
#[derive(Debug)]
struct Asked {
    path: Path,
    check: Binding,
}

/// A nomination without its answer.
#[derive(Debug)]
struct Pending<V> {
    via: V,
    datagram: Bytes,
    transaction: TransactionId,
    next_at: Instant,
    pause: Duration,
    repeats: u32,
}

/// The nominations of one connection. `V` tells where a datagram was sent from and to.
pub struct Nominations<V> {
    crypto: Arc<dyn RTCCryptoProvider>,
    early: bool,
    /// The far side takes a nomination only when its own check was answered.
    careful: bool,
    local: Option<Credentials>,
    remote: Option<Credentials>,
    asked: Vec<Asked>,
    nominated: Option<Path>,
    /// Checks that were answered here; their real answers come to nothing.
    answered: VecDeque<TransactionId>,
    pending: Option<Pending<V>>,
    /// A check on the nominated path had a real answer.
    sounded: bool,
}

impl<V: Clone> Nominations<V> {
    /// None yet; `early`: checks may be answered here, too.
    pub fn new(crypto: Arc<dyn RTCCryptoProvider>, early: bool) -> Self {
        Self {
            crypto,
            early,
            careful: false,
            local: None,
            remote: None,
            asked: Vec::new(),
            nominated: None,
            answered: VecDeque::new(),
            pending: None,
            sounded: false,
        }
    }

    /// A description of this side holds from now on.
    pub fn describe_local(&mut self, sdp: &str) {
        let credentials = Credentials::of(sdp);
        if self.local != credentials {
            self.local = credentials;
            self.begin();
        }
    }

    /// A description of the far side holds from now on; `careful`: it takes a nomination only
    /// when its own check was answered.
    pub fn describe_remote(&mut self, sdp: &str, careful: bool) {
        let credentials = Credentials::of(sdp);
        self.careful = careful;
        if self.remote != credentials {
            self.remote = credentials;
            self.begin();
        }
    }

    /// Whether the round trip that ICE tells may be that to an answer from here.
    pub fn hides_round_trip(&self) -> bool {
        self.nominated.is_some() && !self.sounded
    }

    /// When [`Nominations::due`] has something to send.
    pub fn deadline(&self) -> Option<Instant> {
        self.pending.as_ref().map(|pending| pending.next_at)
    }

    /// A check was sent: what is to be read in answer to it, if anything is.
    pub fn sent(
        &mut self,
        now: Instant,
        path: Path,
        via: impl FnOnce() -> V,
        datagram: &[u8],
    ) -> Option<Vec<u8>> {
        let seen = look(datagram);
        let check = Binding::read(seen.content)?;
        if !check.nominates() {
            let before = self.nominated.is_none();
            if before && self.early && !seen.relayed && check.is_of_controlling() {
                self.remember(Asked { path, check });
            }
            return None;
        }
        let success = reframe(datagram, &self.answer(&check, path)?)?;
        self.nominated = Some(path);
        self.asked.clear();
        self.note_answered(check.transaction());
        self.pending = Some(Pending {
            via: via(),
            datagram: Bytes::copy_from_slice(datagram),
            transaction: check.transaction(),
            next_at: now + FIRST_PAUSE,
            pause: FIRST_PAUSE,
            repeats: 0,
        });
        Some(success)
    }

    /// A datagram came; `announced`: from an address that the far side has named and that is no
    /// relay's.
    pub fn arriving(
        &mut self,
        path: Path,
        announced: impl FnOnce() -> bool,
        datagram: &[u8],
    ) -> Arriving {
        let seen = look(datagram);
        match seen.kind {
            Kind::Check => {
                let early = self.early && self.careful && self.nominated.is_none();
                let success = (early && !seen.relayed && announced())
                    .then(|| self.early_success(path, seen.content));
                success.flatten().map_or(Arriving::Read, Arriving::After)
            }
            Kind::Checked if self.is_answered(path, seen.content) => Arriving::Drop,
            Kind::Checked
            | Kind::Dtls(_)
            | Kind::Media
            | Kind::Allocate
            | Kind::Allocated
            | Kind::Other => Arriving::Read,
        }
    }

    /// What is to be sent again at `now`.
    pub fn due(&mut self, now: Instant) -> Option<(V, Bytes)> {
        let pending = self.pending.as_mut().filter(|pending| pending.next_at <= now)?;
        let again = (pending.via.clone(), pending.datagram.clone());
        pending.repeats += 1;
        pending.pause = (pending.pause * 2).min(LAST_PAUSE);
        pending.next_at = now + pending.pause;
        if pending.repeats == MAX_REPEATS {
            self.pending = None;
        }
        Some(again)
    }

    /// Other credentials are another session of ICE.
    fn begin(&mut self) {
        self.asked.clear();
        self.nominated = None;
        self.pending = None;
        self.sounded = false;
    }

    fn remember(&mut self, asked: Asked) {
        self.asked.retain(|other| other.path != asked.path);
        if self.asked.len() < MAX_ASKED {
            self.asked.push(asked);
        }
    }

    fn crypto(&self) -> &dyn RTCCrypto {
        self.crypto.crypto()
    }

    /// The far side's answer to a check of ours. None if that was signed with other credentials:
    /// then the answer would be refused.
    fn answer(&self, check: &Binding, (local, _): Path) -> Option<Vec<u8>> {
        let remote = self.remote.as_ref().filter(|r| check.is_signed(r, self.crypto()))?;
        check.success(remote, local, self.crypto())
    }

    fn early_success(&mut self, path: Path, content: &[u8]) -> Option<Vec<u8>> {
        let at = self.asked.iter().position(|asked| asked.path == path)?;
        let (local, remote) = (self.local.as_ref()?, self.remote.as_ref()?);
        let theirs = Binding::read(content)?;
        if !theirs.is_of_controlled() || !theirs.is_check(remote, local, self.crypto()) {
            return None;
        }
        let success = self.answer(&self.asked[at].check, path)?;
        let transaction = self.asked.swap_remove(at).check.transaction();
        self.note_answered(transaction);
        Some(success)
    }

    fn note_answered(&mut self, transaction: TransactionId) {
        if self.answered.len() >= MAX_ANSWERED {
            self.answered.pop_front();
        }
        self.answered.push_back(transaction);
    }

    /// Takes note of a real answer. True: it has been given here before.
    fn is_answered(&mut self, path: Path, content: &[u8]) -> bool {
        let Some(success) = Binding::read(content) else { return false };
        if !self.remote.as_ref().is_some_and(|r| success.is_signed(r, self.crypto())) {
            return false;
        }
        let transaction = success.transaction();
        if self.pending.as_ref().is_some_and(|pending| pending.transaction == transaction) {
            self.pending = None;
        }
        let before = self.answered.contains(&transaction);
        self.sounded |= !before && self.nominated == Some(path);
        before
    }
}

impl<V: fmt::Debug> fmt::Debug for Nominations<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nominations")
            .field("nominated", &self.nominated)
            .field("pending", &self.pending)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
