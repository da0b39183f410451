//! Everyone who is sent the own sound and picture.

use super::own_view::OwnViewKey;
use super::track::Source;
use std::sync::{Mutex, PoisonError};
use tincan_call::PeerKey;
use tincan_media::encoded::{EncodedAudio, EncodedVideo};
use tincan_media::pipeline::video_send::{VideoSendPipeline, VideoSendStatistics};
use tincan_peer_connection::MediaSender;
use tincan_proto::units::Bitrate;

/// While nobody is sent to.
const UNBOUNDED: Bitrate = Bitrate::from_bps(u32::MAX);

/// The list, and the encoder that feeds it while there are pictures.
#[derive(Default)]
pub struct Outlets {
    senders: Mutex<Vec<(PeerKey, MediaSender)>>,
    encoder: Mutex<Option<VideoSendPipeline>>,
    /// What the own tile shows, if that is not what the encoder makes.
    own_view: Mutex<Option<OwnViewKey>>,
    /// Whose pictures are for the others; those of another source are for the own tile alone.
    let_out: Mutex<Option<Source>>,
}

impl Outlets {
    /// Adds somebody.
    pub fn add(&self, peer: PeerKey, sender: MediaSender) {
        self.senders.lock().unwrap_or_else(PoisonError::into_inner).push((peer, sender));
        self.begin();
    }

    /// Takes somebody out.
    pub fn remove(&self, peer: &PeerKey) {
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        senders.retain(|(other, _)| other != peer);
    }

    /// Sends a sound packet to all.
    pub fn send_audio(&self, packet: &EncodedAudio) {
        for (_, sender) in self.senders.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            sender.send_audio(packet);
        }
    }

    /// Sends a picture to all, if those of its source are for them.
    pub fn send_video(&self, source: Source, picture: &EncodedVideo) {
        if *self.let_out.lock().unwrap_or_else(PoisonError::into_inner) != Some(source) {
            return;
        }
        for (_, sender) in self.senders.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            sender.send_video(picture);
        }
    }

    /// Lets the pictures of this source out to the others, beginning with a key frame, and holds
    /// those of any other back: at once, however long its device takes to close.
    pub fn let_pictures_out(&self, source: Option<Source>) {
        let mut let_out = self.let_out.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *let_out, source);
        drop(let_out);
        if source.is_some() && before != source {
            self.begin();
        }
    }

    /// How many bits a second a picture may have: as the narrowest way to anybody carries; none if it
    /// would only wait there.
    pub fn video_rate(&self) -> Option<Bitrate> {
        let senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        let mut open = senders.iter().map(|(_, sender)| sender).filter(|sender| sender.is_open());
        open.try_fold(UNBOUNDED, |rate, sender| {
            (!sender.is_behind()).then(|| rate.min(sender.budget().video))
        })
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
}
