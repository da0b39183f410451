//! The state as windows see it.

use super::Controller;
use super::session::unix_now;
use crate::ports::Tile;
use crate::view::{
    CallView, DeviceKind, EndedView, IncomingView, LinkView, Notice, NoticeKind, ParticipantView,
    PhaseView, PictureProblem, Snapshot,
};
use std::time::Instant;
use tincan_call::engine::ATTEMPTS;
use tincan_call::state::{Participant, Stage};
use tincan_call::{Call, PeerKey, Picture};
use tincan_proto::ParticipantId;
use tincan_proto::units::UnixMillis;

/// Older notices make room for newer ones.
const NOTICES: usize = 6;

/// Things that the person should know.
#[derive(Default)]
pub struct Notices {
    shown: Vec<Notice>,
    last_id: u32,
}

impl Notices {
    pub fn add(&mut self, kind: NoticeKind) {
        if self.shown.iter().any(|notice| notice.kind == kind) {
            return;
        }
        self.last_id += 1;
        self.shown.push(Notice { id: self.last_id, kind });
        if self.shown.len() > NOTICES {
            self.shown.remove(0);
        }
    }

    /// What was told of this kind of device is over.
    pub fn settled(&mut self, kind: DeviceKind) {
        self.shown.retain(|notice| match &notice.kind {
            NoticeKind::Device { device, .. } | NoticeKind::DeviceReplaced { device, .. } => {
                *device != kind
            }
            _ => true,
        });
    }

    pub fn dismiss(&mut self, id: u32) {
        self.shown.retain(|notice| notice.id != id);
    }
}

impl Controller {
    pub(super) fn snapshot(&self) -> Snapshot {
        let state = self.calls.state();
        let own_key = self.key.as_ref().ok().map(|key| key.public());
        Snapshot {
            revision: self.revision,
            profile: self.profile.name().to_owned(),
            session: self.session.view(),
            contacts: self.people.contacts(own_key.as_ref()),
            requests: self.people.requests().to_vec(),
            history: self.people.history().to_vec(),
            recorded: self.recordings.list().to_vec(),
            call: state.current.as_ref().map(|call| self.call_view(call)),
            incoming: state
                .incoming
                .iter()
                .map(|incoming| IncomingView {
                    call: incoming.id,
                    from: incoming.from.account.clone(),
                    media: incoming.media,
                })
                .collect(),
            ended: state.ended.as_ref().map(|ended| EndedView {
                call: ended.id,
                with: ended.with.clone(),
                media: ended.media,
                reason: ended.reason,
                talked_s: ended.talked.as_secs() as u32,
            }),
            devices: self.devices.view(),
            screens: self.screens.view(),
            settings: self.preferences.settings.clone(),
            has_relay: self.has_relay(),
            check: self.check.view(),
            notices: self.notices.shown.clone(),
        }
    }

    /// Whether settings or the server name a relay.
    pub(super) fn has_relay(&self) -> bool {
        let own = self.preferences.settings.ice_servers.iter();
        let mut urls = own.chain(&self.session.ice.servers).flat_map(|server| &server.urls);
        urls.any(|url| url.starts_with("turn"))
    }

    fn call_view(&self, call: &Call) -> CallView {
        let picture = call.picture();
        let camera_on = call.camera || matches!(picture, Picture::Camera | Picture::Paused);
        let camera = self.devices.capture(DeviceKind::Camera, camera_on);
        let own_tile = match picture {
            Picture::Nothing => false,
            Picture::Camera | Picture::Paused => camera.live,
            Picture::Screen(_) => true,
        };
        CallView {
            call: call.id,
            media: call.media,
            phase: phase(call),
            connected_at: self.calls.connected_at(call.id),
            echo: self.calls.echo(call.id).cloned(),
            participants: call.participants.iter().map(|p| self.participant(p)).collect(),
            microphone: self.devices.capture(DeviceKind::Microphone, call.microphone),
            echoing: call.echoing,
            self_tile: own_tile.then(|| Tile::Own.to_string()),
            camera,
            paused: call.paused,
            share: self.screens.share(call, self.preferences.settings.share_sound),
            share_problem: self.screens.problem(call),
            stats: call
                .participants
                .iter()
                .filter_map(|p| self.calls.figures(self.peer_key(p)?)?.view(p.account.clone()))
                .collect(),
        }
    }

    fn peer_key(&self, participant: &Participant) -> Option<&PeerKey> {
        let device = participant.stage.device()?;
        self.calls.peer_of(&ParticipantId { account: participant.account.clone(), device })
    }

    fn participant(&self, participant: &Participant) -> ParticipantView {
        let peer = self.peer_key(participant);
        let has_picture =
            participant.camera && peer.is_some_and(|peer| self.media.has_picture(peer));
        ParticipantView {
            account: participant.account.clone(),
            device: participant.stage.device(),
            connected: matches!(
                participant.stage,
                Stage::Connected { .. } | Stage::Wavering { .. }
            ),
            link: link(participant.stage),
            relayed: participant.relayed,
            picture_problem: picture_problem(participant),
            microphone: participant.microphone,
            echoing: participant.echoing,
            volume: self.preferences.volume(&participant.account),
            camera: participant.camera,
            screen: participant.screen,
            paused: participant.paused,
            tile: peer
                .filter(|_| has_picture)
                .map(|peer| Tile::Remote(peer.participant.clone()).to_string()),
        }
    }
}

fn picture_problem(participant: &Participant) -> Option<PictureProblem> {
    if participant.picture_missing {
        Some(PictureProblem::NotArriving)
    } else {
        participant.own_picture_missing.then_some(PictureProblem::NotLeaving)
    }
}

fn link(stage: Stage) -> LinkView {
    match stage {
        Stage::Invited | Stage::Ringing | Stage::Connecting { .. } | Stage::Connected { .. } => {
            LinkView::Good
        }
        Stage::Wavering { .. } => LinkView::Unstable,
        Stage::Interrupted { attempt, next_at, .. } => {
            LinkView::Reconnecting { attempt, of: ATTEMPTS, next_at: next_at.map(wall_clock) }
        }
    }
}

/// When this will be, by the clock that people read.
fn wall_clock(at: Instant) -> UnixMillis {
    let wait = at.saturating_duration_since(Instant::now());
    UnixMillis(unix_now().0.saturating_add(wait.as_millis() as u64))
}

/// The furthest that anybody is.
fn phase(call: &Call) -> PhaseView {
    let stages = || call.participants.iter().map(|participant| participant.stage);
    let connected = |stage| matches!(stage, Stage::Connected { .. } | Stage::Wavering { .. });
    if stages().any(connected) {
        return PhaseView::Connected;
    }
    let interrupted = stages().find_map(|stage| match link(stage) {
        LinkView::Reconnecting { attempt, of, next_at } => {
            Some(PhaseView::Reconnecting { attempt, of, next_at })
        }
        LinkView::Good | LinkView::Unstable => None,
    });
    if let Some(interrupted) = interrupted {
        interrupted
    } else if stages().any(|stage| matches!(stage, Stage::Connecting { .. })) {
        PhaseView::Connecting
    } else if stages().any(|stage| stage == Stage::Ringing) {
        PhaseView::Ringing
    } else {
        PhaseView::Calling
    }
}
