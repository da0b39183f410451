//! Calls that ring here: when they are shown, how they stop, accepting and declining.

use super::calling::RING_MARGIN;
use super::ending::Cause;
use super::ongoing::Ongoing;
use super::switches::Switches;
use super::{Engine, Turn};
use crate::command::{Command, Event};
use crate::negotiation::Role;
use crate::state::{Call, EndReason, EndedCall, IncomingCall, Participant, Picture, Sharing};
use std::time::Duration;
use tincan_proto::signalling::{CallMedia, DeclineReason, MAX_INVITED, RING_TIME, RingStop};
use tincan_proto::units::UnixMillis;
use tincan_proto::{AccountName, CallId, ClientMessage, ParticipantId};

/// Most calls that ring at once; one more is told that this device is busy.
const MAX_RINGING: usize = 8;

/// What the server says of a call that comes in.
pub(super) struct Invitation {
    pub call: CallId,
    pub from: ParticipantId,
    pub to: Vec<AccountName>,
    pub media: CallMedia,
    pub expires: UnixMillis,
    pub hide_address: bool,
}

impl Engine {
    pub(super) fn invited(&mut self, t: &mut Turn, i: Invitation, server_now: UnixMillis) {
        let left = Duration::from_millis(i.expires.0.saturating_sub(server_now.0));
        let for_me = self.me.as_ref().is_some_and(|me| {
            i.to.contains(&me.account) && i.from.account != me.account && i.to.len() <= MAX_INVITED
        });
        if !for_me || left.is_zero() {
            return;
        }
        let call = i.call;
        if self.is_current(call) {
            // Our word has not got through.
            return self.say_accepted(t, call);
        }
        if self.state.incoming.iter().any(|ring| ring.id == call) {
            return self.send(t, self.ringing_here(call));
        }
        if self.finished.contains(&call) {
            return self.decline(t, call, DeclineReason::Declined);
        }
        let expires = t.now + left.min(RING_TIME + RING_MARGIN);
        let Invitation { from, to, media, hide_address, .. } = i;
        let ring = IncomingCall { id: call, from, to, media, hide_address, expires };
        if self.is_glare(&ring) {
            return self.settle_glare(t, ring);
        }
        if self.state.current.is_some() || self.state.incoming.len() >= MAX_RINGING {
            self.decline(t, call, DeclineReason::Busy);
            return t.tell(Event::BusyDeclined(call));
        }
        self.state.incoming.push(ring);
        self.send(t, self.ringing_here(call));
        t.tell(Event::RingStarted(call));
    }

    pub(super) fn ring_stopped(&mut self, t: &mut Turn, call: CallId, stop: RingStop) {
        let reason = match stop {
            RingStop::Cancelled | RingStop::CallerGone => EndReason::RemoteCancelled,
            RingStop::NoAnswer => EndReason::Missed,
            RingStop::AnsweredElsewhere => EndReason::AnsweredElsewhere,
            RingStop::DeclinedElsewhere => EndReason::DeclinedElsewhere,
        };
        if let Some(ring) = self.take_ring(call) {
            return self.ring_over(t, ring, reason);
        }
        if let Some(ongoing) = &mut self.ongoing
            && ongoing.rival.as_ref().is_some_and(|rival| rival.id == call)
        {
            ongoing.rival = None;
        }
        let too_late = self
            .state
            .current
            .as_ref()
            .is_some_and(|c| c.id == call && !c.outgoing && c.connected_at.is_none());
        if too_late {
            self.end(t, reason, Cause::Told);
        }
    }

    pub(super) fn expire_rings(&mut self, t: &mut Turn) {
        let over = |ring: &IncomingCall| ring.expires <= t.now;
        let (due, rings) = std::mem::take(&mut self.state.incoming).into_iter().partition(over);
        self.state.incoming = rings;
        let due: Vec<IncomingCall> = due;
        for ring in due {
            self.ring_over(t, ring, EndReason::Missed);
        }
    }

    pub(super) fn decline_pressed(&mut self, t: &mut Turn, call: CallId) {
        if let Some(ring) = self.take_ring(call) {
            self.decline(t, call, DeclineReason::Declined);
            self.ring_over(t, ring, EndReason::Declined);
        }
    }

    /// Takes a ringing call; the one that this device is in or places ends first.
    pub(super) fn accept_pressed(&mut self, t: &mut Turn, call: CallId, media: CallMedia) {
        let Some(ring) = self.take_ring(call) else { return };
        self.hang_up(t);
        t.tell(Event::RingStopped(call));
        let camera = media == CallMedia::Video;
        let sharing = Sharing::default();
        let (paused, camera_fails) = (false, false);
        let microphone = !self.talks_by_key;
        self.join(t, ring, Switches { microphone, camera, paused, camera_fails, sharing });
        let picture = if camera { Picture::Camera } else { Picture::Nothing };
        t.order(Command::Capture { microphone, picture });
    }

    /// Makes `ring` the current call and accepts it.
    pub(super) fn join(&mut self, t: &mut Turn, ring: IncomingCall, switches: Switches) {
        let Switches { microphone, camera, paused, camera_fails, sharing } = switches;
        let mut others = vec![ring.from.account.clone()];
        for account in ring.to {
            if !self.is_me(&account) && !others.contains(&account) {
                others.push(account);
            }
        }
        let invited = |account: &AccountName| Participant::invited(account.clone(), ring.media);
        self.state.ended = None;
        self.state.current = Some(Call {
            id: ring.id,
            media: ring.media,
            outgoing: false,
            participants: others.iter().map(invited).collect(),
            microphone,
            echoing: false,
            camera,
            paused,
            camera_fails,
            sharing,
            connected_at: None,
        });
        let waiting_until = t.now + RING_TIME + RING_MARGIN;
        let mut ongoing = Ongoing::new(ring.from.clone(), others, waiting_until);
        ongoing.joined = true;
        self.ongoing = Some(ongoing);
        self.say_accepted(t, ring.id);
        match self.ring_links.remove(&ring.id) {
            Some(link) => self.admit(t, link),
            None => self.open_link(t, ring.from, Role::Polite, ring.hide_address),
        }
    }

    pub(super) fn say_accepted(&self, t: &mut Turn, call: CallId) {
        if self.state.current.as_ref().is_some_and(|current| !current.outgoing) {
            self.send(t, ClientMessage::Accept { call });
        }
    }

    /// A call does not ring here any more and was not taken here. The person is told why, unless
    /// they declined it themselves or are in a call.
    pub(super) fn ring_over(&mut self, t: &mut Turn, ring: IncomingCall, reason: EndReason) {
        self.drop_ring_link(t, ring.id);
        self.remember_finished(ring.id);
        t.tell(Event::RingStopped(ring.id));
        t.tell(Event::Ended(ring.id, reason));
        if reason != EndReason::Declined && self.state.current.is_none() {
            self.state.ended = Some(EndedCall {
                id: ring.id,
                with: vec![ring.from.account],
                media: ring.media,
                reason,
                talked: Duration::ZERO,
            });
        }
    }

    fn decline(&mut self, t: &mut Turn, call: CallId, reason: DeclineReason) {
        self.send_or_owe(t, ClientMessage::Decline { call, reason });
    }

    fn take_ring(&mut self, call: CallId) -> Option<IncomingCall> {
        let at = self.state.incoming.iter().position(|ring| ring.id == call)?;
        Some(self.state.incoming.remove(at))
    }
}
