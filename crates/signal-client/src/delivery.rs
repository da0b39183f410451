//! The app's side of a session: what was said and may have to be said again, and what was
//! heard. Pure; the time is an argument.

use std::collections::VecDeque;
use std::time::{Duration, Instant};
use tincan_proto::delivery::{Miscounted, Received};
use tincan_proto::signalling::Resume;
use tincan_proto::{ClientMessage, Envelope, ServerMessage, SessionId};

/// Messages that wait for the server or its acknowledgement. If there are so many, later ones
/// wait in the queue before it. Small enough that a whole window and a whole queue said at once
/// are no flood to the server.
pub const MAX_PENDING: usize = 128;
/// How old an invitation may be when it is first heard by the server. After that the person
/// has been told that the server cannot be reached.
pub const INVITE_GOOD_FOR: Duration = Duration::from_secs(10);

/// What one run of the app and its server have said to each other.
///
/// Messages get their numbers when the server tells how many it has: those that it lacks are
/// numbered anew, so that one that has become pointless can be left out.
#[derive(Clone, Debug, Default)]
pub struct Delivery {
    session: Option<SessionId>,
    received: Received,
    /// The number before that of the first pending message.
    acknowledged: u64,
    pending: VecDeque<Pending>,
    /// How many of the pending messages have been written to the present connection.
    written: usize,
}

#[derive(Clone, Debug)]
struct Pending {
    message: ClientMessage,
    since: Instant,
}

/// What the server's welcome says of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Welcomed {
    /// The session from now on.
    pub session: SessionId,
    /// Whether it is the one before.
    pub resumed: bool,
    /// How many of our messages it has received.
    pub received: u64,
}

impl Delivery {
    /// What to ask for in the hello.
    pub fn resume(&self) -> Option<Resume> {
        let received = self.received.last();
        self.session.map(|session| Resume { session, received })
    }

    /// Whether [`Delivery::push`] may be called.
    pub fn has_room(&self) -> bool {
        self.pending.len() < MAX_PENDING
    }

    /// Takes a message to be delivered.
    pub fn push(&mut self, now: Instant, message: ClientMessage) {
        self.pending.push_back(Pending { message, since: now });
    }

    /// A connection begins. Returns what is too old to be said at all.
    ///
    /// # Errors
    /// [`Miscounted`] if the server has lost count; the next hello asks for a new session.
    pub fn begin(
        &mut self,
        now: Instant,
        welcomed: Welcomed,
    ) -> Result<Vec<ClientMessage>, Miscounted> {
        self.written = 0;
        if welcomed.resumed {
            self.confirm(welcomed.received).inspect_err(|_| self.session = None)?;
        } else {
            self.received = Received::default();
            self.acknowledged = 0;
        }
        self.session = Some(welcomed.session);
        let mut stale = Vec::new();
        self.pending.retain(|pending| {
            let is_stale = matches!(pending.message, ClientMessage::Invite { .. })
                && now.saturating_duration_since(pending.since) >= INVITE_GOOD_FOR;
            if is_stale {
                stale.push(pending.message.clone());
            }
            !is_stale
        });
        Ok(stale)
    }

    /// The next message to be written to the connection.
    pub fn next_to_write(&mut self) -> Option<Envelope<ClientMessage>> {
        let message = self.pending.get(self.written)?.message.clone();
        self.written += 1;
        let seq = Some(self.acknowledged + self.written as u64);
        Some(Envelope { seq, ack: self.received.last(), message: Some(message) })
    }

    /// An acknowledgement alone.
    pub fn acknowledgement(&self) -> Envelope<ClientMessage> {
        Envelope { seq: None, ack: self.received.last(), message: None }
    }

    /// Takes what the server sent and returns its message, unless it was heard before.
    ///
    /// # Errors
    /// [`Miscounted`] if the connection cannot go on.
    pub fn receive(
        &mut self,
        envelope: Envelope<ServerMessage>,
    ) -> Result<Option<ServerMessage>, Miscounted> {
        let written = self.written as u64;
        if envelope.ack > self.acknowledged + written {
            return Err(Miscounted);
        }
        let before = self.acknowledged;
        self.confirm(envelope.ack.max(before))?;
        self.written = usize::try_from(before + written - self.acknowledged).unwrap_or_default();
        match envelope.seq {
            Some(seq) if !self.received.take(seq)? => Ok(None),
            Some(_) | None => Ok(envelope.message),
        }
    }

    /// Lets go of what the server has.
    fn confirm(&mut self, ack: u64) -> Result<(), Miscounted> {
        let news = ack.checked_sub(self.acknowledged).ok_or(Miscounted)?;
        let news = usize::try_from(news).map_err(|_| Miscounted)?;
        if news > self.pending.len() {
            return Err(Miscounted);
        }
        self.pending.drain(..news);
        self.acknowledged = ack;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tincan_proto::CallId;
    use tincan_proto::signalling::CallMedia;

    fn cancel(n: u128) -> ClientMessage {
        ClientMessage::Cancel { call: CallId::from(n) }
    }

    fn invite(n: u128) -> ClientMessage {
        let (call, media) = (CallId::from(n), CallMedia::Audio);
        ClientMessage::Invite { call, to: Vec::new(), media, hide_address: false }
    }

    fn welcomed(session: u128, resumed: bool, received: u64) -> Welcomed {
        Welcomed { session: SessionId::from(session), resumed, received }
    }

    fn written(delivery: &mut Delivery) -> Vec<(u64, ClientMessage)> {
        let next = || delivery.next_to_write();
        let numbered = |envelope: Envelope<ClientMessage>| Some((envelope.seq?, envelope.message?));
        std::iter::from_fn(next).filter_map(numbered).collect()
    }

    #[test]
    fn a_resumed_session_says_only_what_the_server_lacks() {
        let (mut delivery, now) = (Delivery::default(), Instant::now());
        assert_eq!(delivery.resume(), None);
        assert_eq!(delivery.begin(now, welcomed(1, false, 0)), Ok(vec![]));
        (1..=3).for_each(|n| delivery.push(now, cancel(n)));
        assert_eq!(written(&mut delivery).len(), 3);
        delivery.push(now, cancel(4));
        assert_eq!(delivery.begin(now, welcomed(1, true, 2)), Ok(vec![]));
        assert_eq!(written(&mut delivery), [(3, cancel(3)), (4, cancel(4))]);
    }

    #[test]
    fn a_new_session_says_all_that_was_not_acknowledged_and_counts_anew() {
        let (mut delivery, now) = (Delivery::default(), Instant::now());
        delivery.begin(now, welcomed(1, false, 0)).expect("counts");
        (1..=2).for_each(|n| delivery.push(now, cancel(n)));
        assert_eq!(written(&mut delivery).len(), 2);
        let said = ServerMessage::Challenge { nonce: String::new() };
        let envelope = Envelope { seq: Some(1), ack: 1, message: Some(said.clone()) };
        assert_eq!(delivery.receive(envelope.clone()), Ok(Some(said.clone())));
        assert_eq!(delivery.receive(envelope), Ok(None), "heard before");
        let resume = delivery.resume().expect("a session");
        assert_eq!((resume.session, resume.received), (SessionId::from(1), 1));

        delivery.begin(now, welcomed(2, false, 0)).expect("counts");
        assert_eq!(written(&mut delivery), [(1, cancel(2))]);
        let envelope = Envelope { seq: Some(1), ack: 0, message: Some(said.clone()) };
        assert_eq!(delivery.receive(envelope), Ok(Some(said)), "the first of the new session");
    }

    #[test]
    fn an_invitation_that_the_server_has_not_heard_in_time_is_not_said_late() {
        let (mut delivery, now) = (Delivery::default(), Instant::now());
        delivery.begin(now, welcomed(1, false, 0)).expect("counts");
        delivery.push(now, invite(1));
        delivery.push(now, cancel(2));
        assert_eq!(written(&mut delivery).len(), 2, "but where it went nobody knows");
        let late = now + INVITE_GOOD_FOR;
        delivery.push(late, invite(3));
        assert_eq!(delivery.begin(late, welcomed(1, true, 0)), Ok(vec![invite(1)]));
        assert_eq!(written(&mut delivery), [(1, cancel(2)), (2, invite(3))]);
    }

    #[test]
    fn a_server_that_lost_count_gets_a_new_session() {
        let (mut delivery, now) = (Delivery::default(), Instant::now());
        delivery.begin(now, welcomed(1, false, 0)).expect("counts");
        delivery.push(now, cancel(1));
        written(&mut delivery);
        delivery.receive(Envelope { seq: None, ack: 1, message: None }).expect("counts");
        assert_eq!(delivery.begin(now, welcomed(1, true, 0)), Err(Miscounted), "it had one");
        assert_eq!(delivery.resume(), None);
        let unsaid = Envelope { seq: None, ack: 2, message: None };
        assert_eq!(delivery.receive(unsaid), Err(Miscounted));
    }
}
