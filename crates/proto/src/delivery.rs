//! Ordered delivery that outlasts a connection: what both ends of a session count and keep.
//! Pure. Does not know what is delivered, nor when.
//!
//! Each side numbers its messages from 1, keeps them until the other one acknowledges them,
//! and counts what it has received. After a reconnection each tells the other its count, and
//! only what is missing is sent again.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// What travels once a device is signed in: a message, an acknowledgement, or both.
///
/// `{"seq":5,"ack":3,"message":{…}}` is message 5 and acknowledges all up to 3. Without `seq`
/// the message is not delivered again if the connection is lost, because a later one makes up
/// for it; without `message` it is an acknowledgement alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope<M> {
    /// The message's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The last number that the sender has received without a gap; 0 for none.
    pub ack: u64,
    /// What is said.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub message: Option<M>,
}

/// The other side counts what this one never said, or in another order. Its connection cannot
/// go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("messages were counted wrongly")]
pub struct Miscounted;

/// What was said and is not acknowledged yet, oldest first. Its owner bounds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unacknowledged<M> {
    acknowledged: u64,
    messages: VecDeque<M>,
}

impl<M> Default for Unacknowledged<M> {
    fn default() -> Self {
        Self::after(0)
    }
}

impl<M> Unacknowledged<M> {
    /// Nothing waits; all up to `acknowledged` was received.
    pub fn after(acknowledged: u64) -> Self {
        Self { acknowledged, messages: VecDeque::new() }
    }

    /// Keeps a message and returns its number.
    pub fn push(&mut self, message: M) -> u64 {
        self.messages.push_back(message);
        self.last()
    }

    /// The number of the newest message; 0 before the first.
    pub fn last(&self) -> u64 {
        self.acknowledged + self.messages.len() as u64
    }

    /// The last number that was acknowledged.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Lets go of everything up to `ack` and returns it. An old acknowledgement does nothing.
    ///
    /// # Errors
    /// [`Miscounted`] if there was no such message yet.
    pub fn acknowledge(
        &mut self,
        ack: u64,
    ) -> Result<impl ExactSizeIterator<Item = M>, Miscounted> {
        if ack > self.last() {
            return Err(Miscounted);
        }
        let news = ack.saturating_sub(self.acknowledged);
        self.acknowledged += news;
        let news = usize::try_from(news).map_err(|_| Miscounted)?;
        Ok(self.messages.drain(..news).collect::<Vec<_>>().into_iter())
    }

    /// What waits, with its numbers.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &M)> {
        (self.acknowledged + 1..).zip(&self.messages)
    }

    /// How much waits.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }
}

/// Counts what was received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Received(u64);

impl Received {
    /// All up to `seq` was received before.
    pub const fn up_to(seq: u64) -> Self {
        Self(seq)
    }

    /// The last number received; 0 for none.
    pub const fn last(self) -> u64 {
        self.0
    }

    /// Takes note of a message. False if it was received before.
    ///
    /// # Errors
    /// [`Miscounted`] if one before it is missing.
    pub fn take(&mut self, seq: u64) -> Result<bool, Miscounted> {
        if seq <= self.0 {
            return Ok(false);
        }
        if seq != self.0 + 1 {
            return Err(Miscounted);
        }
        self.0 = seq;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_kept_until_they_are_acknowledged() {
        let mut said = Unacknowledged::default();
        assert_eq!([said.push("a"), said.push("b"), said.push("c")], [1, 2, 3]);
        let gone = |said: &mut Unacknowledged<_>, ack| said.acknowledge(ack).map(Iterator::count);
        assert_eq!(gone(&mut said, 2), Ok(2));
        assert_eq!(said.iter().collect::<Vec<_>>(), [(3, &"c")]);
        assert_eq!(gone(&mut said, 1), Ok(0), "an old one says nothing new");
        assert_eq!(gone(&mut said, 4), Err(Miscounted), "of what was never said");
        assert_eq!((gone(&mut said, 3), said.push("d")), (Ok(1), 4));
    }

    #[test]
    fn doubles_are_known_and_gaps_are_errors() {
        let mut received = Received::default();
        assert_eq!((received.take(1), received.take(2)), (Ok(true), Ok(true)));
        assert_eq!((received.take(1), received.take(2)), (Ok(false), Ok(false)));
        assert_eq!(received.take(4), Err(Miscounted));
        assert_eq!((received.take(3), received.last()), (Ok(true), 3));
    }

    #[test]
    fn an_envelope_reads_well_and_says_only_what_it_has() {
        let text = |seq, message| {
            serde_json::to_string(&Envelope::<&str> { seq, ack: 3, message }).expect("plain")
        };
        assert_eq!(text(Some(5), Some("hi")), r#"{"seq":5,"ack":3,"message":"hi"}"#);
        assert_eq!(text(None, Some("hi")), r#"{"ack":3,"message":"hi"}"#);
        assert_eq!(text(None, None), r#"{"ack":3}"#);
        let read = serde_json::from_str::<Envelope<String>>(r#"{"ack":3}"#).ok();
        assert_eq!(read, Some(Envelope { seq: None, ack: 3, message: None }));
    }
}
