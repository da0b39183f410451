//! What can be shared, what is shared, and why it is not.

use super::{Controller, Message, refuse};
use crate::media::ScreenOrder;
use crate::profile::LastShare;
use crate::screen_list::{Interest, Listing, ScreenList};
use crate::view::{
    IntentError, IntentErrorCode, ScreenAccessView, ScreenView, ScreensView, ShareProblem,
    ShareView,
};
use std::sync::Arc;
use tincan_call::{Call, Input, ShareId};
use tincan_media::screen::{
    ScreenAccess, ScreenChoice, ScreenError, ScreenTarget, ScreenUnavailable, Screens,
};
use tincan_proto::CallId;
use tincan_proto::units::Resolution;
use tokio::sync::mpsc;

/// The id of what was shared last, where the system's own dialog asks.
const AGAIN: &str = "again";

/// Screens as the controller sees them.
pub struct ScreenState {
    list: ScreenList,
    listing: Listing,
    watching: bool,
    last: Option<LastShare>,
    opening: Option<Opening>,
    running: Option<Running>,
    /// What went wrong last, in which call.
    problem: Option<(CallId, ShareProblem)>,
}

struct Opening {
    share: ShareId,
    chosen: Option<ScreenView>,
    /// Known once it is open.
    target: Option<ScreenTarget>,
    /// It goes without a dialog by what was shared last.
    again: bool,
}

struct Running {
    share: ShareId,
    target: ScreenTarget,
    resolution: Resolution,
}

impl ScreenState {
    pub fn new(
        screens: Arc<dyn Screens>,
        last: Option<LastShare>,
        messages: mpsc::UnboundedSender<Message>,
    ) -> Self {
        let list = ScreenList::start(screens, move |listing| {
            // The controller is gone when the app closes.
            let _ = messages.send(Message::ScreensListed(listing));
        });
        // Until the first look.
        let access = ScreenAccess::Unavailable { reason: ScreenUnavailable::NoDisplay };
        let listing = Listing { access, has_sound: false, targets: Vec::new() };
        let (opening, running) = (None, None);
        Self { list, listing, watching: false, last, opening, running, problem: None }
    }

    pub fn view(&self) -> ScreensView {
        let (access, targets) = match &self.listing.access {
            ScreenAccess::Listed => (ScreenAccessView::Listed, self.targets()),
            ScreenAccess::SystemDialog => {
                (ScreenAccessView::SystemDialog, self.last.iter().map(again).collect())
            }
            ScreenAccess::Unavailable { reason } => {
                (ScreenAccessView::Unavailable { reason: reason.clone() }, Vec::new())
            }
        };
        let has_sound = self.listing.has_sound;
        ScreensView { access, targets, has_sound, watching: self.watching }
    }

    fn targets(&self) -> Vec<ScreenView> {
        let view = |(target, thumbnail): &(ScreenTarget, Option<String>)| ScreenView {
            id: target.id.clone(),
            kind: target.kind,
            name: target.name.clone(),
            app: target.app.clone(),
            width: target.resolution.width,
            height: target.resolution.height,
            primary: target.primary,
            thumbnail: thumbnail.clone(),
        };
        self.listing.targets.iter().map(view).collect()
    }

    /// What is shared in `call`; `sound` is wanted with it.
    pub fn share(&self, call: &Call, sound: bool) -> ShareView {
        let running = self.running.as_ref().filter(|r| call.sharing.running == Some(r.share));
        if let Some(Running { target, resolution, .. }) = running {
            return ShareView::Sharing {
                name: target.name.clone(),
                target_kind: target.kind,
                width: resolution.width,
                height: resolution.height,
                sound: sound && self.listing.has_sound,
                showing_camera: call.sharing.camera_shown,
            };
        }
        match &self.opening {
            Some(opening) => ShareView::Starting { target: opening.chosen.clone() },
            None => ShareView::Off,
        }
    }

    pub fn problem(&self, call: &Call) -> Option<ShareProblem> {
        self.problem.and_then(|(of, problem)| (of == call.id).then_some(problem))
    }

    fn problem_of(&self, error: &ScreenError) -> Option<ShareProblem> {
        let no_portal = matches!(
            &self.listing.access,
            ScreenAccess::Unavailable { reason: ScreenUnavailable::NoPortal { .. } }
        );
        match error {
            ScreenError::Declined => None,
            ScreenError::Missing | ScreenError::Closed => Some(ShareProblem::Closed),
            ScreenError::Refused(_) => Some(ShareProblem::Refused),
            ScreenError::Unsupported(_) if no_portal => Some(ShareProblem::NoPortal),
            ScreenError::Unsupported(_) => Some(ShareProblem::Unsupported),
        }
    }
}

impl Controller {
    /// Shares a screen in the current call.
    pub(super) async fn share_screen(&mut self, target: Option<String>) -> Result<(), IntentError> {
        if self.calls.state().current.is_none() {
            return Err(refuse(IntentErrorCode::NoCall, "there is no call"));
        }
        let known = |id: &String| self.screens.view().targets.iter().any(|view| view.id == *id);
        let possible = match (&self.screens.listing.access, &target) {
            (ScreenAccess::Listed, Some(id)) | (ScreenAccess::SystemDialog, Some(id)) => known(id),
            (ScreenAccess::SystemDialog, None) => true,
            (ScreenAccess::Listed, None) | (ScreenAccess::Unavailable { .. }, _) => false,
        };
        if !possible {
            let missing = match self.screens.listing.access {
                ScreenAccess::Listed | ScreenAccess::SystemDialog => ScreenError::Missing,
                ScreenAccess::Unavailable { .. } => ScreenError::Unsupported(String::new()),
            };
            self.note_share_problem(&missing);
            self.changed = true;
            return Err(refuse(IntentErrorCode::NoScreen, "that cannot be shared"));
        }
        self.screens.problem = None;
        self.step(Input::SharePressed { target }).await;
        Ok(())
    }

    pub(super) fn list_screens(&self) {
        self.screens.list.look_now();
    }

    pub(super) fn watch_screens(&mut self, on: bool) {
        self.screens.watching = on;
        if !on {
            for (_, thumbnail) in &mut self.screens.listing.targets {
                *thumbnail = None;
            }
        }
        self.follow_screens();
    }

    /// Follows what can be shared as closely as somebody may look at it.
    pub(super) fn follow_screens(&mut self) {
        let in_call = self.calls.state().current.is_some();
        self.screens.list.follow(match (self.screens.watching, in_call) {
            (true, _) => Interest::Thumbnails,
            (false, true) => Interest::Names,
            (false, false) => Interest::None,
        });
    }

    pub(super) fn hear_screens(&mut self, listing: Listing) {
        // A thumbnail is for somebody who looks: what was asked for once stays until the next look.
        self.changed |= self.screens.listing != listing;
        self.screens.listing = listing;
    }

    pub(super) fn open_screen(&mut self, share: ShareId, target: Option<String>) {
        let mut targets = self.screens.view().targets.into_iter();
        let chosen = targets.find(|view| Some(&view.id) == target.as_ref());
        let again = target.as_deref() == Some(AGAIN);
        let token = self.screens.last.as_ref().filter(|_| again).map(|last| last.token.clone());
        let choice = match target.filter(|_| !again) {
            Some(id) => ScreenChoice::Target(id),
            None => ScreenChoice::SystemDialog,
        };
        self.screens.opening = Some(Opening { share, chosen, target: None, again });
        self.media.open_screen(ScreenOrder { share, choice, token });
    }

    pub(super) fn close_screen(&mut self, share: ShareId) {
        self.screens.opening.take_if(|opening| opening.share == share);
        self.screens.running.take_if(|running| running.share == share);
        self.media.close_screen(share);
    }

    pub(super) fn screen_opened(
        &mut self,
        share: ShareId,
        target: ScreenTarget,
        token: Option<String>,
    ) {
        let Some(opening) = self.screens.opening.as_mut().filter(|o| o.share == share) else {
            return;
        };
        let last = token.map(|token| LastShare {
            token,
            name: target.name.clone(),
            kind: target.kind,
            width: target.resolution.width,
            height: target.resolution.height,
        });
        opening.target = Some(target);
        if last.is_some() || opening.again {
            // A token is good once.
            self.keep_last_share(last);
        }
    }

    pub(super) fn screen_changed(&mut self, share: ShareId, target: ScreenTarget) {
        if let Some(opening) = self.screens.opening.as_mut().filter(|o| o.share == share) {
            opening.target = Some(target);
        } else if let Some(running) = self.screens.running.as_mut().filter(|r| r.share == share) {
            running.target = target;
        }
    }

    /// The first picture has come, or one of another size.
    pub(super) async fn screen_sized(&mut self, share: ShareId, resolution: Resolution) {
        if let Some(running) = self.screens.running.as_mut().filter(|r| r.share == share) {
            running.resolution = resolution;
            return;
        }
        let opening = self.screens.opening.take_if(|opening| opening.share == share);
        let Some(target) = opening.and_then(|opening| opening.target) else { return };
        tracing::info!(kind = ?target.kind, %resolution, "a screen is shared");
        self.screens.running = Some(Running { share, target, resolution });
        self.step(Input::ShareStarted { share }).await;
    }

    pub(super) async fn screen_ended(&mut self, share: ShareId, error: &ScreenError) {
        let opening = self.screens.opening.take_if(|opening| opening.share == share);
        let running = self.screens.running.take_if(|running| running.share == share);
        if opening.is_none() && running.is_none() {
            return;
        }
        tracing::info!(%error, "a screen is not shared any more");
        if opening.is_some_and(|opening| opening.again) {
            self.keep_last_share(None);
        }
        self.note_share_problem(error);
        self.step(Input::ShareEnded { share }).await;
    }

    fn note_share_problem(&mut self, error: &ScreenError) {
        let call = self.calls.state().current.as_ref().map(|call| call.id);
        self.screens.problem = call.zip(self.screens.problem_of(error));
    }

    fn keep_last_share(&mut self, last: Option<LastShare>) {
        if let Err(error) = self.profile.keep_last_share(last.as_ref()) {
            self.not_saved(&error);
        }
        self.screens.last = last;
    }
}

fn again(last: &LastShare) -> ScreenView {
    ScreenView {
        id: AGAIN.to_owned(),
        kind: last.kind,
        name: last.name.clone(),
        app: None,
        width: last.width,
        height: last.height,
        primary: false,
        thumbnail: None,
    }
}
