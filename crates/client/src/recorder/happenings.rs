//! What happened between two looks at a call.

use crate::view::{CallView, LinkView, ParticipantView, PhaseView, ShareView};
use serde::{Deserialize, Serialize};
use tincan_call::EndReason;
use tincan_call::doctor::Trouble;
use tincan_call::quality::Quality;
use tincan_proto::AccountName;
use ts_rs::TS;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RecordedEvent {
    /// Milliseconds since the start.
    pub at: u32,
    /// To whom, from 0; none: on this side.
    pub participant: Option<u8>,
    /// What.
    pub what: Happened,
}

/// See [`RecordedEvent`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Happened {
    /// It rings there.
    Ringing,
    /// Accepted; the connection is being made.
    Connecting,
    /// The connection stands, at first or again.
    Connected,
    /// Nothing has come for a moment.
    Unstable,
    /// The connection is lost; so many attempts have been made.
    Lost {
        /// From 1.
        attempt: u32,
    },
    /// The way that sound and picture take.
    Path {
        /// Candidate type of this side.
        local: String,
        /// Of the other.
        remote: String,
        /// `udp` or `tcp`.
        protocol: String,
    },
    /// The quality is another.
    Quality {
        /// Now.
        quality: Quality,
    },
    /// Something is wrong, or no longer.
    Trouble {
        /// Now.
        trouble: Option<Trouble>,
    },
    /// The microphone was switched.
    Microphone {
        /// On.
        on: bool,
    },
    /// The camera was switched.
    Camera {
        /// On.
        on: bool,
    },
    /// A screen is shared, or no longer.
    Screen {
        /// One is.
        on: bool,
    },
    /// They are no longer in the call.
    Left,
    /// The call is over.
    Ended {
        /// Why, as far as it is known.
        reason: Option<EndReason>,
    },
}

/// A device that is on or off, and what is kept of that.
type Switch = (fn(&CallView) -> bool, fn(bool) -> Happened);

/// What has happened to whom since `before`, or since there was no call.
pub fn between(before: Option<&CallView>, now: &CallView) -> Vec<(Option<AccountName>, Happened)> {
    let mut found = Vec::new();
    own(before, now, &mut found);
    for participant in &now.participants {
        let old = before.and_then(|call| of(&call.participants, &participant.account));
        let mut note = |what| found.push((Some(participant.account.clone()), what));
        theirs(old, participant, &mut note);
        figures(before, now, &participant.account, &mut note);
    }
    let gone = before.iter().flat_map(|call| &call.participants);
    for old in gone.filter(|old| of(&now.participants, &old.account).is_none()) {
        found.push((Some(old.account.clone()), Happened::Left));
    }
    found
}

fn of<'a>(all: &'a [ParticipantView], account: &AccountName) -> Option<&'a ParticipantView> {
    all.iter().find(|one| one.account == *account)
}

fn own(
    before: Option<&CallView>,
    now: &CallView,
    found: &mut Vec<(Option<AccountName>, Happened)>,
) {
    if before.map(|call| &call.phase) != Some(&now.phase) {
        match now.phase {
            PhaseView::Ringing => found.push((None, Happened::Ringing)),
            PhaseView::Connecting => found.push((None, Happened::Connecting)),
            PhaseView::Calling | PhaseView::Connected | PhaseView::Reconnecting { .. } => {}
        }
    }
    let shares = |call: &CallView| matches!(call.share, ShareView::Sharing { .. });
    let switches: [Switch; 2] = [
        (|call| call.microphone.on, |on| Happened::Microphone { on }),
        (|call| call.camera.on, |on| Happened::Camera { on }),
    ];
    for (is_on, what) in switches {
        if before.map(is_on) != Some(is_on(now)) {
            found.push((None, what(is_on(now))));
        }
    }
    if before.is_some_and(shares) != shares(now) {
        found.push((None, Happened::Screen { on: shares(now) }));
    }
}

fn theirs(old: Option<&ParticipantView>, now: &ParticipantView, note: &mut impl FnMut(Happened)) {
    let stood = old.is_some_and(|old| old.connected && old.link == LinkView::Good);
    match now.link {
        LinkView::Good if now.connected && !stood => note(Happened::Connected),
        LinkView::Unstable if old.is_none_or(|old| old.link != LinkView::Unstable) => {
            note(Happened::Unstable);
        }
        LinkView::Reconnecting { attempt, .. } => {
            let known = old.is_some_and(|old| {
                matches!(old.link, LinkView::Reconnecting { attempt: before, .. } if before == attempt)
            });
            if !known {
                note(Happened::Lost { attempt });
            }
        }
        LinkView::Good | LinkView::Unstable => {}
    }
    if !now.connected {
        return;
    }
    if old.is_none_or(|old| old.microphone != now.microphone) {
        note(Happened::Microphone { on: now.microphone });
    }
    let camera = |one: &ParticipantView| one.camera && !one.screen;
    if old.is_none_or(|old| camera(old) != camera(now)) {
        note(Happened::Camera { on: camera(now) });
    }
    if old.is_some_and(|old| old.screen) != now.screen {
        note(Happened::Screen { on: now.screen });
    }
}

fn figures(
    before: Option<&CallView>,
    now: &CallView,
    account: &AccountName,
    note: &mut impl FnMut(Happened),
) {
    let find = |call: &CallView| call.stats.iter().find(|one| one.account == *account).cloned();
    let Some(new) = find(now) else { return };
    let old = before.and_then(find);
    if let Some(path) = &new.stats.path
        && old.as_ref().and_then(|old| old.stats.path.as_ref()) != Some(path)
    {
        note(Happened::Path {
            local: path.local_candidate_type.clone(),
            remote: path.remote_candidate_type.clone(),
            protocol: path.protocol.clone(),
        });
    }
    if old.as_ref().map(|old| old.quality) != Some(new.quality) {
        note(Happened::Quality { quality: new.quality });
    }
    let trouble = new.diagnosis.map(|found| found.trouble);
    if old.and_then(|old| old.diagnosis).map(|found| found.trouble) != trouble {
        note(Happened::Trouble { trouble });
    }
}
