//! One connection to another device, as the engine sees it.

use super::reconnect::LOST_AFTER;
use crate::frame_watch::FrameWatch;
use crate::negotiation::{Negotiation, Role};
use crate::state::PeerKey;
use std::time::{Duration, Instant};
use tincan_proto::peer_message::Generation;
use tincan_proto::{CallId, ParticipantId, Viewing};

/// How long DTLS may take once ICE has a path: with a flight lost it takes 1 to 3 s, and the
/// crate's hand-shake hangs for ever in a few of a hundred under loss.
pub(super) const DTLS_WITHIN: Duration = Duration::from_secs(4);
/// When a direct path has its second chance after a connection came up relayed.
pub(super) const UPGRADE_AFTER: Duration = Duration::from_secs(5);

/// A connection to another device of a call.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub participant: ParticipantId,
    pub generation: Generation,
    pub negotiation: Negotiation,
    pub phase: Phase,
    /// One of the two hides its address: relayed candidates alone, for the whole call.
    pub relay_only: bool,
    /// Media is let out.
    pub sending: bool,
    pub control_open: bool,
    /// They have sent a negotiation message.
    pub heard: bool,
    /// The server has not heard of them for a while, but the connection stands.
    pub gone: bool,
    /// ICE has had a path since then and DTLS is not done.
    pub ice_since: Option<Instant>,
    /// Connections made anew since one stood.
    pub renewals: u32,
    /// New connections did not help; nothing more is tried until the call is accepted.
    pub failed: bool,
    /// When a relayed path is to be given up for a direct one, if there is one.
    pub upgrade_at: Option<Instant>,
    /// That was tried on this connection.
    pub upgraded: bool,
    /// The addresses changed while nobody could be told.
    pub restart_owed: bool,
    pub relayed: bool,
    /// What they said last of what they send.
    pub media: Option<SentMedia>,
    /// What they were told last of how their picture is shown.
    pub told: Viewing,
    pub watch: FrameWatch,
}

/// What somebody says that they send.
#[derive(Clone, Copy, Debug)]
pub(super) struct SentMedia {
    pub microphone: bool,
    pub camera: bool,
    pub screen: bool,
    pub paused: bool,
}

/// How a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It has not stood yet. Without times: nobody waits for it, it rings still.
    Connecting {
        nudge_at: Option<Instant>,
        give_up_at: Option<Instant>,
    },
    Connected,
    /// ICE hears nothing or looks for a path anew, but it may be a moment only.
    Wavering {
        until: Instant,
    },
    Interrupted(Interruption),
}

/// A connection that stood and is being restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interruption {
    pub attempt: u32,
    pub since: Instant,
    /// When the next attempt begins, or the last one ends.
    pub next_at: Instant,
    /// When this side offers, unless the other one does before.
    pub speak_at: Option<Instant>,
    /// The attempt waits for the server.
    pub waits: bool,
}

impl Interruption {
    fn deadline(self) -> Instant {
        if self.waits {
            return self.since + LOST_AFTER;
        }
        self.speak_at.map_or(self.next_at, |speak_at| speak_at.min(self.next_at))
    }
}

impl Link {
    /// A connection that is about to be opened, while it rings.
    pub fn new(
        participant: ParticipantId,
        generation: Generation,
        role: Role,
        relay_only: bool,
    ) -> Self {
        Self {
            participant,
            generation,
            negotiation: Negotiation::new(role),
            phase: Phase::Connecting { nudge_at: None, give_up_at: None },
            relay_only,
            sending: false,
            control_open: false,
            heard: false,
            gone: false,
            ice_since: None,
            renewals: 0,
            failed: false,
            upgrade_at: None,
            upgraded: false,
            restart_owed: false,
            relayed: false,
            media: None,
            told: Viewing::default(),
            watch: FrameWatch::default(),
        }
    }

    pub fn key(&self, call: CallId) -> PeerKey {
        PeerKey { call, participant: self.participant.clone(), generation: self.generation }
    }

    /// Forgets what belonged to the connection, in favour of the next one.
    pub fn renew(&mut self, generation: Generation) {
        self.generation = generation;
        self.negotiation = Negotiation::new(self.negotiation.role());
        self.sending = false;
        self.control_open = false;
        self.told = Viewing::default();
        self.watch.count_anew();
        self.ice_since = None;
        self.upgrade_at = None;
        self.upgraded = false;
        self.relayed = false;
    }

    pub fn deadline(&self) -> Option<Instant> {
        let phase = match self.phase {
            Phase::Connecting { nudge_at, give_up_at } => {
                nudge_at.into_iter().chain(give_up_at).min()
            }
            Phase::Connected => None,
            Phase::Wavering { until } => Some(until),
            Phase::Interrupted(interruption) => Some(interruption.deadline()),
        };
        let dtls = self.ice_since.map(|since| since + DTLS_WITHIN);
        phase.into_iter().chain(dtls).chain(self.upgrade_at).min()
    }
}
