//! Placing a call: invitation, what the server and the callees say to it, and how long that
//! may take.

use super::ending::Cause;
use super::ongoing::Ongoing;
use super::{Engine, Turn};
use crate::command::{Command, Event};
use crate::state::{Call, EndReason, EndedCall, Participant, Picture, Sharing, Stage};
use std::time::Duration;
use tincan_proto::signalling::{CallMedia, Failure, RING_TIME, Unreachable};
use tincan_proto::{AccountName, CallId, ClientMessage, ParticipantId};

/// How long the server may take to say anything about an invitation, or to come back while
/// nobody has accepted. Longer than a reconnection takes, shorter than a person waits.
pub(super) const SERVER_ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// How much longer than the server's ring time this device waits for an answer: the server's
/// word comes first if it comes at all.
pub(super) const RING_MARGIN: Duration = Duration::from_secs(5);

impl Engine {
    /// Calls. While in another call nothing happens: one hangs up first.
    pub(super) fn call_pressed(
        &mut self,
        t: &mut Turn,
        call: CallId,
        to: Vec<AccountName>,
        media: CallMedia,
    ) {
        let mut others: Vec<AccountName> = Vec::new();
        for account in to {
            if !self.is_me(&account) && !others.contains(&account) {
                others.push(account);
            }
        }
        let known =
            self.finished.contains(&call) || self.state.incoming.iter().any(|r| r.id == call);
        if self.state.current.is_some() || others.is_empty() || known {
            return;
        }
        if let Some(ring) = self.rings_from(&others) {
            // They call already: to call back is to accept.
            return self.accept_pressed(t, ring, media);
        }
        let (true, Some(me)) = (self.online, self.me.clone()) else {
            self.remember_finished(call);
            self.state.ended = Some(EndedCall {
                id: call,
                with: others,
                media,
                reason: EndReason::ServerUnreachable,
                talked: Duration::ZERO,
            });
            return t.tell(Event::Ended(call, EndReason::ServerUnreachable));
        };
        self.state.ended = None;
        let camera = media == CallMedia::Video;
        let invited = |account: &AccountName| Participant::invited(account.clone(), media);
        self.state.current = Some(Call {
            id: call,
            media,
            outgoing: true,
            participants: others.iter().map(invited).collect(),
            microphone: !self.talks_by_key,
            echoing: false,
            camera,
            paused: false,
            camera_fails: false,
            sharing: Sharing::default(),
            connected_at: None,
        });
        let mut ongoing = Ongoing::new(me, others.clone(), t.now + RING_TIME + RING_MARGIN);
        ongoing.answer_by = Some(t.now + SERVER_ANSWERS_WITHIN);
        self.ongoing = Some(ongoing);
        let hide_address = self.hide_address;
        self.send(t, ClientMessage::Invite { call, to: others, media, hide_address });
        let picture = if camera { Picture::Camera } else { Picture::Nothing };
        t.order(Command::Capture { microphone: !self.talks_by_key, picture });
    }

    fn rings_from(&self, others: &[AccountName]) -> Option<CallId> {
        let [other] = others else { return None };
        self.state.incoming.iter().find(|ring| ring.from.account == *other).map(|ring| ring.id)
    }

    /// The server has said something about a call. True if it is the current one.
    pub(super) fn heard_about(&mut self, call: CallId) -> bool {
        let current = self.is_current(call);
        if current && let Some(ongoing) = &mut self.ongoing {
            ongoing.answer_by = None;
        }
        current
    }

    pub(super) fn rings_there(
        &mut self,
        t: &mut Turn,
        call: CallId,
        device: ParticipantId,
        hides: bool,
    ) {
        if !self.heard_about(call) {
            return;
        }
        let account = &device.account;
        let participants = self.state.current.iter_mut().flat_map(|call| &mut call.participants);
        for participant in participants.filter(|p| p.account == *account) {
            if participant.stage == Stage::Invited {
                participant.stage = Stage::Ringing;
            }
        }
        self.stand_by(t, device, hides);
    }

    pub(super) fn declined_there(&mut self, t: &mut Turn, call: CallId, account: &AccountName) {
        if self.heard_about(call) {
            self.give_up_waiting(t, account, EndReason::RemoteDeclined, Cause::Told);
        }
    }

    pub(super) fn unreachable(
        &mut self,
        t: &mut Turn,
        call: CallId,
        account: &AccountName,
        reason: Unreachable,
    ) {
        if !self.heard_about(call) {
            return;
        }
        let reason = match reason {
            Unreachable::Offline => EndReason::RemoteOffline,
            Unreachable::Unknown => EndReason::UnknownAccount,
            Unreachable::NotAContact => EndReason::NotAContact,
            Unreachable::Busy => EndReason::RemoteBusy,
            Unreachable::NoAnswer => EndReason::NoAnswer,
        };
        self.give_up_waiting(t, account, reason, Cause::Told);
    }

    /// A request failed. The server does not say which: it is taken for the invitation if that
    /// has no answer yet. Requests about calls that are over fail with
    /// [`Failure::UnknownCall`], which an invitation never does.
    pub(super) fn request_failed(&mut self, t: &mut Turn, code: Failure) {
        if self.ongoing.as_ref().is_none_or(|ongoing| ongoing.answer_by.is_none()) {
            return;
        }
        let reason = match code {
            Failure::UnknownAccount => EndReason::UnknownAccount,
            Failure::Oneself | Failure::TooMany | Failure::OutOfBounds | Failure::Storage => {
                EndReason::Internal
            }
            Failure::UnknownCall => return,
        };
        self.end(t, reason, Cause::Own);
    }

    /// Gives up on whoever has not answered in time, and on a silent server.
    pub(super) fn expire_waiting(&mut self, t: &mut Turn) {
        let Some(ongoing) = &self.ongoing else { return };
        let due = |at: Option<std::time::Instant>| at.is_some_and(|at| at <= t.now);
        if due(ongoing.answer_by) || due(ongoing.unreachable_at) {
            return self.end(t, EndReason::ServerUnreachable, Cause::Own);
        }
        if ongoing.waiting_until > t.now {
            return;
        }
        for account in ongoing.others.clone() {
            self.give_up_waiting(t, &account, EndReason::NoAnswer, Cause::Own);
        }
    }

    /// Takes out somebody who has not accepted.
    pub(super) fn give_up_waiting(
        &mut self,
        t: &mut Turn,
        account: &AccountName,
        reason: EndReason,
        cause: Cause,
    ) {
        let accepted = self.ongoing.as_ref().is_some_and(|o| o.links.contains_key(account));
        if !accepted {
            self.depart(t, account, reason, cause);
        }
    }
}
