//! Everyone who is sent the own sound and picture.

mod standing;

use super::own_view::OwnViewKey;
use super::track::Source;
use standing::{Standing, Waiting, together};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tincan_call::PeerKey;
use tincan_media::codec::voice_rate::Way;
use tincan_media::congestion::SendBudget;
use tincan_media::encoded::{EncodedAudio, EncodedVideo};
use tincan_media::frame::VideoFrame;
use tincan_media::ladder::{Allowance, PictureQuality};
use tincan_media::mailbox::NewestOut;
use tincan_media::pipeline::video_send::{VideoSendPipeline, VideoSendStatistics};
use tincan_peer_connection::MediaSender;
use tincan_proto::units::Bitrate;
use tincan_proto::{View, Viewing};

/// While nobody is sent to.
const UNBOUNDED: Bitrate = Bitrate::from_bps(u32::MAX);

/// Who looks away and back within this waits for a key frame as anybody does: else toggling would make
/// every picture one.
const LOOKED_AGAIN: Duration = Duration::from_millis(300);

/// Somebody who is sent to.
struct Outlet {
    peer: PeerKey,
    sender: MediaSender,
    /// What they show and take.
    viewing: Viewing,
    /// They were sent no pictures for a while: the next one is a key frame.
    needs_key: bool,
    /// Since when what is sent to them only waits.
    waiting: Waiting,
    /// The others do not wait for them.
    left_out: bool,
    /// When they last began to look.
    looked: Option<Instant>,
}

impl Outlet {
    fn looks(&self) -> bool {
        self.viewing.view != View::Hidden
    }

    fn stand(&mut self, now: Instant) -> Standing {
        let Viewing { view, .. } = self.viewing;
        let SendBudget { video, silent, overdue, unreported, .. } = self.sender.budget();
        let rate = video.min(self.viewing.most().unwrap_or(UNBOUNDED));
        let behind = self.sender.is_behind();
        // Silence lasts until something is reported again: something must be sent for that.
        let stuck = self.waiting.note(now, behind || overdue || silent && unreported);
        Standing { allowance: Allowance { rate, view, silent }, behind, overdue, stuck }
    }
}

/// The list, and the encoder that feeds it while there are pictures.
#[derive(Default)]
pub struct Outlets {
    list: Mutex<Vec<Outlet>>,
    /// How the own tile is drawn, once windows have said so.
    own: Mutex<Option<View>>,
    encoder: Mutex<Option<VideoSendPipeline>>,
    /// What the own tile shows, if that is not what the encoder makes.
    own_view: Mutex<Option<OwnViewKey>>,
    /// Whose pictures are for the others; those of another source are for the own tile alone.
    let_out: Mutex<Option<Source>>,
}

impl Outlets {
    /// Adds somebody.
    pub fn add(&self, peer: PeerKey, sender: MediaSender) {
        let viewing = Viewing::default();
        self.list().push(Outlet {
            peer,
            sender,
            viewing,
            needs_key: false,
            waiting: Waiting::default(),
            left_out: false,
            looked: None,
        });
        self.begin();
    }

    /// Takes somebody out.
    pub fn remove(&self, peer: &PeerKey) {
        self.list().retain(|outlet| outlet.peer != *peer);
    }

    /// Sends somebody no more than they show and take. Whoever looks again is sent a key frame.
    pub fn fit(&self, peer: &PeerKey, viewing: Viewing) {
        let mut list = self.list();
        let Some(outlet) = list.iter_mut().find(|outlet| outlet.peer == *peer) else { return };
        let looked = outlet.looks();
        outlet.viewing = viewing;
        if looked || !outlet.looks() {
            return;
        }
        outlet.needs_key = true;
        // What waited for them before they looked away says nothing of now.
        (outlet.waiting, outlet.left_out) = (Waiting::default(), false);
        let now = Instant::now();
        let before = outlet.looked.replace(now);
        drop(list);
        if before.is_some_and(|before| now.saturating_duration_since(before) < LOOKED_AGAIN) {
            self.request_key_frame();
        } else {
            self.begin();
        }
    }

    /// The windows draw the own tile so from now on.
    pub fn draw_own(&self, view: View) {
        *self.own.lock().unwrap_or_else(PoisonError::into_inner) = Some(view);
    }

    /// Sends a sound packet to all.
    pub fn send_audio(&self, packet: &EncodedAudio) {
        for outlet in self.list().iter() {
            outlet.sender.send_audio(packet);
        }
    }

    /// Sends a picture to all who look, if those of its source are for them.
    pub fn send_video(&self, source: Source, picture: &EncodedVideo) {
        if *self.let_out.lock().unwrap_or_else(PoisonError::into_inner) != Some(source) {
            return;
        }
        let mut refused = false;
        for outlet in self.list().iter_mut().filter(|outlet| outlet.looks()) {
            outlet.needs_key = outlet.left_out || (outlet.needs_key && !picture.key);
            if !outlet.needs_key && outlet.sender.is_open() {
                // What follows would be of no use.
                outlet.needs_key = !outlet.sender.send_video(picture);
                refused |= outlet.needs_key;
            }
        }
        if refused {
            self.request_key_frame();
        }
    }

    /// Lets the pictures of this source out to the others, beginning with a key frame, and holds
    /// those of any other back: at once, however long its device takes to close.
    pub fn let_pictures_out(&self, source: Option<Source>) {
        let mut let_out = self.let_out.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *let_out, source);
        drop(let_out);
        if source.is_some() && before != source {
            self.list().iter_mut().for_each(|outlet| outlet.needs_key = true);
            self.begin();
        }
    }

    /// What a picture may count on: as many bits a second as the narrowest way to anybody who looks
    /// carries, and to be seen as large as anybody draws it, here or there. None if it would only wait,
    /// or if nobody looks. Whose way has been stuck for a while is left out while others see something.
    pub fn allowance(&self) -> Option<Allowance> {
        // Nobody sees what is held back from all.
        let sent = self.let_out.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        let now = Instant::now();
        let mut list = self.list();
        let mut open = list.iter_mut().filter(|outlet| sent && outlet.sender.is_open()).peekable();
        let own = *self.own.lock().unwrap_or_else(PoisonError::into_inner);
        // What is alone on its display may be looked at in any size until that is known.
        let own = own.unwrap_or(if open.peek().is_some() { View::Hidden } else { View::Any });
        let mut looking: Vec<&mut Outlet> = open.filter(|outlet| outlet.looks()).collect();
        let standings: Vec<Standing> = looking.iter_mut().map(|outlet| outlet.stand(now)).collect();
        let (all, left_out) =
            together(Allowance { rate: UNBOUNDED, view: own, silent: false }, &standings);
        let mut returned = false;
        for (outlet, standing) in looking.into_iter().zip(&standings) {
            let before = std::mem::replace(&mut outlet.left_out, left_out && standing.stuck);
            returned |= before && !outlet.left_out && outlet.needs_key;
        }
        drop(list);
        if returned {
            self.request_key_frame();
        }
        all.filter(|all| all.view != View::Hidden)
    }

    /// Sends no more than this quality allows, nor than those ask for who save data.
    pub fn limit(&self, quality: PictureQuality) {
        for outlet in self.list().iter() {
            outlet.sender.set_most(quality.most_in_all(outlet.viewing.most()));
        }
    }

    /// What the ways to all who are sent to mean for the voice.
    pub fn voice_ways(&self) -> Vec<Way> {
        let list = self.list();
        let open = list.iter().map(|outlet| &outlet.sender).filter(|sender| sender.is_open());
        open.filter_map(MediaSender::voice_way).collect()
    }

    /// Puts the encoder of what is taken in place, or takes it away; the same of an own view
    /// beside it.
    pub fn set_encoder(&self, encoder: Option<VideoSendPipeline>, own_view: Option<OwnViewKey>) {
        *self.own_view.lock().unwrap_or_else(PoisonError::into_inner) = own_view;
        let mut slot = self.encoder.lock().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *slot, encoder);
        drop(slot);
        // Waits for its thread, which may be sending just now: not under the lock.
        drop(old);
    }

    /// Encodes what comes from here from now on, for the same source.
    pub fn go_on_with(&self, frames: NewestOut<VideoFrame>) {
        if let Some(encoder) = &*self.encoder.lock().unwrap_or_else(PoisonError::into_inner) {
            encoder.set_source(frames);
        }
    }

    /// What the encoder has done; none while nothing is encoded.
    pub fn encoded(&self) -> Option<VideoSendStatistics> {
        let encoder = self.encoder.lock().unwrap_or_else(PoisonError::into_inner);
        encoder.as_ref().map(VideoSendPipeline::statistics)
    }

    /// Makes a key frame now, for somebody who has seen nothing yet.
    pub fn begin(&self) {
        if let Some(encoder) = &*self.encoder.lock().unwrap_or_else(PoisonError::into_inner) {
            encoder.begin();
        }
    }

    /// Makes the next picture in the own tile a key frame.
    pub fn request_own_key_frame(&self) {
        match &*self.own_view.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(own_view) => own_view.request(),
            None => self.request_key_frame(),
        }
    }

    /// Makes the next picture a key frame.
    pub fn request_key_frame(&self) {
        if let Some(encoder) = &*self.encoder.lock().unwrap_or_else(PoisonError::into_inner) {
            encoder.request_key_frame();
        }
    }

    fn list(&self) -> MutexGuard<'_, Vec<Outlet>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
